"""What a run may be asked for, by name."""

import argparse

import hostile

NAMES = ("load", "overload", *hostile.ATTACKS)
# As they are asked for: one word each.
ASKED = {name.replace(" ", "-"): [name] for name in NAMES} | {"hostile": list(hostile.ATTACKS)}


def names(text: str) -> list[str]:
    """Returns what an option names; `hostile` stands for every hostile client."""
    asked = [name.strip().replace(" ", "-") for name in text.split(",")]
    if unknown := set(asked) - set(ASKED):
        raise argparse.ArgumentTypeError(f"{', '.join(sorted(unknown))}: legal are {', '.join(ASKED)}, with commas between them")
    return [one for name in asked for one in ASKED[name]]

"""What a run may be asked for, by name."""

import argparse

import hostile

NAMES = ("load", "overload", *hostile.ATTACKS)


def names(text: str) -> list[str]:
    """Returns what an option names; `hostile` stands for every hostile client."""
    asked = [name.strip().replace("-", " ") for name in text.split(",")]
    asked = [one for name in asked for one in (hostile.ATTACKS if name == "hostile" else [name])]
    if unknown := set(asked) - set(NAMES):
        legal = ", ".join(name.replace(" ", "-") for name in (*NAMES, "hostile"))
        raise argparse.ArgumentTypeError(f"{', '.join(sorted(unknown))}: legal are {legal}, with commas between them")
    return asked

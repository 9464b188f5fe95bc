"""Command line of `ops/bench http`, which builds everything and then calls this.

Read on in load.py (load below and above the bounds, by wrk and post.lua), hostile.py (clients that no shop has), idle.py (connections that are kept, shoppers'
pages that listen), wire.py (requests byte by byte), served.py (the engine, its memory, the good client beside), tables.py.
"""

import argparse
import json
import shutil
import sys
from pathlib import Path

# The machine, programs and tables are those of the comparison with peers.
sys.path.insert(1, str(Path(__file__).resolve().parent.parent / "peers"))

import hostile
import load
import tables
from machine import carry_out
from names import NAMES, names

SEED = 2026


def parser() -> argparse.ArgumentParser:
    root = argparse.ArgumentParser(prog="ops/bench http", add_help=False)
    root.add_argument("--quick", action="store_true")
    root.add_argument("--only", type=names, default=list(NAMES), metavar="NAMES")
    root.add_argument("--seed", type=int, default=SEED)
    root.add_argument("--dir", type=Path, required=True)
    root.add_argument("--care", type=Path, required=True)
    root.add_argument("--json", action="store_true")
    return root


def measure(given: argparse.Namespace) -> tables.Found:
    folder, found = given.dir, tables.Found()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    less = load.QUICK_LESS if given.quick else 1
    if {"load", "overload"} & set(given.only):
        found.payloads = load.Payloads.make(given.care, folder, given.seed)
    for name in given.only:
        if name == "load":
            for shape in load.SHAPES:
                found.loads.append(load.measure(given.care, folder / f"load-{shape[0]}", found.payloads, shape, less))
        elif name == "overload":
            found.overload = load.overload(given.care, folder / "overload", found.payloads, less)
        else:
            found.hostile.append(hostile.attack(given.care, folder / name.replace(" ", "-"), name, given.quick))
    return found


def main() -> int:
    given = parser().parse_args()

    def work(machine: str) -> tuple[str, bool]:
        found = measure(given)
        return json.dumps(tables.as_json(machine, found)) if given.json else f"{machine}\n\n{found.markdown()}", found.good

    return carry_out("http", work)


if __name__ == "__main__":
    sys.exit(main())

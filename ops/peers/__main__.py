"""Command line of `ops/bench peers` and `ops/bench crowd`, which build everything and then call this.

Read on in measure.py (what is measured), crowd.py (a million customers), contenders.py (the engine, Kafka Streams), oracle.py (the verdict), events.py, servers.py,
report.py; java/ is the peers' job and the tools that produce and read topics; test.py tests the oracle.
"""

import argparse
import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import crowd
import report
from contenders import Care, Contender, Streams
from machine import Failure, carry_out, say
from measure import Result, Shape, Work, measure

SEED = 2026
# By customers. With more customers a row is written for fewer events, and each event costs more.
EVENTS = {10_000: 2_000_000, 100_000: 1_000_000}
LATENCY_S = 20
QUICK_LESS = 10
QUICK_LATENCY_S = 5
NAMES = ("care", "care-live", "memory", "rocksdb", "cassandra")


def parser() -> argparse.ArgumentParser:
    root = argparse.ArgumentParser(prog="ops/bench", add_help=False)
    root.add_argument("what", choices=("peers", "crowd"))
    root.add_argument("--quick", action="store_true")
    root.add_argument("--only", type=lambda text: text.split(","), default=list(NAMES), metavar="NAMES")
    root.add_argument("--customers", type=int, choices=EVENTS, action="append")
    root.add_argument("--commit-ms", type=int, action="append")
    root.add_argument("--seed", type=int, default=SEED)
    root.add_argument("--dir", type=Path, required=True)
    root.add_argument("--care", type=Path, required=True)
    root.add_argument("--json", action="store_true")
    return root


def contenders(given: argparse.Namespace) -> Iterator[tuple[Contender, Care]]:
    """Returns who is asked for, each with the engine that makes topics and tables."""
    if unknown := set(given.only) - set(NAMES):
        raise Failure(f"--only {', '.join(sorted(unknown))}: legal are {', '.join(NAMES)}, with commas between them")
    shadow, live = Care(given.care, "shadow"), Care(given.care, "live")
    for name in given.only:
        if name.startswith("care"):
            care = shadow if name == "care" else live
            yield care, care
        else:
            for commit_ms in given.commit_ms or (1_000, 100):
                yield Streams(name, commit_ms), shadow


def shapes(given: argparse.Namespace) -> Iterator[Shape]:
    for customers in given.customers or EVENTS:
        if given.quick:
            yield Shape(customers, EVENTS[customers] // QUICK_LESS, QUICK_LATENCY_S)
        else:
            yield Shape(customers, EVENTS[customers], LATENCY_S)


def measure_all(given: argparse.Namespace) -> list[Result]:
    asked = list(contenders(given))
    folder = given.dir / "run"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    results = []
    for shape in shapes(given):
        work = Work.make(shape, given.seed, folder)
        for nth, (contender, care) in enumerate(asked, 1):
            say(f"{nth} of {len(asked)}")
            results.append(measure(contender, care, work, folder / f"{shape.customers}-{nth}"))
        work.file.unlink()
    return results


def measured(given: argparse.Namespace, machine: str) -> tuple[dict, str, bool]:
    """Returns what was measured as JSON and as Markdown, and whether all of it was exact."""
    if given.what == "peers":
        results = measure_all(given)
        return report.as_json(machine, results), report.markdown(results), all(one.verdict.good for one in results)
    folder = given.dir / "crowd"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    lives, verdict = crowd.measure(Care(given.care, "shadow"), folder, given.seed, QUICK_LESS if given.quick else 1)
    return crowd.as_json(machine, lives, verdict), crowd.markdown(lives, verdict), verdict.good


def main() -> int:
    given = parser().parse_args()

    def work(machine: str) -> tuple[str, bool]:
        as_json, markdown, exact = measured(given, machine)
        return json.dumps(as_json) if given.json else f"{machine}\n\n{markdown}", exact

    return carry_out(given.what, work)


if __name__ == "__main__":
    sys.exit(main())

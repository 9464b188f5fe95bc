"""Command line of ops/local-cluster, which checks that Java and the jars are there and then calls this.

Read on in cluster.py (what runs), servers.py (how a server is configured), process.py, ports.py; test.py tests them.
"""

import argparse
import functools
import json
import os
import signal
import sys
from pathlib import Path

import servers
from cluster import KILLED_WITHIN_S, STOPPED_WITHIN_S, Cluster
from process import Process
from servers import Failure, Java, Shape

DEFAULT_DIR = Path(os.environ.get("CARGO_TARGET_DIR", Path(__file__).resolve().parents[2] / "target")) / "local-cluster"

HURTS = {
    "kill": ("ends a server at once (SIGKILL) and waits until it is gone", signal.SIGKILL, KILLED_WITHIN_S),
    "stop": ("ends a server in good order (SIGTERM) and waits until it is gone", signal.SIGTERM, STOPPED_WITHIN_S),
    "pause": ("stalls a server (SIGSTOP)", signal.SIGSTOP, 0),
    "resume": ("lets a stalled server go on (SIGCONT)", signal.SIGCONT, 0),
}


def parser() -> argparse.ArgumentParser:
    root = argparse.ArgumentParser(prog="ops/local-cluster", add_help=False)
    verbs = root.add_subparsers(dest="verb", required=True)
    up, down, status = (verbs.add_parser(name, add_help=False) for name in ("up", "down", "status"))
    up.add_argument("--brokers", type=int, choices=(1, 3), default=1)
    up.add_argument("--tls", action="store_true")
    up.add_argument("--doors", type=int, choices=range(9), default=0, metavar="N")
    up.add_argument("--while", dest="holder", type=int, metavar="PID")
    single = [verbs.add_parser(name, add_help=False) for name in (*HURTS, "start")]
    for verb in single:
        verb.add_argument("server", choices=("broker", "store"))
        verb.add_argument("number", type=int, nargs="?", default=1)
    watch = verbs.add_parser("watch", add_help=False)
    for verb in (up, down, status, watch, *single):
        verb.add_argument("--dir", type=Path, default=DEFAULT_DIR)
        verb.add_argument("--json", action="store_true")
    return root


def say(text: str) -> None:
    print(f"· {text}", file=sys.stderr, flush=True)


def up(cluster: Cluster, given: argparse.Namespace) -> None:
    holder = Process.of(given.holder) if given.holder is not None else None
    if given.holder is not None and holder is None:
        raise Failure(f"--while {given.holder}: there is no such process")
    java = Java(os.environ["JAVA"], Path(os.environ["KAFKA_JARS"]), Path(os.environ["CASSANDRA_JARS"]))
    state = cluster.up(functools.partial(servers.configure, java), Shape(given.brokers, given.tls, given.doors), holder)
    print(json.dumps(state) if given.json else addresses(cluster, state))


def addresses(cluster: Cluster, state: dict) -> str:
    lines = [f"  Kafka      {state['brokers']}"]
    if state["tls"]:
        tls = state["tls"]
        lines.append(f"  with TLS   {tls['brokers']} ({tls['mechanism']}, user {tls['user']}, CA {tls['ca']})")
    lines += [f"  CQL        {state['cql']}", f"  all of it  {cluster.file}", f"  logs       {cluster.logs}"]
    return "\n".join(lines)


def status(cluster: Cluster, given: argparse.Namespace) -> int:
    """Prints what runs; 0 when everything does, 1 when something does not, 3 when nothing was started."""
    state = cluster.load()
    conditions = {one.server.name: one.process.state() for one in cluster.running(state)}
    if given.json:
        print(json.dumps((state or {}) | {"state": conditions}))
    elif state is None:
        print(f"nothing runs in {cluster.folder}")
    else:
        for one in cluster.running(state):
            print(f"  {one.server.name:<9}  {conditions[one.server.name]:<8} process {one.process.pid}")
        print(addresses(cluster, state))
    if state is None:
        return 3
    return 0 if all(condition == "running" for condition in conditions.values()) else 1


def run(given: argparse.Namespace) -> int:
    cluster = Cluster(given.dir, say)
    name = f"broker-{given.number}" if getattr(given, "server", None) == "broker" else "store"
    match given.verb:
        case "up":
            up(cluster, given)
        case "down":
            say("stopped; the data is gone, the logs stay" if cluster.down() else f"nothing runs in {cluster.folder}")
        case "status":
            return status(cluster, given)
        case "watch":
            cluster.watch()
        case "start":
            cluster.start(name)
        case verb:
            _, number, wait_s = HURTS[verb]
            cluster.signal(name, number, wait_s)
    return 0


def main() -> int:
    try:
        return run(parser().parse_args())
    except (Failure, OSError) as error:
        print(f"local cluster: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nlocal cluster: interrupted; what this call had begun is stopped", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())

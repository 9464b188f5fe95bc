"""Kafka and Cassandra of one contender, and the tools that produce and read topics. Everything starts anew for each contender."""

import contextlib
import json
import os
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from machine import run
from program import Program

HERE = Path(__file__).resolve().parent
LOCAL_CLUSTER = HERE.parent / "local-cluster"
READS_WITHIN_S = 60


def java(heap: str, *words: str) -> list[str]:
    """Returns the command of one of the programs in java/; ops/bench has made them."""
    classes = f"{os.environ['PEERS_CLASSES']}:{os.environ['PEERS_JARS']}/*"
    flags = [f"-Xms{heap}", f"-Xmx{heap}", "-XX:+UseG1GC", "-XX:-UsePerfData", "-XX:+ExitOnOutOfMemoryError"]
    return [os.environ["JAVA"], *flags, "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", classes, *words]


@dataclass(frozen=True)
class Sent:
    """What a producer said: the nth event was due n / rate after the start. Units: microseconds since 1970."""

    count: int
    start_us: int
    behind_ms: int


@dataclass(frozen=True)
class Arrived:
    """A record of a topic, and when it was read."""

    at_us: int
    value: dict


class Servers:
    """One broker and one store, empty when they start."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        command = [LOCAL_CLUSTER, "up", "--dir", self.folder, "--while", str(os.getpid()), "--json"]
        state = json.loads(run(command))
        self.brokers, self.cql = state["brokers"], state["cql"]
        pids = {server["name"]: server["pid"] for server in state["servers"]}
        self.broker_pid, self.store_pid = pids["broker-1"], pids["store"]
        try:
            yield
        finally:
            run([LOCAL_CLUSTER, "down", "--dir", self.folder])

    def produce(self, topic: str, file: Path, rate: float = 0) -> Sent:
        """Sends a file of events, as fast as it goes unless a rate is given; returns when all are acknowledged."""
        words = [f"brokers={self.brokers}", f"topic={topic}", f"file={file}", f"rate={rate}"]
        told = json.loads(run(java("512m", "Produce", *words)))
        return Sent(told["sent"], told["start_us"], told["behind_ms"])

    def read(self, topic: str) -> list[Arrived]:
        """Returns all committed records of a topic."""
        command = java("512m", "Consume", f"brokers={self.brokers}", f"topic={topic}", "from=start")
        return _arrived(run(command, stdin=subprocess.DEVNULL).splitlines()[1:])

    @contextlib.contextmanager
    def listening(self, topic: str, folder: Path) -> Iterator[list[Arrived]]:
        """Fills a list, when left, with what came onto a topic meanwhile."""
        command = java("512m", "Consume", f"brokers={self.brokers}", f"topic={topic}", "from=end")
        with Program("consumer", command, folder).never_left_behind() as consumer:
            consumer.wait_until("it reads", lambda: "ready" in consumer.new_lines(), READS_WITHIN_S)
            arrived: list[Arrived] = []
            yield arrived
            consumer.end()
            arrived.extend(_arrived(consumer.new_lines()))


def _arrived(lines: Iterable[str]) -> list[Arrived]:
    records = (line.split("\t", 3) for line in lines)
    return [Arrived(int(at), json.loads(value)) for at, _, _, value in records]

"""Who runs the job: the engine, and the same job as a Kafka Streams program. Each is started on servers that hold the events already."""

import contextlib
import json
import re
import shutil
import urllib.request
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from machine import run
from oracle import Decision, Known, cents
from program import Program
from servers import HERE, Servers, java

READY_WITHIN_S = 120
ANSWERS_WITHIN_S = 300
STAGES = ("fetch", "decode", "route", "fold", "encode", "persist", "relay")
ROWS, ROW_BYTES = "rows_written", "rows_written_bytes"
EVENTS, OUTREACH, DECISIONS = "care.events", "care.outreach", "care.decisions"


class Running(Protocol):
    """A contender at work."""

    program: Program

    def applied(self) -> int:
        """Returns how many events it has taken."""

    def settled(self, events: int, decisions: int) -> bool:
        """Returns true when so many events and what follows of them is durable and confirmed."""

    def counters(self) -> dict[str, float]:
        """Returns what it counts of itself, where it does: STAGES in seconds of processor time, rows written, their bytes."""

    def customers(self) -> dict[str, Known]:
        """Returns what it knows of every customer."""

    def stop(self) -> None:
        """Ends it in good order."""


class Contender(Protocol):
    """Somebody who can be started."""

    name: str
    # Where its decisions go.
    topic: str

    def running(self, servers: Servers, folder: Path) -> contextlib.AbstractContextManager[Running]:
        """Runs it while the block runs."""

    def decision(self, value: dict) -> Decision:
        """Reads a record of its topic."""

    def once(self, values: Iterable[dict]) -> Iterable[dict]:
        """Drops what readers of its topic are told to drop."""


# ---- the engine ------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Care:
    """The engine. Shadow: its decisions are records on a topic, as the peers' are. Live: they are sent, too, through the ledger."""

    program: Path
    mode: str

    @property
    def name(self) -> str:
        return {"shadow": "care", "live": "care, sending"}[self.mode]

    @property
    def topic(self) -> str:
        return {"shadow": DECISIONS, "live": OUTREACH}[self.mode]

    def decision(self, value: dict) -> Decision:
        if self.mode == "live":
            orders, worth = (value["facts"][name] for name in ("orders.count", "orders.value"))
        else:
            orders, worth = (condition["value"] for condition in value["conditions"])
        return Decision(value["customer"], round(orders), cents(worth))

    def once(self, values: Iterable[dict]) -> Iterable[dict]:
        """An id is taken once: whoever takes a partition over may repeat the last records of it (ops/docs/producing.md)."""
        return {value["id"]: value for value in values}.values()

    def make_world(self, servers: Servers, folder: Path, more: str = "") -> None:
        """Writes the settings, makes topics and tables. The peers use the same topics."""
        (folder / "triggers").mkdir()
        shutil.copy(HERE / "triggers" / f"{self.mode}.yaml", folder / "triggers")
        self.configure(servers, folder, more)
        run([self.program, "topics", "create", "--config", settings(folder)])
        run([self.program, "migrate", "--config", settings(folder)])

    def configure(self, servers: Servers, folder: Path, more: str) -> None:
        """Writes the settings, and more of them behind."""
        text = SETTINGS.format(brokers=servers.brokers, cql=servers.cql, triggers=folder / "triggers")
        settings(folder).write_text(text + more)

    def customer(self, folder: Path, customer: str) -> Known:
        """Returns what the store knows of one customer. Failure: it knows nothing, or cannot be read."""
        return known_of(json.loads(run([self.program, "customer", customer, "--config", settings(folder), "--json"]))["profile"])

    @contextlib.contextmanager
    def running(self, servers: Servers, folder: Path) -> Iterator["RunningCare"]:
        command = [self.program, "serve", "--config", settings(folder), "--listen", "127.0.0.1:0", "--json"]
        with Program("care", command, folder).never_left_behind() as program:
            yield RunningCare(self, program, folder)


SETTINGS = """\
log = {{kind = "kafka", partitions = 8}}
store = {{kind = "cql"}}
kafka = {{brokers = "{brokers}", replication = 1, min_insync = 1}}
cql = {{nodes = "{cql}", replication = 1}}
# The peers predict nothing.
predictor = {{kind = "rules", heads = []}}
triggers = {{dir = "{triggers}"}}
# A line per outreach is not what is measured.
observability = {{log = "warn"}}
"""


def settings(folder: Path) -> Path:
    return folder / "care.toml"


class RunningCare:
    """The engine at work, watched by its metrics."""

    def __init__(self, care: Care, program: Program, folder: Path) -> None:
        self.care, self.program, self.folder = care, program, folder
        said: list[dict] = []

        def is_ready() -> bool:
            said.extend(program.new_values())
            return any(one["said"] == "ready" for one in said)

        program.wait_until("it is ready", is_ready, READY_WITHIN_S)
        self.endpoint = said[0]["endpoint"]

    def metric(self, name: str) -> float:
        return sum(self.metrics(name).values())

    def metrics(self, name: str) -> dict[str, float]:
        """Returns the values of a metric by the value of its first label."""
        with urllib.request.urlopen(f"{self.endpoint}/metrics", timeout=10) as answer:
            text = answer.read().decode()
        found: dict[str, float] = {}
        for line in re.finditer(rf'^{name}(?:{{[^"]*"([^"]*)".*}})? (\S+)$', text, re.MULTILINE):
            label = line[1] or ""
            found[label] = found.get(label, 0) + float(line[2])
        return found

    def applied(self) -> int:
        return int(self.metric("care_customer_events_applied_total"))

    def settled(self, events: int, decisions: int) -> bool:
        sent = self.care.mode == "shadow" or self.metric("care_dispatcher_outreach_total") >= decisions
        return sent and self.applied() >= events and self.metric("care_partition_records_lag") == 0

    def counters(self) -> dict[str, float]:
        rows = {name: self.metric(f"care_partition_{name}_total") for name in (ROWS, ROW_BYTES)}
        return self.metrics("care_partition_stage_seconds_total") | rows

    def customers(self) -> dict[str, Known]:
        known = {}
        for line in run([self.care.program, "dump", "--config", settings(self.folder)]).splitlines():
            if customer := json.loads(line).get("customer"):
                known[customer["id"]] = known_of(customer["profile"])
        return known

    def stop(self) -> None:
        self.program.terminate()


def known_of(profile: dict) -> Known:
    counters, orders = profile["counters"], profile["orders"]
    events = counters["other"] + sum(series["total"] for series in counters["series"])
    return Known(events, orders["count"], sum(minor for _, minor in orders["value"]["by_currency"]))


# ---- Kafka Streams ---------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Streams:
    """The job in java/Job.java, exactly once, with its state in one of three places."""

    state: str
    commit_ms: int
    topic = OUTREACH

    @property
    def name(self) -> str:
        where = {"memory": "in memory", "rocksdb": "in RocksDB", "cassandra": "in Cassandra"}[self.state]
        return f"Kafka Streams, {where}, commit {self.commit_ms} ms"

    def decision(self, value: dict) -> Decision:
        return Decision(value["customer"], value["orders"], value["cents"])

    def once(self, values: Iterable[dict]) -> Iterable[dict]:
        """Nothing: what is committed there is there once."""
        return values

    @contextlib.contextmanager
    def running(self, servers: Servers, folder: Path) -> Iterator[Running]:
        words = [f"brokers={servers.brokers}", f"cql={servers.cql}", f"events={EVENTS}", f"outreach={self.topic}"]
        words += [f"state={self.state}", f"commit_ms={self.commit_ms}", f"dir={folder / 'streams'}"]
        with Program("streams", java("2g", "Job", *words), folder).never_left_behind() as program:
            yield RunningStreams(program, folder)


class RunningStreams:
    """A Kafka Streams program at work, watched by what it prints."""

    def __init__(self, program: Program, folder: Path) -> None:
        self.program, self.folder = program, folder
        self.last = {"applied": 0, "committed": 0}
        self.wrote = False

    def look(self) -> dict:
        for value in self.program.new_values():
            if "wrote" in value:
                self.wrote = True
            else:
                self.last = value
        return self.last

    def applied(self) -> int:
        return self.look()["applied"]

    def settled(self, events: int, decisions: int) -> bool:
        return self.look()["committed"] >= events

    def counters(self) -> dict[str, float]:
        return {}

    def customers(self) -> dict[str, Known]:
        path = self.folder / "state.txt"
        self.program.send(f"state {path}")
        self.program.wait_until("it has told its state", lambda: bool(self.look()) and self.wrote, ANSWERS_WITHIN_S)
        known = {}
        for line in path.read_text().splitlines():
            customer, *numbers = line.split("\t")
            known[customer] = Known(*map(int, numbers))
        return known

    def stop(self) -> None:
        self.program.end()

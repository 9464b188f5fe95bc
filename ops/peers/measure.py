"""One contender measured: throughput and processor time, latency at parts of that load, and the oracle's verdict on all of it."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from contenders import EVENTS, Care, Contender, Running
from events import Events
from machine import busy_s, cpu_s, say
from oracle import Decision, Oracle, Verdict
from servers import Arrived, Sent, Servers

SAID_EVERY_S = 5
# Slower than any contender at its worst, so that what stands still is given up.
EVENTS_PER_S_MIN = 500
SETTLED_WITHIN_S = 900
# Of the speed reached: what everybody is asked for, and what leaves the machine room to breathe beside the producer and the reader.
LOADS = (0.5, 0.1)
# Events that are due before the first is counted: connections are made, and the sender finds its pace.
WARM_S = 2


@dataclass(frozen=True)
class Shape:
    """How much work, for how many customers."""

    customers: int
    events: int
    latency_s: int


@dataclass(frozen=True)
class Work:
    """The events of a shape, written once for all contenders, and what must come of them."""

    shape: Shape
    file: Path
    # The stream behind the file, to be gone on with.
    rest: Events
    oracle: Oracle

    @classmethod
    def make(cls, shape: Shape, seed: int, folder: Path) -> "Work":
        say(f"writing {shape.events:,} events of {shape.customers:,} customers")
        events = Events(shape.customers, shape.events / shape.customers, seed)
        file, oracle = folder / f"events-{shape.customers}.tsv", Oracle()
        events.write(file, shape.events)
        oracle.read(file)
        return cls(shape, file, events, oracle)


@dataclass(frozen=True)
class Throughput:
    """Of the second half of the events. Units: microseconds of processor time per event; counters per event; events per second."""

    job_us: float
    broker_us: float
    store_us: float
    # By everything else on the machine meanwhile, this program included: what disturbs the figures.
    others_us: float
    counters: dict[str, float]
    rate: float

    @property
    def together_us(self) -> float:
        return self.job_us + self.broker_us + self.store_us


@dataclass(frozen=True)
class Latency:
    """From when an event was due at the producer until its decision was read from its topic. Units: ms."""

    rate: float
    decisions: int
    p50_ms: float
    p99_ms: float
    max_ms: float
    # How far the producer itself fell behind its rate, at most.
    behind_ms: int


@dataclass(frozen=True)
class Result:
    """What was measured of one contender."""

    contender: str
    customers: int
    events: int
    decisions: int
    throughput: Throughput
    latencies: list[Latency]
    verdict: Verdict


@dataclass(frozen=True)
class Look:
    """What has been used up to an instant."""

    at_s: float
    applied: int
    job_s: float
    broker_s: float
    store_s: float
    machine_s: float
    counters: dict[str, float]

    @classmethod
    def take(cls, running: Running, servers: Servers) -> "Look":
        used = (cpu_s(pid) for pid in (running.program.pid, servers.broker_pid, servers.store_pid))
        return cls(time.monotonic(), running.applied(), *used, busy_s(), running.counters())


def measure(contender: Contender, care: Care, work: Work, folder: Path) -> Result:
    """Measures a contender on servers of its own."""
    folder.mkdir()
    servers = Servers(folder.parent / "cluster")
    say(f"{contender.name}, {work.shape.customers:,} customers: starting servers")
    with servers.running():
        care.make_world(servers, folder)
        say("producing")
        servers.produce(EVENTS, work.file)
        with contender.running(servers, folder) as running:
            throughput = catch_up(running, servers, work)
            later, rest, file = work.oracle.copy(), work.rest.copy(), folder / "later.tsv"
            latencies = []
            for load in LOADS:
                paced = Paced(contender, running, servers, throughput.rate * load, work.shape.latency_s)
                latencies.append(at_load(paced, rest, later, file))
            say("asking what it knows")
            read = [one.value for one in servers.read(contender.topic)]
            sent = list(map(contender.decision, contender.once(read)))
            verdict = later.judge(sent, running.customers(), repeated=len(read) - len(sent))
            running.stop()
    file.unlink()
    say(f"{contender.name}: {throughput.together_us:.1f} µs, {throughput.rate:,.0f} events/s, {verdict}")
    counts = work.shape.customers, later.events, len(later.decisions)
    return Result(contender.name, *counts, throughput, latencies, verdict)


def catch_up(running: Running, servers: Servers, work: Work) -> Throughput:
    """Waits until a contender has taken everything, and measures the second half."""
    events, decisions = work.oracle.events, len(work.oracle.decisions)
    within_s = SETTLED_WITHIN_S + events / EVENTS_PER_S_MIN
    running.program.wait_until("half of the events", reached(running, events // 2), within_s)
    half = Look.take(running, servers)
    running.program.wait_until("all events", reached(running, events), within_s)
    took_s = time.monotonic() - half.at_s
    running.program.wait_until("everything durable", lambda: running.settled(events, decisions), SETTLED_WITHIN_S)
    end = Look.take(running, servers)
    count = events - half.applied
    used = [end.job_s - half.job_s, end.broker_s - half.broker_s, end.store_s - half.store_s]
    used.append(end.machine_s - half.machine_s - sum(used))
    counters = {name: (value - half.counters.get(name, 0)) / count for name, value in end.counters.items()}
    return Throughput(*(used_s * 1e6 / count for used_s in used), counters, count / took_s)


def reached(running: Running, events: int) -> Callable[[], bool]:
    """Returns a condition that tells every few seconds how far it is."""
    said_at = time.monotonic()

    def look() -> bool:
        nonlocal said_at
        applied = running.applied()
        if time.monotonic() > said_at + SAID_EVERY_S:
            said_at = time.monotonic()
            say(f"{applied:,} of {events:,} events")
        return applied >= events

    return look


@dataclass(frozen=True)
class Paced:
    """A contender at work, and the load that it is put under."""

    contender: Contender
    running: Running
    servers: Servers
    rate: float
    for_s: int


def at_load(paced: Paced, rest: Events, oracle: Oracle, file: Path) -> Latency:
    """Produces further events at a rate and looks when their decisions come; the oracle takes them, too."""
    first = oracle.events
    rest.write(file, int(paced.rate * (WARM_S + paced.for_s)))
    oracle.read(file)
    say(f"latency at {paced.rate:,.0f} events/s")
    with paced.servers.listening(paced.contender.topic, file.parent) as arrived:
        sent = paced.servers.produce(EVENTS, file, paced.rate)
        events, decisions = oracle.events, len(oracle.decisions)
        paced.running.program.wait_until("all of it", lambda: paced.running.settled(events, decisions), SETTLED_WITHIN_S)
    waited = sorted(waits_ms(paced, arrived, sent, {one: number - first for one, number in oracle.decisions.items()}))
    return Latency(paced.rate, len(waited), *(quantile(waited, share) for share in (0.5, 0.99, 1)), sent.behind_ms)


def waits_ms(paced: Paced, arrived: list[Arrived], sent: Sent, number_of: dict[Decision, int]) -> list[float]:
    """Returns how long each decision took from when its event was due; without those of the first seconds."""
    first_us: dict[int, int] = {}
    for one in arrived:
        first_us.setdefault(number_of.get(paced.contender.decision(one.value), -1), one.at_us)
    counted = ((number, at_us) for number, at_us in first_us.items() if number >= paced.rate * WARM_S)
    return [(at_us - sent.start_us - number * 1e6 / paced.rate) / 1e3 for number, at_us in counted]


def quantile(ordered: list[float], share: float) -> float:
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)] if ordered else float("nan")

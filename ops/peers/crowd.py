"""A crowd: a million customers live at once; then the engine is killed, and has to take them up again under a memory ceiling.

Both on Kafka and Cassandra, with the oracle's verdict on every decision and a sample of customers. Printed by `ops/bench crowd`.
"""

import random
import signal
import time
from dataclasses import asdict, dataclass
from operator import itemgetter
from pathlib import Path

from contenders import EVENTS, Care
from events import Events
from machine import say
from measure import Look, reached
from oracle import Oracle, Verdict
from report import table
from servers import Servers

# Of so many customers, with two events each on average, 1 - exp(-2) are heard of.
CUSTOMERS = 1_160_000
FIRST, SECOND = 2_320_000, 1_160_000
# Room for all of them, and nobody is put to rest.
ROOMY = "customers = {memory_max_mib = 1024, live_max = 10000000, idle_s = 86400}\n"
# What is there unless somebody says otherwise.
DEFAULT = ""
WITHIN_S = 1_800
# Customers whose rows are held against the oracle; decisions are, of all.
LOOKED_AT = 100


@dataclass(frozen=True)
class Life:
    """One life of an engine, from its start until everything was durable."""

    name: str
    events: int
    # Customers that were live at its end, and of the whole life: that came to life, and that were put to rest.
    live: int
    loaded: int
    passivated: int
    # Resident memory at its end, and at most. Units: MiB.
    memory_mib: int
    memory_max_mib: int
    # Rows that were being read at once, at most, as often as it was looked at.
    loading_max: int
    # From the start until it was ready, and until everything was durable. Units: s.
    ready_s: float
    settled_s: float
    # Processor time per event of the engine, the broker and the store. Units: microseconds.
    cpu_us: tuple[float, float, float]


def measure(care: Care, folder: Path, seed: int, scale: int) -> tuple[list[Life], Verdict]:
    """Plays both lives, with a `scale`th of the customers and events."""
    servers, oracle = Servers(folder / "cluster"), Oracle()
    events = Events(CUSTOMERS // scale, FIRST / CUSTOMERS, seed)
    say("starting servers")
    with servers.running():
        care.make_world(servers, folder, ROOMY)
        lives = [live(care, servers, folder, ("all live", more(events, FIRST // scale, oracle, servers, folder), oracle))]
        care.configure(servers, folder, DEFAULT)
        waiting = more(events, SECOND // scale, oracle, servers, folder)
        lives.append(live(care, servers, folder, ("killed; the default ceiling", waiting, oracle)))
        say(f"asking what was decided, and what it knows of {LOOKED_AT} of them")
        read = [one.value for one in servers.read(care.topic)]
        sent = list(map(care.decision, care.once(read)))
        oracle.customers = dict(random.Random(seed).sample(sorted(oracle.customers.items(), key=itemgetter(0)), LOOKED_AT))
        known = {customer: care.customer(folder, customer) for customer in oracle.customers}
        verdict = oracle.judge(sent, known, repeated=len(read) - len(sent))
    return lives, verdict


def more(events: Events, count: int, oracle: Oracle, servers: Servers, folder: Path) -> int:
    """Produces further events, which the oracle takes, too."""
    say(f"producing {count:,} events of {events.customers:,} customers")
    file = folder / "events.tsv"
    events.write(file, count)
    oracle.read(file)
    servers.produce(EVENTS, file)
    file.unlink()
    return count


def live(care: Care, servers: Servers, folder: Path, work: tuple[str, int, Oracle]) -> Life:
    """Starts an engine, waits until it has taken all there is, and kills it."""
    name, count, oracle = work
    began = time.monotonic()
    with care.running(servers, folder) as running:
        ready_s, first = time.monotonic() - began, Look.take(running, servers)
        loading, is_taken = 0, reached(running, count)

        def is_durable() -> bool:
            nonlocal loading
            loading = max(loading, int(running.metrics("care_engine_queue_len").get("loading", 0)))
            return is_taken() and running.settled(count, len(oracle.decisions))

        running.program.wait_until("everything durable", is_durable, WITHIN_S)
        last = Look.take(running, servers)
        used = [last.job_s - first.job_s, last.broker_s - first.broker_s, last.store_s - first.store_s]
        settled_s = time.monotonic() - began
        customers = (int(running.metric(f"care_partition_customers_{what}")) for what in ("live", "loaded_total", "passivated_total"))
        now, most = (memory_mib(running.program.pid, of) for of in ("VmRSS", "VmHWM"))
        told = Life(name, count, *customers, now, most, loading, ready_s, settled_s, tuple(used_s * 1e6 / count for used_s in used))
        say(f"{name}: {told.live:,} live, {now:,} MiB, durable after {settled_s:.0f} s")
        running.program.process.send_signal(signal.SIGKILL)
    return told


def memory_mib(pid: int, name: str) -> int:
    """Returns a line of /proc/PID/status in MiB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) // 1_024 for line in lines if line.startswith(f"{name}:"))


def markdown(lives: list[Life], verdict: Verdict) -> str:
    rows = []
    for one in lives:
        counts = [f"{count:,}" for count in (one.events, one.live, one.loaded, one.passivated, one.memory_mib, one.memory_max_mib)]
        each = f"{one.memory_mib * 1_024 / max(one.live, 1):.1f}"
        times = [f"{one.ready_s:.1f}", f"{one.settled_s:.0f}", " + ".join(f"{us:.1f}" for us in one.cpu_us)]
        rows.append([one.name, *counts, each, f"{one.loading_max:,}", *times])
    head = (
        "engine | events | live at the end | came to life | put to rest | memory, MiB | at most | KB per live customer | loading at once"
        " | ready after, s | durable after, s | engine + broker + Cassandra, µs per event"
    )
    return f"### A crowd on Kafka and Cassandra\n\n{table(head, rows)}\n\nVerdict on all decisions and {LOOKED_AT} customers: {verdict}."


def as_json(machine: str, lives: list[Life], verdict: Verdict) -> dict:
    return {"machine": machine, "lives": [asdict(one) for one in lives], "verdict": asdict(verdict) | {"exact": verdict.good}}

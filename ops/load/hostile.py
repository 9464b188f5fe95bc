"""Clients that no shop has: too slow, too many, too large, too deep. Each has to be bounded while a good client is served."""

import resource
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import idle
from machine import Failure, say
from served import Client, Memory, Served, quantile, serving, watched
from wire import Line, ask, head, status_of

# Hostile clients of each kind, and what `--quick` takes less of.
SLOW, IDLE, LARGE, DEEP = 500, 10_000, 2_000, 8_000
QUICK_LESS = 5
# The server gives a head 5 s and a body 10 s; it may be late by this.
MARGIN_S = 10
HEAD_S, BODY_S = 5, 10
DRIBBLE_EVERY_S = 1
# What hostile clients may take beside what a server takes anyhow: twice the room for bodies under way.
TAKEN_MB = 128
LEVELS = 20_000
# Files of this program and of the server that are no clients' connections.
FILES_BESIDE = 500


@dataclass(frozen=True)
class Case:
    """What was done to a server, what it did, and how a good client was served meanwhile."""

    name: str
    clients: int
    # What the server did with them, by how many.
    ends: dict[str, int]
    took_s: float
    good: int
    good_failed: list
    p50_ms: float
    p99_ms: float
    memory_mb: float
    grown_mb: float
    # What is wrong; empty = bounded.
    faults: list[str]
    # What each client cost, of clients that are idle.
    cost: idle.Cost | None = None


class Slow(Line):
    """A client that sends the beginning of a request and dribbles on."""

    def __init__(self, served: Served, begin: bytes, dribble: bytes) -> None:
        super().__init__(served)
        self.dribble = dribble
        self.socket.sendall(begin)

    def go_on(self) -> bool:
        """Sends a little more; returns whether the server still listens."""
        if not self.listen():
            return False
        try:
            self.socket.send(self.dribble)
        except BlockingIOError:
            pass
        except OSError:
            return False
        return True


def slow(served: Served, name: str, clients: int, within_s: int, parts: tuple[bytes, bytes]) -> Iterator[tuple[str, str]]:
    """Slow-loris: yields how the server ended each client, and what is wrong."""
    waiting, end = [Slow(served, *parts) for _ in range(clients)], time.monotonic() + within_s + MARGIN_S
    while waiting and time.monotonic() < end:
        time.sleep(DRIBBLE_EVERY_S)
        still = [one for one in waiting if one.go_on()]
        for one in set(waiting) - set(still):
            one.socket.close()
            yield status_of(one.said), ""
        waiting = still
    for one in waiting:
        one.socket.close()
        yield "kept", f"{name}: a connection was still there after {within_s + MARGIN_S} s"


def slow_heads(served: Served, clients: int) -> Iterator[tuple[str, str]]:
    yield from slow(served, "slow heads", clients, HEAD_S, (b"POST /v1/track HTTP/1.1\r\nHost: care\r\n", b"X-A: b\r\n"))


def slow_bodies(served: Served, clients: int) -> Iterator[tuple[str, str]]:
    yield from slow(served, "slow bodies", clients, BODY_S, (head(served, 400_000) + b'{"batch":[', b" "))


def large_bodies(served: Served, clients: int) -> Iterator[tuple[str, str]]:
    """1 MB, announced and not: the first is refused by its head, the second when the bound is passed."""
    body = b'{"batch":["' + b"x" * (1 << 20) + b'"]}'
    chunk = f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n"
    for number in range(clients):
        is_announced = number % 2 == 0
        status = ask(served, head(served, len(body)), body) if is_announced else ask(served, head(served, None), chunk)
        yield status, "" if status == "413" else f"large bodies: {status}, not 413"


def deep_json(served: Served, clients: int) -> Iterator[tuple[str, str]]:
    """Lists and objects within each other, in every dialect: refused, and the stack holds."""
    for number in range(clients):
        lists, maps = "[" * LEVELS + "]" * LEVELS, '{"a":' * LEVELS + "1" + "}" * LEVELS
        deep = lists if number % 2 else maps
        event = '{"type":"track","event":"E","userId":"deep","messageId":"d","properties":{"p":%s}}' % deep
        dialects = [
            ("/v1/track", "application/json", event),
            ("/v1/batch", "application/json", '{"batch":[%s]}' % event),
            ("/v1/batch", "application/json", deep),
            ("/events", "application/cloudevents+json", '{"specversion":"1.0","id":"d","source":"/d","type":"t","subject":"deep","data":%s}' % deep),
            ("/mp/collect?measurement_id=G-1", "application/json", '{"client_id":"d","events":[{"name":"e","params":{"p":%s}}]}' % deep),
            ("/import?strict=1", "application/json", '[{"event":"E","properties":{"distinct_id":"d","time":1,"$insert_id":"d","p":%s}}]' % deep),
        ]
        path, kind, body = dialects[number % len(dialects)]
        status = ask(served, head(served, len(body), path, kind), body.encode())
        # Google's clients are never told of a bad event.
        is_legal = status in ("204", "400") if path.startswith("/mp/") else status == "400"
        yield status, "" if is_legal else f"deep json: {status} on {path}"


@dataclass(frozen=True)
class Attack:
    """What is done, by how many clients, and what `--quick` takes less of."""

    act: Callable[[Served, int], Iterator[tuple[str, str]] | idle.Doing]
    clients: int
    less: int = 1
    # What each may take in memory beside TAKEN_MB. Units: KB.
    each_kb: int = 0


ATTACKS = {
    "slow heads": Attack(slow_heads, SLOW),
    "slow bodies": Attack(slow_bodies, SLOW),
    "large bodies": Attack(large_bodies, LARGE, QUICK_LESS),
    "deep json": Attack(deep_json, DEEP, QUICK_LESS),
    "idle keep-alives": Attack(idle.keep_alives, IDLE, QUICK_LESS, idle.KEPT_KB),
    "idle pages": Attack(idle.pages, IDLE, QUICK_LESS, idle.PAGE_KB),
}


def attack(care: Path, folder: Path, name: str, quick: bool) -> Case:
    """Does it to a server of its own."""
    one = ATTACKS[name]
    clients = one.clients // (one.less if quick else 1)
    allow_files(clients + FILES_BESIDE)
    say(f"{name}: {clients:,} clients")
    settings = {"CARE__HTTP__CONNECTIONS_MAX": str(max(2 * clients, 8_192)), "CARE__CHAT__STREAMS_MAX": str(clients)}
    with serving(care, folder, settings) as served:
        begun, calm = time.monotonic(), served.memory_mb()
        with watched(served) as (client, memory):
            ends, faults, cost = tally(one.act(served, clients))
        took_s = time.monotonic() - begun
        faults += after(served, client, memory, calm + clients * one.each_kb / 1_024)
    times = quantile(client.took_ms, 0.5), quantile(client.took_ms, 0.99)
    grown = max(memory.seen) - calm
    return Case(name, clients, ends, took_s, len(client.took_ms), client.failed, *times, max(memory.seen), grown, faults, cost)


def tally(done: Iterator[tuple[str, str]] | idle.Doing) -> tuple[dict[str, int], list[str], idle.Cost | None]:
    """Counts ends, keeps each fault once, and returns what the clients cost where that was measured."""
    ends: dict[str, int] = {}
    faults: dict[str, None] = {}
    while True:
        try:
            end, fault = next(done)
        except StopIteration as over:
            return ends, list(faults), over.value
        if end:
            ends[end] = ends.get(end, 0) + 1
        if fault:
            faults[fault] = None


def after(served: Served, client: Client, memory: Memory, calm_mb: float) -> list[str]:
    """Returns what is wrong with a server when it is over."""
    faults = []
    if client.failed or not client.took_ms:
        faults.append(f"a good client was not served: {client.failed[:5]}")
    if max(memory.seen) > calm_mb + TAKEN_MB:
        faults.append(f"memory grew by {max(memory.seen) - calm_mb:.0f} MB, more than {TAKEN_MB}")
    taken, done = served.wait_until_applied()
    if taken != done:
        faults.append(f"{taken:.0f} events accepted, {done:.0f} applied")
    if held := served.metrics()["care_collector_under_way_bytes"]:
        faults.append(f"{held:.0f} bytes are still held")
    return faults


def allow_files(wanted: int) -> None:
    """Lets this program and what it starts hold so many connections. Failure: the system does not."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        raise Failure(f"{wanted:,} open files are needed, the system allows {hard:,}: `ulimit -Hn` says so, a session with a higher bound mends it")
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted if hard == resource.RLIM_INFINITY else hard, hard))


"""Load as clients of a shop make it: what is accepted durably per second, what that costs, and what happens at twice as much as fits."""

import json
from dataclasses import dataclass
from pathlib import Path

from machine import Failure, run, say
from served import Memory, Served, accepted, serving

SCRIPT = Path(__file__).parent / "post.lua"
THREADS = 2
# What `--quick` takes less of.
QUICK_LESS = 4
WARM_S, RUN_S = 3, 20
# (events per request, connections): what a page sends, and what a server of a shop sends.
SHAPES = ((1, 64), (20, 64))
# Room for bodies under way, so small that clients of this machine can overfill it.
ROOM_MB = 1
OVER = 2
# In overload the memory may breathe by so much.
FLAT_MB = 64
STAGE = "care_partition_stage_seconds_total"
STAGES = ("fetch", "decode", "route", "fold", "encode", "persist", "relay")


@dataclass(frozen=True)
class Payloads:
    """Events of the simulated shop, ready to be sent: a line each, with a tab where the message id goes."""

    file: Path
    events: int
    customers: int
    mean_bytes: float

    @classmethod
    def make(cls, care: Path, folder: Path, seed: int) -> "Payloads":
        say("writing events of a simulated shop")
        raw, file = folder / "shop.jsonl", folder / "payloads.tsv"
        run([care, "simulate", "--shoppers", "3000", "--days", "5", "--seed", str(seed), "--events", raw, "--json"])
        lines, customers = [], set()
        for text in raw.read_text().splitlines():
            event = json.loads(text)
            # They happen when they are sent.
            event.pop("timestamp", None)
            # One id each: an alias would forward what its user folds, and both would count.
            if "userId" in event:
                event.pop("anonymousId", None)
            event["messageId"] = "\t"
            customers.add(event.get("userId") or event["anonymousId"])
            lines.append(json.dumps(event, separators=(",", ":")).replace("\\t", "\t"))
        file.write_text("\n".join(lines) + "\n")
        return cls(file, len(lines), len(customers), sum(map(len, lines)) / len(lines))


@dataclass(frozen=True)
class Sent:
    """What wrk saw. Units: microseconds."""

    requests: int
    took_us: int
    p50_us: float
    p99_us: float
    max_us: float
    broken: int
    late: int
    accepted: int
    refused: int
    # Refusals without a legal Retry-After.
    unexplained: int
    # Any other status than 200, 429, 503.
    other: int


@dataclass(frozen=True)
class Load:
    """One run below the bounds of the server. Units: microseconds of processor time per accepted event."""

    events_per_request: int
    connections: int
    sent: Sent
    rate: float
    cpu_us: float
    stages_us: dict[str, float]
    threads_us: dict[str, float]
    memory_mb: float
    accepted: int
    applied: int

    @property
    def rest_us(self) -> float:
        """What no stage counts: the HTTP server, the database's own threads, the runtime."""
        return self.cpu_us - sum(self.stages_us.values())

    @property
    def good(self) -> bool:
        return self.accepted == self.applied and self.sent.other + self.sent.broken + self.sent.late == 0 and self.sent.accepted > 0


@dataclass(frozen=True)
class Overload:
    """One run with twice as many bytes at once as there is room for."""

    connections: int
    sent: Sent
    rate: float
    memory_mb: float
    grown_mb: float
    accepted: int
    applied: int

    @property
    def good(self) -> bool:
        sent = self.sent
        answers = sent.refused > 0 and sent.unexplained + sent.other == 0 and sent.accepted > 0
        return answers and self.accepted == self.applied and self.grown_mb < FLAT_MB


def wrk(served: Served, payloads: Payloads, shape: tuple[int, int], seconds: int, name: str) -> Sent:
    events, connections = shape
    command = ["wrk", "-t", THREADS, "-c", connections, "-d", f"{seconds}s", "--timeout", "30s", "-s", SCRIPT]
    said = run([str(word) for word in [*command, served.http, "--", payloads.file, events, served.key, name]])
    line = next((line for line in said.splitlines() if line.startswith("RESULT ")), None)
    if line is None:
        raise Failure(f"wrk said nothing of its result:\n{said[-2_000:]}")
    return Sent(**json.loads(line.removeprefix("RESULT ")))


def measure(care: Path, folder: Path, payloads: Payloads, shape: tuple[int, int], less: int) -> Load:
    """Warms a server up, loads it, and waits until everything is applied: all that was used since counts for what was accepted."""
    events, connections = shape
    say(f"{events} events per request, {connections} connections")
    with serving(care, folder) as served:
        wrk(served, payloads, shape, max(WARM_S // less, 1), "warm")
        served.wait_until_applied()
        before, used_s, threads_s, memory = served.metrics(), served.cpu_s(), served.threads_s(), Memory(served)
        memory.start()
        sent = wrk(served, payloads, shape, RUN_S // less, "run")
        taken, done = served.wait_until_applied()
        memory.stop()
        after, cpu_s = served.metrics(), served.cpu_s() - used_s
        threads_s = {name: spent - threads_s.get(name, 0) for name, spent in served.threads_s().items()}
    count = accepted(after) - accepted(before)
    if count == 0:
        raise Failure(f"nothing was accepted: {sent}")
    stages = {name: (after.get(label, 0) - before.get(label, 0)) * 1e6 / count for name in STAGES for label in [f'{STAGE}{{stage="{name}"}}']}
    rate = sent.accepted / sent.took_us * 1e6
    threads = {name: spent * 1e6 / count for name, spent in threads_s.items()}
    return Load(events, connections, sent, rate, cpu_s * 1e6 / count, stages, threads, max(memory.seen), int(taken), int(done))


def overload(care: Path, folder: Path, payloads: Payloads, less: int) -> Overload:
    """Sends twice as many bytes at once as there is room for: connections as many as that takes, none of which ever waits."""
    events = 20
    connections = int(OVER * (ROOM_MB << 20) / (events * payloads.mean_bytes))
    say(f"overload: {connections} connections, each with a batch of {events} events under way")
    with serving(care, folder, {"CARE__HTTP__UNDER_WAY_MAX_MIB": str(ROOM_MB)}) as served:
        wrk(served, payloads, (events, connections), max(WARM_S // less, 1), "warm")
        memory = Memory(served)
        memory.start()
        sent = wrk(served, payloads, (events, connections), RUN_S // less, "run")
        memory.stop()
        taken, done = served.wait_until_applied()
    rate = sent.accepted / sent.took_us * 1e6
    return Overload(connections, sent, rate, max(memory.seen), memory.grown_mb(), int(taken), int(done))

"""What was measured as Markdown, and as JSON."""

from dataclasses import asdict

from hostile import Case
from load import STAGES, Load, Overload, Payloads
from report import table


def verdict(is_good: bool) -> str:
    return "good" if is_good else "**bad**"


def loads(all_: list[Load], payloads: Payloads) -> str:
    rows = []
    for one in all_:
        sent = one.sent
        times = [f"**{sent.p50_us / 1e3:.1f}**", f"**{sent.p99_us / 1e3:.1f}**", f"{sent.max_us / 1e3:.0f}"]
        counts = [f"{one.accepted:,}", f"{one.applied:,}", verdict(one.good)]
        rows.append([str(one.events_per_request), str(one.connections), f"**{one.rate:,.0f}**", *times, f"**{one.cpu_us:.1f}**", f"{one.memory_mb:.0f}", *counts])
    head = "events per request | connections | events/s accepted durably | p50, ms | p99 | max | µs per event | memory, MB | accepted | applied | verdict"
    of = f"{payloads.events:,} events of {payloads.customers:,} customers, {payloads.mean_bytes:.0f} bytes each; wrk on the same machine, each connection asks again when it is answered."
    return f"### Load\n\n{of}\n\n{table(head, rows)}"


def stages(all_: list[Load]) -> str:
    rows = [[str(one.events_per_request), f"{one.cpu_us:.1f}", *(f"{one.stages_us[name]:.2f}" for name in STAGES), f"{one.rest_us:.1f}"] for one in all_]
    head = " | ".join(["events per request", "all", *STAGES, "rest: HTTP, database, runtime"])
    return "### Processor time of the whole binary by stage, µs per event\n\n" + table(head, rows)


def threads(all_: list[Load]) -> str:
    """By what the threads are for: what less than a hundredth is spent on stands together."""
    seen = {name for one in all_ for name, us in one.threads_us.items() if us >= one.cpu_us / 100}
    names = sorted(seen, key=lambda name: -all_[0].threads_us.get(name, 0))
    rows = []
    for one in all_:
        of = [one.threads_us.get(name, 0) for name in names]
        rows.append([str(one.events_per_request), *(f"{us:.2f}" for us in of), f"{one.cpu_us - sum(of):.2f}"])
    return "### The same by thread\n\n" + table(" | ".join(["events per request", *names, "others"]), rows)


def overload(one: Overload) -> str:
    sent = one.sent
    counts = [f"{sent.requests:,}", f"{sent.refused:,}", str(sent.unexplained), str(sent.other), f"{one.rate:,.0f}", f"{sent.p99_us / 1e3:.0f}"]
    row = [str(one.connections), *counts, f"{one.memory_mb:.0f}", f"{one.grown_mb:+.0f}", f"{one.accepted:,}", f"{one.applied:,}", verdict(one.good)]
    head = "connections | requests | refused (429, 503) | without Retry-After | other | events/s accepted | p99, ms | memory, MB | grown | accepted | applied | verdict"
    return "### Twice as many bytes at once as there is room for\n\n" + table(head, [row])


def hostile(cases: list[Case]) -> str:
    rows = []
    for one in cases:
        ends = ", ".join(f"{count:,} × {end}" for end, count in one.ends.items())
        served = [f"{one.good:,}", str(len(one.good_failed)), f"{one.p50_ms:.1f}", f"{one.p99_ms:.1f}"]
        rows.append([one.name, f"{one.clients:,}", ends, f"{one.took_s:.0f}", *served, f"{one.memory_mb:.0f}", f"{one.grown_mb:+.0f}", *costs(one), "; ".join(one.faults) or "bounded"])
    client, memory = "good client: served | failed | p50, ms | p99", "memory at most, MB | grown | KB per client | left, MB | of a core"
    head = f"case | clients | what became of them | s | {client} | {memory} | verdict"
    return "### Hostile clients\n\n" + table(head, rows)


def costs(case: Case) -> list[str]:
    """What each idle client took, what was left of all, and what they cost while they were silent."""
    cost = case.cost
    if cost is None:
        return ["–"] * 3
    left, share = cost.left_mb, cost.cpu_share
    return [f"{cost.each_kb:.1f}", "–" if left is None else f"{left:+.0f}", "–" if share is None else f"{share:.1%}"]


def as_json(machine: str, found: "Found") -> dict:
    def of(one: Load | Overload) -> dict:
        return {**asdict(one), "good": one.good}

    return {
        "machine": machine,
        "payloads": {name: value for name, value in asdict(found.payloads).items() if name != "file"} if found.payloads else None,
        "load": [{**of(one), "rest_us": one.rest_us} for one in found.loads],
        "overload": of(found.overload) if found.overload else None,
        "hostile": [{**asdict(one), "good": not one.faults} for one in found.hostile],
    }


class Found:
    """Everything that was measured in a run."""

    def __init__(self) -> None:
        self.payloads: Payloads | None = None
        self.loads: list[Load] = []
        self.overload: Overload | None = None
        self.hostile: list[Case] = []

    @property
    def good(self) -> bool:
        measured = [*self.loads, *([self.overload] if self.overload else [])]
        return all(one.good for one in measured) and not any(one.faults for one in self.hostile)

    def markdown(self) -> str:
        parts = []
        if self.loads:
            parts += [loads(self.loads, self.payloads), stages(self.loads), threads(self.loads)]
        if self.overload:
            parts.append(overload(self.overload))
        if self.hostile:
            parts.append(hostile(self.hostile))
        return "\n\n".join(parts)

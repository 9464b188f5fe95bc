"""The result as Markdown, and as JSON."""

from dataclasses import asdict

from contenders import ROW_BYTES, ROWS, STAGES
from measure import LOADS, Result


def markdown(results: list[Result]) -> str:
    return "\n\n".join(part for part in (costs(results), ratios(results), latencies(results), stages(results)) if part)


def table(head: str, rows: list[list[str]]) -> str:
    columns = head.split(" | ")
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def costs(results: list[Result]) -> str:
    rows = []
    for one in results:
        of = one.throughput
        job, broker, store, together, others = (f"{us:.1f}" for us in (of.job_us, of.broker_us, of.store_us, of.together_us, of.others_us))
        used = [job, broker, store, f"**{together}**", f"{of.rate:,.0f}", others]
        rows.append([f"{one.customers:,}", one.contender, *used, str(one.verdict)])
    head = "customers | contender | job, µs per event | broker | Cassandra | together | events/s | others on the machine | verdict"
    return "### Processor time per event by process\n\n" + table(head, rows)


def ratios(results: list[Result]) -> str:
    """Each peer against the engine that does the same, for as many customers."""
    rows = []
    for one in results:
        engine = next((other for other in results if other.contender == "care" and other.customers == one.customers), None)
        if engine is not None and one is not engine:
            cpu = one.throughput.together_us / engine.throughput.together_us
            rate = engine.throughput.rate / one.throughput.rate
            rows.append([f"{one.customers:,}", one.contender, f"{cpu:.2f} ×", f"{rate:.2f} ×"])
    head = "customers | against | its processor time, by care's | care's events/s, by its"
    return "### Ratios\n\n" + table(head, rows) if rows else ""


def latencies(results: list[Result]) -> str:
    rows = []
    for one, of in ((one, of) for one in results for of in one.latencies):
        times = [f"**{of.p50_ms:.1f}**", f"**{of.p99_ms:.1f}**", f"{of.max_ms:.1f}", str(of.behind_ms)]
        rows.append([f"{one.customers:,}", one.contender, f"{of.rate:,.0f}", f"{of.decisions:,}", *times])
    head = "customers | contender | events/s | decisions | p50, ms | p99 | max | producer behind, ms"
    loads = " and ".join(f"{load:.0%}" for load in LOADS)
    return f"### From event to decision on its topic, at {loads} of that load\n\n" + table(head, rows)


def stages(results: list[Result]) -> str:
    """Where the engine's own time goes; `rest` is what no stage counts: clients of broker and store, the runtime."""
    rows = []
    for one in results:
        if counters := one.throughput.counters:
            spent = [counters[name] * 1e6 for name in STAGES]
            rest = one.throughput.job_us - sum(spent)
            written = [f"{counters[ROWS]:.3f}", f"{counters[ROW_BYTES] / max(counters[ROWS], 1e-9):.0f}"]
            rows.append([f"{one.customers:,}", one.contender, *(f"{us:.2f}" for us in [*spent, rest]), *written])
    head = " | ".join(["customers", "contender", *STAGES, "rest", "rows per event", "bytes per row"])
    return "### The engine's processor time by stage, µs per event\n\n" + table(head, rows) if rows else ""


def as_json(machine: str, results: list[Result]) -> dict:
    def of(one: Result) -> dict:
        value = asdict(one)
        value["throughput"]["together_us"] = one.throughput.together_us
        value["verdict"]["exact"] = one.verdict.good
        return value

    return {"machine": machine, "results": [of(one) for one in results]}

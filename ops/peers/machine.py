"""The machine: its name, processor time of processes, running commands, and how a program that measures on it ends."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

TICKS_PER_S = os.sysconf("SC_CLK_TCK")


class Failure(Exception):
    """What could not be done, in words for the user."""


def say(text: str) -> None:
    print(f"· {text}", file=sys.stderr, flush=True)


def cpu_s(pid: int) -> float:
    """Returns the processor time that a process has used, user and system."""
    return cpu_of(Path(f"/proc/{pid}/stat"))


def cpu_of(stat: Path) -> float:
    """Returns the processor time of a process or a thread by its file of the system."""
    # The name stands in brackets and may hold anything; behind it come the state and, as the 12th and 13th, the times.
    fields = stat.read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


def busy_s() -> float:
    """Returns the processor time that everything on this machine has used."""
    # User, nice, system, idle, waiting, interrupts; what a guest uses stands in the first as well.
    user, nice, system, _, _, *interrupts = map(int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:8])
    return (user + nice + system + sum(interrupts)) / TICKS_PER_S


def run(command: Sequence[str | Path], **more: object) -> str:
    """Runs a command to its end; returns what it printed. Failure: it failed; its last words are told."""
    done = subprocess.run(command, capture_output=True, text=True, **more)
    if done.returncode != 0:
        words = " ".join(str(word) for word in command[:4])
        raise Failure(f"{words} … failed:\n{(done.stdout + done.stderr)[-2_000:]}")
    return done.stdout


def describe() -> str:
    """Returns cores, processor, memory, kernel and time in one line."""
    processor = value_of("/proc/cpuinfo", "model name") or "unknown processor"
    memory_gb = int((value_of("/proc/meminfo", "MemTotal") or "0").split()[0]) // 1_000_000
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return f"{os.cpu_count()} cores of {processor}, {memory_gb} GB, Linux {os.uname().release}, {now}."


def value_of(file: str, name: str) -> str | None:
    for line in Path(file).read_text().splitlines():
        if line.startswith(name):
            return line.partition(":")[2].strip()
    return None


def carry_out(name: str, work: Callable[[str], tuple[str, bool]]) -> int:
    """Has `work` measure on this machine, whose name it is given, and prints the text that it returns.

    Returns the exit status: 0 where what was measured is good, 1 where it is not or could not be measured, 130 where somebody ended it.
    """
    # Also where it was started in the background: what runs beside it is stopped, whoever ends it.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        text, is_good = work(describe())
    except (Failure, OSError, ValueError) as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"\n{name}: interrupted; what it had started is stopped", file=sys.stderr)
        return 130
    print(text)
    return 0 if is_good else 1

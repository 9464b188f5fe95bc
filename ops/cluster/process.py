"""One process that this tool started: named by its id *and* its start, so that an id the system gave away again is never hit."""

import os
import select
import signal
from dataclasses import dataclass
from pathlib import Path


def _stat(pid: int) -> tuple[str, int] | None:
    """State letter and start (clock ticks after boot) of a process; None when there is none."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The name stands in brackets and may hold anything; behind it come the state and, as the 20th, the start.
    fields = text.rpartition(")")[2].split()
    return fields[0], int(fields[19])


@dataclass(frozen=True)
class Process:
    """A process by id and start."""

    pid: int
    started: int

    @classmethod
    def of(cls, pid: int) -> "Process | None":
        """The process that has this id now."""
        stat = _stat(pid)
        return cls(pid, stat[1]) if stat else None

    @classmethod
    def start(cls, command: list[str], log: Path) -> "Process":
        """Starts a command in a session of its own, so that Ctrl-C at a terminal does not reach it; it outlives this program."""
        files = [
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ]
        pid = os.posix_spawn(command[0], command, os.environ, file_actions=files, setsid=True)
        stat = _stat(pid)
        assert stat is not None, "a child that nobody waited for has an entry"
        return cls(pid, stat[1])

    def state(self) -> str:
        """running, paused or gone."""
        stat = _stat(self.pid)
        if stat is None or stat[1] != self.started or stat[0] in "ZX":
            return "gone"
        return "paused" if stat[0] in "Tt" else "running"

    def send(self, number: signal.Signals, wait_s: float = 0) -> bool:
        """Sends a signal, if this is still the same process, and waits for its end; False when it still is there then."""
        try:
            handle = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return True
        try:
            if self.state() == "gone":
                return True
            signal.pidfd_send_signal(handle, number)
            return bool(select.select([handle], [], [], wait_s)[0])
        finally:
            os.close(handle)

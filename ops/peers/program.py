"""A program that runs beside this one, and waiting for it."""

import contextlib
import json
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from machine import Failure

LOOK_EVERY_S = 0.1
STOPPED_WITHIN_S = 60


class Program:
    """A process whose output lies in two files of a folder: what it says, line by line, and its log."""

    def __init__(self, name: str, command: Sequence[str | Path], folder: Path) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        out = folder / f"{name}.out"
        with out.open("w") as to, self.log.open("w") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=to, stderr=log, text=True)
        self.out = out.open()
        self.partial = ""

    @property
    def pid(self) -> int:
        return self.process.pid

    def new_lines(self) -> Iterator[str]:
        """Returns the lines that came since the last call."""
        while line := self.out.readline():
            self.partial += line
            if line.endswith("\n"):
                whole, self.partial = self.partial, ""
                yield whole.rstrip("\n")

    def new_values(self) -> Iterator[dict]:
        """The same, of a program that says JSON."""
        return (json.loads(line) for line in self.new_lines())

    def send(self, line: str) -> None:
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def check(self) -> None:
        """Failure: it has ended."""
        if (status := self.process.poll()) is not None:
            raise self.failure(f"ended with exit status {status}")

    def failure(self, what: str) -> Failure:
        return Failure(f"{self.name} {what}. The last of {self.log}:\n{self.log.read_text(errors='replace')[-2_000:]}")

    def wait_until(self, what: str, condition: Callable[[], bool], within_s: float) -> None:
        """Waits for a condition. Failure: the program ended, or it took too long."""
        end = time.monotonic() + within_s
        while not condition():
            self.check()
            if time.monotonic() > end:
                raise self.failure(f"has not come so far within {within_s:.0f} s: {what}")
            time.sleep(LOOK_EVERY_S)

    def end(self) -> None:
        """Ends its input and waits until it has ended by itself. Failure: it has not, or not well."""
        self.process.stdin.close()
        self._ended()

    def terminate(self) -> None:
        """Tells it to stop, and waits until it has. Failure: it has not, or not well."""
        self.process.send_signal(signal.SIGTERM)
        self._ended()

    def _ended(self) -> None:
        try:
            status = self.process.wait(STOPPED_WITHIN_S)
        except subprocess.TimeoutExpired:
            raise self.failure(f"does not stop within {STOPPED_WITHIN_S} s") from None
        if status != 0:
            raise self.failure(f"ended with exit status {status}")

    @contextlib.contextmanager
    def never_left_behind(self) -> Iterator["Program"]:
        try:
            yield self
        finally:
            self.process.kill()
            self.process.wait()
            self.out.close()

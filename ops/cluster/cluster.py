"""A cluster in a folder: what runs, written down in cluster.json; starting, hurting and stopping its servers.

cluster.json is written before a server is waited for, so that whoever comes next finds and stops what an interrupted `up` left.
Whoever changes anything holds the folder's lock. Data is thrown away when the cluster is; logs stay.
"""

import contextlib
import fcntl
import json
import os
import shutil
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from ports import HOST
from process import Process
from servers import Failure, Server, Shape

KILLED_WITHIN_S = 20
STOPPED_WITHIN_S = 60
LOG_LINES_TOLD = 25
LOOK_EVERY_S = 0.05
WATCH_EVERY_S = 0.5

Say = Callable[[str], None]
# From the cluster's folder and shape to what clients have to know, and the servers to start.
Configure = Callable[[Path, Shape], tuple[dict, Iterable[Server]]]


@dataclass(frozen=True)
class Running:
    """A server with the process that was started last."""

    server: Server
    process: Process
    log: Path
    # Where the log ended when it was started: what stands before is of earlier lives.
    log_from: int

    @classmethod
    def start(cls, server: Server, log: Path) -> "Running":
        log.parent.mkdir(exist_ok=True)
        log_from = log.stat().st_size if log.exists() else 0
        return cls(server, Process.start(server.command, log), log, log_from)

    def is_ready(self) -> bool:
        with self.log.open("rb") as log:
            log.seek(self.log_from)
            if not any(self.server.ready.encode() in line for line in log):
                return False
        with socket.socket() as probe:
            return probe.connect_ex((HOST, self.server.port)) == 0

    def last_lines(self) -> str:
        with self.log.open(errors="replace") as log:
            log.seek(self.log_from)
            return "".join(log.readlines()[-LOG_LINES_TOLD:])

    def to_json(self) -> dict:
        return asdict(self.server) | asdict(self.process) | {"log": str(self.log), "log_from": self.log_from}

    @classmethod
    def from_json(cls, value: dict) -> "Running":
        server = Server(value["name"], value["command"], value["ready"], value["port"])
        return cls(server, Process(value["pid"], value["started"]), Path(value["log"]), value["log_from"])


class Cluster:
    """The cluster of one folder. `state` is what cluster.json holds; None when nothing was started."""

    def __init__(self, folder: Path, say: Say, ready_within_s: float = 300) -> None:
        self.folder = folder.resolve()
        self.file = self.folder / "cluster.json"
        self.logs = self.folder / "logs"
        self.say = say
        self.ready_within_s = ready_within_s

    # ---- what is written down ------------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self.folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def load(self) -> dict | None:
        try:
            return json.loads(self.file.read_text())
        except FileNotFoundError:
            return None

    def _save(self, state: dict) -> None:
        partial = self.file.with_suffix(".partial")
        partial.touch(mode=0o600)
        partial.write_text(json.dumps(state, indent=2) + "\n")
        partial.replace(self.file)

    def running(self, state: dict | None) -> list[Running]:
        return [Running.from_json(value) for value in state["servers"]] if state else []

    # ---- up and down ---------------------------------------------------------------------------------------------------------------

    def up(self, configure: Configure, shape: Shape, holder: Process | None) -> dict:
        """Starts what does not run yet and wakes what is paused; a cluster of which nothing runs is made anew.

        `holder`: the cluster is stopped when this process and all others that asked for it so are gone; None: not before `down`.
        """
        with self.locked():
            state = self.load()
            if state is None or all(one.process.state() == "gone" for one in self.running(state)):
                self._discard(state)
                return self._create(configure, shape, holder)
            has = Shape(**state["shape"])
            if not has.covers(shape):
                raise Failure(f"another cluster runs in {self.folder} ({has}): take it down first, or name another --dir")
            self._hold(state, holder)
            if not [one for one in self.running(state) if self._revive(state, one)]:
                self.say("running already")
            self._await_ready(self.running(state))
            return state

    def _create(self, configure: Configure, shape: Shape, holder: Process | None) -> dict:
        start = time.monotonic()
        for log in self.logs.glob("*.log"):
            log.replace(log.with_suffix(".log.old"))
        try:
            addresses, all_servers = configure(self.folder, shape)
            state = addresses | {"holders": [], "watchdog": None, "servers": []}
            self._hold(state, holder)
            for server in all_servers:
                self._launch(state, server)
            self._await_ready(self.running(state))
        except BaseException:
            self._discard(self.load())
            raise
        self.say(f"everything ready after {time.monotonic() - start:.1f} s")
        return state

    def down(self) -> bool:
        """Stops every server and throws the data away; returns false when there was nothing."""
        with self.locked():
            state = self.load()
            self._discard(state)
            return state is not None

    def _discard(self, state: dict | None) -> None:
        if state and state["watchdog"] and state["watchdog"]["pid"] != os.getpid():
            Process(**state["watchdog"]).send(signal.SIGKILL)
        for one in self.running(state):
            # What they hold is thrown away, so nobody waits for an orderly end.
            if not one.process.send(signal.SIGKILL, KILLED_WITHIN_S):
                raise Failure(f"{one.server.name} (process {one.process.pid}) does not end")
        for path in self.folder.iterdir():
            if path.is_dir() and path != self.logs:
                shutil.rmtree(path)
        # Last, so that whoever is interrupted here can be followed by another `down`.
        self.file.unlink(missing_ok=True)

    # ---- single servers ------------------------------------------------------------------------------------------------------------

    def signal(self, name: str, number: signal.Signals, wait_s: float) -> None:
        """Sends a signal to a server. Failure: it does not run, or did not end within `wait_s` (0: it is not to end)."""
        one = self._find(self.load(), name)
        if one.process.state() == "gone":
            raise Failure(f"{name} does not run")
        if not one.process.send(number, wait_s) and wait_s > 0:
            raise Failure(f"{name} (process {one.process.pid}) did not end within {wait_s} s")
        while number == signal.SIGSTOP and one.process.state() == "running":
            time.sleep(0.001)

    def start(self, name: str) -> None:
        """Starts a server that ended, on the same ports and data, and waits until it is ready; a paused one goes on."""
        with self.locked():
            state = self.load()
            self._revive(state, self._find(state, name))
            self._await_ready([self._find(state, name)])

    def _find(self, state: dict | None, name: str) -> Running:
        if state is None:
            raise Failure(f"nothing runs in {self.folder}: start it by `ops/local-cluster up --dir {self.folder}`")
        for one in self.running(state):
            if one.server.name == name:
                return one
        raise Failure(f"there is no {name}; there are {', '.join(one.server.name for one in self.running(state))}")

    def _revive(self, state: dict, one: Running) -> bool:
        condition = one.process.state()
        if condition == "paused":
            one.process.send(signal.SIGCONT)
        elif condition == "gone":
            self._launch(state, one.server)
        return condition != "running"

    def _launch(self, state: dict, server: Server) -> None:
        others = [value for value in state["servers"] if value["name"] != server.name]
        state["servers"] = [*others, Running.start(server, self.logs / f"{server.name}.log").to_json()]
        self._save(state)

    def _await_ready(self, waited_for: list[Running]) -> None:
        start = said = time.monotonic()
        waiting = list(waited_for)
        while waiting:
            took = time.monotonic() - start
            for one in list(waiting):
                # Looked at first: a server may say that it is ready and end.
                condition = one.process.state()
                if condition == "gone" or took > self.ready_within_s:
                    why = "ended" if condition == "gone" else f"is not ready after {took:.0f} s"
                    raise Failure(f"{one.server.name} {why}. The last lines of {one.log}:\n{one.last_lines()}")
                if one.is_ready():
                    waiting.remove(one)
                    if took > 1:
                        self.say(f"{one.server.name}: ready after {took:.1f} s")
            if waiting and time.monotonic() > said + 5:
                said = time.monotonic()
                self.say(f"waiting for {', '.join(one.server.name for one in waiting)} ({took:.0f} s)")
            time.sleep(LOOK_EVERY_S if waiting else 0)

    # ---- who needs it, and the watchdog --------------------------------------------------------------------------------------------

    def _hold(self, state: dict, holder: Process | None) -> None:
        """Notes who needs the cluster (None: everybody, until `down`), and that somebody stops it when nobody does any more."""
        if holder is None or state["holders"] is None:
            state["holders"] = None
        else:
            others = [value for value in state["holders"] if Process(**value).state() != "gone"]
            state["holders"] = [*others, asdict(holder)]
            if state["watchdog"] is None or Process(**state["watchdog"]).state() == "gone":
                self.logs.mkdir(exist_ok=True)
                words = [sys.executable, "-B", str(Path(__file__).resolve().parent), "watch", "--dir", str(self.folder)]
                state["watchdog"] = asdict(Process.start(words, self.logs / "watchdog.log"))
        self._save(state)

    def watch(self) -> None:
        """Waits until every holder is gone, then takes the cluster down; ends early when that is no longer its business."""
        with self.locked():  # held by who started this, until everything is written down
            last = self.load()
        self.say("watching")
        while True:
            state = self.load()
            if state is None:
                # Taken down, or somebody removed the folder under running servers: nobody else knows them then.
                for one in self.running(last):
                    one.process.send(signal.SIGKILL, KILLED_WITHIN_S)
                return
            if state["watchdog"] is None or state["watchdog"]["pid"] != os.getpid():
                return
            if not _is_held(state):
                with self.locked():
                    state = self.load()
                    if state is not None and not _is_held(state):
                        self._discard(state)
                        return
            last = state
            time.sleep(WATCH_EVERY_S)


def _is_held(state: dict) -> bool:
    holders = state["holders"]
    return holders is None or any(Process(**holder).state() != "gone" for holder in holders)

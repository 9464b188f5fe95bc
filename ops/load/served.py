"""A served shop: the engine on a new data folder, its metrics, its memory, and a well-behaved client that watches how it is treated."""

import contextlib
import http.client
import json
import os
import re
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from machine import cpu_of, cpu_s, run
from program import Program

READY_WITHIN_S = 120
APPLIED_WITHIN_S = 300
CLIENT_EVERY_S = 0.05
# Longer than the server gives a request.
PATIENCE_S = 30


class Served:
    """`care serve` with its HTTP server, and a key to send events."""

    def __init__(self, care: Path, folder: Path, settings: dict[str, str]) -> None:
        folder.mkdir(parents=True)
        data = str(folder / "data")
        made = run([care, "keys", "create", "--role", "ingest", "--name", "load", "--json", "--data-dir", data])
        self.key = json.loads(made)["key"]
        # Rule scores: what is measured is the front door and the engine, not the models.
        os.environ.update({"CARE__PREDICTOR__KIND": "rules", **settings})
        command = [care, "serve", "--json", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--data-dir", data]
        try:
            self.program = Program("care", command, folder)
        finally:
            for name in settings:
                del os.environ[name]

    def wait_until_ready(self) -> None:
        heard: dict[str, dict] = {}

        def is_ready() -> bool:
            heard.update({line["said"]: line for line in self.program.new_values()})
            return "ready" in heard

        self.program.wait_until("ready", is_ready, READY_WITHIN_S)
        self.endpoint, self.http = heard["started"]["endpoint"], heard["started"]["http"]
        self.address = self.http.removeprefix("http://")

    @property
    def pid(self) -> int:
        return self.program.pid

    def metrics(self) -> dict[str, float]:
        """Returns the sum over the labels of each metric, and each with its labels."""
        found: dict[str, float] = {}
        with urllib.request.urlopen(f"{self.endpoint}/metrics", timeout=PATIENCE_S) as answer:
            for line in answer.read().decode().splitlines():
                if not line.startswith("#"):
                    name, _, value = line.rpartition(" ")
                    found[name] = float(value)
                    if "{" in name:
                        bare = name.partition("{")[0]
                        found[bare] = found.get(bare, 0) + float(value)
        return found

    def memory_mb(self) -> float:
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1]) / 1_024
        raise self.program.failure("is gone")

    def cpu_s(self) -> float:
        return cpu_s(self.pid)

    def cpu_share(self, seconds: float) -> float:
        """Watches for so long; returns the processor time that it used meanwhile, as a share of a core."""
        begun, used = time.monotonic(), self.cpu_s()
        time.sleep(seconds)
        return (self.cpu_s() - used) / (time.monotonic() - begun)

    def sockets(self) -> int:
        """Returns how many connections it holds, among them its own and those that it listens at."""
        count = 0
        for file in Path(f"/proc/{self.pid}/fd").iterdir():
            # A file may be closed while it is looked at.
            with contextlib.suppress(OSError):
                count += file.readlink().name.startswith("socket:")
        return count

    def threads_s(self) -> dict[str, float]:
        """Returns the processor time of the threads that there are, by what they are for: their names without numbers."""
        spent: dict[str, float] = {}
        for task in Path(f"/proc/{self.pid}/task").iterdir():
            # A thread may end while it is looked at.
            with contextlib.suppress(OSError):
                name = re.sub(r"[-_: ]*[0-9:]+$", "", (task / "comm").read_text().strip()).replace("|", "/")
                spent[name] = spent.get(name, 0) + cpu_of(task / "stat")
        return spent

    def wait_until_applied(self) -> tuple[float, float]:
        """Waits until the log is read to its end and safe; returns how many events were accepted and how many applied, since the start."""

        def is_done() -> bool:
            now = self.metrics()
            return now["care_partition_records_lag"] == 0 and applied(now) >= accepted(now)

        self.program.wait_until("everything accepted is applied and safe", is_done, APPLIED_WITHIN_S)
        now = self.metrics()
        return accepted(now), applied(now)


def accepted(metrics: dict[str, float]) -> float:
    return metrics.get("care_collector_events_accepted_total", 0)


def applied(metrics: dict[str, float]) -> float:
    names = ("care_customer_events_applied_total", "care_customer_events_duplicate_total")
    return sum(metrics[name] for name in names)


@contextlib.contextmanager
def serving(care: Path, folder: Path, settings: dict[str, str] | None = None) -> Iterator[Served]:
    served = Served(care, folder, settings or {})
    with served.program.never_left_behind():
        served.wait_until_ready()
        yield served
        served.program.terminate()


class Memory(threading.Thread):
    """Looks at the memory of a process again and again."""

    def __init__(self, served: Served) -> None:
        super().__init__(daemon=True)
        self.served, self.seen, self.over = served, [served.memory_mb()], threading.Event()

    def run(self) -> None:
        while not self.over.wait(0.1):
            with contextlib.suppress(OSError):
                self.seen.append(self.served.memory_mb())

    def stop(self) -> None:
        self.over.set()
        self.join()

    def grown_mb(self) -> float:
        """Returns how much more it took at the end than after a third of the time: what the load itself needs is there by then."""
        third = len(self.seen) // 3
        middle, last = self.seen[third : 2 * third] or self.seen, self.seen[2 * third :]
        return max(last) - max(middle)


class Client(threading.Thread):
    """Sends one good event after the other, and notes how long each answer took."""

    def __init__(self, served: Served) -> None:
        super().__init__(daemon=True)
        self.served, self.took_ms, self.failed, self.over = served, [], [], threading.Event()

    def run(self) -> None:
        number, connection = 0, None
        while not self.over.is_set():
            number += 1
            begun = time.monotonic()
            try:
                connection = connection or http.client.HTTPConnection(self.served.address, timeout=PATIENCE_S)
                status = track(connection, self.served.key, f"good-{number}", {"n": number})
            except (OSError, http.client.HTTPException) as error:
                connection, status = None, type(error).__name__
            if status == 200:
                self.took_ms.append((time.monotonic() - begun) * 1e3)
            else:
                self.failed.append(status)
            self.over.wait(CLIENT_EVERY_S)

    def stop(self) -> None:
        self.over.set()
        self.join()


def track(connection: http.client.HTTPConnection, key: str, message: str, properties: dict) -> int:
    """Sends one event and returns the status of the answer."""
    status, _ = post(connection, "/v1/track", key, {"userId": "good", "event": "Seen", "messageId": message, "properties": properties})
    return status


def post(connection: http.client.HTTPConnection, path: str, shown: str, value: dict) -> tuple[int, bytes]:
    """Sends a value to a path under a key or a session; returns the status of the answer and what it says."""
    connection.request("POST", path, json.dumps(value), {"Content-Type": "application/json", "Authorization": f"Bearer {shown}"})
    answer = connection.getresponse()
    return answer.status, answer.read()


@contextlib.contextmanager
def watched(served: Served) -> Iterator[tuple[Client, Memory]]:
    """Has a good client and a look at the memory beside what is done to a server."""
    client, memory = Client(served), Memory(served)
    client.start()
    memory.start()
    try:
        yield client, memory
    finally:
        client.stop()
        memory.stop()


def quantile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)] if ordered else float("nan")

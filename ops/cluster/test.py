"""Tests of the local cluster's program, with servers that are a few lines each: python3 -B ops/cluster/test.py."""

import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

from cluster import Cluster
from ports import free
from process import Process
from servers import Failure, Server, Shape

ONE = Shape(brokers=1, tls=False)
# Writes what it was told to, listens, appends to a file beside it that it was started, and stays.
SERVER = """
import socket, sys, time
port, data = int(sys.argv[1]), sys.argv[2]
open(data, "a").write("started\\n")
listener = socket.create_server(("127.0.0.1", port))
print("this one is ready now", flush=True)
time.sleep(600)
"""
WITHIN_S = 20


class Fake:
    """Configures servers that are a few lines each; counts how often it was asked."""

    def __init__(self, script: str = SERVER) -> None:
        self.script = script
        self.asked = 0

    def __call__(self, folder: Path, shape: Shape) -> tuple[dict, list[Server]]:
        self.asked += 1
        names = ["store", *(f"broker-{n}" for n in range(1, shape.brokers + 1))]
        servers = []
        for name, port in zip(names, free(len(names)), strict=True):
            (folder / name).mkdir()
            command = [sys.executable, "-c", self.script, str(port), str(folder / name / "data")]
            servers.append(Server(name, command, "ready now", port))
        return {"brokers": "somewhere", "shape": {"brokers": shape.brokers, "tls": shape.tls}}, servers


class LocalCluster(unittest.TestCase):
    def setUp(self) -> None:
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name) / "cluster"
        self.cluster = Cluster(self.folder, say=lambda text: None, ready_within_s=WITHIN_S)
        self.fake = Fake()
        self.addCleanup(self.cluster.down)

    def up(self, holder: Process | None = None, shape: Shape = ONE) -> dict:
        return self.cluster.up(self.fake, shape, holder)

    def processes(self) -> dict[str, Process]:
        return {one.server.name: one.process for one in self.cluster.running(self.cluster.load())}

    def sleeper(self) -> subprocess.Popen:
        """A process that stays until the test ends it, or ends."""
        child = subprocess.Popen(["sleep", "600"])
        self.addCleanup(lambda: (child.kill(), child.wait()))
        return child

    def await_gone(self, processes: dict[str, Process]) -> None:
        end = time.monotonic() + WITHIN_S
        while any(one.state() != "gone" for one in processes.values()):
            self.assertLess(time.monotonic(), end, "they run on")
            time.sleep(0.02)

    def test_up_twice_starts_once(self) -> None:
        first = self.up()
        self.assertEqual(first, self.up())
        self.assertEqual(1, self.fake.asked)

    def test_down_leaves_the_logs_and_nothing_else_of_use(self) -> None:
        self.up()
        processes = self.processes()
        self.assertTrue(self.cluster.down())
        self.await_gone(processes)
        self.assertEqual({"logs", "lock"}, {path.name for path in self.folder.iterdir()})
        self.assertIn("ready now", (self.cluster.logs / "store.log").read_text())
        self.assertFalse(self.cluster.down())

    def test_a_cluster_of_which_nothing_runs_begins_anew(self) -> None:
        self.up()
        for name in self.processes():
            self.cluster.signal(name, signal.SIGKILL, WITHIN_S)
        self.up()
        self.assertEqual(2, self.fake.asked)
        self.assertEqual("started\n", (self.folder / "store" / "data").read_text())

    def test_a_killed_server_starts_on_its_data_and_port(self) -> None:
        self.up()
        before = self.processes()
        self.cluster.signal("store", signal.SIGKILL, WITHIN_S)
        self.assertEqual("gone", before["store"].state())
        with self.assertRaisesRegex(Failure, "store does not run"):
            self.cluster.signal("store", signal.SIGSTOP, 0)
        self.cluster.start("store")
        self.assertEqual("started\nstarted\n", (self.folder / "store" / "data").read_text())
        after = self.processes()
        self.assertNotEqual(before["store"], after["store"])
        self.assertEqual(before["broker-1"], after["broker-1"])

    def test_up_brings_back_what_was_killed_or_paused(self) -> None:
        self.up(shape=Shape(3, False))
        self.cluster.signal("store", signal.SIGKILL, WITHIN_S)
        self.cluster.signal("broker-2", signal.SIGSTOP, 0)
        self.assertEqual("paused", self.processes()["broker-2"].state())
        self.up(shape=Shape(3, False))
        self.assertEqual({"running"}, {one.state() for one in self.processes().values()})
        self.assertEqual(1, self.fake.asked)

    def test_another_shape_is_refused_and_a_lesser_one_served(self) -> None:
        self.up(shape=Shape(1, True))
        self.up(shape=Shape(1, False))
        with self.assertRaisesRegex(Failure, "another cluster runs in .* \\(1 broker, TLS\\)"):
            self.up(shape=Shape(3, True))

    def test_a_server_that_ends_is_named_with_its_last_words_and_nothing_stays(self) -> None:
        self.fake = Fake("raise SystemExit('the disk is made of cheese')")
        with self.assertRaisesRegex(Failure, "(?s)(store|broker-1) ended.*the disk is made of cheese"):
            self.up()
        self.assertIsNone(self.cluster.load())

    def test_a_server_that_says_nothing_is_given_up_and_stopped(self) -> None:
        self.fake = Fake("import time; print('still thinking', flush=True); time.sleep(600)")
        # Long enough for it to have said that, on a busy machine as well.
        self.cluster.ready_within_s = 5
        with self.assertRaisesRegex(Failure, "(?s)store is not ready after .*still thinking"):
            self.up()
        self.assertIsNone(self.cluster.load())

    def test_when_its_last_holder_is_gone_everything_stops(self) -> None:
        holders = [self.sleeper() for _ in range(2)]
        for holder in holders:
            self.up(holder=Process.of(holder.pid))
        processes = self.processes()
        holders[0].kill()
        holders[0].wait()
        self.up(holder=Process.of(holders[1].pid))
        self.assertEqual({"running"}, {one.state() for one in processes.values()})
        holders[1].kill()
        holders[1].wait()
        self.await_gone(processes)

    def test_a_removed_folder_does_not_leave_servers_behind(self) -> None:
        self.up(holder=Process.of(os.getpid()))
        processes = self.processes()
        end = time.monotonic() + WITHIN_S
        while "watching" not in (self.cluster.logs / "watchdog.log").read_text():
            self.assertLess(time.monotonic(), end, "nobody watches")
            time.sleep(0.02)
        self.cluster.file.unlink()
        self.await_gone(processes)

    def test_asked_for_without_a_holder_it_outlives_those_that_hold_it(self) -> None:
        self.up(holder=Process.of(self.sleeper().pid))
        self.up()
        self.assertIsNone(self.cluster.load()["holders"])

    def test_an_id_that_was_given_away_again_is_left_alone(self) -> None:
        child = self.sleeper()
        earlier = Process(child.pid, Process.of(child.pid).started - 1)
        self.assertEqual("gone", earlier.state())
        self.assertTrue(earlier.send(signal.SIGKILL))
        self.assertIsNone(child.poll())


if __name__ == "__main__":
    unittest.main()

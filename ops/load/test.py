"""Tests of what judges a loaded server: python3 -B ops/load/test.py. Needs neither wrk nor a server."""

import dataclasses
import socket
import sys
import unittest
from pathlib import Path

sys.path.insert(1, str(Path(__file__).resolve().parent.parent / "peers"))

import hostile
from load import Load, Overload, Sent
from names import names
from served import quantile
from tables import Found
from tables import hostile as hostile_table

SENT = Sent(requests=10, took_us=1_000_000, p50_us=1, p99_us=2, max_us=3, broken=0, late=0, accepted=200, refused=0, unexplained=0, other=0)
LOAD = Load(20, 64, SENT, 200, 10, {"fold": 4}, {"worker": 9}, 100, accepted=200, applied=200)
OVERLOAD = Overload(100, dataclasses.replace(SENT, refused=5), 200, 100, 3, accepted=200, applied=200)


class Judging(unittest.TestCase):
    def test_a_load_is_good_when_all_that_was_accepted_is_applied_and_nothing_else_was_answered(self) -> None:
        self.assertTrue(LOAD.good)
        self.assertEqual(6, LOAD.rest_us)
        self.assertFalse(dataclasses.replace(LOAD, applied=199).good)
        for wrong in ({"other": 1}, {"broken": 1}, {"late": 1}, {"accepted": 0}):
            self.assertFalse(dataclasses.replace(LOAD, sent=dataclasses.replace(SENT, **wrong)).good, wrong)

    def test_an_overload_is_good_when_it_was_one_and_every_refusal_says_when_to_come_again(self) -> None:
        self.assertTrue(OVERLOAD.good)
        for wrong in ({"applied": 201}, {"grown_mb": 65}):
            self.assertFalse(dataclasses.replace(OVERLOAD, **wrong).good, wrong)
        for wrong in ({"refused": 0}, {"unexplained": 1}, {"other": 1}, {"accepted": 0}):
            self.assertFalse(dataclasses.replace(OVERLOAD, sent=dataclasses.replace(OVERLOAD.sent, **wrong)).good, wrong)

    def test_one_fault_makes_a_run_bad(self) -> None:
        found = Found()
        found.loads, found.overload = [LOAD], OVERLOAD
        self.assertTrue(found.good)
        case = hostile.Case("slow heads", 1, {"408": 1}, 1, 1, [], 1, 1, 100, 0, [])
        found.hostile = [case, dataclasses.replace(case, faults=["too late"])]
        self.assertFalse(found.good)
        self.assertIn("too late", hostile_table(found.hostile))

    def test_ends_are_counted_and_faults_told_once(self) -> None:
        done = iter([("408", ""), ("408", ""), ("kept", "kept"), ("kept", "kept"), ("", "large")])
        self.assertEqual(({"408": 2, "kept": 2}, ["kept", "large"]), hostile.tally(done))
        self.assertEqual("408", hostile.status_of(b"HTTP/1.1 408 Request Timeout\r\n"))
        self.assertEqual("closed", hostile.status_of(b""))

    def test_a_slow_client_sees_that_it_was_let_go(self) -> None:
        class Server:
            listener = socket.create_server(("127.0.0.1", 0))
            address = "127.0.0.1:%d" % listener.getsockname()[1]

        client = hostile.Slow(Server, b"POST", b"x")
        other, _ = Server.listener.accept()
        self.assertTrue(client.go_on())
        other.sendall(b"HTTP/1.1 408 Request Timeout\r\n\r\n")
        other.shutdown(socket.SHUT_WR)
        client.socket.setblocking(True)
        client.socket.recv(1, socket.MSG_PEEK)
        client.socket.setblocking(False)
        while client.go_on():
            pass
        self.assertEqual("408", hostile.status_of(client.said))
        for one in (client.socket, other, Server.listener):
            one.close()

    def test_names_are_those_of_the_help(self) -> None:
        self.assertEqual(["load", "slow heads"], names("load,slow-heads"))
        self.assertEqual(list(hostile.ATTACKS), names("hostile"))
        self.assertEqual((3.0, 5.0), (quantile([5, 1, 3.0], 0.5), quantile([5.0, 1, 3], 0.99)))


if __name__ == "__main__":
    unittest.main()

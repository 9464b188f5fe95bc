"""Tests of what judges a loaded server: python3 -B ops/load/test.py. Needs neither wrk nor a server."""

import argparse
import dataclasses
import socket
import sys
import threading
import unittest
from pathlib import Path

sys.path.insert(1, str(Path(__file__).resolve().parent.parent / "peers"))

import hostile
import idle
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
        found.hostile.append(dataclasses.replace(case, name="idle pages", cost=idle.Cost(21.26, 0.019, 17)))
        self.assertIn("| 21.3 | +17 | 1.9% | bounded |", hostile_table(found.hostile))

    def test_ends_are_counted_and_faults_told_once(self) -> None:
        done = iter([("408", ""), ("408", ""), ("kept", "kept"), ("kept", "kept"), ("", "large")])
        self.assertEqual(({"408": 2, "kept": 2}, ["kept", "large"], None), hostile.tally(done))
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

    def test_what_idle_clients_cost_is_what_their_attack_returns(self) -> None:
        def attack() -> idle.Doing:
            yield "closed", ""
            return idle.Cost(3)

        self.assertEqual(({"closed": 1}, [], idle.Cost(3)), hostile.tally(attack()))

    def test_names_are_those_of_the_help(self) -> None:
        self.assertEqual(["load", "slow heads", "idle keep-alives"], names("load,slow heads, idle-keep-alives"))
        with self.assertRaisesRegex(argparse.ArgumentTypeError, "idle-connections: legal are load, .*, idle-keep-alives, idle-pages, hostile"):
            names("load,idle-connections")
        self.assertEqual(list(hostile.ATTACKS), names("hostile"))
        self.assertEqual((3.0, 5.0), (quantile([5, 1, 3.0], 0.5), quantile([5.0, 1, 3], 0.99)))


READY = 'event: ready\ndata: {"known":false}\n\n'
TURN = f'event: turn\nid: 0\ndata: {{"message":"{idle.MESSAGE}"}}\n\n'
ALIVE = ": alive\n\n"


def chunk(text: str) -> bytes:
    return f"{len(text.encode()):x}\r\n{text}\r\n".encode()


class Doors(threading.Thread):
    """A server that takes one connection, opens a session over it, and answers what listens with what it is given."""

    def __init__(self, status: str, *told: bytes) -> None:
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address, self.key = "127.0.0.1:%d" % self.listener.getsockname()[1], "write-key"
        self.status, self.told, self.asked = status, told, b""

    def run(self) -> None:
        stream, _ = self.listener.accept()
        with self.listener, stream:
            self.read(stream, b"}")
            opened = b'{"session":"s-1"}'
            stream.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(opened), opened))
            self.read(stream, b"\r\n\r\n")
            stream.sendall(f"HTTP/1.1 {self.status}\r\n\r\n".encode())
            for piece in self.told:
                stream.sendall(piece)

    def read(self, stream: socket.socket, end: bytes) -> None:
        self.asked = b""
        while not self.asked.endswith(end):
            self.asked += stream.recv(4_096)


class Listening(unittest.TestCase):
    def page(self, status: str, *told: bytes) -> tuple[idle.Page, Doors]:
        doors = Doors(status, *told)
        doors.start()
        self.addCleanup(doors.join)
        page = idle.Page(doors)
        self.addCleanup(page.socket.close)
        return page, doors

    def test_a_page_listens_with_its_session_and_hears_its_turn(self) -> None:
        whole = chunk("retry: 1000\n\n") + chunk(READY) + chunk(ALIVE) + chunk(TURN)
        page, doors = self.page("200 OK", whole[:40], whole[40:])
        self.assertTrue(page.sits)
        self.assertIn(b"Authorization: Bearer s-1\r\n", doors.asked)
        self.assertTrue(page.hear("turn", idle.MESSAGE))
        self.assertFalse(page.hear("turn", "another"), "the line ends, and it has not come")
        self.assertEqual(["ready", "turn"], [name for name, _ in page.events()])

    def test_a_page_without_a_seat_hears_nothing(self) -> None:
        page, _ = self.page("503 Service Unavailable", b"no seat")
        self.assertEqual((False, "", []), (page.sits, page.text(), page.events()))

    def test_what_is_not_whole_is_not_told(self) -> None:
        whole = chunk(READY) + chunk(TURN)
        for end in range(len(whole)):
            self.assertLess(len(idle.events(idle.whole_chunks(whole[:end]).decode())), 2, end)
        self.assertEqual(READY + TURN, idle.whole_chunks(whole + b"0\r\n\r\n").decode())

    def test_a_silent_page_hears_that_its_line_is_alive_and_nothing_of_others(self) -> None:
        def heard(text: str, *, is_open: bool = True, spoke: bool = False) -> tuple[str, bool]:
            end, fault = idle.heard_by(text, is_open=is_open, spoke=spoke)
            return end, fault == ""

        self.assertEqual(("heard nothing", True), heard(READY + ALIVE))
        self.assertEqual(("heard its turn", True), heard(READY + ALIVE + TURN, spoke=True))
        self.assertEqual(("heard another's", False), heard(READY + ALIVE + TURN))
        self.assertEqual(("heard nothing", False), heard(READY + ALIVE, spoke=True))
        self.assertEqual(("silent", False), heard(READY))
        self.assertEqual(("closed", False), heard(READY + ALIVE, is_open=False))


if __name__ == "__main__":
    unittest.main()

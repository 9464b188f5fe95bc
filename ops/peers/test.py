"""Tests of what judges the peers: python3 -B ops/peers/test.py. Needs no Java and no servers."""

import contextlib
import io
import signal
import tempfile
import unittest
from pathlib import Path

from events import DECIDED_EVERY, Events, share_of_orders
from machine import Failure, carry_out
from measure import quantile
from oracle import ORDERS_MAX, Decision, Known, Oracle, Verdict

CUSTOMERS, EVENTS = 200, 20_000


def order(total: float) -> dict:
    return {"event": "Order Completed", "properties": {"total": total}}


class Judging(unittest.TestCase):
    def setUp(self) -> None:
        self.oracle = Oracle()
        for key, event in [("a", order(19.99)), ("b", order(5)), ("a", {"event": "Cart Viewed"}), ("a", order(0.02)), ("a", order(1))]:
            self.oracle.take(key, event)
        self.sent = [Decision("a", 2, 2_001)]
        self.known = {"a": Known(4, 3, 2_101), "b": Known(1, 1, 500)}

    def judge(self) -> Verdict:
        return self.oracle.judge(self.sent, self.known)

    def test_what_the_events_say_is_exact(self) -> None:
        self.assertEqual({Decision("a", 2, 2_001): 3}, self.oracle.decisions)
        self.assertTrue(self.judge().good)
        self.assertEqual("exact", str(self.judge()))

    def test_a_decision_that_is_missing_is_lost(self) -> None:
        self.sent.clear()
        self.assertEqual(Verdict(lost=1, doubled=0, wrong=0, wrong_state=0), self.judge())

    def test_a_decision_that_came_twice_is_doubled(self) -> None:
        self.sent *= 3
        self.assertEqual(Verdict(lost=0, doubled=2, wrong=0, wrong_state=0), self.judge())

    def test_records_that_say_that_they_are_repeated_are_noted_and_no_fault(self) -> None:
        verdict = self.oracle.judge(self.sent, self.known, repeated=2)
        self.assertTrue(verdict.good)
        self.assertEqual("exact (2 records repeated under their id)", str(verdict))

    def test_a_decision_of_another_state_is_wrong_and_the_right_one_lost(self) -> None:
        self.sent = [Decision("a", 2, 2_000)]
        self.assertEqual(Verdict(lost=1, doubled=0, wrong=1, wrong_state=0), self.judge())

    def test_customers_with_other_figures_missing_or_invented_are_counted(self) -> None:
        self.known = {"a": Known(5, 3, 2_101), "c": Known(1, 0, 0)}
        self.assertEqual("lost 0, doubled 0, wrong 0, state of 3 customers wrong", str(self.judge()))
        self.assertFalse(self.judge().good)

    def test_more_orders_than_the_trigger_lists_are_refused(self) -> None:
        with self.assertRaisesRegex(ValueError, "more than 65 orders"):
            for _ in range(ORDERS_MAX + 1):
                self.oracle.take("c", order(1))

    def test_a_copy_goes_on_by_itself(self) -> None:
        later = self.oracle.copy()
        later.take("b", order(5))
        self.assertEqual(({Decision("a", 2, 2_001), Decision("b", 2, 1_000)}, 6), (later.decisions.keys(), later.events))
        self.assertTrue(self.judge().good)


class Making(unittest.TestCase):
    def setUp(self) -> None:
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)

    def test_a_seed_fixes_the_events_and_parts_are_the_whole(self) -> None:
        events = Events(CUSTOMERS, EVENTS / CUSTOMERS, seed=7)
        whole, parts = events.copy(), [self.folder / "1", self.folder / "2"]
        whole.write(self.folder / "whole", EVENTS)
        events.write(parts[0], 150)
        events.copy().write(parts[1], EVENTS - 150)
        self.assertEqual((self.folder / "whole").read_text(), "".join(part.read_text() for part in parts))

    def test_one_event_in_a_hundred_decides_and_weighs_what_is_claimed(self) -> None:
        path, oracle = self.folder / "events", Oracle()
        Events(CUSTOMERS, EVENTS / CUSTOMERS, seed=7).write(path, EVENTS)
        oracle.read(path)
        self.assertAlmostEqual(1, len(oracle.decisions) * DECIDED_EVERY / EVENTS, delta=0.2)
        self.assertAlmostEqual(475, path.stat().st_size / EVENTS - len("customer-0000000\t\n"), delta=10)

    def test_rarer_customers_order_more_often(self) -> None:
        shares = [share_of_orders(per_customer) for per_customer in (1, 10, 100, 1_000)]
        self.assertEqual(sorted(shares, reverse=True), shares)


class Ending(unittest.TestCase):
    def setUp(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            self.addCleanup(signal.signal, number, signal.getsignal(number))

    def end(self, work) -> tuple[int, str, str]:
        with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as told:
            return carry_out("peers", work), out.getvalue(), told.getvalue()

    def test_what_was_measured_is_printed_and_the_exit_status_is_its_verdict(self) -> None:
        self.assertEqual((0, "figures\n", ""), self.end(lambda machine: ("figures", "cores of" in machine)))
        self.assertEqual((1, "figures\n", ""), self.end(lambda _: ("figures", False)))

    def test_what_fails_is_told_by_name(self) -> None:
        def fail(_: str) -> tuple[str, bool]:
            raise Failure("care is gone")

        self.assertEqual((1, "", "peers: care is gone\n"), self.end(fail))

    def test_whoever_ends_it_what_runs_beside_it_is_left_in_order(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            closed = []

            def ended(_: str, number: int = number, closed: list = closed) -> tuple[str, bool]:
                try:
                    signal.raise_signal(number)
                finally:
                    closed.append(number)
                return "figures", True

            status, printed, told = self.end(ended)
            self.assertEqual((130, "", [number]), (status, printed, closed))
            self.assertIn("interrupted", told)


class Figures(unittest.TestCase):
    def test_quantiles_are_values_that_were_seen(self) -> None:
        waits = [float(number) for number in range(1, 101)]
        self.assertEqual([51, 100, 100], [quantile(waits, share) for share in (0.5, 0.99, 1)])


if __name__ == "__main__":
    unittest.main()

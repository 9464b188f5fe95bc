"""What must have come of the events, and what did not: worked out from what was produced, by code that knows none of the contenders."""

import copy
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

# The trigger lists the numbers of orders that it starts at; beyond them the engine would rightly decide nothing.
ORDERS_MAX = 65


@dataclass(frozen=True, order=True)
class Decision:
    """One decision: after which order of whom, and what all orders were worth by then."""

    customer: str
    orders: int
    cents: int


@dataclass
class Known:
    """What is known of a customer."""

    events: int = 0
    orders: int = 0
    cents: int = 0


@dataclass
class Oracle:
    """What must be true after everything that was produced."""

    customers: dict[str, Known] = field(default_factory=dict)
    # Each decision with the number of its event, from 0.
    decisions: dict[Decision, int] = field(default_factory=dict)
    events: int = 0

    def copy(self) -> "Oracle":
        """The same, to be gone on with independently."""
        return copy.deepcopy(self)

    def read(self, path: Path) -> None:
        """Takes the events of a file, which come after those of earlier ones."""
        with path.open() as lines:
            for line in lines:
                key, _, body = line.partition("\t")
                self.take(key, json.loads(body))

    def take(self, key: str, event: dict) -> None:
        known = self.customers.setdefault(key, Known())
        known.events += 1
        if event["event"] == "Order Completed":
            known.orders += 1
            known.cents += cents(event["properties"]["total"])
            if known.orders > ORDERS_MAX:
                raise ValueError(f"{key} has more than {ORDERS_MAX} orders, and triggers/ lists no more: take more customers")
            if known.orders % 2 == 0:
                self.decisions[Decision(key, known.orders, known.cents)] = self.events
        self.events += 1

    def judge(self, decisions: Iterable[Decision], customers: dict[str, Known], repeated: int = 0) -> "Verdict":
        """Compares with what a contender sent and what it knows; `repeated` records that say of themselves that they are are noted only."""
        sent = Counter(decisions)
        wrong_state = sum(1 for name in self.customers.keys() | customers.keys() if self.customers.get(name) != customers.get(name))
        return Verdict(
            lost=len(self.decisions.keys() - sent.keys()),
            doubled=sum(count - 1 for count in sent.values()),
            wrong=len(sent.keys() - self.decisions.keys()),
            wrong_state=wrong_state,
            repeated=repeated,
        )


@dataclass(frozen=True)
class Verdict:
    """What was not as it must be."""

    lost: int
    doubled: int
    wrong: int
    # Customers of whom something else is known than their events say.
    wrong_state: int
    # Records that bear the id of an earlier one, so that nobody takes them twice.
    repeated: int = 0

    @property
    def good(self) -> bool:
        return self.lost == self.doubled == self.wrong == self.wrong_state == 0

    def __str__(self) -> str:
        if self.good:
            return f"exact ({self.repeated} records repeated under their id)" if self.repeated else "exact"
        return f"lost {self.lost}, doubled {self.doubled}, wrong {self.wrong}, state of {self.wrong_state} customers wrong"


def cents(amount: float) -> int:
    """Returns an amount as the nearest whole number of cents."""
    return round(amount * 100)

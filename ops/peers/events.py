"""The events of the benchmark: Segment JSON of about 470 bytes, keyed by customer, from a seed; a line each (key, tab, JSON)."""

import copy
import math
import random
import time
from datetime import UTC, datetime
from pathlib import Path

# What shoppers do beside ordering, by share: mostly they look.
KINDS = ["Product Viewed"] * 82 + ["Product Added"] * 8 + ["Products Searched"] * 4 + ["Cart Viewed"] * 4 + ["Checkout Started"] * 2
# One event in so many is to lead to a decision, and every second order of a customer does (triggers/).
DECIDED_EVERY = 100
PRODUCTS = 5_000
EVENTS_PER_MS = 100
# Stamps begin so long before now, so that none lies in the future.
BEFORE_MS = 120_000

BODY = (
    '{"userId":"%s","type":"track","event":"%s","messageId":"ajs-next-%013d-5b1e2c","timestamp":"%s","context":{"locale":"de-DE",'
    '"timezone":"Europe/Berlin","page":{"path":"/p/sku-%04d","title":"Kettle","referrer":"https://shop.example/kitchen"}},'
    '"properties":{"product_id":"sku-%04d",%s"category":"kitchen","name":"Electric kettle 1.7 l","brand":"Acme","price":%d.%02d,'
    '"quantity":1,"currency":"EUR","position":%d}}'
)


class Events:
    """A stream of events that a seed fixes, but for the time at which it begins."""

    def __init__(self, customers: int, per_customer: float, seed: int) -> None:
        self.customers = customers
        self.orders = share_of_orders(per_customer)
        self.random = random.Random(seed)
        self.made = 0
        self.begin_ms = int(time.time() * 1_000) - BEFORE_MS

    def copy(self) -> "Events":
        """The same stream, to be gone on with independently."""
        return copy.deepcopy(self)

    def write(self, path: Path, count: int) -> None:
        """Writes the next events."""
        chance, stamp = self.random.random, ""
        with path.open("w") as file:
            for number in range(self.made, self.made + count):
                if number % EVENTS_PER_MS == 0 or not stamp:
                    stamp = instant(self.begin_ms + number // EVENTS_PER_MS)
                customer = "customer-%07d" % int(chance() * self.customers)
                product = int(chance() * PRODUCTS)
                euros, cents = 5 + product % 95, product % 100
                kind, what = KINDS[product % len(KINDS)], '"sku":"B-%d",' % number
                if chance() < self.orders:
                    kind, what = "Order Completed", '"order_id":"o-%d","total":%d.%02d,' % (number, euros, cents)
                body = BODY % (customer, kind, number, stamp, product, product, what, euros, cents, product % 40)
                file.write(f"{customer}\t{body}\n")
        self.made += count


def share_of_orders(per_customer: float) -> float:
    """Returns the share of orders at which every second order of a customer is one event in DECIDED_EVERY.

    Of a customer with a mean of m orders (Poisson), (m - (1 - exp(-2 m)) / 2) / 2 are even on average.
    """
    low, high = 0.0, 1.0
    for _ in range(50):
        share = (low + high) / 2
        mean = share * per_customer
        even = (mean - (1 - math.exp(-2 * mean)) / 2) / 2
        low, high = (share, high) if even < per_customer / DECIDED_EVERY else (low, share)
    return low


def instant(millis: int) -> str:
    return datetime.fromtimestamp(millis / 1_000, UTC).strftime("%Y-%m-%dT%H:%M:%S.") + "%03dZ" % (millis % 1_000)

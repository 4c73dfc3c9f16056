"""A broker that is in use: orders, payments and mails, with what goes well, what waits, and what went wrong."""

import random
import time

from kapokmq.client import Outgoing
from tests.console.rig import bury, client, consumed, make_group, v1
from tests.integration.broker import until

HOUR, DAY = 3_600, 86_400
DECLINED, TIMEOUT, FULL = "card declined", "bank did not answer in 30 s", "552 mailbox is full"
_CITIES = ("Utrecht", "Gent", "Lyon", "Tartu", "Porto", "Bergen", "Graz")
_CHANCE = random.Random(17)  # noqa: S311 -- the same each time


def order(number):
    """The text of an order, and its headers."""
    body = {
        "id": number,
        "customer": {"name": f"Customer {number % 97}", "city": _CITIES[number % len(_CITIES)]},
        "lines": [{"sku": f"K-{number * 7 % 500:03}", "count": 1 + number % 3}],
        "total": round(_CHANCE.uniform(5, 400), 2),
        "express": number % 5 == 0,
    }
    return Outgoing(body, key=f"order-{number}", headers={"source": "shop", "trace": f"{number:08x}"})


def seed(broker):
    """Fill a broker: some hundred messages."""
    with client(broker) as mq:
        for topic, group in (
            ("orders", "billing"),
            ("orders", "warehouse"),
            ("payments", "ledger"),
            ("mails", "sender"),
        ):
            make_group(broker, topic, group)
        make_group(broker, "invoices.>", "archive")
        mq.publish_many("orders", [order(number) for number in range(1, 241)])
        mq.publish_many("invoices.eu", [{"invoice": number, "order": number * 3} for number in range(40)])
        mq.publish_many("payments", [{"order": number, "amount": 10 + number} for number in range(120)])
        with consumed(broker, "orders", "billing", lambda message: message.ack()):
            until(lambda: v1(broker, "GET", "/topics/orders/groups/billing")["lag"] == 0, "end")
        mq.publish_many("mails", [later(number) for number in range(60)])
        letters = [(f'{{"order": {number}, "amount": {number}.50}}', reason) for number, reason in enumerate(unpaid())]
        bury(broker, "payments", "bank", letters)
        bury(broker, "mails", "bounces", [(f"Dear customer {number}, …", FULL) for number in range(4)])


def later(number):
    """A mail that is to be sent some time within ten days."""
    delay = 20 * 60 + (number * 7 % 60) ** 2 / 3_600 * 9 * DAY
    body = {"to": f"customer-{number}@example.org", "subject": f"Your order {number} is on its way"}
    return Outgoing(body, at=time.time() + delay, headers={"kind": "reminder"})


def unpaid():
    """Why payments failed."""
    return [DECLINED] * 9 + [TIMEOUT] * 5 + ["account closed"] * 2

"""What tests of the console stand on: brokers that several tests share, messages in them, and a tab at them."""

import atexit
import json
import math
import re
import threading
import time
from contextlib import contextmanager, suppress
from urllib.parse import quote

from twisted.trial.unittest import SynchronousTestCase

from kapokmq.client import ClientError, connect
from tests.console.browser import LATEST, Lasting, Tab, chromium
from tests.console.words import words
from tests.integration.broker import start, until

try:
    from playwright.sync_api import expect

    expect.set_options(timeout=LATEST)
except ImportError:
    expect = None

JSON = {"Content-Type": "application/json"}
_shared = {}  # the one broker that is shared now, by what began it: tests of a class follow each other
atexit.register(lambda: _shared.popitem()[1][0].close() if _shared else None)


class ConsoleCase(SynchronousTestCase):
    """Has a browser; a test in which a page complains has failed."""

    timeout = 120

    def setUp(self):
        chromium()
        self.lasting = Lasting()  # what is to end after the tabs: brokers
        self.addCleanup(self.lasting.close)
        self.tabs = []

    def tab(self, port=None, **how):
        """A new tab at the broker, or at whoever else is on that port."""
        made = Tab(self, self.broker.port if port is None else port, **how)
        self.tabs.append(made)
        self.addCleanup(lambda: self.assertEqual("\n".join(made.complaints), ""))
        return made

    def page(self, path="/", **how):
        """A new tab with this page open."""
        return self.tab(**how).open(path)


class SharedCase(ConsoleCase):
    """Tests that share a broker: each uses topics of its own, or only looks."""

    def setUp(self):
        super().setUp()
        kind = type(self).begin  # classes that begin alike share
        if kind not in _shared:
            if _shared:
                _shared.popitem()[1][0].close()
            with Lasting() as begun:
                broker = self.begin(begun)
                _shared[kind] = (begun.pop_all(), broker)
        self.broker = _shared[kind][1]

    def begin(self, lasting):
        """Start the broker, and fill it."""
        return start(lasting)


def client(broker, **options):
    """A client of a broker."""
    return connect(f"ws://127.0.0.1:{broker.port}", key=broker.api.key, **options)


def v1(broker, method, path, body=None):
    """Ask the HTTP API, with a body that becomes JSON. Gives what it answers."""
    answer = broker.api.ask(method, f"/api/v1{path}", None if body is None else json.dumps(body), **JSON)
    if answer.status not in range(200, 300):
        raise AssertionError(f"{method} {path}: {answer.status} {answer.body!r}")
    return answer.json if answer.body else None


@contextmanager
def consumed(broker, topic, group, each, *, credit=100, **options):
    """Consume as a group meanwhile; `each` is called with a message, and answers it. Gives the client."""
    mq = client(broker, **options)
    subscription = mq.subscribe(topic, group=group, credit=credit)

    def run():
        with suppress(ClientError):
            for message in subscription:
                each(message)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield mq
    finally:
        mq.close()
        thread.join()


def make_group(broker, topic, name, **config):
    """Make a group that gets all there is, of a pattern or of a topic, which is made where there is none."""
    if not topic.endswith(">"):
        broker.api.ask("POST", "/api/v1/topics", json.dumps({"name": topic}), **JSON)
    v1(broker, "POST", f"/topics/{quote(topic)}/groups", {"name": name, "start": "all", "config": config})


def bury(broker, topic, group, letters):
    """Have a new group give up messages, which are made for it: each a text, and the reason why."""
    make_group(broker, topic, group, maxAttempts=1)
    reasons = dict(letters)

    def refuse(message):
        if message.data in reasons:
            message.nack(reason=reasons[message.data])
        else:
            message.ack()

    with consumed(broker, topic, group, refuse) as mq:
        mq.publish_many(topic, list(reasons))
        until(lambda: v1(broker, "GET", f"/topics/{topic}/groups/{group}")["dead"] == len(reasons), "dead letters")


class Load:
    """A producer and a consumer, of the same name, that go on until they are closed: fifty messages a second."""

    def __init__(self, broker, topic="orders", group="billing", *, body=lambda number: {"id": number}, name=None):
        self._over = threading.Event()
        self._taken = consumed(broker, topic, group, lambda message: message.ack(), name=name)
        self._taken.__enter__()
        self._mq, self._topic, self._body = client(broker, name=name), topic, body
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        first = 1_000
        with suppress(ClientError):
            while not self._over.wait(0.1):
                more = 5 + round(2 * math.sin(first / 60))  # it goes up and down
                self._mq.publish_batch(self._topic, [self._body(number) for number in range(first, first + more)])
                first += more

    def close(self):
        """End it."""
        self._over.set()
        self._thread.join()
        self._mq.close()
        self._taken.__exit__(None, None, None)


def number(text):
    """The number that a text of a page has, nan if it has none yet."""
    found = re.search(r"\d[\d,]*(\.\d+)?", text)
    return float(found[0].replace(",", "")) if found else math.nan


def eventually(page, wanted, what, seconds=LATEST / 1_000):
    """What `wanted` gives of the page, as soon as that is true; the browser goes on meanwhile."""
    end = time.monotonic() + seconds
    while not (found := wanted()):
        if time.monotonic() > end:
            raise AssertionError(f"within {seconds:g} s there was no {what}")
        page.wait_for_timeout(50)
    return found


t = words()

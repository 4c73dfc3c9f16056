"""Pictures of every page, for the documents: `python -m tests.console.shots [NAME ...]` writes docs/images/console-*.

It starts a registry and three brokers, fills one with messages, lets producers and consumers run, and takes a picture
of each page; with names only of those. It takes two minutes, and needs Chromium and Pillow
(`pip install -e '.[test,pictures]'`).
"""

import math
import random
import sys
import time
from io import BytesIO

import apsw
from PIL import Image

from tests.console.browser import NARROW, Lasting, Tab
from tests.console.pages import PLACES, login
from tests.console.rig import Load, consumed, expect, t
from tests.console.seeds import order, seed
from tests.console.sights import button, table
from tests.integration.broker import ROOT, BrokerProcess, folder
from tests.integration.pool import free_port
from tests.integration.registry import registry

IMAGES = ROOT / "docs" / "images"
CLUSTER = {"CLUSTER_ISCLUSTER": 1, "CLUSTER_GOSSIPPORT": 0, "CLUSTER_GOSSIPPROFILE": "local"}
KEY = "7c1f9a52e0d84b36"  # of the pictures alone: with the one that everybody knows each would bear a warning
MOST = 150_000  # bytes of a picture
WEEK = 168  # hours
LIVELY = 6_000  # milliseconds until curves have a shape
SETTLED = 300  # milliseconds until what moves has come to rest

NAMES = ("topics", "topic", "messages", "scheduled", "dead", "clients", "cluster", "settings")
LIVE = ("topics", "topic", "clients", "cluster")
DRESSES = {
    "overview": ("/", {}),  # late, when there is something to tell
    "overview-dark": ("/", {"dark": True}),
    "overview-small": ("/", {"small": True}),
    "overview-chinese": ("/", {"language": "zh"}),
    "topics-dark": ("/topics", {"dark": True}),
    "dead-small": ("/dead?topic=payments&group=bank", {"small": True}),
}


def with_palette(picture):
    """The same picture in 256 colours: a page has few, and takes a third of the room."""
    packed = BytesIO()
    full = Image.open(BytesIO(picture)).convert("RGB")
    full.quantize(256, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(packed, "PNG", optimize=True)
    return packed.getvalue()


class Pool:
    """A registry and three brokers, of which the first is in use. They end with `lasting`."""

    def __init__(self, lasting):
        self._lasting = lasting
        self.registry = registry(lasting, key=KEY, REGISTRY_SECRETKEY=KEY)
        place = folder(lasting)
        first = self._broker(place)
        seed(first)
        first.stop()
        _remember_a_week(place)
        self.broker = self._broker(place)
        for _ in range(2):
            self._broker(folder(lasting))
        self._use()

    def _broker(self, place):
        joins = f"127.0.0.1:{self.registry.gossip_port}"
        given = CLUSTER | {"SERVER_PORT": free_port(), "CLUSTER_REGISTRYADDR": joins, "MQ_SECRETKEY": KEY}
        return BrokerProcess(self._lasting, place, **given).started(KEY)

    def _use(self):
        """Have programs publish and consume."""
        for topic, group, name in (
            ("orders", "billing", "shop"),
            ("payments", "ledger", "bank"),
            ("mails", "sender", "mailer"),
        ):
            self._lasting.addCleanup(Load(self.broker, topic, group, body=order, name=name).close)

        def pack(message):
            time.sleep(0.02)  # it takes its time, so that something waits
            message.ack()

        self._lasting.enter_context(consumed(self.broker, "orders", "warehouse", pack, credit=20, name="packer"))
        for topic, group in (("payments", "bank"), ("mails", "bounces")):
            self._lasting.enter_context(consumed(self.broker, topic, group, lambda message: message.ack(), name=group))


def _remember_a_week(place):
    """Write into the store what happened hour by hour, as a week in use would have left it."""
    chance = random.Random(5)  # noqa: S311 -- the same each time
    (file,) = place.rglob("*.db")
    store = apsw.Connection(str(file))
    now = int(time.time() // 3_600)
    for (topic,) in list(store.execute("select number from topic")):
        size = chance.uniform(300, 3_000)
        for hour in range(now - WEEK, now):
            day = 1 + math.sin((hour % 24 - 9) / 24 * 2 * math.pi)
            count = int(size * day * chance.uniform(0.8, 1.2) * (0.4 if hour // 24 % 7 in {2, 3} else 1))
            row = (topic, hour, count, count, count, int(count * 0.03), 0, 0, count)
            store.execute("insert or ignore into hours values (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
    store.close()


class Camera:
    """Takes pictures of those pages whose names are asked for, of all if none are."""

    def __init__(self, lasting, pool, asked):
        self._lasting, self._pool, self._asked = lasting, pool, asked

    def tab(self, path="/", *, port=None, dark=False, small=False, **how):
        """A tab, signed in unless `key` is None, with a page open."""
        made = Tab(self._lasting, port or self._pool.broker.port, **{"key": KEY} | how)
        made.page.emulate_media(color_scheme="dark" if dark else "light")
        if small:
            made.page.set_viewport_size(NARROW)
        made.open(path)
        return made

    def wants(self, name):
        """Whether it was asked for."""
        return not self._asked or name in self._asked

    def take(self, name, tab):
        """Write a picture of what a tab shows now, and close it."""
        page = tab.page
        page.mouse.move(0, 0)
        page.wait_for_timeout(SETTLED)
        picture = with_palette(page.screenshot(animations="disabled"))
        if len(picture) > MOST:
            raise AssertionError(f"{name} has {len(picture):,} bytes")
        if tab.complaints:
            raise AssertionError(f"{name}: {tab.complaints}")
        (IMAGES / f"console-{name}.png").write_bytes(picture)
        sys.stdout.write(f"console-{name}.png {len(picture):,}\n")
        tab.context.close()

    def every_page(self):
        """The pages as they are when they are opened."""
        for place in PLACES:
            if place.name in NAMES and self.wants(place.name):
                tab = self.tab(place.path)
                expect(place.shows(tab.page, t)).to_be_visible()
                if place.name in LIVE:
                    tab.page.wait_for_timeout(LIVELY)
                self.take(place.name, tab)

    def others(self):
        """The log-in page, the registry's page, a message, and the console in other dress."""
        for name, (path, how) in DRESSES.items():
            if self.wants(name):
                tab = self.tab(path, **how)
                tab.page.wait_for_timeout(LIVELY)
                self.take(name, tab)
        if self.wants("login"):
            tab = self.tab(key=None)
            expect(login(tab.page, t)).to_be_visible()
            self.take("login", tab)
        if self.wants("registry"):
            tab = self.tab(port=self._pool.registry.port)
            expect(table(tab.page, t("cluster.members")).locator("tbody tr.line")).to_have_count(4)
            self.take("registry", tab)
        if self.wants("message"):
            tab = self.tab("/messages?topic=payments&status=dead")
            table(tab.page, t("messages.found")).locator("tbody tr.line").first.click()
            expect(tab.page.get_by_role("heading", name=t("messages.life"))).to_be_visible()
            self.take("message", tab)

    def trying(self):
        """A message that is published by hand, and comes in the live tail beside it."""
        if not self.wants("try"):
            return
        tab = self.tab("/try")
        page = tab.page
        page.get_by_label(t("tryIt.pattern"), exact=True).fill("greetings")
        page.get_by_label(t("tryIt.how"), exact=True).select_option("take")
        button(page, t("tryIt.begin")).click()
        expect(page.get_by_text(t("tryIt.stateOpen"), exact=True)).to_be_visible()
        page.locator("#try-topic").fill("greetings")
        page.get_by_label(t("tryIt.json"), exact=True).check()
        rows = page.get_by_role("list", name=t("tryIt.tail")).get_by_role("listitem")
        for count, name in enumerate(("Ada", "Grace", "Katherine"), start=1):
            page.get_by_label(t("tryIt.message"), exact=True).fill(f'{{ "hello": "{name}" }}')
            button(page, t("tryIt.send")).click()
            expect(rows).to_have_count(count)
        button(rows.last, t("tryIt.ack")).click()
        page.locator("summary code").first.click()
        self.take("try", tab)


def main(asked):
    """Take those pictures."""
    IMAGES.mkdir(exist_ok=True)
    with Lasting() as lasting:
        camera = Camera(lasting, Pool(lasting), asked)
        camera.every_page()
        camera.others()
        camera.trying()


if __name__ == "__main__":
    main(sys.argv[1:])

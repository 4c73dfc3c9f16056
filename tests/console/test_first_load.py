"""What the first page costs: bytes that are sent, time until it can be used, and nobody else who is asked."""

import re
from urllib.parse import urlsplit

from tests.console.browser import Tab
from tests.console.pages import login
from tests.console.rig import SharedCase, client, expect, t
from tests.console.sights import button, card, dialog

MOST = 300_000  # bytes, as they are sent
SOON = 1.0  # seconds until the page can be used
TRIES = 8

# Notes when what can be pressed is there.
_USABLE = """new MutationObserver(() => {
  if (document.querySelector('main button.main') !== null) window.usable ??= performance.now()
}).observe(document, { childList: true, subtree: true })"""


class Traffic:
    """What a tab has been sent: bytes by address."""

    def __init__(self, tab):
        self._session = tab.context.new_cdp_session(tab.page)
        self._urls, self.sent = {}, {}
        self._session.on("Network.requestWillBeSent", self._asked)
        self._session.on("Network.loadingFinished", self._came)
        self._session.send("Network.enable")

    def _asked(self, event):
        self._urls[event["requestId"]] = event["request"]["url"]

    def _came(self, event):
        self.sent[self._urls.get(event["requestId"], "?")] = event["encodedDataLength"]

    def charts(self):
        """What was sent for charts."""
        return [url for url in self.sent if re.search("echarts", url)]


class FirstLoadTests(SharedCase):
    def test_it_is_small_and_charts_come_when_they_are_shown(self):
        tab = self.tab(key=None)
        traffic = Traffic(tab)
        page = tab.open()
        expect(login(page, t)).to_be_visible()
        page.wait_for_load_state("networkidle")
        self.assertGreater(sum(traffic.sent.values()), 10_000)  # or it was not counted
        self.assertLess(sum(traffic.sent.values()), MOST, traffic.sent)
        self.assertEqual(traffic.charts(), [])

    def test_a_page_without_a_chart_loads_none_and_the_overview_with_all_it_asks_is_small(self):
        tab = self.tab()
        traffic = Traffic(tab)
        page = tab.open("/topics")
        expect(page.get_by_role("heading", level=1)).to_have_text(t("topics.title"))
        page.wait_for_timeout(300)
        self.assertEqual(traffic.charts(), [])
        self.assertLess(sum(traffic.sent.values()), MOST, traffic.sent)
        with client(self.broker) as mq:
            mq.publish("first", "of the week")
        tab.open("/")
        expect(page.locator("canvas").first).to_be_visible()
        self.assertNotEqual(traffic.charts(), [])

    def test_nobody_else_is_asked(self):
        tab = self.tab()
        traffic = Traffic(tab)
        page = tab.open()
        expect(card(page, t("overview.all"))).to_be_visible()
        self.assertEqual({urlsplit(url).netloc for url in traffic.sent}, {f"127.0.0.1:{self.broker.port}"})

    def test_it_can_be_used_within_a_second(self):
        # The best of some: other tests, and whoever else is on the machine, take their time of the others.
        spans = []
        while len(spans) < TRIES and min(spans, default=SOON) >= SOON:
            tab = Tab(self, self.broker.port)
            tab.context.add_init_script(_USABLE)
            tab.page.goto(f"{tab.at}/#/topics")
            button(tab.page, t("topics.newTopic")).click()
            expect(dialog(tab.page, t("topics.newTopic"))).to_be_visible()
            spans.append(tab.page.evaluate("() => window.usable") / 1_000)
        self.assertLess(min(spans), SOON, spans)

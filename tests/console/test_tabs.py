"""Many tabs of one browser, which has six connections to a broker for all of them."""

from tests.console.pages import PLACES
from tests.console.rig import ConsoleCase, client, expect, t
from tests.console.seeds import seed
from tests.console.sights import card
from tests.integration.broker import start

TABS = 8
NOBODY = {"cluster", "group", "clients"}  # pages of whom there is nobody here
# A tab of a browser without a screen is never behind another by itself.
_SIGHT = """
  let state = 'visible'
  Object.defineProperty(document, 'visibilityState', { get: () => state })
  Object.defineProperty(document, 'hidden', { get: () => state === 'hidden' })
  globalThis.put = (is) => { state = is; document.dispatchEvent(new Event('visibilitychange')) }
"""


class TabsTests(ConsoleCase):
    def setUp(self):
        super().setUp()
        self.broker = start(self.lasting)
        self.browser = self.tab()
        self.browser.context.add_init_script(_SIGHT)
        self.front = None

    def see(self, page):
        """Bring a tab to the front: the one that was there is behind it."""
        if self.front is not None:
            self.front.evaluate("put('hidden')")
        page.evaluate("put('visible')")
        self.front = page

    def opened(self, path):
        """A further tab, which is in front."""
        page = self.browser.another()
        self.see(page)
        page.goto(f"{self.browser.at}/#{path}")
        return page

    def test_each_of_eight_is_live_when_it_is_seen(self):
        pages = []
        for _ in range(TABS):
            page = self.opened("/")
            expect(card(page, t("overview.all"))).to_have_text("0")
            pages.append(page)
        with client(self.broker) as mq:
            for count, page in enumerate(pages, 1):
                self.see(page)
                mq.publish("orders", "an order")
                expect(card(page, t("overview.all"))).to_have_text(str(count))
                expect(page.get_by_text(t("overview.live"), exact=True)).to_be_visible()

    def test_every_page_is_there_though_others_are_open(self):
        seed(self.broker)
        for place in PLACES:
            if place.name not in NOBODY:
                page = self.opened(place.path)
                expect(place.shows(page, t)).to_be_visible()

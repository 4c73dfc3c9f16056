"""Every page, of a broker and of the registry, while messages flow."""

from tests.console.browser import NARROW
from tests.console.pages import PLACES
from tests.console.rig import Load, SharedCase, client, eventually, expect, number, t
from tests.console.seeds import seed
from tests.console.sights import NUMBER, brightness, card, cell, table
from tests.console.words import words
from tests.integration.broker import start
from tests.integration.pool import free_port
from tests.integration.registry import registry

CLUSTER = {"CLUSTER_ISCLUSTER": 1, "CLUSTER_GOSSIPPORT": 0, "CLUSTER_GOSSIPPROFILE": "local"}


class PageCase(SharedCase):
    """Tests at a broker under load, in a cluster with a registry and another broker."""

    def begin(self, lasting):
        one = registry(lasting)
        joins = f"127.0.0.1:{one.gossip_port}"
        broker = start(lasting, SERVER_PORT=free_port(), CLUSTER_REGISTRYADDR=joins, **CLUSTER)
        broker.registry = one
        seed(broker)
        lasting.addCleanup(Load(broker).close)
        return broker

    def another(self):
        """A further broker of the cluster. Gives its name."""
        place = f"127.0.0.1:{self.broker.registry.gossip_port}"
        return f"mq:127.0.0.1:{start(self.lasting, CLUSTER_REGISTRYADDR=place, **CLUSTER).port}"

    def every(self, tab, language="en"):
        """Open page after page; gives each place when its content is there."""
        for place in PLACES:
            page = tab.open(place.path)
            expect(place.shows(page, words(language)), place.name).to_be_visible()
            yield place
        # Whoever comes back finds no page that goes on by itself.
        self.assertEqual(tab.complaints, [])


class EveryPageTests(PageCase):
    def check(self, language):
        said = words(language)
        missing = rf"\b({'|'.join(said.pages)})\.[a-z]\w+"  # a text that is not there is shown as its key
        tab = self.tab(language=language)
        for place in self.every(tab, language):
            heading = tab.page.get_by_role("heading", level=1)
            if place.title:
                title, name = said(place.title), said("app.name")
                expect(heading).to_have_text(title)
                expect(tab.page).to_have_title(name if place.path == "/" else f"{title} · {name}")
            else:
                expect(heading).not_to_be_empty()
            if place.name != "settings":  # whose keys look alike
                self.assertNotRegex(tab.page.locator("body").inner_text(), missing)
            self.assertEqual(tab.too_wide(), [], f"{place.name} is too wide for a small screen")
        return tab.page.locator("html").get_attribute("lang")

    def test_in_english(self):
        self.assertEqual(self.check("en"), "en")

    def test_in_chinese(self):
        self.assertEqual(self.check("zh"), "zh-Hans")

    def test_the_menu_leads_to_every_page(self):
        page = self.page()
        for place in PLACES:
            if place.title and "?" not in place.path:
                menu = page.get_by_role("navigation", name=t("app.pages"))
                menu.get_by_role("link", name=t(place.title), exact=True).click()
                expect(page.get_by_role("heading", level=1)).to_have_text(t(place.title))

    def test_the_menu_of_a_small_screen(self):
        page = self.page()
        page.set_viewport_size(NARROW)
        page.get_by_role("button", name=t("app.menu"), exact=True).click()
        self.assertEqual(self.tabs[0].too_wide(), [])
        page.set_viewport_size(NARROW)
        page.get_by_role("link", name=t("topics.title"), exact=True).click()
        expect(page.get_by_role("heading", level=1)).to_have_text(t("topics.title"))
        expect(page.get_by_role("link", name=t("messages.title"), exact=True)).to_be_hidden()

    def test_the_language_can_be_chosen_and_is_kept(self):
        tab = self.tab()
        page = tab.open("/settings")
        page.get_by_label(t("app.language")).select_option("zh")
        expect(page.get_by_role("heading", level=1)).to_have_text(words("zh")("settings.title"))
        page.reload()
        expect(page.get_by_role("heading", level=1)).to_have_text(words("zh")("settings.title"))
        self.assertEqual(tab.page.locator("html").get_attribute("lang"), "zh-Hans")

    def test_it_is_dark_where_the_reader_wants_it_dark(self):
        page = self.page()
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        self.assertGreater(brightness(page), 200)
        page.emulate_media(color_scheme="dark")
        self.assertLess(brightness(page), 80)

    def test_the_pages_of_the_original_lead_on(self):
        tab = self.tab()
        for path, title in (
            ("/Console", "overview"),
            ("/Console/Monitor", "clients"),
            ("/Console/Message", "messages"),
            ("/Console/Cluster", "cluster"),
        ):
            page = tab.open(path)
            expect(page.get_by_role("heading", level=1)).to_have_text(t(f"{title}.title"))


class LiveTests(PageCase):
    """Figures move by themselves: nobody reloads anything here."""

    def moves(self, page, figure, what):
        """Wait until a figure of the page has grown."""
        expect(figure).to_have_text(NUMBER)
        first = number(figure.inner_text())
        eventually(page, lambda: number(figure.inner_text()) > first, f"movement of {what}")

    def test_the_overview(self):
        page = self.page()
        self.moves(page, card(page, t("overview.all")), "what is stored")
        for label in ("overview.in", "overview.acked"):
            rate = card(page, t(label))
            eventually(page, lambda rate=rate: 20 < number(rate.inner_text()) < 80, f"{label} of about fifty a second")

    def test_topics(self):
        page = self.page("/topics")
        rate = cell(page, t("topics.view.topics"), "orders", t("topics.in"))
        eventually(page, lambda: 20 < number(rate.inner_text()) < 80, "rate of about fifty a second")
        self.moves(page, cell(page, t("topics.view.topics"), "orders", t("topics.waiting")), "what waits")

    def test_a_topic(self):
        page = self.page("/topics/orders")
        self.moves(page, card(page, t("topic.stored")), "what is stored")

    def test_clients(self):
        page = self.page("/clients")
        connected = card(page, t("clients.connections"))
        expect(connected).to_have_text("2")
        with client(self.broker):
            expect(connected).to_have_text("3")
        expect(connected).to_have_text("2")

    def test_what_is_scheduled(self):
        page = self.page("/scheduled")
        expect(page.get_by_text(t("scheduled.inAll", count=60), exact=True)).to_be_visible()
        with client(self.broker) as mq:
            mq.publish("mails", "in an hour", delay=3_600)
        expect(page.get_by_text(t("scheduled.inAll", count=61), exact=True)).to_be_visible()

    def test_the_cluster_and_the_page_of_the_registry(self):
        one = self.broker.registry
        pages = [self.page("/cluster"), self.page(port=one.port)]
        for page in pages:
            expect(table(page, t("cluster.members"))).to_contain_text(one.name)
            expect(table(page, t("cluster.members")).get_by_text(t("cluster.here"), exact=True)).to_be_visible()
        other = self.another()
        for page in pages:
            expect(table(page, t("cluster.members"))).to_contain_text(other)
            expect(page.get_by_role("log")).to_contain_text(t("cluster.what.joined", name=other))

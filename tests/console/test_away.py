"""The broker is killed under an open page, and comes back."""

from tests.console.rig import ConsoleCase, client, expect, t, v1
from tests.console.sights import button, card, dialog, row, table
from tests.integration.broker import folder, start

GONE = ("failed: .* net::ERR_", "error: .*net::ERR_")  # which the browser says of whatever was asked meanwhile


class AwayTests(ConsoleCase):
    def setUp(self):
        super().setUp()
        self.place = folder(self.lasting)
        self.broker = start(self.lasting, self.place)
        with client(self.broker) as mq:
            mq.publish_many("orders", ["an order"] * 7)

    def test_open_pages_say_that_it_is_gone_and_go_on_by_themselves(self):
        overview, topics = self.page(), self.page("/topics")
        expect(card(overview, t("overview.all"))).to_have_text("7")
        expect(row(topics, t("topics.view.topics"), "orders")).to_be_visible()
        self.broker.kill()
        for page in (overview, topics):
            expect(page.get_by_role("alert").filter(has_text=t("app.gone"))).to_be_visible()
            expect(page.get_by_text(t("app.goneSince"))).to_be_visible()
        expect(card(overview, t("overview.all"))).to_have_text("7")  # what it said last
        again = start(self.lasting, self.place, SERVER_PORT=self.broker.port)
        for page in (overview, topics):
            expect(page.get_by_text(t("app.gone"))).to_be_hidden()
            expect(page.get_by_text(t("app.back"), exact=True)).to_be_visible()
        with client(again) as mq:
            mq.publish_many("payments", ["a payment"] * 5)
        expect(card(overview, t("overview.all"))).to_have_text("12")
        expect(row(topics, t("topics.view.topics"), "payments")).to_be_visible()
        self.forget()

    def test_a_page_that_is_opened_meanwhile_is_there_once_the_broker_is(self):
        page = self.page()
        expect(card(page, t("overview.all"))).to_have_text("7")
        self.broker.kill()
        expect(page.get_by_role("alert").filter(has_text=t("app.gone"))).to_be_visible()
        menu = page.get_by_role("navigation", name=t("app.pages"))
        menu.get_by_role("link", name=t("settings.title"), exact=True).click()
        menu.get_by_role("link", name=t("topics.title"), exact=True).click()
        start(self.lasting, self.place, SERVER_PORT=self.broker.port)
        expect(page.get_by_text(t("app.gone"))).to_be_hidden()
        menu.get_by_role("link", name=t("topics.title"), exact=True).click()
        expect(row(page, t("topics.view.topics"), "orders")).to_be_visible()
        menu.get_by_role("link", name=t("settings.title"), exact=True).click()
        expect(page.get_by_role("heading", level=1)).to_have_text(t("settings.title"))
        self.forget()

    def test_what_was_typed_is_still_there_when_it_is_back(self):
        hand, search = self.page("/try"), self.page("/messages?topic=orders")
        hand.locator("#try-topic").fill("orders")
        hand.get_by_label(t("tryIt.message"), exact=True).fill("half a mess")
        table(search, t("messages.found")).locator("tbody tr.line").first.click()
        button(dialog(search, t("messages.one")), t("messages.publish")).click()
        form = dialog(search, t("messages.publishTitle"))
        form.get_by_label(t("messages.text"), exact=True).fill("a copy")
        self.broker.kill()
        button(hand, t("tryIt.send")).click()
        expect(hand.get_by_text(t("tryIt.goneNow"), exact=True)).to_be_visible()
        for page in (hand, search):
            expect(page.get_by_text(t("app.gone"), exact=True)).to_be_visible()
        button(form, t("messages.publishDo")).click()
        expect(form.get_by_text(t("states.unanswered"), exact=True)).to_be_visible()
        button(form, t("app.tryNow")).click()
        again = start(self.lasting, self.place, SERVER_PORT=self.broker.port)
        for page in (hand, search):
            expect(page.get_by_text(t("app.gone"), exact=True)).to_be_hidden()
        self.assertEqual(form.get_by_label(t("messages.text"), exact=True).input_value(), "a copy")
        button(form, t("messages.publishDo")).click()
        expect(form).to_have_count(0)
        self.assertEqual(hand.get_by_label(t("tryIt.message"), exact=True).input_value(), "half a mess")
        button(hand, t("tryIt.send")).click()
        expect(hand.get_by_role("status").get_by_text(t("tryIt.stored"), exact=True)).to_be_visible()
        self.assertEqual(v1(again, "GET", "/topics/orders")["counts"]["all"], 9)
        self.forget()

    def forget(self):
        """What the browser complains of while nobody is there is no fault of the pages."""
        for tab in self.tabs:
            tab.forgive(*GONE, perhaps=["error: Error: Unable to preload"])

"""Publishing by hand, and what comes of it: in another tab, live, to be acknowledged or given back."""

from tests.console.rig import SharedCase, client, expect, t, v1
from tests.console.sights import button
from tests.integration.broker import until

GROUP = "console"


class TryTests(SharedCase):
    def publish(self, page, topic, text):
        page.locator("#try-topic").fill(topic)
        page.get_by_label(t("tryIt.message"), exact=True).fill(text)
        button(page, t("tryIt.send")).click()

    def tail(self, page, topic, *, group=False):
        """Begin a live tail there. Gives its list."""
        page.get_by_label(t("tryIt.pattern"), exact=True).fill(topic)
        if group:
            page.get_by_label(t("tryIt.how"), exact=True).select_option("take")
        button(page, t("tryIt.begin")).click()
        expect(page.get_by_text(t("tryIt.stateOpen"), exact=True)).to_be_visible()
        expect(page.get_by_text(t("tryIt.empty"), exact=True)).to_be_visible()
        return page.get_by_role("list", name=t("tryIt.tail"))

    def show_all(self, page):
        """Have what came shown, which is held back while somebody is at work in the list."""
        page.mouse.move(0, 0)
        page.locator("main").evaluate("() => document.activeElement.blur()")

    def group(self, topic):
        return v1(self.broker, "GET", f"/topics/{topic}/groups/{GROUP}")

    def test_what_is_published_by_hand_arrives_in_another_tab_and_is_acknowledged_or_given_back_there(self):
        here, there = self.page("/try"), self.page("/try")
        rows = self.tail(there, "letters", group=True)
        self.publish(here, "letters", "to be taken")
        expect(here.get_by_role("status").get_by_text(t("tryIt.stored"), exact=True)).to_be_visible()
        first = rows.get_by_role("listitem").filter(has_text="to be taken")
        self.assertEqual(self.group("letters")["inFlight"], 1)
        button(first, t("tryIt.ack")).click()
        expect(first.get_by_text(t("tryIt.acked"), exact=True)).to_be_visible()
        until(lambda: self.group("letters")["inFlight"] == self.group("letters")["lag"] == 0, "end of it")

        self.publish(here, "letters", "to be given back")
        self.show_all(there)
        second = rows.get_by_role("listitem").filter(has_text="to be given back")
        there.get_by_label(t("tryIt.backDelay")).fill("0")
        there.get_by_label(t("tryIt.backReason"), exact=True).fill("not now")
        button(second, t("tryIt.nack")).click()
        expect(second.filter(has_text=t("tryIt.nacked"))).to_be_visible()
        self.show_all(there)
        again = second.filter(has_text=t("tryIt.attempt", count=2))
        button(again, t("tryIt.ack")).click()
        until(lambda: self.group("letters")["lag"] == 0, "end of it")
        here.locator(".sent").get_by_role("link").first.click()
        life = here.get_by_role("dialog")
        expect(life.get_by_text("not now")).to_be_visible()
        expect(life.get_by_text(t("messages.state.acknowledged"), exact=True)).to_be_visible()

    def test_who_only_listens_takes_nothing_from_others(self):
        page = self.page("/try")
        rows = self.tail(page, "news.>")
        with client(self.broker) as mq:
            mq.publish("news.eu", {"headline": "rain"})
        expect(rows.get_by_role("listitem")).to_contain_text("news.eu")
        rows.get_by_role("listitem").locator("summary").click()
        expect(rows.locator("pre")).to_contain_text('"headline": "rain"')
        expect(button(rows, t("tryIt.ack"))).to_have_count(0)
        self.assertEqual(v1(self.broker, "GET", "/topics/news.eu/groups")["groups"], [])
        button(page, t("tryIt.end")).click()
        expect(button(page, t("tryIt.begin"))).to_be_visible()

    def test_the_form_sends_all_that_it_has(self):
        page = self.page("/try")
        page.locator("#try-topic").fill("forms")
        page.get_by_label(t("tryIt.json"), exact=True).check()
        text = page.get_by_label(t("tryIt.message"), exact=True)
        text.fill('{"a": 1,}')
        expect(page.get_by_text(t.around("tryIt.notJson"))).to_be_visible()
        button(page, t("tryIt.send")).click()
        text.fill('{"a":12345678901234567890}')
        expect(page.get_by_text(t("tryIt.isJson"))).to_be_visible()
        button(page, t("tryIt.layOut")).click()
        page.get_by_label(t("tryIt.when"), exact=True).select_option("after")
        page.get_by_label(t("tryIt.delay"), exact=True).fill("2")
        page.get_by_label(t("tryIt.unit"), exact=True).select_option("hours")
        page.get_by_text(t("tryIt.more"), exact=True).click()
        page.get_by_label(t("tryIt.key"), exact=True).fill("only once")
        button(page, t("tryIt.addHeader")).click()
        page.get_by_label(t("tryIt.headerName", index=1)).fill("source")
        page.get_by_label(t("tryIt.headerValue", index=1)).fill("by hand")
        button(page, t("tryIt.send")).click()
        expect(page.get_by_role("status").get_by_text(t("tryIt.stored"), exact=True)).to_be_visible()
        button(page, t("tryIt.send")).click()
        expect(page.get_by_role("status").get_by_text(t("tryIt.duplicate"), exact=True)).to_be_visible()
        (message,) = v1(self.broker, "GET", "/messages?topic=forms")["messages"]
        self.assertEqual((message["key"], message["headers"]), ("only once", {"source": "by hand"}))
        self.assertIn("12345678901234567890", message["data"])
        page.locator(".sent").get_by_role("link").first.click()
        expect(page.get_by_role("dialog").get_by_text("only once").first).to_be_visible()
        page.go_back()
        expect(page.get_by_role("dialog")).to_have_count(0)
        menu = page.get_by_role("navigation", name=t("app.pages"))
        menu.get_by_role("link", name=t("topics.title"), exact=True).click()
        expect(page.get_by_role("heading", level=1)).to_have_text(t("topics.title"))
        page.go_back()
        expect(text).to_have_value(message["data"])
        expect(page.locator(".sent").get_by_role("link")).to_have_count(2)
        self.assertLess(abs(message["dueTime"] - message["createTime"] - 7_200), 5)

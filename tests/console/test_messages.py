"""Messages by hand: looked at, deleted, sent again, copied; delayed ones are called off, moved and let go."""

import re
import time

from tests.console.rig import SharedCase, bury, client, consumed, expect, t, v1
from tests.console.sights import button, confirm, copying, dialog, notice, row, table
from tests.integration.broker import until


class Case(SharedCase):
    def publish(self, topic, *bodies, **options):
        """Publish them. Gives their codes."""
        with client(self.broker) as mq:
            return [mq.publish(topic, body, **options).codes[0] for body in bodies]

    def stored(self, code):
        return self.broker.api.get(f"/api/v1/messages/{code}").status == 200

    def found(self, page, label="messages.found"):
        """The rows of a table."""
        return table(page, t(label)).locator("tbody tr.line")


class MessageTests(Case):
    def test_a_message_is_looked_at_and_copied(self):
        body = {"id": 17, "names": ["a", "b"], "ok": True}
        (code,) = self.publish("looked.at", body, key="k-17", headers={"source": "shop"})
        page = self.page("/messages?topic=looked.at")
        self.found(page).first.click()
        shown = dialog(page, t("messages.one"))
        for text in (code, "k-17", "shop"):
            expect(shown.get_by_text(text).first).to_be_visible()
        expect(shown.locator("pre")).to_contain_text('"names": [')
        button(shown, copying("messages.text")).click()
        expect(shown.get_by_text(t("states.copied"), exact=True)).to_be_visible()
        self.assertEqual(page.evaluate("() => navigator.clipboard.readText()"), '{"id":17,"names":["a","b"],"ok":true}')
        button(shown, copying("messages.code")).click()
        page.wait_for_function("(code) => navigator.clipboard.readText().then((text) => text === code)", arg=code)
        page.keyboard.press("Escape")
        expect(shown).to_have_count(0)
        expect(page).not_to_have_url(re.compile(code))

    def test_a_message_is_found_by_all_that_can_be_asked_for(self):
        (code,) = self.publish("sought", "needle in it", key="sought-key", headers={"source": "field"})
        self.publish("sought", "hay", key="hay-key")
        tab = self.tab()
        for query in (f"code={code}", "topic=sought&text=needle", "key=sought-key", "topic=sought&header=source:field"):
            page = tab.open(f"/messages?{query}")
            expect(self.found(page)).to_have_count(1)
            expect(self.found(page)).to_contain_text("needle in it")
        page = tab.open("/messages?topic=sought&period=900")
        expect(self.found(page)).to_have_count(2)

    def test_a_message_is_deleted(self):
        one, other = self.publish("to.delete", "one", "other")
        page = self.page(f"/messages?topic=to.delete&message={one}")
        button(dialog(page, t("messages.one")), t("messages.remove")).click()
        confirm(page, t("messages.remove"), t("messages.remove"))
        expect(dialog(page, t("messages.one"))).to_have_count(0)
        expect(self.found(page)).to_have_count(1)
        self.assertEqual((self.stored(one), self.stored(other)), (False, True))

    def test_many_are_deleted_that_were_picked(self):
        codes = self.publish("to.pick", "one", "two", "three")
        page = self.page("/messages?topic=to.pick")
        for code in codes[:2]:
            page.get_by_role("checkbox", name=t("messages.pickOne", code=code), exact=True).check()
        button(page, t("messages.removePicked")).click()
        confirm(page, t("messages.removePicked"), t("messages.remove"), name="2")
        expect(self.found(page)).to_have_count(1)
        self.assertEqual([self.stored(code) for code in codes], [False, False, True])

    def test_all_that_match_are_deleted_and_nothing_else_after_going_back(self):
        codes = self.publish("to.clear", "one needle", "other needle", "hay")
        page = self.page("/messages?topic=to.clear")
        expect(self.found(page)).to_have_count(3)
        text = page.get_by_label(t("messages.text"), exact=True)
        text.fill("needle")
        button(page, t("messages.search")).click()
        expect(self.found(page)).to_have_count(2)
        text.fill("needle, half typed")
        button(page, t("messages.removeFound")).click()
        shown = dialog(page, t("messages.removeFoundTitle"))
        shown.get_by_role("textbox").fill("to.clear")
        page.go_back()
        expect(shown).to_have_count(0)
        expect(self.found(page)).to_have_count(3)
        self.assertEqual([self.stored(code) for code in codes], [True, True, True])
        page.go_forward()
        expect(self.found(page)).to_have_count(2)
        button(page, t("messages.removeFound")).click()
        confirm(page, t("messages.removeFoundTitle"), t("messages.remove"), name="to.clear")
        expect(page.get_by_text(t("messages.work.remove.done", count=2), exact=True)).to_be_visible()
        self.assertEqual([self.stored(code) for code in codes], [False, False, True])

    def test_a_message_is_sent_again_to_the_group_that_gave_it_up_and_copied_to_all(self):
        bury(self.broker, "given.up", "worker", [("broken", "no ink")])
        (message,) = v1(self.broker, "GET", "/messages?topic=given.up")["messages"]
        code = message["code"]
        page = self.page("/messages?topic=given.up&status=dead")
        self.found(page).first.click()
        shown = dialog(page, t("messages.one"))
        expect(shown.get_by_text("no ink").first).to_be_visible()
        button(shown, t("messages.send")).first.click()
        expect(shown.get_by_text(t("messages.sent"), exact=True)).to_be_visible()
        until(lambda: v1(self.broker, "GET", "/topics/given.up/groups/worker")["dead"] == 0, "end of the dead letter")
        button(shown, t("messages.publish")).click()
        confirm(page, t("messages.publishTitle"), t("messages.publishDo"))
        until(lambda: v1(self.broker, "GET", "/topics/given.up")["counts"]["all"] == 2, "copy")
        expect(page).not_to_have_url(re.compile(code))  # the copy is shown
        expect(shown.locator("pre")).to_have_text("broken")
        expect(page.get_by_role("dialog")).to_have_count(1)


class ScheduledTests(Case):
    def open_one(self, topic, **options):
        """A delayed message in a dialog: its code, the page, and the dialog."""
        (code,) = self.publish(topic, f"of {topic}", delay=7_200, **options)
        page = self.page(f"/scheduled?topic={topic}")
        self.found(page, "scheduled.title").first.click()
        return code, page, dialog(page, t("scheduled.message"))

    def test_a_message_is_called_off(self):
        code, page, shown = self.open_one("called.off")
        button(shown, t("scheduled.callOff")).click()
        confirm(page, t("scheduled.callOffTitle"), t("scheduled.callOff"))
        expect(page.get_by_text(t("scheduled.emptyTopic", topic="called.off"), exact=True)).to_be_visible()
        self.assertFalse(self.stored(code))

    def test_a_message_is_moved(self):
        code, page, shown = self.open_one("moved")
        before = v1(self.broker, "GET", f"/messages/{code}")["message"]["dueTime"]
        button(shown, t("scheduled.laterBy", time="1d")).click()
        button(shown, t("scheduled.reschedule")).click()
        expect(shown).to_have_count(0)
        expect(notice(page)).to_contain_text(t.around("scheduled.rescheduled"))
        after = v1(self.broker, "GET", f"/messages/{code}")["message"]["dueTime"]
        self.assertLess(abs(after - before - 86_400), 2)

    def test_a_message_is_let_go(self):
        code, page, shown = self.open_one("let.go")
        button(shown, t("scheduled.promote")).click()
        expect(shown).to_have_count(0)
        expect(page.get_by_text(t("scheduled.emptyTopic", topic="let.go"), exact=True)).to_be_visible()
        until(
            lambda: v1(self.broker, "GET", f"/messages/{code}")["message"].get("dueTime", 0) <= time.time(), "due time"
        )

    def test_the_calendar_shows_what_falls_due_when(self):
        self.publish("by.day", "soon", delay=60)
        self.publish("by.day", *[f"late {number}" for number in range(3)], delay=86_400 * 3)
        page = self.page("/scheduled?topic=by.day")
        expect(self.found(page, "scheduled.title")).to_have_count(4)
        strip = page.get_by_role("group", name=t("scheduled.calendar"), exact=True)
        strip.get_by_role("button", pressed=False, disabled=False).filter(has_text="3").last.click()
        expect(self.found(page, "scheduled.title")).to_have_count(3)
        button(page, t("scheduled.showAll")).click()
        expect(self.found(page, "scheduled.title")).to_have_count(4)


class DeadTests(Case):
    def dead(self, topic):
        return v1(self.broker, "GET", f"/topics/{topic}/groups/worker")["dead"]

    def open_letters(self, topic, letters):
        bury(self.broker, topic, "worker", letters)
        page = self.page(f"/dead?topic={topic}&group=worker")
        expect(self.found(page, "dead.letters")).to_have_count(len(letters))
        return page

    def test_one_is_sent_again(self):
        page = self.open_letters("dead.one", [("a", "x"), ("b", "y")])
        row(page, t("dead.letters"), "x").get_by_role("button").click()
        expect(notice(page)).to_contain_text(t("dead.sentOne"))
        expect(self.found(page, "dead.letters")).to_have_count(1)
        until(lambda: self.dead("dead.one") == 1, "end of one")

    def test_one_that_is_open_is_discarded_and_those_picked_stay(self):
        page = self.open_letters("dead.open", [("a", "x"), ("b", "y"), ("c", "z")])
        for reason in ("y", "z"):
            row(page, t("dead.letters"), reason).get_by_role("checkbox").check()
        row(page, t("dead.letters"), "x").locator("td").nth(1).click()
        shown = dialog(page, t("messages.one"))
        shown.get_by_role("button", name=f"{t('messages.discard')} worker", exact=True).click()
        self.assertEqual(self.dead("dead.open"), 3)
        confirm(page, t("messages.discardTitle"), t("messages.discard"))
        expect(shown.get_by_text(t("messages.discarded"), exact=True)).to_be_visible()
        self.assertEqual(self.dead("dead.open"), 2)
        button(shown, t("states.close")).click()
        expect(self.found(page, "dead.letters")).to_have_count(2)
        button(page, t("dead.discardPicked")).click()
        confirm(page, t("dead.discardTitle"), t("dead.discard"), name="2")
        until(lambda: self.dead("dead.open") == 0, "end of them")

    def test_those_of_a_reason_are_sent_again(self):
        page = self.open_letters(
            "dead.reason", [(f"{number}", "ink" if number < 3 else "paper") for number in range(5)]
        )
        row(page, t("dead.reasons"), "ink").get_by_role("button").click()
        confirm(page, t("dead.sendTitle"), t("dead.send"))
        expect(page.get_by_text(t("messages.work.send.done", count=3), exact=True)).to_be_visible()
        expect(self.found(page, "dead.reasons")).to_have_count(1)
        until(lambda: self.dead("dead.reason") == 2, "end of those")

    def test_those_that_were_found_are_discarded(self):
        page = self.open_letters("dead.found", [(f"letter {number}", "ink") for number in range(4)])
        page.get_by_label(t("dead.textHas"), exact=True).fill("letter 2")
        button(page, t("dead.apply")).click()
        expect(self.found(page, "dead.letters")).to_have_count(1)
        button(page, t("dead.discardFound")).click()
        confirm(page, t("dead.discardTitle"), t("dead.discard"), name="worker")
        expect(page.get_by_text(t("messages.work.discard.done", count=1), exact=True)).to_be_visible()
        until(lambda: self.dead("dead.found") == 3, "end of it")

    def test_all_are_sent_again_and_the_page_says_how_far_it_is(self):
        count = 1_200
        page = self.open_many("dead.all", count)
        page.evaluate(_SEEN, t("messages.work.send.title"))
        button(page, t("dead.sendAll")).click()
        confirm(page, t("dead.sendTitle"), t("dead.send"))
        expect(page.get_by_text(t("messages.work.send.done", count=f"{count:,}"), exact=True)).to_be_visible()
        self.assertTrue(page.evaluate("() => window.progressSeen"))
        until(lambda: self.dead("dead.all") == 0, "end of all")
        got = set()
        with consumed(self.broker, "dead.all", "worker", lambda message: (got.add(message.data), message.ack())):
            until(lambda: len(got) == count, "all of them again")

    def open_many(self, topic, count):
        bury(self.broker, topic, "worker", [(f"letter {number}", "ink") for number in range(count)])
        page = self.page(f"/dead?topic={topic}&group=worker")
        expect(row(page, t("dead.reasons"), "ink")).to_contain_text(f"{count:,}")
        return page


# Whether a bar that tells how far it is was ever there: the one of this name, for a table has some too.
_SEEN = """(name) => new MutationObserver(() => {
  window.progressSeen ||= document.querySelector(`progress[aria-label="${name}"]`) !== null
}).observe(document.body, { childList: true, subtree: true })"""

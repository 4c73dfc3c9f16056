"""The reader's clock is not the broker's: what is told of times goes by the broker's."""

import json
import re

from tests.console.rig import JSON, SharedCase, client, expect, t, v1
from tests.console.sights import button, cell, confirm, row, table

WRONG = 300  # seconds
_CLOCK = """(() => {
  const Real = Date, now = () => Real.now() + %d
  globalThis.Date = class extends Real {
    constructor (...of) { super(...of.length === 0 ? [now()] : of) }
    static now () { return now() }
  }
})()"""
LEFT = re.compile(r"^(3m( \d+s)?|2m \d+s)$")
SECONDS = re.compile(r"^(\d{1,2}) s$")


class ClockTests(SharedCase):
    def look(self, path, wrong):
        """A page, in a browser whose clock is wrong by so many seconds."""
        tab = self.tab()
        tab.context.add_init_script(_CLOCK % (wrong * 1_000))
        return tab.open(path)

    def delayed(self, topic, delay):
        """Have a message wait."""
        body = json.dumps({"data": f"to {topic}", "delay": delay})
        self.broker.api.ask("POST", f"/api/v1/topics/{topic}/messages", body, **JSON)

    def test_what_falls_due_soon_is_listed_and_called_off(self):
        for wrong in (WRONG, -WRONG):
            topic = f"soon{wrong}"
            self.delayed(topic, 200)
            page = self.look(f"/scheduled?topic={topic}", wrong)
            found = row(page, t("scheduled.title"), topic)
            expect(found).to_be_visible()
            expect(cell(page, t("scheduled.title"), topic, t("scheduled.until"))).to_have_text(LEFT)
            found.click()
            button(page.get_by_role("dialog"), t("scheduled.callOff")).click()
            confirm(page, t("scheduled.callOffTitle"), t("scheduled.callOff"))
            expect(page.get_by_text(t("scheduled.calledOff"), exact=True)).to_be_visible()
            self.assertEqual(v1(self.broker, "GET", f"/schedule?topic={topic}")["messages"], [])

    def test_a_consumer_that_just_came_is_not_stuck(self):
        with client(self.broker, name="fresh") as mq:
            mq.publish_many("clocks", ["x"] * 5)
            subscription = mq.subscribe("clocks", group="holders", credit=3, start="all")
            held = [subscription.get(10) for _ in range(3)]
            for wrong in (WRONG, -WRONG):
                page = self.look("/clients", wrong)
                consumer = table(page, t("clients.consumers")).locator("tbody tr.line").filter(has_text="holders")
                expect(consumer).to_contain_text(t("clients.plights.full"))
                expect(consumer.locator("td").last).to_have_text(SECONDS)
            self.assertEqual(len(held), 3)

    def test_what_is_looked_at_is_in_the_address(self):
        self.delayed("addressed", 5_000)
        page = self.page("/scheduled?topic=addressed")
        page.get_by_text(t("scheduled.steps.hour"), exact=True).click()
        page.locator(".strip button[aria-disabled=false]").click()
        row(page, t("scheduled.title"), "addressed").click()
        expect(page.get_by_role("dialog")).to_be_visible()
        expect(page).to_have_url(re.compile(r"topic=addressed&step=hour&slot=\d+&message="))
        again = self.tabs[0].another()
        again.goto(page.url)
        expect(again.get_by_role("dialog")).to_contain_text("to addressed")
        again.keyboard.press("Escape")
        expect(again.get_by_role("dialog")).to_be_hidden()
        expect(again.get_by_text(t("scheduled.chosen"))).to_be_visible()
        expect(row(again, t("scheduled.title"), "addressed")).to_be_visible()
        page.go_back()
        expect(page.get_by_role("dialog")).to_be_hidden()

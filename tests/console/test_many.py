"""A hundred thousand messages: searched, and scrolled through to the last one."""

import re

from tests.console.rig import SharedCase, client, expect, t
from tests.console.sights import button, choice, table

MANY = 100_000
MOST_ROWS = 80  # that are drawn at a time
SLOW = 3_000  # milliseconds that one step may take, on a machine that is busy with other tests
LABEL = "messages.found"

# To the end of what is there, and again when more has come, until all is there: how many rows were drawn at most, and
# how long the slowest step took.
_TO_THE_END = """async (region) => {
  const table = region.querySelector('table'), told = { drawn: 0, slowest: 0, steps: 0 }
  for (;;) {
    const before = region.scrollHeight, begun = performance.now()
    region.scrollTop = region.scrollHeight
    while (region.scrollHeight === before && performance.now() - begun < WAIT) {
      await new Promise((done) => requestAnimationFrame(done))
      if (region.closest('main').textContent.includes(WHOLE)) break
    }
    told.steps += 1
    told.slowest = Math.max(told.slowest, performance.now() - begun)
    told.drawn = Math.max(told.drawn, table.rows.length)
    if (region.scrollHeight === before) return told
  }
}"""


class ManyTests(SharedCase):
    def begin(self, lasting):
        broker = super().begin(lasting)
        with client(broker) as mq:
            mq.publish_many("many", (f"message {number:06} of {number % 7}" for number in range(MANY)), batch=5_000)
        return broker

    def test_they_are_searched_by_text_and_by_status(self):
        page = self.page("/messages")
        for text, found in (("message 099999", 1), ("message 01234", 10), ("nobody wrote this", 0)):
            page.get_by_label(t("messages.text"), exact=True).fill(text)
            button(page, t("messages.search")).click()
            if found:
                said = t("states.row") if found == 1 else t("states.rows", count=found)
                expect(page.get_by_text(said, exact=True)).to_be_visible()
                expect(table(page, t(LABEL)).locator("tbody tr.line").first).to_contain_text(text)
            else:
                expect(page.get_by_text(t("messages.empty"), exact=True)).to_be_visible()
        button(page.get_by_role("search"), t("messages.clear")).click()
        choice(page, t("messages.statusName")).select_option("waiting")
        button(page, t("messages.search")).click()
        expect(table(page, t(LABEL)).locator("tbody tr.line").first).to_contain_text(f"message {MANY - 1:06}")
        choice(page, t("messages.statusName")).select_option("consumed")
        button(page, t("messages.search")).click()
        expect(page.get_by_text(t("messages.empty"), exact=True)).to_be_visible()

    def test_they_are_scrolled_through_to_the_last_one(self):
        page = self.page("/messages")
        rows = table(page, t(LABEL)).locator("tbody tr.line")
        expect(rows.first).to_contain_text(f"message {MANY - 1:06}")
        region = page.locator(".region").filter(has=table(page, t(LABEL)))
        script = _TO_THE_END.replace("WHOLE", repr(t("messages.whole"))).replace("WAIT", str(SLOW))
        told = page.evaluate(script, region.element_handle())
        expect(page.get_by_text(t("states.rows", count=f"{MANY:,}"), exact=True)).to_be_visible()
        expect(rows.last).to_contain_text("message 000000")
        self.assertLess(told["drawn"], MOST_ROWS)
        self.assertLess(told["slowest"], SLOW)
        region.evaluate("(region) => { region.scrollTop = region.scrollHeight / 2 }")
        expect(rows.filter(has_text=re.compile(r"message 0[45]\d{4}")).first).to_be_visible()
        self.assertLess(rows.count(), MOST_ROWS)
        rows.nth(MOST_ROWS // 4).focus()
        for key, text in (("Home", f"message {MANY - 1:06}"), ("End", "message 000000")):
            page.keyboard.press(key)
            expect(page.locator("tr:focus")).to_contain_text(text)

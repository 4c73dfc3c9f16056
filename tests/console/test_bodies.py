"""Messages that would be a page if they were let: they are text, whatever they hold and however long they are."""

import json
import re

from tests.console.rig import SharedCase, client, eventually, expect, t
from tests.console.sights import button, copying, table

SCRIPT = """<script>document.title = 'run'</script><img src=x onerror="document.title = 'run'"><style>*{}</style>"""
LONG = 1 << 20  # as long as a message may be
TEXT = ("words of a long text <b> " * LONG)[: LONG - 7] + "THE END"
ROWS = 25_000  # of about forty bytes
RUN = """() => document.title === 'run'
  || document.querySelectorAll('main img, main script, main style, dialog img, dialog script, dialog style').length"""
SLOW = 2_000  # milliseconds until a page has answered, on a machine that is busy with other tests


class BodyTests(SharedCase):
    def begin(self, lasting):
        broker = super().begin(lasting)
        with client(broker) as mq:
            mq.publish("bad.plain", SCRIPT, headers={"x": SCRIPT})
            mq.publish("bad.json", json.dumps({SCRIPT: [SCRIPT]}))
            mq.publish("bad.delayed", SCRIPT, delay=3_600)
            mq.publish("long", TEXT)
            mq.publish("long.json", json.dumps([{"number": n, "name": f"name {n}"} for n in range(ROWS)]))
        return broker

    def open_first(self, page, label):
        table(page, label).locator("tbody tr.line").first.click()
        return page.get_by_role("dialog")

    def test_a_body_that_holds_a_script_is_text(self):
        tab = self.tab()
        for topic in ("bad.plain", "bad.json"):
            page = tab.open(f"/messages?topic={topic}")
            expect(table(page, t("messages.found"))).to_contain_text("onerror=")
            dialog = self.open_first(page, t("messages.found"))
            expect(dialog.locator("pre")).to_contain_text("document.title = 'run'")
            self.assertFalse(page.evaluate(RUN))
            button(dialog, t("states.close")).first.click()
            expect(page).not_to_have_url(re.compile("message="))
        page = tab.open("/scheduled?topic=bad.delayed")
        expect(self.open_first(page, t("scheduled.title")).locator("pre")).to_contain_text("<img src=x onerror")
        self.assertFalse(page.evaluate(RUN))

    def test_a_tail_that_shows_a_script_shows_text(self):
        page = self.page("/try")
        page.get_by_label(t("tryIt.pattern"), exact=True).fill("bad.live")
        button(page, t("tryIt.begin")).click()
        expect(page.get_by_text(t("tryIt.stateOpen"), exact=True)).to_be_visible()
        with client(self.broker) as mq:
            mq.publish("bad.live", SCRIPT)
        summary = page.get_by_role("list", name=t("tryIt.tail")).locator("summary")
        expect(summary).to_contain_text("<script>")
        summary.click()
        expect(page.locator("pre")).to_contain_text("<style>")
        self.assertFalse(page.evaluate(RUN))

    def test_a_text_of_a_mebibyte_is_cut_until_it_is_asked_for_and_the_page_answers_meanwhile(self):
        tab = self.tab()
        for topic, end in (("long", "THE END"), ("long.json", f'"name {ROWS - 1}"')):
            page = tab.open(f"/messages?topic={topic}")
            expect(table(page, t("messages.found")).locator("tbody tr.line")).to_have_count(1)
            dialog = self.open_first(page, t("messages.found"))
            expect(dialog.locator("pre")).to_be_visible()
            self.assertLess(len(dialog.locator("pre").inner_text()), 100_000)
            whole = dialog.get_by_role("button", name=t.around("states.showAll"))
            took = page.evaluate(
                """async (button) => {
              const begun = performance.now()
              button.click()
              await new Promise((done) => requestAnimationFrame(() => setTimeout(done)))
              return performance.now() - begun
            }""",
                whole.element_handle(),
            )
            eventually(page, lambda dialog=dialog, end=end: end in dialog.locator("pre").text_content(), "end of it")
            self.assertLess(took, SLOW)
            button(dialog, t("states.close")).click()
            expect(dialog).to_have_count(0)

    def test_a_text_of_a_mebibyte_is_copied_whole(self):
        page = self.page("/messages?topic=long")
        dialog = self.open_first(page, t("messages.found"))
        button(dialog, copying("messages.text")).click()
        expect(dialog.get_by_text(t("states.copied"), exact=True)).to_be_visible()
        copied = page.evaluate(
            "async () => { const text = await navigator.clipboard.readText(); return [text.length, text.slice(-7)] }"
        )
        self.assertEqual(copied, [LONG, "THE END"])

"""Topics and groups, steered by hand: made, paused, purged, deleted; and found out about by the API."""

from tests.console.rig import SharedCase, client, expect, make_group, t, v1
from tests.console.sights import button, card, confirm, dialog, notice, row
from tests.integration.broker import until


class TopicTests(SharedCase):
    def show(self, topic):
        return v1(self.broker, "GET", f"/topics/{topic}")

    def there(self, path):
        return self.broker.api.get(f"/api/v1{path}").status == 200

    def fill(self, topic, count=3):
        with client(self.broker) as mq:
            mq.publish_many(topic, ["x"] * count)

    def test_a_topic_is_made(self):
        page = self.page("/topics")
        button(page, t("topics.newTopic")).click()
        form = dialog(page, t("topics.newTopic"))
        form.get_by_label(t("topics.name"), exact=True).fill("made")
        form.get_by_label(t("topic.rules.maxAge"), exact=True).fill("2d")
        button(form, t("topic.create")).click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("made")
        self.assertEqual(self.show("made")["policy"]["maxAge"], 172_800)

    def test_what_a_topic_is_not_made_of_is_told_in_the_dialog(self):
        page = self.page("/topics")
        button(page, t("topics.newTopic")).click()
        form = dialog(page, t("topics.newTopic"))
        form.get_by_label(t("topics.name"), exact=True).fill("unmade")
        form.get_by_label(t("topic.rules.maxAge"), exact=True).fill("soon")
        button(form, t("topic.create")).click()
        expect(form.get_by_role("alert")).to_have_text(t("topic.wrong"))
        button(form, t("states.cancel")).click()
        expect(form).to_have_count(0)
        self.assertFalse(self.there("/topics/unmade"))

    def test_a_topic_is_paused_and_goes_on(self):
        self.fill("halting")
        page = self.page("/topics/halting")
        button(page, t("topic.pause")).click()
        expect(page.get_by_text(t("topic.pausedHint"), exact=True)).to_be_visible()
        self.assertIs(self.show("halting")["policy"]["paused"], True)
        button(page, t("topic.resume")).click()
        expect(page.get_by_text(t("topic.pausedHint"), exact=True)).to_be_hidden()
        self.assertFalse(self.show("halting")["policy"].get("paused"))

    def test_a_topic_is_purged_once_its_name_is_typed(self):
        self.fill("full", 5)
        page = self.page("/topics/full")
        expect(card(page, t("topic.stored"))).to_have_text("5")
        button(page, t("topic.purge")).click()
        confirm(page, t("topic.purgeOf", name="full"), t("topic.purge"), name="full")
        expect(notice(page)).to_contain_text(t("topic.purged", name="full", count=5))
        expect(card(page, t("topic.stored"))).to_have_text("0")
        self.assertEqual(self.show("full")["counts"]["all"], 0)

    def test_a_topic_is_deleted_once_its_name_is_typed(self):
        self.fill("doomed")
        page = self.page("/topics/doomed")
        button(page, t("topic.delete")).click()
        shown = dialog(page, t("topic.deleteOf", name="doomed"))
        shown.get_by_role("textbox").fill("doome")
        expect(button(shown, t("topic.delete"))).to_be_disabled()
        shown.get_by_role("textbox").press("Enter")
        self.assertTrue(self.there("/topics/doomed"))
        shown.get_by_role("textbox").fill("")
        confirm(page, t("topic.deleteOf", name="doomed"), t("topic.delete"), name="doomed")
        expect(page.get_by_role("heading", level=1)).to_have_text(t("topics.title"))
        expect(row(page, t("topics.view.topics"), "doomed")).to_have_count(0)
        self.assertFalse(self.there("/topics/doomed"))

    def test_a_topic_that_is_not_there_can_be_made(self):
        tab = self.tab()
        page = tab.open("/topics/nothing")
        expect(page.get_by_text(t("topic.missing"), exact=True)).to_be_visible()
        button(page, t("topic.create")).click()
        expect(card(page, t("topic.stored"))).to_have_text("0")
        self.assertTrue(self.there("/topics/nothing"))
        tab.forgive(perhaps=["status of 404"])

    def test_a_group_is_made_configured_paused_purged_and_deleted(self):
        self.fill("grouped", 4)
        page = self.page("/topics/grouped")
        button(page, t("topic.newGroup")).click()
        form = dialog(page, t("topic.newGroup"))
        form.get_by_label(t("topics.group"), exact=True).fill("readers")
        form.locator("select").first.select_option("all")
        button(form, t("topic.create")).click()
        panel = page.get_by_role("region", name=t("topic.groupOf", name="readers"))
        expect(panel.get_by_text(t("topic.nobody"), exact=True)).to_be_visible()
        path = "/topics/grouped/groups/readers"
        self.assertEqual(v1(self.broker, "GET", path)["lag"], 4)

        button(panel, t("topic.configure")).click()
        form = dialog(page, t("topic.changeOf", name="readers"))
        form.get_by_label(t("topic.rules.maxAttempts"), exact=True).fill("3")
        button(form, t("topic.save")).click()
        expect(form).to_have_count(0)
        self.assertEqual(v1(self.broker, "GET", path)["config"]["maxAttempts"], 3)

        button(panel, t("topic.pause")).click()
        expect(panel.get_by_text(t("topics.paused"), exact=True)).to_be_visible()
        self.assertIs(v1(self.broker, "GET", path)["config"]["paused"], True)
        button(panel, t("topic.resume")).click()
        expect(panel.get_by_text(t("topic.delivers"), exact=True)).to_be_visible()

        button(panel, t("topic.purge")).click()
        confirm(page, t("topic.purgeOf", name="readers"), t("topic.purge"), name="readers")
        until(lambda: v1(self.broker, "GET", path)["lag"] == 0, "end of what waited")
        button(panel, t("topic.delete")).click()
        confirm(page, t("topic.deleteOf", name="readers"), t("topic.delete"), name="readers")
        expect(page.get_by_text(t("topic.noGroups"), exact=True)).to_be_visible()
        self.assertFalse(self.there(path))

    def test_a_group_of_a_pattern_is_made_and_deleted(self):
        page = self.page("/topics?view=patterns")
        button(page, t("topics.newPattern")).click()
        form = dialog(page, t("topics.newPattern"))
        form.get_by_label(t("topics.pattern"), exact=True).fill("all.>")
        form.get_by_label(t("topics.group"), exact=True).fill("archive")
        button(form, t("topic.create")).click()
        line = row(page, t("topics.view.patterns"), "all.>")
        button(line, t("topic.delete")).click()
        title = t("topics.deletePattern", name="archive", pattern="all.>")
        confirm(page, title, t("topic.delete"), name="archive")
        expect(line).to_have_count(0)

    def test_a_topic_is_found_and_opened_with_the_keyboard_alone(self):
        self.fill("by.keys")
        make_group(self.broker, "by.keys", "g")
        tab = self.tab(key=None)
        page = tab.open()
        expect(page.get_by_label(t("login.key"), exact=True)).to_be_focused()
        page.keyboard.type("test")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text(t("overview.title"))
        self.walk(page, text=t("topics.title"))
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text(t("topics.title"))
        expect(page.locator("main")).to_be_focused()
        self.walk(page, type="search")
        page.keyboard.type("by.k")
        expect(page.get_by_text(t("states.row"), exact=True)).to_be_visible()
        self.walk(page, tag="TR")
        expect(page.locator("tr:focus")).to_contain_text("by.keys")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_contain_text("by.keys")
        self.walk(page, text=t("topic.purge"))
        page.keyboard.press("Enter")
        shown = dialog(page, t("topic.purgeOf", name="by.keys"))
        expect(shown.get_by_role("textbox")).to_be_focused()
        page.keyboard.press("Escape")
        expect(shown).to_have_count(0)
        expect(button(page, t("topic.purge"))).to_be_focused()

    def walk(self, page, **wanted):
        """Go on with the tabulator until what is wanted has the focus, which is to be seen."""
        for _ in range(60):
            page.keyboard.press("Tab")
            found = page.evaluate(_FOCUSED)
            if wanted.items() <= found.items():
                self.assertNotEqual(found["outline"], "none")
                return
        self.fail(f"the tabulator does not lead to {wanted}")


_FOCUSED = """() => {
  const one = document.activeElement
  const outline = getComputedStyle(one).outlineStyle
  return { text: one.innerText, type: one.getAttribute('type'), tag: one.tagName, outline }
}"""

"""Accessibility, as axe-core sees it: no page has a violation that is serious or critical, light or dark."""

from tests.console.axe import FILE, violations
from tests.console.browser import needed
from tests.console.pages import login
from tests.console.rig import expect, t
from tests.console.sights import button
from tests.console.test_pages import PageCase


class AxeTests(PageCase):
    def setUp(self):
        needed(FILE.exists(), "axe-core (npm ci in view)")
        super().setUp()
        self.found = []

    def tearDown(self):
        super().tearDown()
        self.assertEqual("\n".join(self.found), "")

    def check(self, page, what):
        """Look now. What is found is told at the end, when all has been looked at."""
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            self.found += [f"{what}, {scheme}: {one}" for one in violations(page)]
        page.emulate_media(color_scheme="light")

    def test_every_page(self):
        page = self.page()
        for place in self.every(self.tabs[0]):
            self.check(page, place.name)

    def test_the_log_in_page(self):
        page = self.page(key=None)
        login(page, t).click()
        expect(login(page, t)).to_be_visible()
        self.check(page, "log-in")

    def test_the_page_of_the_registry(self):
        page = self.page(port=self.broker.registry.port)
        expect(page.get_by_role("table", name=t("cluster.members"), exact=True)).to_be_visible()
        self.check(page, "registry")

    def test_a_message(self):
        page = self.page("/messages?topic=payments&status=dead")
        page.get_by_role("table", name=t("messages.found"), exact=True).locator("tbody tr.line").first.click()
        expect(page.get_by_role("dialog").get_by_role("heading", name=t("messages.life"))).to_be_visible()
        self.check(page, "a message")
        button(page.get_by_role("dialog"), t("messages.remove")).click()
        expect(page.get_by_role("dialog", name=t("messages.remove"), exact=True)).to_be_visible()
        self.check(page, "deleting it")
        page.keyboard.press("Escape")
        button(page.get_by_role("dialog"), t("messages.publish")).click()
        expect(page.get_by_role("dialog", name=t("messages.publishTitle"), exact=True)).to_be_visible()
        self.check(page, "publishing a copy")

    def test_dialogs(self):
        page = self.page("/topics")
        button(page, t("topics.newTopic")).click()
        self.dialog(page, t("topics.newTopic"))
        self.tabs[0].open("/topics/orders?group=billing")
        for name, title in (("topic.change", "topic.changeOf"), ("topic.newGroup", "topic.newGroup")):
            button(page, t(name)).click()
            self.dialog(page, t(title, name="orders"))
        button(page, t("topic.delete")).first.click()
        self.dialog(page, t("topic.deleteOf", name="orders"))
        self.tabs[0].open("/scheduled")
        page.get_by_role("table", name=t("scheduled.title"), exact=True).locator("tbody tr.line").first.click()
        self.dialog(page, t("scheduled.message"))
        self.tabs[0].open("/dead?topic=payments&group=bank")
        button(page, t("dead.sendAll")).click()
        self.dialog(page, t("dead.sendTitle"))
        self.tabs[0].open("/messages?topic=payments&status=dead")
        button(page, t("messages.removeFound")).click()
        self.dialog(page, t("messages.removeFoundTitle"))
        self.tabs[0].open("/clients")
        page.get_by_role("table", name=t("clients.connections"), exact=True).locator("tbody tr.line").first.click()
        expect(page.get_by_role("dialog")).to_be_visible()
        self.check(page, "a client")

    def dialog(self, page, title):
        expect(page.get_by_role("dialog", name=title, exact=True)).to_be_visible()
        self.check(page, title)
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)

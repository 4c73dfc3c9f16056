"""Signing in: a wrong key, too many of them, how long a key is kept, and where."""

from tests.console.pages import login
from tests.console.rig import SharedCase, expect, t
from tests.console.sights import button

KEY = "kapokmq.key"
REFUSED = "status of 401"
STORED = """() => ({
  session: Object.entries(sessionStorage).filter(([, value]) => value.includes('test')).map(([name]) => name),
  local: JSON.stringify(localStorage), cookies: document.cookie, address: location.href,
})"""


class LoginTests(SharedCase):
    def sign_in(self, page, key):
        page.get_by_label(t("login.key"), exact=True).fill(key)
        login(page, t).click()

    def test_the_right_key_leads_to_the_page_that_was_wanted_and_is_kept_for_the_session_alone(self):
        tab = self.tab(key=None)
        page = tab.open("/settings")
        expect(page).to_have_url(f"{tab.at}/#/login?to=/settings")
        expect(page.get_by_label(t("login.key"), exact=True)).to_be_focused()
        self.sign_in(page, "test")
        expect(page.get_by_role("heading", level=1)).to_have_text(t("settings.title"))
        stored = page.evaluate(STORED)
        self.assertEqual(stored, {"session": [KEY], "local": "{}", "cookies": "", "address": f"{tab.at}/#/settings"})
        page.reload()
        expect(page.get_by_role("heading", level=1)).to_have_text(t("settings.title"))
        other = tab.another()
        other.goto(f"{tab.at}/#/settings")
        expect(login(other, t)).to_be_visible()

    def test_signing_out_forgets_the_key(self):
        tab = self.tab(key=None)
        page = tab.open()
        self.sign_in(page, "test")
        button(page, t("app.signOut")).click()
        expect(login(page, t)).to_be_visible()
        expect(page.get_by_text(t("login.asked"))).to_be_visible()
        self.assertEqual(page.evaluate(STORED)["session"], [])
        page.reload()
        expect(login(page, t)).to_be_visible()
        self.assertEqual(page.evaluate(f"() => sessionStorage.getItem('{KEY}')"), None)

    def test_a_wrong_key_is_told(self):
        tab = self.tab(key=None)
        page = tab.open()
        self.sign_in(page, "tset")
        expect(page.get_by_role("alert")).to_have_text(t("login.wrong"))
        expect(page.get_by_label(t("login.key"), exact=True)).to_be_focused()
        self.assertEqual(page.evaluate(f"() => sessionStorage.getItem('{KEY}')"), None)
        tab.forgive(REFUSED)
        self.sign_in(page, "test")
        expect(page.get_by_role("heading", level=1)).to_have_text(t("overview.title"))

    def test_a_key_that_was_changed_signs_out(self):
        tab = self.tab(key="former")
        page = tab.open("/topics")
        expect(login(page, t)).to_be_visible()
        expect(page.get_by_text(t("login.refused"))).to_be_visible()
        tab.forgive(REFUSED)

    def test_the_key_can_be_shown(self):
        page = self.page(key=None)
        field = page.get_by_label(t("login.key"), exact=True)
        self.assertEqual(field.get_attribute("type"), "password")
        page.get_by_label(t("login.show"), exact=True).check()
        self.assertEqual(field.get_attribute("type"), "text")

    def test_too_many_wrong_keys_are_held_back_and_the_page_says_so(self):
        tab = self.tab(key=None)
        page = tab.open()
        for _ in range(20):  # as somebody who guesses does, from the same address
            self.broker.api.ask("GET", "/api/v1/node", secretKey="guess")
        self.sign_in(page, "tset")
        expect(page.get_by_role("timer")).to_have_text(t.around("login.held"))
        tab.forgive(REFUSED)
        self.sign_in(page, "test")
        expect(page.get_by_role("heading", level=1)).to_have_text(t("overview.title"))

"""That whatever goes wrong in a page makes its test fail."""

from tests.console.rig import SharedCase, expect, t
from tests.console.sights import button

WRONG = {
    "error: told": "console.error('told')",
    "warning: warned": "console.warn('warned')",
    "thrown: .*lost": "setTimeout(() => { throw new Error('lost') })",
    "policy: style-src": "document.querySelector('main').setAttribute('style', 'color: red')",
    "policy: script-src": "document.head.append(Object.assign(document.createElement('script'), { textContent: '0' }))",
    "policy: (img|default)-src": "Object.assign(new Image(), { src: 'https://example.org/a.png' })",
    "status of 404": "void fetch('/nothing')",
    "dialog: boo": "setTimeout(() => alert('boo'))",
}


class ComplaintTests(SharedCase):
    def test_each_is_noticed(self):
        tab = self.tab()
        page = tab.open("/try")
        expect(button(page, t("tryIt.send"))).to_be_visible()
        for pattern, wrong in WRONG.items():
            page.evaluate(f"() => {{ {wrong} }}")
            page.wait_for_timeout(200)
            tab.forgive(pattern)
            tab.complaints.clear()  # one wrong has many voices

    def test_a_page_that_is_too_wide_is_noticed(self):
        tab = self.tab()
        page = tab.open("/try")
        expect(button(page, t("tryIt.send"))).to_be_visible()
        self.assertEqual(tab.too_wide(), [])
        page.evaluate("() => { document.querySelector('main').style.width = '900px' }")
        self.assertRegex(tab.too_wide()[0], r"^9\d\d of 3\d\d$")

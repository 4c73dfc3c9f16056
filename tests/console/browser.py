"""A real browser: Debian's Chromium, driven by playwright. It is started once, and ends with the process."""

import atexit
import os
import re
import shutil
from contextlib import ExitStack
from functools import cache

from twisted.trial.unittest import SkipTest

try:
    from playwright.sync_api import sync_playwright
except ImportError:
    sync_playwright = None

LATEST = 15_000  # milliseconds that anything on a page may take on a busy machine
WIDE, NARROW = {"width": 1280, "height": 800}, {"width": 375, "height": 800}
LOCALES = {"en": "en-US", "zh": "zh-CN"}

# A key is given to a tab as the log-in page would leave it; a page that breaks the policy it came with says so.
_SIGN_IN = "if (location.protocol.startsWith('http')) sessionStorage.setItem('kapokmq.key', %r)"
_POLICY = (
    "addEventListener('securitypolicyviolation', (event) => console.error(`policy: ${event.violatedDirective}`), true)"
)
_LEFT = "net::ERR_ABORTED"  # a page that is left does not wait for its answers
_WIDTH = """() => {
  const root = document.scrollingElement, wide = root.clientWidth
  if (root.scrollWidth <= wide) return []
  const cut = (one) => getComputedStyle(one).overflowX !== 'visible'
  const within = (one) => one !== null && one !== document.body && (cut(one) || within(one.parentElement))
  return [`${root.scrollWidth} of ${wide}`, ...[...document.body.querySelectorAll('*')]
    .filter((one) => one.getBoundingClientRect().right > wide + 0.5 && !within(one.parentElement))
    .map((one) => one.outerHTML.slice(0, 120)).slice(-3)]
}"""


class Lasting(ExitStack):
    """Where what lasts longer than a test leaves how it is ended: it stands for a test case."""

    def addCleanup(self, done, *arguments, **named):
        """Have it called at the end."""
        self.callback(done, *arguments, **named)


@cache
def _chromium():
    driver = sync_playwright().start()
    # Tests run as root in CI, where there is no sandbox.
    browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"])

    def end():
        browser.close()
        driver.stop()

    atexit.register(end)
    return browser


def needed(there, what):
    """Who has not got it skips; in CI that is a failure."""
    if there:
        return
    if os.environ.get("CI"):
        raise AssertionError(f"{what} is missing")
    raise SkipTest(f"{what} is needed")


def chromium():
    """The browser."""
    needed(sync_playwright is not None, "playwright")
    needed(shutil.which("chromium") is not None, "chromium")
    return _chromium()


class Tab:
    """A tab of a browser of its own, signed in with `key` unless that is None; what goes wrong in it is collected."""

    def __init__(self, case, port, *, key="test", language="en"):
        self.at = f"http://127.0.0.1:{port}"
        self.context = chromium().new_context(
            locale=LOCALES[language],
            viewport=WIDE,
            permissions=["clipboard-read", "clipboard-write"],
        )
        case.addCleanup(self.context.close)
        self.context.set_default_timeout(LATEST)
        self.context.add_init_script(_POLICY)
        if key is not None:
            self.context.add_init_script(_SIGN_IN % key)
        self.page = self.context.new_page()
        self.complaints = []
        self._watch(self.page)

    def _watch(self, page):
        page.on("console", lambda said: said.type in {"error", "warning"} and self._complain(said))
        page.on("pageerror", lambda error: self.complaints.append(f"thrown: {error}"))
        page.on("dialog", lambda dialog: (self.complaints.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.on("requestfailed", self._failed)

    def _complain(self, said):
        self.complaints.append(f"{said.type}: {said.text} ({said.location.get('url', '')})")

    def _failed(self, request):
        if request.failure != _LEFT:
            self.complaints.append(f"failed: {request.method} {request.url} {request.failure}")

    def forgive(self, *patterns, perhaps=()):
        """Forget complaints that are a test's own doing: each must have been there, those of `perhaps` may."""
        for pattern in (*patterns, *perhaps):
            kept = [one for one in self.complaints if not re.search(pattern, one)]
            if len(kept) == len(self.complaints) and pattern not in perhaps:
                raise AssertionError(f"nobody complained of {pattern}: {self.complaints}")
            self.complaints[:] = kept

    def another(self):
        """A further tab of the same browser: it shares what is stored, but not what a session keeps."""
        page = self.context.new_page()
        self._watch(page)
        return page

    def open(self, path="/"):
        """Go to a page of the console, from wherever the tab is."""
        if self.page.url.startswith(self.at):
            self.page.evaluate("(path) => { location.hash = path }", f"#{path}")
        else:
            self.page.goto(f"{self.at}/#{path}")
        return self.page

    def too_wide(self):
        """What makes the page wider than a small screen: nothing, or how wide it is and by what."""
        self.page.set_viewport_size(NARROW)
        try:
            for _ in range(20):  # what draws itself is told of the size, and draws itself anew
                found = self.page.evaluate(_WIDTH)
                if not found:
                    break
                self.page.wait_for_timeout(100)
            return found
        finally:
            self.page.set_viewport_size(WIDE)

"""axe-core, which says what of a page not everybody can use. The debugger puts it there: no policy is bent for it."""

from functools import cache

from tests.integration.broker import ROOT

FILE = ROOT / "view" / "node_modules" / "axe-core" / "axe.min.js"
_ASK = """async () => (await axe.run(document, { resultTypes: ['violations'] })).violations
  .filter(({ impact }) => impact === 'serious' || impact === 'critical')
  .map(({ id, impact, nodes }) => `${impact} ${id}: ${nodes.slice(0, 3)
    .map((node) => `${node.html.slice(0, 160)} ${node.any[0]?.message ?? ''}`).join(' | ')}`)"""


@cache
def _source():
    return FILE.read_text("utf-8")


def violations(page):
    """What is serious or critical on the page as it is now, a line each."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(_source() + "\n;0")
    return page.evaluate(_ASK)

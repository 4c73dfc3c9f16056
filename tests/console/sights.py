"""Where things are on a page, as a reader finds them: a figure by its label, a cell by its row and its column."""

import re

from tests.console.rig import expect, t

NUMBER = re.compile(r"\d")
_BACK = "() => getComputedStyle(document.documentElement).backgroundColor"


def table(page, label):
    """The table of that name."""
    return page.get_by_role("table", name=label, exact=True)


def row(page, label, text):
    """The row of a table in which a cell says just that."""
    return table(page, label).locator("tbody tr.line").filter(has=page.get_by_text(text, exact=True))


def cell(page, label, text, column):
    """The cell of that row under the heading of a column."""
    heads = table(page, label).locator("thead th")
    heads.filter(has_text=column).first.wait_for()
    (at,) = [index for index, head in enumerate(heads.all_inner_texts()) if head.strip(" ↑↓") == column]
    return row(page, label, text).locator("td").nth(at)


def card(page, label):
    """The figure under that label."""
    return page.locator(".stat").filter(has=page.get_by_text(label, exact=True)).locator(".value")


def button(where, label):
    """The button that says just that, on a page or a part of it."""
    return where.get_by_role("button", name=label, exact=True)


def choice(where, label):
    """The list to choose from that has this label."""
    return where.get_by_role("combobox", name=label, exact=True)


def dialog(page, title):
    """The dialog of that title."""
    return page.get_by_role("dialog", name=title, exact=True)


def confirm(page, title, action, name=None):
    """Do what the dialog of that title asks about; with `name` that is typed, and nothing can be done before."""
    shown = dialog(page, title)
    if name is not None:
        expect(button(shown, action)).to_be_disabled()
        shown.get_by_role("textbox").fill(name)
    button(shown, action).click()
    expect(shown).to_have_count(0)


def copying(what):
    """What a button is called that copies what has this label."""
    return f"{t('states.copy')} {t(what)}"


def notice(page):
    """What is said in passing."""
    return page.locator(".notices")


def brightness(page):
    """How bright the page's ground is, 0 to 255."""
    parts = [float(part) for part in re.findall(r"[\d.]+", page.evaluate(_BACK))]
    return sum(parts[:3]) / 3

"""Every page: where it is, what it is called, and what it shows once it is there."""

from collections.abc import Callable
from typing import NamedTuple


class Place(NamedTuple):
    """A page. `shows` gives, of a tab's page and the words of its language, what must come into sight."""

    name: str
    path: str
    title: str  # the key of its heading; empty where that is a name
    shows: Callable


def _table(key, **fields):
    return lambda page, t: page.get_by_role("table", name=t(key, **fields), exact=True).locator("tbody tr.line").first


def _text(text):
    return lambda page, _: page.locator("main").get_by_text(text, exact=True).first


PLACES = (
    Place(
        "overview", "/", "overview.title", lambda page, t: page.get_by_label(t("overview.weekLabel")).locator("canvas")
    ),
    Place("topics", "/topics", "topics.title", _table("topics.view.topics")),
    Place("groups", "/topics?view=groups", "topics.title", _table("topics.view.groups")),
    Place("patterns", "/topics?view=patterns", "topics.title", _table("topics.view.patterns")),
    Place("topic", "/topics/orders", "", _table("topic.groupsOf", name="orders")),
    Place("group", "/topics/orders?group=billing", "", _table("topic.consumersOf", name="billing")),
    Place("messages", "/messages", "messages.title", _table("messages.found")),
    Place("scheduled", "/scheduled", "scheduled.title", _table("scheduled.title")),
    Place("dead", "/dead?topic=payments&group=bank", "dead.title", _table("dead.letters")),
    Place("clients", "/clients", "clients.title", _table("clients.connections")),
    Place("cluster", "/cluster", "cluster.title", _table("cluster.members")),
    Place("settings", "/settings", "settings.title", _text("mq.secretKey")),
    Place("try", "/try", "tryIt.title", lambda page, t: page.get_by_role("button", name=t("tryIt.send"), exact=True)),
    Place("nowhere", "/nowhere", "", lambda page, t: page.get_by_role("link", name=t("app.toOverview"))),
)
"""The pages of who has signed in; those of `orders` and `payments` want what `seeds.seed` makes."""


def login(page, t):
    """What the page shows before one has signed in."""
    return page.get_by_role("button", name=t("login.submit"), exact=True)

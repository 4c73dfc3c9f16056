"""Who is connected and who consumes, where there are many, or only some are asked for."""

from kapokmq.core.admin import MemberInfo
from tests.protocols.api.test_routing import ApiTests
from tests.protocols.http_fakes import Client


def member(label: str, topic: str = "t", group: str | None = "g") -> MemberInfo:
    """Somebody who consumes."""
    return MemberInfo(label, topic, group, 9, 0)


class MembersOfTests(ApiTests):
    def setUp(self):
        super().setUp()
        self.node.connections.made += [Client(str(at), "t", "192.0.2.1", 5, at) for at in (1, 2)]
        self.admin.consuming = [member("a"), member("b", "u"), member("c", group="h"), member("d"), member("e")]

    def labels(self, query: str) -> list[str]:
        told = self.node.told(f"GET /clients?{query}")
        self.assertEqual(told["clients"], [])
        return [one["label"] for one in told["members"]]

    def test_of_a_topic_of_a_group_or_of_both(self):
        self.assertEqual(self.labels("topic=t"), ["a", "c", "d", "e"])
        self.assertEqual(self.labels("group=g"), ["a", "b", "d", "e"])
        self.assertEqual(self.labels("topic=t&group=g"), ["a", "d", "e"])
        self.assertEqual(self.labels("topic=nobody"), [])

    def test_page_by_page(self):
        found, query = [], "topic=t&group=g&limit=2"
        for cursor in ("0-2", None):
            told = self.node.told(f"GET /clients?{query}")
            found += [one["label"] for one in told["members"]]
            self.assertEqual((told["cursor"], told["clients"]), (cursor, []))
            query += f"&cursor={cursor}"
        self.assertEqual(found, ["a", "d", "e"])

    def test_names_that_are_none(self):
        for query in ("topic=", "group=" + "x" * 256):
            self.assertEqual(self.node.refused(f"GET /clients?{query}")[:2], (400, "badRequest"), query)


class ManyTests(ApiTests):
    def setUp(self):
        super().setUp()
        self.limits: list[int] = []
        self.took = 0.0
        self.found, self.admin.members = self.admin.members, self.members

    def members(self, topic: str | None, group: str | None, first: int, limit: int) -> list[MemberInfo]:
        self.limits.append(limit)
        self.node.clock.rightNow += self.took
        return self.found(topic, group, first, limit)

    def test_so_many_are_looked_at_in_one_go(self):
        self.admin.consuming = [member(str(at)) for at in range(1_500)]
        told = self.node.told("GET /clients?limit=1000")
        self.assertEqual([one["label"] for one in told["members"]], [str(at) for at in range(1_000)])
        self.assertEqual((sum(self.limits), max(self.limits), told["cursor"]), (1_001, 20, "0-1000"))
        told = self.node.told("GET /clients?limit=1000&cursor=0-1000")
        self.assertEqual((len(told["members"]), told["members"][-1]["label"], told["cursor"]), (500, "1499", None))

    def test_the_turn_ends_between_them(self):
        self.admin.consuming = [member(str(at)) for at in range(500)]
        waits, later = [], self.node.clock.callLater
        self.node.clock.callLater = lambda after, *call, **more: waits.append(after) or later(after, *call, **more)
        self.assertEqual(len(self.node.told("GET /clients?limit=1000")["members"]), 500)
        self.assertNotIn(0, waits)
        self.took = 0.006
        self.assertEqual(len(self.node.told("GET /clients?limit=1000")["members"]), 500)
        self.assertEqual(waits.count(0), 26)

    def test_and_so_it_does_between_connections(self):
        self.node.connections.made += [Client(str(at), "t", "192.0.2.1", 5, at) for at in range(1, 51)]
        listed, limits = self.node.connections.listed, []

        def some(after, limit):
            limits.append(limit)
            return listed(after, limit)

        self.node.connections.listed = some
        told = self.node.told("GET /clients?limit=45")
        self.assertEqual([one["number"] for one in told["clients"]], [*range(1, 46)])
        self.assertEqual((limits, told["cursor"]), ([20, 20, 6], "45-2"))
        told = self.node.told("GET /clients?limit=45&cursor=45-2")
        self.assertEqual(([one["number"] for one in told["clients"]], told["cursor"]), ([*range(46, 51)], None))

"""Topics and groups: each route, and what it asks of the engine."""

from urllib.parse import quote

from kapokmq.core.policy import GroupConfig, TopicPolicy
from kapokmq.protocols.api import groups as listing
from kapokmq.protocols.api import topics
from tests.protocols.api.test_routing import ApiTests


def pages(node, path, what, limit):
    """A whole list, and the lengths of its pages."""
    found, lengths, cursor = [], [], ""
    while cursor is not None:
        page = node.told(f"GET {path}?limit={limit}" + (f"&cursor={quote(cursor, safe='')}" if cursor else ""))
        found += page[what]
        lengths.append(len(page[what]))
        cursor = page["cursor"]
    return found, lengths


class PagingTests(ApiTests):
    """Lists that go on."""

    def test_topics(self):
        names = ["null", "a/b c", "\U0001f600", "z&=+%", "ü", "1", "12-3"]
        self.admin.policies |= {name: TopicPolicy() for name in names}
        made = []
        topic = self.admin.topic
        self.admin.topic = lambda name: made.append(name) or topic(name)
        found, lengths = pages(self.node, "/topics", "topics", 3)
        self.assertEqual([one["name"] for one in found], sorted(names))
        self.assertEqual((lengths, made), ([3, 3, 1], sorted(names)))
        self.assertEqual(pages(self.node, "/topics", "topics", 7)[1], [7])
        self.admin.topic = topic
        self.admin.policies = {f"{at:04}": TopicPolicy() for at in range(1_001)}
        self.assertEqual(len(self.node.told("GET /topics")["topics"]), 100)
        self.assertEqual(len(self.node.told("GET /topics?limit=1000")["topics"]), 1_000)

    def test_groups(self):
        names = ["b", 'a"', "ü", "1-2", "null"]
        self.admin.policies |= {topic: TopicPolicy() for topic in ("12", "1", "x/y", "empty")}
        self.admin.configs |= {(topic, name): GroupConfig() for topic in ("12", "1", "x/y") for name in names}
        for limit in (1, 4, 5, 15, 16):
            found, lengths = pages(self.node, "/groups", "groups", limit)
            self.assertEqual([(one["topic"], one["name"]) for one in found], sorted(self.admin.configs), limit)
            self.assertTrue(all(length == limit for length in lengths[:-1]))
        found, lengths = pages(self.node, "/topics/1/groups", "groups", 2)
        self.assertEqual([one["name"] for one in found], sorted(names))
        self.assertEqual(lengths, [2, 2, 1])

    def test_groups_of_many_topics_that_have_none(self):
        self.patch(listing, "MOST_TOPICS", 10)
        self.admin.policies |= {f"{at:02}": TopicPolicy() for at in range(25)}
        self.admin.configs["24", "g"] = self.admin.configs["03", "g"] = GroupConfig()
        found, lengths = pages(self.node, "/groups", "groups", 5)
        self.assertEqual([one["topic"] for one in found], ["03", "24"])
        self.assertEqual(lengths, [1, 0, 1])

    def test_patterns(self):
        self.admin.configs |= {(topic, name): GroupConfig() for topic in ("b.*", "a.>") for name in "xyz"}
        found, lengths = pages(self.node, "/patterns", "patterns", 4)
        self.assertEqual([(one["pattern"], one["name"]) for one in found], sorted(self.admin.configs))
        self.assertEqual(lengths, [4, 2])

    def test_topics_with_many_groups_make_a_page_short(self):
        self.patch(topics, "MOST_NAMED", 4)
        self.admin.policies |= {topic: TopicPolicy() for topic in "abcd"}
        self.admin.configs |= {(topic, name): GroupConfig() for topic in "abd" for name in "xyz"}
        found, lengths = pages(self.node, "/topics", "topics", 10)
        self.assertEqual([one["name"] for one in found], [*"abcd"])
        self.assertEqual(lengths, [2, 2])

    def test_a_long_list_takes_many_turns(self):
        self.admin.policies |= {f"{at}": TopicPolicy() for at in range(10)}
        clock, call_later, ask, asked, turns = self.node.clock, self.node.clock.callLater, self.admin.topic, [], []

        def slowly(topic):
            asked.append(topic)
            clock.rightNow += 0.002
            return ask(topic)

        def later(wait, *rest):
            turns.append(len(asked))
            return call_later(wait, *rest)

        self.admin.topic = slowly
        self.patch(clock, "callLater", later)
        self.assertEqual(len(self.node.told("GET /topics")["topics"]), 10)
        self.assertEqual([turn for turn in turns if 0 < turn < 10], [3, 6, 9])

    def test_bad_pages(self):
        self.admin.policies["t"] = TopicPolicy()
        for path in ("/topics", "/groups", "/patterns", "/topics/t/groups"):
            for query in ("limit=0", "limit=1001", "limit=x", "limit=null", "cursor=" + "x" * 515):
                self.assertEqual(self.node.refused(f"GET {path}?{query}")[:2], (400, "badRequest"), query)
        for path in ("/groups", "/patterns"):
            for cursor in ("x", "5-abc", "-", "1", "٣-abc"):
                self.assertEqual(self.node.refused(f"GET {path}?cursor={quote(cursor)}")[:2], (400, "badRequest"))


class TopicTests(ApiTests):
    def test_make_and_list(self):
        made = self.node.told("POST /topics", {"name": "b", "policy": {"maxAge": 60}}, 201)
        self.node.told("POST /topics", {"name": "a"}, 201)
        counts = {"all": 6, "consumed": 1, "delayed": 2, "waiting": 3, "inFlight": 1, "dead": 0, "bytes": 1440}
        policy = {"maxAge": 60.0}
        self.assertEqual(made, {"name": "b", "counts": counts, "policy": policy, "effective": policy, "groups": []})
        self.assertEqual([one["name"] for one in self.node.told("GET /topics")["topics"]], ["a", "b"])
        self.assertEqual(self.node.told("GET /topics/b"), made)
        self.assertEqual(self.node.refused("POST /topics", {"name": "b"})[:2], (409, "exists"))
        for name in ("*", "a.>", "\n", "x" * 256):
            self.assertEqual(self.node.refused("POST /topics", {"name": name})[0], 400, name)

    def test_change(self):
        self.admin.policies["t"] = TopicPolicy(max_age=60)
        self.assertEqual(self.node.told("PUT /topics/t", {"maxMessages": 5})["policy"], {"maxMessages": 5})
        self.assertTrue(self.node.told("POST /topics/t/pause")["policy"]["paused"])
        self.assertEqual(self.admin.policies["t"], TopicPolicy(max_messages=5, paused=True))
        self.node.told("POST /topics/t/resume")
        self.assertEqual(self.admin.policies["t"], TopicPolicy(max_messages=5))

    def test_empty_and_delete(self):
        self.admin.policies["t"] = TopicPolicy()
        self.assertEqual(self.node.told("POST /topics/t/purge"), {"count": 6})
        self.assertEqual(self.node.told("DELETE /topics/t"), {"result": "done"})
        self.assertEqual(self.admin.policies, {})

    def test_unknown(self):
        for line in (
            "GET /topics/t", "PUT /topics/t", "DELETE /topics/t", "POST /topics/t/purge", "POST /topics/t/pause",
            "POST /topics/t/resume", "GET /topics/t/groups",
        ):  # fmt: skip
            self.assertEqual(self.node.refused(line), (404, "notFound", "topic: there is none of that name"), line)


class GroupTests(ApiTests):
    def test_what_has_waited_longest(self):
        self.admin.policies["t"] = TopicPolicy()
        self.admin.configs |= {("t", "g"): GroupConfig(), ("t", "h"): GroupConfig()}
        self.node.vitals.oldest = {("t", "g"): 1_500, ("t", "h"): None}
        for path in ("/groups", "/topics/t/groups"):
            self.assertEqual([one["oldest"] for one in self.node.told(f"GET {path}")["groups"]], [1.5, None], path)
        self.assertEqual(self.node.told("GET /topics/t/groups/g")["oldest"], 1.5)
        self.assertIsNone(self.node.told("POST /topics/t/groups/h/pause")["oldest"])

    def test_a_pause_undoes_no_change_that_somebody_makes_at_the_same_time(self):
        self.admin.configs[("t", "g")] = GroupConfig(max_attempts=7)
        group, done = self.admin.group, []

        async def slow(topic, name):
            done.append(self.admin.configs[topic, name])  # others may do anything until it answers
            return await group(topic, name)

        self.admin.group = slow
        self.node.told("POST /topics/t/groups/g/pause")
        self.assertEqual(done, [GroupConfig(max_attempts=7, paused=True)])
        for line in ("POST /topics/t/groups/h/pause", "POST /topics/t.*/groups/g/resume"):
            self.assertEqual(self.node.refused(line)[:2], (404, "notFound"))

    def test_make_and_list(self):
        self.admin.policies["t"] = TopicPolicy()
        made = self.node.told("POST /topics/t/groups", {"name": "g", "config": {"ackWait": 5}}, 201)
        self.assertEqual(
            made,
            {
                "topic": "t", "name": "g", "mode": "queue", "config": {"ackWait": 5.0}, "effective": {"ackWait": 30.0},
                "mark": 2, "next": 6, "lag": 3, "inFlight": 1, "dead": 0, "members": 1, "oldest": 1795222201.5,
            },
        )  # fmt: skip
        self.assertEqual(self.node.told("GET /topics/t/groups"), {"groups": [made], "cursor": None})
        self.assertEqual(self.node.told("GET /groups"), {"groups": [made], "cursor": None})
        self.assertEqual(self.node.told("GET /topics/t/groups/g"), made)
        self.assertEqual(self.node.refused("POST /topics/t/groups", {"name": "g"})[:2], (409, "exists"))

    def test_where_it_starts(self):
        for at, (start, wanted) in enumerate((("new", "new"), ("all", "all"), ({"time": 1.5}, 1500))):
            self.node.told("POST /topics/t/groups", {"name": f"g{at}", "start": start}, 201)
            self.assertEqual(self.admin.starts[-1], wanted)
        for start in ("old", 5, {}, {"time": -1}, {"time": 1, "x": 1}, None):
            self.assertEqual(self.node.refused("POST /topics/t/groups", {"name": "g", "start": start})[0], 400)

    def test_by_pattern(self):
        made = self.node.told("POST /topics/t.%3E/groups", {"name": "g"}, 201)
        self.assertEqual(made, {"pattern": "t.>", "name": "g", "config": {}})
        self.assertEqual(self.node.told("GET /patterns"), {"patterns": [made], "cursor": None})
        self.assertEqual(self.node.told("GET /topics/t.%3E/groups/g"), made)
        self.assertEqual(self.node.told("PUT /topics/t.%3E/groups/g", {"ackWait": 5})["config"], {"ackWait": 5.0})
        self.assertTrue(self.node.told("POST /topics/t.%3E/groups/g/pause")["config"]["paused"])
        self.assertEqual(self.node.told("DELETE /topics/t.%3E/groups/g"), {"result": "done"})
        self.assertEqual(self.node.refused("GET /topics/t.%3E/groups/g")[0], 404)
        for line in (
            "POST /topics/t.%3E/groups/g/purge",
            "GET /topics/t.%3E/groups",
            "POST /topics/t.*/groups/g/lease",
        ):
            self.assertEqual(self.node.refused(line), (400, "badName", "topic: a pattern is not taken here"))

    def test_change_and_delete(self):
        self.admin.configs["t", "g"] = GroupConfig(max_attempts=3)
        self.node.told("POST /topics/t/groups/g/pause")
        self.assertEqual(self.admin.configs["t", "g"], GroupConfig(max_attempts=3, paused=True))
        self.node.told("POST /topics/t/groups/g/resume")
        self.assertEqual(self.admin.configs["t", "g"], GroupConfig(max_attempts=3))
        self.node.told("PUT /topics/t/groups/g", {})
        self.assertEqual(self.admin.configs["t", "g"], GroupConfig())
        self.assertEqual(self.node.told("POST /topics/t/groups/g/purge"), {"count": 3})
        self.assertEqual(self.node.told("DELETE /topics/t/groups/g"), {"result": "done"})
        self.assertEqual(self.admin.configs, {})

    def test_unknown(self):
        for line in (
            "GET /topics/t/groups/g", "PUT /topics/t/groups/g", "DELETE /topics/t/groups/g",
            "POST /topics/t/groups/g/purge", "POST /topics/t/groups/g/pause", "POST /topics/t/groups/g/resume",
        ):  # fmt: skip
            self.assertEqual(self.node.refused(line), (404, "notFound", "group: there is none of that name"), line)

    def test_bad_configurations(self):
        self.admin.configs["t", "g"] = GroupConfig()
        for config in ({"ackWait": 0}, {"maxAttempts": -1}, {"choice": "best"}, {"x": 1}, {"paused": 1}):
            self.assertEqual(self.node.refused("PUT /topics/t/groups/g", config)[:2], (400, "badRequest"), config)

"""Stores of the first version, opened by a running node: what waited is delivered, what was done stays so.

`fixtures/node-001.db` was written by a node of that version. It has ten orders, of which 0, 1 and 3 were acknowledged
and 9 was deleted, "past", which has fallen due since, "far", which is due in a century, and a topic that nobody has
consumed.
`store-001.db` (tests/storage) is smaller, and has a named group.
"""

import shutil

import apsw
from twisted.trial.unittest import SynchronousTestCase

from tests.integration.api_v1 import ApiV1
from tests.integration.broker import ROOT, folder, start, until
from tests.integration.wire import Consumer
from tests.integration.wire_v2 import V2

NODE = ROOT / "tests" / "integration" / "fixtures" / "node-001.db"
STORE = ROOT / "tests" / "storage" / "fixtures" / "store-001.db"
KEEPING = {"MQ_ISCLEAN": 0}  # or they would be deleted for their age
WAITING = ["order 2", "order 4", "order 5", "order 6", "order 7", "order 8", "past"]


class UpgradeTests(SynchronousTestCase):
    def put(self, store):
        """Start from that file."""
        self.place = folder(self)
        self.store = self.place / "data" / "kapokmq.db"
        self.store.parent.mkdir()
        shutil.copy(store, self.store)
        self.assertEqual(self.version(), 1)

    def version(self):
        """The format of the closed file."""
        connection = apsw.Connection(str(self.store), flags=apsw.SQLITE_OPEN_READONLY)
        found = connection.pragma("user_version")
        connection.close()
        return found

    def test_what_waited_is_delivered_to_group_default(self):
        self.put(NODE)
        broker = start(self, self.place, **KEEPING)
        counts = broker.api.counts()
        self.assertEqual((counts["all"], counts["consumed"], counts["delay"]), (12, 3, 1))
        client, api = V2(self, broker.port), ApiV1(broker)
        sub = client.subscribe("orders", "default")
        self.assertEqual(sorted(client.bodies(sub, len(WAITING))), WAITING)
        self.assertEqual(client.rest(sub), [])
        # What this version brings works in what that one made.
        client.publish("orders", {"data": "new", "key": "k", "headers": {"a": "b"}}, {"data": "again", "key": "k"})
        self.assertEqual(client.bodies(sub, 1), ["new"])
        found = api.get("messages", topic="orders")["messages"]
        self.assertEqual({one["data"] for one in found if one["status"] != "consumed"}, {"far"})
        (far,) = api.get("schedule", topic="orders")["messages"]
        self.assertEqual(api.post("schedule", far["code"], "promote"), {"result": "done"})
        self.assertEqual(client.bodies(sub, 1), ["far"])
        broker.kill()

        again = start(self, self.place, **KEEPING)
        self.assertEqual(again.api.counts()["consumed"], 3 + len(WAITING) + 2)
        client = V2(self, again.port)
        self.assertEqual(client.rest(client.subscribe("orders", "default")), [])
        self.assertEqual(client.bodies(client.subscribe("snow ☃", "default"), 1), ["never asked for \0 ☃"])
        self.assertEqual(again.stop(), 0)
        self.assertGreater(self.version(), 1)

    def test_a_kill_right_after_the_upgrade(self):
        self.put(NODE)
        start(self, self.place, **KEEPING).kill()
        broker = start(self, self.place, **KEEPING)
        self.assertEqual(sorted(Consumer(self, broker.port, "orders").bodies(len(WAITING))), WAITING)
        until(lambda: broker.api.counts()["consumed"] == 3 + len(WAITING), "consumption")

    def test_a_later_group_may_begin_with_all_there_is(self):
        self.put(NODE)
        broker = start(self, self.place, **KEEPING)
        client = V2(self, broker.port)
        bodies = {one["data"] for one in client.rest(client.subscribe("orders", "fresh", start="all"), 0.5)}
        self.assertEqual(bodies, {f"order {number}" for number in range(9)} | {"past"})

    def test_a_named_group(self):
        self.put(STORE)
        broker = start(self, self.place, **KEEPING)
        client = V2(self, broker.port)
        self.assertEqual(client.bodies(client.subscribe("orders", "audit"), 3), ["1:2", "1:3", "1:4"])

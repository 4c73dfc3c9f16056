"""Two nodes in one process: nothing is shared, not even by accident."""

import io
import random
import time

from twisted.internet import reactor
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from kapokmq.core.errors import WorldError
from kapokmq.core.setting_keys import read_settings
from kapokmq.services.node import Node
from tests.integration.broker import folder, until
from tests.integration.http import Api
from tests.integration.wire import Consumer, Producer


class TwoNodesTests(TestCase):
    """The nodes run in the reactor, their clients in a thread, where they may block."""

    timeout = 60

    def node(self, place, key, port=0, **keys):
        """A node of that folder."""
        mq = {"secretKey": key, "persistentFile": str(place / "kapokmq.db"), **keys}
        document = {"server": {"port": port}, "mq": mq, "log": {"directory": str(place / "log")}}
        chance = random.Random(key)  # noqa: S311 -- repeatable
        return Node(
            read_settings(document, "test"),
            reactor=reactor,
            wall=time.time,
            entropy=chance.randbytes,
            choose=lambda members, count: chance.choices(members, k=count),
            say=io.StringIO(),
        )

    def started(self, place, key, **keys):
        """A node that serves, and stops with the test."""
        node = self.node(place, key, **keys)
        node.startService()
        self.addCleanup(lambda: node.stopService() if node.running else None)
        return node

    async def test_they_serve_side_by_side_and_one_outlives_the_other(self):
        places = folder(self), folder(self)
        left, right = self.started(places[0], "left"), self.started(places[1], "right", pushType=2)
        self.assertNotEqual(left.port, right.port)
        talk = await deferToThread(self.talk, left.port, right.port)
        stopping = left.stopService()
        await deferToThread(self.one_ends, *talk, right.port)
        await stopping
        self.assertFalse(left.running)
        self.assertTrue(right.running)
        again = self.started(places[0], "left")  # its store is free again, in the same process
        await deferToThread(self.one_is_back, again.port, right.port)

    def talk(self, left, right):
        """The same topic and ids on both, each with its own key, messages and figures."""
        clients = []
        for port, key in ((left, "left"), (right, "right")):
            producer, consumer = Producer(self, port, key=key), Consumer(self, port, key=key)
            producer.publish(*(f"{key}-{number}" for number in range(50)))
            self.assertEqual(consumer.bodies(50), [f"{key}-{number}" for number in range(50)])
            producer.publish(f"{key}-later", delay=1000)
            api = Api(port, key)
            until(lambda api=api: api.counts()["consumed"] == 50, "consumption of all")
            self.assertEqual(api.counts()["delay"], 1)
            self.assertEqual(len(api.post("/Console/GetConsumers").json["data"]), 1)
            self.assertEqual(api.figure("kapokmq_messages_published_total"), 51)
            clients += [producer, consumer]
        self.assertEqual(Api(left, "right").post("/Console/Ping").json["code"], -1)
        self.assertEqual(Api(right, "right").post("/Console/GetConfig").json["data"]["pushType"], 2)
        return clients

    def one_ends(self, producer, consumer, producer_of_right, consumer_of_right, right):
        """The left one's clients are told, the right one's go on."""
        for client in (producer, consumer):
            self.assertEqual(client.closed(), (1001, "this node stops"))
            client.close()
        producer_of_right.publish("goes on")
        self.assertEqual(consumer_of_right.bodies(1), ["goes on"])
        self.assertEqual(Api(right, "right").get("/readyz").status, 200)
        for client in (producer_of_right, consumer_of_right):
            client.close()

    def one_is_back(self, left, right):
        """It has what it had, and nothing else."""
        counts = Api(left, "left").counts()
        self.assertEqual((counts["all"], counts["consumed"], counts["delay"]), (51, 50, 1))
        producer, consumer = Producer(self, left, key="left"), Consumer(self, left, key="left")
        producer.publish("again")
        self.assertEqual(consumer.bodies(1), ["again"])
        for client in (producer, consumer):
            client.close()
        until(lambda: Api(right, "right").counts()["all"] == 52, "message of the right one")

    async def test_one_that_can_not_start_leaves_nothing_behind(self):
        places = folder(self), folder(self)
        first = self.started(places[0], "first")
        with self.assertRaises(WorldError):
            self.node(places[0], "second").startService()  # its store is in use
        with self.assertRaises(WorldError):
            self.node(places[1], "second", port=first.port).startService()  # its port is
        second = self.started(places[1], "second")
        await deferToThread(self.both_serve, first.port, second.port)

    def both_serve(self, *ports):
        """Both are there."""
        for port in ports:
            self.assertEqual(Api(port).get("/readyz").status, 200)

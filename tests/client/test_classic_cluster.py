"""The original client's cluster producer: against registries and brokers that behave as the original's, and ours."""

import time
from collections import Counter

from twisted.trial.unittest import SynchronousTestCase

from kapokmq.client import Unreachable, WrongKey
from kapokmq.client.classic import ClusterProducer, Connections
from tests.client.original import Original
from tests.integration.broker import PATIENCE, start, until
from tests.integration.registry import registry

CHECK_TIME = 0.1  # seconds


class Case(SynchronousTestCase):
    def setUp(self):
        self.mq = Connections()
        self.addCleanup(self.mq.close_all, linger=0)

    def producer(self, port, **more):
        given = {"RegistryAddr": "127.0.0.1", "RegistryPort": str(port), "RegistryProtocol": "http", "MqProtocol": "ws"}
        given |= {"Topic": "t", "ProducerId": "CP1", "SecretKey": "test", "CheckTime": CHECK_TIME}
        self.mq.new_cluster_producer_conn(ClusterProducer(**given | more))

    def send(self, count, name):
        """Send so many, and wait until all are confirmed."""
        texts = [f"{name}-{n}" for n in range(count)]
        for text in texts:
            self.assertTrue(self.mq.producer_send("CP1", text, 0, timeout=PATIENCE))
        self.assertTrue(self.mq.producer_ack("CP1", timeout=PATIENCE))
        return texts


class OriginalClusterTests(Case):
    def setUp(self):
        super().setUp()
        self.registry = Original(self)
        self.one, self.two, self.three = Original(self), Original(self), Original(self)

    def list(self, *nodes):
        self.registry.nodes = [node.node for node in nodes] or None

    def texts(self, *nodes):
        return [text for node in nodes for text, _ in node.messages]

    def live(self, *nodes):
        """Wait until these have a connection, each its own one."""
        until(lambda: all(len(node.there()) == 1 for node in nodes), "connections")

    def test_each_message_goes_to_one_of_all(self):
        self.list(self.one, self.two)
        self.producer(self.registry.port)
        sent = self.send(60, "m")
        self.assertEqual(Counter(self.texts(self.one, self.two)), Counter(sent))
        self.assertTrue(self.one.messages and self.two.messages)

    def test_the_nodes_of_a_registry(self):
        self.assertEqual(self.mq.get_nodes("http", "127.0.0.1", self.registry.port, "test"), [])
        self.list(self.one)
        (node,) = self.mq.get_nodes("http", "127.0.0.1", str(self.registry.port), "test")
        self.assertEqual((node.Name, node.Addr, node.Port), tuple(self.one.node.values()))
        self.assertRaises(WrongKey, self.mq.get_nodes, "http", "127.0.0.1", self.registry.port, "other")
        self.assertRaises(ValueError, self.mq.get_nodes, "ftp", "127.0.0.1", self.registry.port, "test")

    def test_a_list_that_is_null_is_no_failure_and_nodes_may_come_later(self):
        self.list()
        self.producer(self.registry.port)
        self.assertFalse(self.mq.producer_send("x"))
        self.list(self.one)
        self.send(3, "a")
        self.list(self.one, self.two)
        self.live(self.two)
        self.send(60, "b")
        self.assertTrue(self.two.messages)
        self.assertNotIn("x", self.texts(self.one, self.two))

    def test_what_a_node_took_with_it_goes_to_others(self):
        self.list(self.one, self.two)
        self.producer(self.registry.port)
        self.live(self.one, self.two)
        self.one.silent = True
        sent = [str(n) for n in range(60)]
        for text in sent:
            self.assertTrue(self.mq.producer_send(text))
        until(lambda: len(self.texts(self.one, self.two)) == 60, "arrival")
        taken = self.texts(self.one)
        self.one.stop()
        self.assertTrue(self.mq.producer_ack(timeout=PATIENCE))
        self.assertEqual(Counter(self.texts(self.two)), Counter(sent))
        self.assertTrue(taken)

    def test_a_node_that_comes_back_is_dialled_again(self):
        self.list(self.one, self.two)
        self.producer(self.registry.port)
        self.two.stop()
        self.send(10, "a")
        self.two.start()
        self.live(self.two)
        self.send(60, "b")
        self.assertTrue([text for text in self.texts(self.two) if text.startswith("b")])

    def test_a_registry_that_is_away_or_forgets_changes_nothing(self):
        self.list(self.one, self.two)
        self.producer(self.registry.port)
        self.list()
        time.sleep(5 * CHECK_TIME)
        self.registry.stop()
        self.two.cut()
        self.live(self.one, self.two)
        self.send(60, "m")
        self.assertTrue(self.one.messages and self.two.messages)

    def test_a_node_that_is_not_listed_any_more_is_left(self):
        self.list(self.one, self.two)
        self.producer(self.registry.port)
        self.live(self.one, self.two)
        self.list(self.one)
        until(lambda: not self.two.open, "end")
        self.assertEqual(len(self.send(20, "m")), len(self.one.messages))
        self.list(self.one, self.two)
        self.live(self.two)

    def test_a_node_with_another_key_is_left_out(self):
        self.three.key = "other"
        self.list(self.one, self.three)
        self.producer(self.registry.port)
        self.send(20, "m")
        time.sleep(3 * CHECK_TIME)
        self.assertEqual((len(self.one.messages), self.three.dialled), (20, 1))

    def test_a_node_that_stalls_does_not_hold_up_the_others(self):
        self.list(self.one, self.two)
        self.producer(self.registry.port)
        self.live(self.one, self.two)
        self.one.silent = True
        self.mq._producers["CP1"].conn.ledger._most = 5
        for n in range(60):
            self.assertTrue(self.mq.producer_send(str(n), timeout=PATIENCE))
        until(lambda: len(self.one.messages) == 5 and len(self.two.messages) == 55, "arrival")

    def test_what_fails_at_once(self):
        self.list(self.three)
        self.registry.key = "other"
        self.assertRaises(WrongKey, self.producer, self.registry.port)
        self.registry.key, self.three.key = "test", "other"
        self.assertRaises(WrongKey, self.producer, self.registry.port)
        self.three.stop()
        self.assertRaises(Unreachable, self.producer, self.registry.port)
        self.registry.stop()
        self.assertRaises(Unreachable, self.producer, self.registry.port)
        self.assertRaises(ValueError, self.mq.producer_send, "x")


class OurClusterTests(Case):
    def test_one_of_our_brokers_is_killed_and_another_comes(self):
        pool = registry(self)

        def broker():
            more = {"CLUSTER_REGISTRYADDR": "127.0.0.1", "CLUSTER_REGISTRYGOSSIPPORT": pool.gossip_port}
            return start(self, CLUSTER_ISCLUSTER=1, CLUSTER_GOSSIPPORT=0, **more)

        one, two = broker(), broker()
        until(lambda: len(pool.nodes()) == 2, "brokers")
        self.producer(pool.port)
        self.send(40, "a")
        counts = [node.api.counts()["all"] for node in (one, two)]
        self.assertEqual(sum(counts), 40)
        self.assertGreater(min(counts), 0)
        one.kill()
        self.send(40, "b")
        three = broker()
        until(lambda: three.api.post("/Console/GetClients").json["producers"], "connection")
        self.send(40, "c")
        self.assertGreater(three.api.counts()["all"], 0)
        self.assertGreaterEqual(two.api.counts()["all"] + three.api.counts()["all"], counts[1] + 80)

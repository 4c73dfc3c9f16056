"""A cluster's client that reaches one broker by two addresses: each counts its publishes under a session of its own."""

from twisted.trial.unittest import SynchronousTestCase

from kapokmq.client.cluster import Cluster
from kapokmq.client.cluster.options import ClusterOptions, cluster_of
from kapokmq.core.client.cluster.roster import News
from kapokmq.testing import MemoryNode


class TwoAddressesTests(SynchronousTestCase):
    def test_equal_texts_are_all_stored(self):
        with MemoryNode() as node:
            port = node.serve().rpartition(":")[2].partition("/")[0]
            states = []
            addresses = [f"ws://127.0.0.1:{port}", f"ws://localhost:{port}"]
            with Cluster(
                nodes=addresses, key="test", strategy="round robin", on_state=lambda state: states.append(state.kind)
            ) as mq:
                node.until(lambda: states.count("connected") == len(addresses))
                receipts = [mq.publish("t", "equal") for _ in range(6)]
            self.assertEqual([each.resent for each in receipts], [False] * 6)
            self.assertEqual(len({each.code for each in receipts}), 6)

    def test_one_that_is_listed_again_is_new_and_a_long_name_has_room(self):
        for name in (None, "n", "n" * 255):
            cluster = cluster_of(ClusterOptions(nodes=["ws://h"], session=name))
            seen = set()
            for _ in range(3):
                cluster.news(News(frozenset({"ws://a", "ws://b"}), whole=True), 0.0)
                for node in cluster.nodes.values():
                    node.session.connected()
                    (hello,) = node.session.take()
                    seen.add(hello)
                    self.assertLess(len(hello), 320)
                cluster.nodes.clear()
            self.assertEqual(len(seen), 6)

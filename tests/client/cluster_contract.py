"""What a cluster's faces must do, against real broker and registry processes."""

import re
import signal
import socket
import time

from kapokmq.client import Closed, Refused, Unreachable, WrongKey, blocking
from tests.client.authority import authority
from tests.client.cluster_world import Load, Original
from tests.client.contract import QUICK, Contract, in_thread
from tests.client.faces import PATIENCE
from tests.integration.broker import BrokerProcess, start, tell, until
from tests.integration.pool import free_port
from tests.integration.pool import registry as start_registry
from tests.integration.registry import RegistryProcess

FOLLOWS = 2.0  # seconds within which the spread follows whoever comes or goes


def urls(*brokers):
    return [f"ws://127.0.0.1:{each.port}" for each in brokers]


class ClusterContract:
    """Mixed in with a TestCase, and `face`: one of tests.client.cluster_faces."""

    timeout = 90
    taken, none = Contract.taken, Contract.none

    def brokers(self, count, **settings):
        return [each.started() for each in [BrokerProcess(self, **settings) for _ in range(count)]]

    def members(self, count, registry, **settings):
        """Brokers that are in the registry's pool, under their own ports."""
        begun = [self.member(registry, SERVER_PORT=free_port(), **settings) for _ in range(count)]
        return [each.started() for each in begun]

    def member(self, registry, place=None, **settings):
        given = {"CLUSTER_ISCLUSTER": 1, "CLUSTER_GOSSIPPORT": free_port(), "CLUSTER_GOSSIPPROFILE": "local"}
        given |= {"CLUSTER_REGISTRYADDR": f"127.0.0.1:{registry.gossip_port}"} | settings
        broker = BrokerProcess(self, place, **given)
        broker.ports = {name: given[name] for name in ("SERVER_PORT", "CLUSTER_GOSSIPPORT")}
        return broker

    def one(self, **options):
        return self.face(self, **({"key": "test", "linger": 1.0} | QUICK | options))

    def of(self, registry, **options):
        return self.face(
            self, f"http://127.0.0.1:{registry.port}", **({"key": "test", "linger": 1.0} | QUICK | options)
        )

    def stored(self, *brokers):
        return [each.api.counts()["all"] for each in brokers]

    def spread(self, peer, brokers, what):
        """Wait until all of these get messages. Gives how long it took."""
        began, before = time.monotonic(), self.stored(*brokers)
        until(lambda: all(map(int.__gt__, self.stored(*brokers), before)), what, FOLLOWS)
        return time.monotonic() - began

    @in_thread
    def test_messages_are_spread_and_all_come_and_acks_go_where_they_belong(self):
        brokers = self.brokers(2, MQ_PUSHRETRYTIME=1)
        states = []
        peer = self.one(nodes=urls(*brokers), strategy="round robin", on_state=states.append)
        until(lambda: [each.kind for each in states].count("connected") == 2, "both")
        subscription = peer.subscribe("t", group="g", credit=4, touch_every=None)
        for number in range(10):
            peer.run(peer.client.publish, "t", f"{number}")
        self.assertEqual(self.stored(*brokers), [5, 5])
        first = [peer.get(subscription) for _ in range(4)]
        self.none(peer, subscription, 0.2)
        for message in first[:3]:
            peer.run(message.ack)
        peer.run(first[3].nack, 0.1)
        again = self.taken(peer, subscription, 7)
        self.assertEqual(sorted([*again, *(each.data for each in first[:3])]), [f"{n}" for n in range(10)])
        peer.run(peer.client.publish, "t", "slow")
        slow = peer.get(subscription)
        for _ in range(5):
            time.sleep(0.3)
            peer.run(slow.touch)
        self.none(peer, subscription, 0.1)
        peer.run(slow.ack)
        peer.run(peer.client.flush)
        self.assertEqual(sum(each.api.counts()["consumed"] for each in brokers), 11)
        peer.run(subscription.close)
        with self.assertRaises(Closed):
            peer.get(subscription)
        self.handles(peer, brokers)
        with self.assertRaises(Refused):
            peer.subscribe("a..*")
        self.assertEqual(peer.run(peer.client.publish_many, "u", (f"{n}" for n in range(1000)), batch=20), 1000)
        self.assertEqual(sum(self.stored(*brokers)), 1032)
        self.assertGreater(min(self.stored(*brokers)), 400)
        peer.close()
        self.flushLoggedErrors(ValueError)

    def handles(self, peer, brokers):
        seen, before = [], sum(each.api.counts()["consumed"] for each in brokers)

        def handle(message):
            seen.append(message.data)
            if message.data == "bad" and message.attempt == 1:
                raise ValueError("once")

        peer.handler("h", handle, group="g", concurrency=3)
        for text in ("bad", *map(str, range(20))):
            peer.run(peer.client.publish, "h", text)
        until(lambda: sum(each.api.counts()["consumed"] for each in brokers) == before + 21, "consumption")
        self.assertEqual(len(seen), 22)

    @in_thread
    def test_closed_while_a_node_is_dialled_that_does_not_answer(self):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            nodes = [*urls(*self.brokers(1)), f"ws://127.0.0.1:{silent.getsockname()[1]}"]
            peer = self.one(nodes=nodes, patience=60)
            with silent.accept()[0] as accepted:
                accepted.recv(1000)
                began = time.monotonic()
                peer.close()
                self.assertLess(time.monotonic() - began, 20)

    @in_thread
    def test_a_cluster_whose_members_come_and_go_under_load(self):
        registry_port, gossip_port = free_port(), free_port()
        quick = {"SERVER_PORT": registry_port, "REGISTRY_GOSSIPPROFILE": "local", "gossip_port": gossip_port}
        registry = start_registry(self, **quick)
        brokers = self.members(3, registry)
        until(lambda: len(registry.nodes()) == 3, "three brokers")
        peer, consumer = self.of(registry, strategy="random"), self.of(registry)
        load = Load(self, peer, consumer)
        took = {"begin": self.spread(peer, brokers, "spread over three")}
        brokers[0].kill()
        took["killed"] = self.spread(peer, brokers[1:], "spread over two")
        brokers += self.members(1, registry)
        took["added"] = self.spread(peer, brokers[1:], "spread over three again")
        registry.kill()
        took["no registry"] = self.spread(peer, brokers[1:], "spread without a registry")
        registry = start_registry(self, **quick)
        took["registry again"] = self.spread(peer, brokers[1:], "spread with a registry that began anew")
        until(lambda: len(registry.nodes()) == 3, "three brokers in the new registry")
        brokers[0] = self.member(registry, brokers[0].folder, **brokers[0].ports).started()
        until(lambda: len(registry.nodes()) == 4, "the one that was killed, back in the list")
        took["back"] = self.spread(peer, brokers, "spread over four")
        count = load.end()
        self.assertEqual(load.faults, [])
        self.assertEqual(load.codes.items() - load.seen.items(), set(), "lost")
        self.assertGreater(count, 300)
        twice = sum(self.stored(*brokers)) - count
        tell(f"{count} messages, {twice} stored twice; {', '.join(f'{k} {v:.2f} s' for k, v in took.items())}")
        peer.close()
        consumer.close()

    @in_thread
    def test_registries_of_which_one_is_away_and_one_says_nothing_and_one_has_no_watch(self):
        brokers = self.brokers(2)
        original = Original(self)
        states = []
        silent = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(silent.close)
        given = [f"http://127.0.0.1:{each}" for each in (free_port(), silent.getsockname()[1], original.port)]
        with self.assertRaises(Unreachable):
            self.face(self, given[::-1], key="test", patience=0.5, **QUICK)
        original.brokers = brokers[:1]
        peer = self.face(
            self, given, key="test", on_state=states.append, poll_every=0.1, strategy="round robin", **QUICK
        )
        subscription = peer.subscribe("t", group="g")
        with blocking.connect(urls(brokers[1])[0], key="test") as early:
            early.subscribe("t", group="the first")
            early.publish("t", "before we knew")
        peer.run(peer.client.publish, "t", "a")
        original.brokers = brokers
        until(lambda: [each.kind for each in states].count("connected") == 2, "the second")
        for number in range(2):
            peer.run(peer.client.publish, "t", f"{number}")
        self.assertEqual(sum(self.stored(*brokers)), 4)
        self.assertEqual(sorted(self.taken(peer, subscription, 4)), ["0", "1", "a", "before we knew"])
        original.brokers = brokers[1:]
        brokers[0].kill()
        self.assertEqual(peer.run(peer.client.publish_batch, "t", ["b", "c"]).durable, "fsync")
        self.assertTrue(any("ConnectionRefused" in each.text for each in states if each.kind == "complaint"))

    @in_thread
    def test_tls(self):
        ours, theirs = authority(self, "127.0.0.1"), authority(self, "127.0.0.1")
        files = {"SERVER_TLSCERTIFICATE": ours.chain, "SERVER_TLSKEY": ours.key}
        registry = RegistryProcess(self, **files)
        serves = r"serves https://[^/]*:(\d+)/, gossips on port (\d+)"
        found = until(lambda: re.search(serves, registry.out.read_text()), "registry")
        given = {"SERVER_PORT": free_port(), "CLUSTER_ISCLUSTER": 1, "CLUSTER_GOSSIPPORT": 0}
        BrokerProcess(self, **given, **files, CLUSTER_REGISTRYADDR=f"127.0.0.1:{found[2]}")
        url = f"https://127.0.0.1:{found[1]}"
        peer = self.one(registries=url, ca=str(ours.ca), scheme="wss", patience=20)
        self.assertEqual(peer.run(peer.client.publish, "t", "a").durable, "fsync")
        with self.assertRaises(Unreachable):
            self.one(registries=url, ca=str(theirs.ca), scheme="wss", patience=0.5)


class MoreOfTheContract(ClusterContract):
    """What is the session's doing, whatever face it has."""

    @in_thread
    def test_one_that_stalls_does_not_stop_the_others_and_what_it_has_goes_on(self):
        brokers = self.brokers(2)
        states = []
        options = {"strategy": "round robin", "heartbeat": 0.5, "patience": 2.0, "move_after": 0.1}
        peer = self.one(nodes=urls(*brokers), on_state=states.append, **options)
        until(lambda: [each.kind for each in states].count("connected") == 2, "both")
        brokers[0].process.send_signal(signal.SIGSTOP)
        self.addCleanup(brokers[0].process.send_signal, signal.SIGCONT)
        begun = [peer.begin("publish", "t", f"{number}") for number in range(10)]
        for each in begun:
            each.result()
        self.assertEqual(self.stored(brokers[1]), [10])

    @in_thread
    def test_nobody_is_there_or_nobody_wants_us(self):
        (broker,) = self.brokers(1)
        with self.assertRaises(WrongKey):
            self.one(nodes=urls(broker), key="wrong")
        with self.assertRaisesRegex(Unreachable, "[Rr]efused"):
            self.one(nodes=[f"ws://127.0.0.1:{free_port()}"], patience=0.5)
        with self.assertRaisesRegex(Unreachable, f"http://127.0.0.1:{broker.port}.*404"):
            self.of(broker, patience=0.5)
        registry = start_registry(self)
        with self.assertRaises(WrongKey):
            self.of(registry, key="wrong")
        with self.assertRaisesRegex(Unreachable, "no broker is listed"):
            self.of(registry, patience=0.5)
        for options in (
            {},
            {"nodes": ["ws://h"], "registries": "http://h"},
            {"nodes": ["h"]},
            {"registries": "ws://h"},
        ):
            with self.assertRaises(ValueError):
                self.one(**options)
        for wrong in ({"strategy": "fair"}, {"scheme": "http"}):
            with self.assertRaises(ValueError):
                self.one(nodes=["ws://h"], **wrong)
        with self.assertRaises(FileNotFoundError):
            self.one(nodes=["wss://h"], ca="/nowhere.pem")

    @in_thread
    def test_one_that_drains_gets_nothing_more(self):
        registry = start_registry(self, REGISTRY_GOSSIPPROFILE="local")
        brokers = self.members(2, registry, MQ_DRAINTIME=60)
        until(lambda: len(registry.nodes()) == 2, "two brokers")
        peer, consumer = self.of(registry), self.of(registry)
        load = Load(self, peer, consumer)
        self.spread(peer, brokers, "spread over two")
        brokers[0].process.send_signal(signal.SIGUSR2)
        self.assertEqual(brokers[0].ended(), 0)
        self.spread(peer, brokers[1:], "the other")
        load._stop.set()
        for thread in load._threads:
            thread.join(PATIENCE)
        again = start(self, brokers[0].folder)
        self.assertEqual(load.faults, [])
        self.assertEqual(sum(self.stored(again, brokers[1])), len(load.codes), "stored twice, or lost")
        peer.close()
        consumer.close()

    @in_thread
    def test_nobody_is_listed_for_a_while(self):
        registry = start_registry(self, REGISTRY_GOSSIPPROFILE="local")
        (broker,) = self.members(1, registry)
        until(lambda: len(registry.nodes()) == 1, "a broker")
        peer = self.of(registry)
        subscription = peer.subscribe("t", group="g")
        broker.process.send_signal(signal.SIGTERM)
        broker.ended()
        until(lambda: not registry.nodes(), "no brokers")
        begun = peer.begin("publish", "t", "a")
        with self.assertRaises(Exception) as caught:
            peer.begin("publish", "t", "late", limit=0.3).result()
        self.assertIn("imeout", type(caught.exception).__name__)
        (other,) = self.members(1, registry)
        begun.result()
        self.assertEqual(self.taken(peer, subscription, 1), ["a"])
        self.assertEqual(self.stored(other), [1])
        peer.close()

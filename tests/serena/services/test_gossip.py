"""Members that gossip over real sockets."""

import os
import random
import socket
from ipaddress import ip_network

from twisted.internet import reactor
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread

from serena.core.errors import SettingsError, WorldError
from serena.core.gossip_kinds import Place
from serena.core.node_settings import GossipSettings
from serena.core.swim.events import Conflict, Incompatible, Joined, Left, Updated, UserData
from serena.core.swim.messages import Address, Entry, PushPull, State
from serena.core.swim.profile import LAN, LOCAL
from serena.core.swim.versions import PROTOCOL
from serena.services import gossip
from serena.services.wiring import profile_of
from serena.transports.addresses import packed
from serena.transports.admission import Bounds
from tests.serena.services.pools import QUICK, PoolCase, live, place, states, throw

K1, K2 = b"1" * 16, b"2" * 32


class LifeTests(PoolCase):
    async def test_two_see_each_other_and_one_leaves(self):
        a = self.start("a")
        b = self.start("b", place(a), meta=b"hello")
        await self.until(lambda: live(a) == live(b) == {"a", "b"})
        self.assertEqual({member.meta for member in a.members()}, {b"", b"hello"})
        self.assertEqual((a.trouble, a.health, a.port == b.port), ("", 0, False))
        before = reactor.seconds()
        await b.stopService()
        await self.until(lambda: states(a)["b"] is State.LEFT)
        self.assertLess(reactor.seconds() - before, 2)
        self.assertIn("has ended", b.trouble)

    async def test_one_that_dies_is_seen_failed_and_found_again(self):
        a = self.start("a")
        b = self.start("b", place(a))
        c = self.start("c", place(a))
        await self.until(lambda: live(b) == live(c) == {"a", "b", "c"})
        port = a.port
        await self.kill(a)
        await self.until(lambda: states(b)["a"] is states(c)["a"] is State.DEAD)
        self.assertEqual(live(b), {"b", "c"})
        again = self.start("a", port=port)
        await self.until(lambda: live(again) == live(b) == live(c) == {"a", "b", "c"})

    async def test_a_seed_that_comes_later_is_joined(self):
        first = self.start("first")
        port = first.port
        await first.stopService()
        b = self.start("b", Place("127.0.0.1", port))
        await deferLater(reactor, 0.3)
        self.assertEqual(live(b), {"b"})
        a = self.start("a", port=port)
        await self.until(lambda: live(a) == live(b) == {"a", "b"})

    async def test_a_pool_that_was_cut_in_two_is_one_again(self):
        hosts = [f"127.0.0.{number}" for number in (1, 2, 3, 4)]
        try:
            pool = [self.start("a", addr=hosts[0], bind=hosts[0])]
            pool += [
                self.start(name, place(pool[0]), addr=host, bind=host)
                for name, host in zip("bcd", hosts[1:], strict=True)
            ]
        except WorldError as error:
            self.skipTest(str(error))
        await self.until(lambda: all(live(each) == {"a", "b", "c", "d"} for each in pool))
        for half in (0, 2):  # nothing gets from one half to the other
            near = {packed(host) for host in hosts[half : half + 2]}
            for each in pool[half : half + 2]:
                each.admission._allowed = near.__contains__
        await self.until(lambda: [live(each) for each in pool] == [{"a", "b"}] * 2 + [{"c", "d"}] * 2)
        for each in pool:
            each.admission._allowed = lambda host: True
        await self.until(lambda: all(live(each) == {"a", "b", "c", "d"} for each in pool))

    async def test_a_name_that_somebody_has(self):
        a = self.start("a")
        b = self.start("b", place(a))
        await self.until(lambda: live(a) == {"a", "b"})
        heard = []
        a.listen(heard.append)
        self.start("b", place(a))
        await self.until(lambda: any(isinstance(event, Conflict) for event in heard))
        self.assertEqual({member.address.port for member in a.members()}, {a.port, b.port})

    async def test_versions_of_the_delegate(self):
        serf = self.start("serf", delegate_versions=(2, 5, 5))
        ours = self.start("ours", place(serf))  # takes over what is there
        await self.until(lambda: live(serf) == live(ours) == {"serf", "ours"})
        heard = []
        self.start("other", place(serf), delegate_versions=(0, 0, 0)).listen(heard.append)
        await self.until(lambda: any(isinstance(event, Incompatible) for event in heard))
        self.assertEqual((live(serf), live(ours)), ({"serf", "ours"}, {"serf", "ours"}))

    async def test_one_that_is_alone_ends_at_once(self):
        a = self.start("a")
        await a.stopService()
        self.assertEqual([call for call in reactor.getDelayedCalls() if "serena" in str(call.func)], [])

    async def test_a_port_that_is_taken_is_named(self):
        a = self.start("a")
        with self.assertRaises(WorldError) as caught:
            self.make("b", port=a.port).startService()
        self.assertIn("choose another port", str(caught.exception))

    async def test_a_name_as_address_is_resolved_until_it_is_one(self):
        attempts = []

        async def resolve(host):
            attempts.append(host)
            if len(attempts) < 2:
                raise WorldError("h: has no address")
            return [bytes((127, 0, 0, 1))]

        self.patch(gossip, "_RESOLVE_AGAIN", 0.05)
        a = self.start("a", addr="h", resolve=resolve)
        self.assertEqual((a.trouble, a.members()), ("gossip: h: has no address", []))
        throw(a.port, b"x")
        await self.until(lambda: a.dropped.get("notReady") == 1)
        await self.until(lambda: not a.trouble)
        self.assertEqual((attempts, live(a)), (["h", "h"], {"a"}))

    async def test_no_loopback_address_is_announced_from_a_socket_on_all(self):
        self.patch(gossip, "_RESOLVE_AGAIN", 0.05)
        hosts = []

        def nothing_yet(addr, bind):
            if not hosts:
                raise WorldError("no address")
            return hosts[0]

        self.patch(gossip, "announced", nothing_yet)
        a = self.start("a", addr="0.0.0.0", bind="0.0.0.0")
        self.assertEqual((a.trouble, a.members()), ("gossip: no address", []))
        hosts.append("127.0.0.1")
        await self.until(lambda: not a.trouble)

    async def test_one_that_ends_before_it_has_begun(self):
        async def resolve(host):
            raise WorldError("h: has no address")

        a = self.start("a", addr="h", resolve=resolve)
        await a.stopService()
        self.assertEqual((a.members(), a.counters, a.health), ([], {}, 0))
        a.update_meta(b"x")
        a.broadcast(b"x")
        a.join(Place("h"))

    async def test_ipv6(self):
        try:
            a = self.start("a", addr="::1", bind="::1")
        except WorldError as error:
            self.skipTest(str(error))
        b = self.start("b", Place("::1", a.port), addr="::1", bind="::1")
        await self.until(lambda: live(a) == live(b) == {"a", "b"})
        await self.until(lambda: any(member.rtt is not None for member in a.members()))

    async def test_one_that_announces_ipv4_in_16_bytes(self):
        async def resolve(host):
            return [bytes(10) + b"\xff\xff" + packed(host)]

        a = self.start("a")
        b = self.start("b", place(a), resolve=resolve)
        await self.until(lambda: live(a) == live(b) == {"a", "b"})
        self.assertEqual({len(member.address.host) for member in a.members()}, {4, 16})
        await self.until(lambda: all(member.rtt is not None for member in a.members() if member.name == b"b"))
        self.assertNotIn("unsendable", a.dropped)

    def test_the_profile_is_what_was_chosen_and_what_was_set(self):
        self.assertEqual(profile_of(GossipSettings()), LAN)
        found = profile_of(GossipSettings(profile="local", overrides={"gossip_nodes": 9}))
        self.assertEqual((found.gossip_nodes, found.probe_timeout), (9, LOCAL.probe_timeout))


class NewsTests(PoolCase):
    async def test_listeners_hear_of_all(self):
        a = self.start("a")
        heard = []
        end = a.listen(heard.append)
        end_faulty = a.listen(lambda event: 1 / 0)
        b = self.start("b", place(a))
        await self.until(lambda: live(a) == live(b) == {"a", "b"})
        b.update_meta(b"more")
        await self.until(lambda: any(isinstance(event, Updated) for event in heard))
        b.broadcast(b"news")
        await self.until(lambda: any(isinstance(event, UserData) and event.data == b"news" for event in heard))
        end()
        end()
        end_faulty()
        await b.stopService()
        await self.until(lambda: states(a)["b"] is State.LEFT)
        kinds = [type(event) for event in heard]
        self.assertIn(Joined, kinds)
        self.assertNotIn(Left, kinds)
        self.assertTrue(self.flushLoggedErrors(ZeroDivisionError))

    async def test_one_more_place_to_join(self):
        a, b = self.start("a"), self.start("b")
        b.join(place(a))
        await self.until(lambda: live(a) == live(b) == {"a", "b"})


class KeyTests(PoolCase):
    async def test_keys_are_changed_without_a_pause(self):
        a = self.start("a", keys=(K1,))
        b = self.start("b", place(a), keys=(K1,))
        await self.until(lambda: live(a) == live(b) == {"a", "b"})
        for keys in ((K1, K2), (K2, K1), (K2,)):
            for each in (a, b):
                each.reload_keys(keys)
                await deferLater(reactor, 0.15)
        self.assertEqual((live(a), live(b)), ({"a", "b"}, {"a", "b"}))
        self.assertNotIn("decrypt", {**a.dropped, **b.dropped})
        with self.assertRaises(SettingsError):
            a.reload_keys(())
        old = self.start("old", place(a), keys=(K1,))
        await self.until(lambda: a.dropped.get("decrypt", 0) + old.dropped.get("decrypt", 0) > 0)
        self.assertEqual((live(a), live(old)), ({"a", "b"}, {"old"}))

    async def test_plaintext_is_refused_where_there_is_a_key(self):
        a = self.start("a", keys=(K1,))
        plain = self.start("plain", place(a))
        await self.until(lambda: a.dropped.get("plaintext", 0) > 0)
        self.assertEqual((live(a), live(plain)), ({"a"}, {"plain"}))

    async def test_labels_keep_pools_apart(self):
        a = self.start("a", label=b"one")
        b = self.start("b", place(a), label=b"one")
        other = self.start("other", place(a), label=b"two")
        await self.until(lambda: live(a) == live(b) == {"a", "b"})
        await self.until(lambda: a.dropped.get("label", 0) > 0)
        self.assertEqual(live(other), {"other"})

    async def test_compressed(self):
        a = self.start("a", compression=True, keys=(K1,))
        b = self.start("b", place(a))
        c = self.start("c", place(a), compression=True, keys=(K1,))
        await self.until(lambda: live(a) == live(c) == {"a", "c"})
        self.assertEqual(live(b), {"b"})


class StrangerTests(PoolCase):
    """What is thrown at a port."""

    async def test_garbage(self):
        a = self.start("a")
        chance = random.Random(1)  # noqa: S311 -- to be the same each time
        junk = [chance.randbytes(chance.randrange(1, 200)) for _ in range(300)]
        junk += [bytes((kind,)) + chance.randbytes(30) for kind in range(256)]

        def connect_and_throw():
            for each in [b"", b"\x06", b"GET / HTTP/1.0\r\n\r\n", b"\x0a\xff\xff\xff\xff", *junk[:30]]:
                with socket.create_connection(("127.0.0.1", a.port)) as stream:
                    stream.sendall(each)

        await deferToThread(throw, a.port, b"", *junk)
        await deferToThread(connect_and_throw)
        await self.until(lambda: a.datagrams.received >= len(junk))
        await self.until(lambda: a.admission.streams_open == 0)
        self.assertGreater(sum(a.dropped.values()), 300)
        self.assertNotIn("bug", a.dropped)
        b = self.start("b", place(a))
        await self.until(lambda: live(a) == live(b) == {"a", "b"})

    async def test_from_outside_of_what_is_allowed(self):
        a = self.start("a", allowed=(ip_network("10.0.0.0/8"),))
        b = self.start("b", place(a))
        await self.until(lambda: a.dropped.get("notAllowed", 0) > 0)
        self.assertEqual((live(a), live(b)), ({"a"}, {"b"}))

    async def test_a_flood_is_bounded_and_the_member_lives(self):
        a = self.start("a", bounds=Bounds(datagram_rate=1, datagram_burst=5))
        await deferToThread(throw, a.port, *[b"\xff"] * 500)
        await self.until(lambda: a.dropped.get("rate", 0) >= 400)
        self.assertLessEqual(a.dropped["unknownType"], 7)

    async def test_a_big_pool_is_exchanged_in_other_threads(self):
        patient = {"keys": (K1,), "compression": True, "overrides": QUICK | {"stream_timeout": 20.0}}
        a = self.start("a", **patient)
        entries = [
            Entry(b"mq:10.0.0.1:%d" % (1000 + n), 1, Address(bytes((127, 0, 0, 1)), 1), 3, None, PROTOCOL + bytes(3))
            for n in range(3000)
        ]
        await self.until(lambda: not a.trouble)
        a._driver.serve(PushPull(join=True, entries=entries), Address(bytes((127, 0, 0, 1)), 1))
        self.assertEqual(len(a.members()), 1)  # those who have left and were never known are not taken up
        alive = [entry._replace(state=0) for entry in entries]
        a._driver.serve(PushPull(join=True, entries=alive), Address(bytes((127, 0, 0, 1)), 1))
        self.assertEqual(len(a.members()), 3001)
        b = self.start("b", place(a), **patient)
        await self.until(lambda: len(b.members()) > 2500)  # nobody is where those are, so that some fail


class EntropyTests(PoolCase):
    async def test_a_bug_in_it_ends_nothing(self):
        a = self.start("a", keys=(K1,))
        a._codecs.datagrams._nonce = lambda count: 1 / 0
        b = self.start("b", place(a), keys=(K1,))
        await self.until(lambda: a.dropped.get("bug", 0) > 0)
        a._codecs.datagrams._nonce = os.urandom
        await self.until(lambda: live(a) == live(b) == {"a", "b"})
        self.flushLoggedErrors(ZeroDivisionError)

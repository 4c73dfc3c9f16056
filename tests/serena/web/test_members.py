"""Members, and the stream of their changes."""

from twisted.trial.unittest import SynchronousTestCase

from serena.core.node_meta import write_meta
from serena.core.swim.messages import Address, State
from serena.web.members import AT_ONCE
from serena.web.streams import MOST_STREAMS
from tests.serena.web.pool import NAME, NOW, FakeMember, FakeRegistry

MEMBERS, WATCH = "/api/v1/members", "/api/v1/watch"


def many(count):
    return [b"mq:h:%d" % (1000 + number) for number in range(count)]


class ListTests(SynchronousTestCase):
    def test_all_with_all(self):
        registry = FakeRegistry()
        registry.pool.everybody = [
            FakeMember(b"x\xff", state=State.LEFT, incarnation=9, meta=b"\x00\x01", since=-10.0),
            FakeMember(
                b"mq:10.0.0.1:8011",
                Address(bytes(15) + b"\x01", 8021),
                State.SUSPECT,
                meta=write_meta("0.1.0", ("v2",), 2),
                since=1.5,
                rtt=0.00123456789,
            ),
        ]
        reply = registry.get(MEMBERS)
        self.assertEqual((reply.status, reply.headers["Cache-Control"]), (200, "no-store"))
        self.assertEqual(
            reply.json,
            {
                "node": NAME,
                "members": [
                    {
                        "name": "mq:10.0.0.1:8011",
                        "kind": "mq",
                        "address": "::1",
                        "port": 8021,
                        "state": "suspect",
                        "incarnation": 1,
                        "meta": {"v": "0.1.0", "p": ["v2"], "l": 2},
                        "rtt": 0.001235,
                        "since": NOW + 1.5,
                    },
                    {
                        "name": "x\\xff",
                        "kind": None,
                        "address": "10.0.0.1",
                        "port": 8021,
                        "state": "left",
                        "incarnation": 9,
                        "meta": "AAE=",
                        "rtt": None,
                        "since": NOW - 10,
                    },
                ],
            },
        )

    def test_many_take_several_turns(self):
        registry = FakeRegistry(*many(3 * AT_ONCE + 1))
        wire = registry.connect()
        wire.protocol.dataReceived(b"GET /api/v1/members HTTP/1.1\r\nHost: own\r\nsecretKey: s3cret\r\n\r\n")
        self.assertEqual(wire.transport.value(), b"")
        wire.turn()
        self.assertEqual(len(wire.reply().json["members"]), 3 * AT_ONCE + 1)

    def test_without_the_key(self):
        for path in (MEMBERS, WATCH):
            reply = FakeRegistry().get(path, key="x")
            self.assertEqual((reply.status, reply.json["error"]["code"]), (401, "unauthorized"))

    def test_other_methods_and_paths(self):
        registry = FakeRegistry()
        for method, path, status, code in [
            ("POST", MEMBERS, 405, "methodNotAllowed"),
            ("DELETE", WATCH, 405, "methodNotAllowed"),
            ("GET", "/api/v1/x", 404, "notFound"),
            ("GET", "/api/v1", 404, "notFound"),
        ]:
            reply = registry.ask(method, path)
            self.assertEqual((reply.status, reply.json["error"]["code"]), (status, code))
        self.assertEqual(registry.ask("OPTIONS", MEMBERS, key=None).status, 204)
        for path in (MEMBERS, WATCH):
            reply = registry.ask("HEAD", path)
            self.assertEqual((reply.status, reply.body), (200, b""))

    def test_a_bug_is_500(self):
        registry = FakeRegistry()
        registry.pool.members = lambda: 1 / 0
        self.assertEqual(registry.get(MEMBERS).status, 500)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)


class WatchTests(SynchronousTestCase):
    def setUp(self):
        self.registry = FakeRegistry(b"mq:h:1", b"r:h:2")
        self.pool = self.registry.pool

    def watch(self):
        wire = self.registry.connect()
        wire.ask("GET", WATCH)
        return wire

    def test_everybody_and_then_each_change(self):
        wire = self.watch()
        self.assertIn(b"Content-Type: text/event-stream", wire.transport.value())
        ((name, data),) = wire.events()
        self.assertEqual((name, data["anew"], data["more"]), ("snapshot", True, False))
        self.assertEqual([member["name"] for member in data["members"]], ["mq:h:1", "r:h:2"])
        member = FakeMember(b"mq:h:3")
        for kind, state in [
            ("join", State.ALIVE),
            ("update", State.SUSPECT),
            ("fail", State.DEAD),
            ("leave", State.LEFT),
            ("forget", State.LEFT),
        ]:
            member.state = state
            self.pool.tell(kind, member)
            ((name, data),) = wire.events()
            self.assertEqual((name, data["name"], data["state"]), (kind, "mq:h:3", state.name.lower()))

    def test_who_is_gone_is_told_no_more(self):
        wire = self.watch()
        wire.events()
        wire.lose()
        self.pool.tell("join", FakeMember(b"mq:h:3"))
        self.assertEqual(wire.events(), [])
        self.assertEqual([call for call in self.registry.clock.getDelayedCalls() if call.active()], [])

    def test_a_big_pool_comes_in_parts(self):
        self.pool.everybody = [FakeMember(name) for name in many(2 * AT_ONCE + 1)]
        wire = self.registry.connect()
        wire.protocol.dataReceived(b"GET /api/v1/watch HTTP/1.1\r\nHost: own\r\nsecretKey: s3cret\r\n\r\n")
        self.assertEqual([len(data["members"]) for _, data in wire.events()], [AT_ONCE])
        self.pool.tell("join", FakeMember(b"mq:h:3"))  # between two parts
        wire.turn()
        found = wire.events()
        self.assertEqual([name for name, _ in found], ["join", "snapshot", "snapshot"])
        self.assertEqual([(data["anew"], data["more"]) for _, data in found[1:]], [(False, True), (False, False)])

    def test_rows_are_of_the_moment_when_they_are_written(self):
        """A reader who takes what came last knows in the end whom the pool knows, and nobody else."""
        everybody = self.pool.everybody = [FakeMember(name) for name in sorted(many(600))]
        wire = self.registry.connect()
        wire.protocol.dataReceived(b"GET /api/v1/watch HTTP/1.1\r\nHost: own\r\nsecretKey: s3cret\r\n\r\n")
        for number in (0, AT_ONCE, 2 * AT_ONCE - 1, 2 * AT_ONCE):  # of each part, in the turn after the first
            everybody[number].state = State.DEAD
            self.pool.tell("fail", everybody[number])
        for number in (599, 2 * AT_ONCE + 1, AT_ONCE + 1, 1):
            gone = everybody.pop(number)
            self.pool.tell("forget", gone)
        changed = FakeMember(everybody[AT_ONCE + 9].name, meta=b"new")  # known again under its name
        everybody[AT_ONCE + 9] = changed
        self.pool.tell("join", changed)
        wire.turn()
        seen = {}
        for name, data in wire.events():
            for row in data["members"] if name == "snapshot" else [data]:
                seen[row["name"]] = row
                if name == "forget":
                    del seen[row["name"]]
        listed = self.registry.get(MEMBERS).json["members"]
        self.assertEqual(seen, {row["name"]: row for row in listed})
        self.assertEqual(len(seen), 596)

    def test_the_last_part_says_so_though_all_of_it_are_forgotten(self):
        everybody = self.pool.everybody = [FakeMember(name) for name in sorted(many(AT_ONCE + 5))]
        wire = self.registry.connect()
        wire.protocol.dataReceived(b"GET /api/v1/watch HTTP/1.1\r\nHost: own\r\nsecretKey: s3cret\r\n\r\n")
        del everybody[AT_ONCE:]
        wire.turn()
        self.assertEqual(
            [(len(data["members"]), data["more"]) for _, data in wire.events()], [(AT_ONCE, True), (0, False)]
        )

    def test_a_slow_reader_gets_a_new_snapshot(self):
        wire = self.watch()
        wire.events()
        wire.transport.producer.pauseProducing()
        for number in range(100):
            self.pool.tell("join", FakeMember(b"mq:h:%d" % (number + 1)))
        self.assertEqual(wire.transport.value(), b"")
        self.pool.everybody.append(FakeMember(b"mq:h:9"))
        wire.transport.producer.resumeProducing()
        wire.turn()
        ((name, data),) = wire.events()
        self.assertEqual((name, data["anew"], len(data["members"])), ("snapshot", True, 3))

    def test_one_that_stalls_within_a_snapshot_gets_the_rest(self):
        self.pool.everybody = [FakeMember(name) for name in many(2 * AT_ONCE)]
        wire = self.registry.connect()
        wire.protocol.dataReceived(b"GET /api/v1/watch HTTP/1.1\r\nHost: own\r\nsecretKey: s3cret\r\n\r\n")
        wire.transport.producer.pauseProducing()
        wire.turn()
        self.assertEqual(len(wire.events()), 1)
        wire.transport.producer.resumeProducing()
        wire.turn()
        self.assertEqual([data["more"] for _, data in wire.events()], [False])

    def test_an_empty_pool(self):
        self.pool.everybody = []
        ((name, data),) = self.watch().events()
        self.assertEqual((name, data), ("snapshot", {"members": [], "more": False, "anew": True}))

    def test_there_is_an_end_to_how_many_may_watch(self):
        self.registry.site.streams._open = dict.fromkeys(range(MOST_STREAMS))
        self.assertEqual(self.watch().reply().status, 503)

    def test_streams_end_with_the_site(self):
        wire = self.watch()
        self.registry.site.stopFactory()
        self.assertTrue(wire.transport.value().endswith(b"0\r\n\r\n"))

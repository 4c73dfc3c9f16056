"""Joining, and joining again, for ever."""

import random
from itertools import pairwise

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from serena.core.errors import WorldError
from serena.core.gossip_kinds import Place
from serena.core.swim.events import Contacted
from serena.core.swim.messages import Address
from serena.services.seeds import ELSEWHERE, LOOK, MOST, Seeds

A, B, OWN = (bytes((10, 0, 0, number)) for number in (1, 2, 9))
MINUTES = 60


class SeedsTests(SynchronousTestCase):
    def setUp(self):
        self.clock = Clock()
        self.clock.advance(1000)
        self.joins = []  # when, and to whom
        self.members = set()
        self.resolved = []
        self.names = {"a": [A], "b": [B], "both": [A, B], "own": [OWN]}
        self.up = set()  # who answers
        self.auto = True

    def begin(self, *places):
        self.seeds = Seeds(
            [Place(place) if isinstance(place, str) else place for place in places],
            8041,
            clock=self.clock,
            chance=random.Random(1),  # noqa: S311 -- lots
            resolve=self.resolve,
            join=self.join,
            live=lambda: list(self.members),
            own=Address(OWN, 8041),
        )
        self.seeds.start()
        self.addCleanup(self.seeds.stop)

    async def resolve(self, host):
        self.resolved.append(host)
        if host not in self.names:
            raise WorldError(f"{host}: has no address")
        return self.names[host]

    def join(self, address):
        self.joins.append((self.clock.seconds() - 1000, address))
        if self.auto:
            self.clock.callLater(0.01, self.answer, address)

    def answer(self, address):
        ok = address in self.up
        if ok:
            self.members.add(address)
        self.seeds.contacted(Contacted(address, ok=ok, reason="" if ok else "refused"))

    def run_for(self, seconds, step=0.05):
        for _ in range(round(seconds / step)):
            self.clock.advance(step)

    def test_a_seed_that_is_there_is_joined_once(self):
        self.up = {Address(A, 8041)}
        self.begin("a")
        self.run_for(5 * MINUTES, step=1)
        self.assertEqual(self.joins, [(0, Address(A, 8041))])

    def test_one_that_is_away_is_tried_with_growing_pauses_for_ever(self):
        self.begin("a")
        self.run_for(10 * MINUTES)
        times = [when for when, _ in self.joins]
        pauses = [after - before for before, after in pairwise(times)]
        self.assertLessEqual(max(pauses), MOST + 0.1)
        self.assertGreater(min(pauses[8:]), MOST / 2)
        for number, pause in enumerate(pauses[:6]):
            self.assertTrue(0.125 * 2**number <= pause <= 0.25 * 2**number + 0.11, (number, pause))
        self.assertGreater(len(set(pauses[8:])), 5)  # not all at once
        self.assertGreater(len(pauses), 40)

    def test_a_registry_that_was_away_for_ten_minutes_is_found_again(self):
        seed = Address(A, 8041)
        self.up = {seed}
        self.begin("a")
        self.run_for(10)
        self.up.clear()
        self.members.clear()
        self.seeds.member_gone()
        self.run_for(10 * MINUTES)
        self.up = {seed}
        self.joins.clear()
        self.run_for(MOST + 1)
        self.assertEqual((len(self.joins), self.members), (1, {seed}))

    def test_also_by_who_is_not_alone(self):
        seed, other = Address(A, 8041), Address(B, 8041)
        self.up = {seed}
        self.begin("a")
        self.members.add(other)
        self.run_for(LOOK + 1)  # seen
        self.members.remove(seed)
        self.seeds.member_gone()
        self.run_for(0.3)
        self.assertEqual(len(self.joins), 2)

    def test_without_being_told_it_is_noticed_too(self):
        self.up = {Address(A, 8041)}
        self.begin("a")
        self.run_for(LOOK + 1)
        self.members.clear()
        self.run_for(LOOK + 1)
        self.assertEqual(len(self.joins), 2)

    def test_many_that_go_are_one_look(self):
        self.up = {Address(A, 8041)}
        self.begin("a")
        self.run_for(1)
        timers = len(self.clock.getDelayedCalls())
        for _ in range(1000):
            self.seeds.member_gone()
        self.assertEqual(len(self.clock.getDelayedCalls()), timers)

    def test_one_that_announces_another_address_is_asked_now_and_then(self):
        self.begin("a")
        self.auto = False
        other = Address(B, 7)
        self.members.add(other)
        self.run_for(1)
        self.joins.clear()
        self.seeds.contacted(Contacted(Address(A, 8041), ok=True))
        self.run_for(ELSEWHERE - LOOK)
        self.assertEqual(self.joins, [])
        self.run_for(3 * LOOK)
        self.assertEqual(len(self.joins), 1)

    def test_or_at_once_by_who_is_alone(self):
        self.auto = False
        self.begin("a")
        self.seeds.contacted(Contacted(Address(A, 8041), ok=True))
        self.run_for(LOOK + 0.1)
        self.assertEqual(len(self.joins), 2)

    def test_our_own_place_is_left_out(self):
        self.begin("own", "a", Place("own", 9))
        self.assertEqual([address for _, address in self.joins], [Address(A, 8041), Address(OWN, 9)])

    def test_a_name_that_is_ours_at_first_is_resolved_again(self):
        self.up = {Address(A, 8041)}
        self.begin("own")
        self.run_for(LOOK)
        self.names["own"] = [OWN, A]
        self.run_for(ELSEWHERE + LOOK)
        self.assertEqual((self.members, len(self.joins)), ({Address(A, 8041)}, 1))
        self.run_for(3 * ELSEWHERE)
        self.assertEqual(len(self.joins), 1)

    def test_our_own_address_is_settled_for_good(self):
        self.names["10.0.0.9"] = [OWN]
        self.begin("10.0.0.9", "own")
        self.run_for(5 * MINUTES, step=1)
        self.assertEqual(self.joins, [])
        self.assertEqual((self.resolved.count("10.0.0.9"), self.resolved.count("own")), (1, 6))

    def test_a_name_with_two_addresses_needs_one(self):
        self.up = {Address(B, 8041)}
        self.begin(Place("both"))
        self.run_for(30)
        self.assertEqual({address for _, address in self.joins}, {Address(A, 8041), Address(B, 8041)})
        self.assertEqual(len(self.joins), 2)

    def test_a_name_that_has_no_address_yet(self):
        self.up = {Address(A, 5)}
        self.begin(Place("later", 5))
        self.run_for(5)
        self.assertEqual(self.joins, [])
        self.names["later"] = [A]
        self.run_for(MOST)
        self.assertEqual(self.members, {Address(A, 5)})

    def test_a_member_already_is_not_joined(self):
        self.members = {Address(bytes(10) + b"\xff\xff" + A, 8041)}
        self.begin("a")
        self.run_for(10)
        self.assertEqual(self.joins, [])

    def test_an_attempt_whose_end_nobody_tells(self):
        self.auto = False
        self.begin("a")
        self.run_for(ELSEWHERE + 1)
        self.assertEqual(len(self.joins), 2)

    def test_one_more_place(self):
        self.begin("a")
        for _ in range(2):
            self.seeds.add(Place("b"))
        self.assertEqual([address for _, address in self.joins], [Address(A, 8041), Address(B, 8041)])

    def test_the_end(self):
        waiting = Deferred()

        async def resolve(host):
            return await waiting

        self.begin("a", "b")
        self.seeds._resolve = resolve
        self.run_for(1)
        self.seeds.stop()
        count = len(self.joins)
        waiting.callback([A])
        self.run_for(5 * MINUTES, step=1)
        self.assertEqual(len(self.joins), count)
        self.assertEqual(self.clock.getDelayedCalls(), [])

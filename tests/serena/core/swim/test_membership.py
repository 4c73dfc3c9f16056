"""Which news are believed of whom, and what is told on."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from serena.core.swim.membership import FARTHEST
from serena.core.swim.messages import Alive, Dead, State, Suspect
from serena.core.swim.profile import LAN, LOCAL
from tests.serena.core.swim.lone import HERE, US, VERSIONS, Lone, alive, at

A, B, C, D = b"a", b"b", b"c", b"d"
LAST = 2**32 - 1
STILL = replace(LAN, probe_interval=900.0, push_pull_interval=900.0)  # nothing but gossip


def news(pool):
    """What is told on in the next datagrams of gossip, each piece once."""
    pool.run(1.0)
    return {
        message for _, messages in pool.sent() for message in messages if isinstance(message, Alive | Suspect | Dead)
    }


class AliveTests(SynchronousTestCase):
    def setUp(self):
        self.pool = Lone()

    def test_a_new_node_joins_and_is_told_of(self):
        self.pool.hear(alive(A, 2, meta=b"about a"))
        member = self.pool.member(A)
        self.assertEqual(
            (member.state, member.address, member.meta, member.since), (State.ALIVE, at(2), b"about a", 100.0)
        )
        self.assertEqual(self.pool.events(), ["Joined"])
        self.assertIn(alive(A, 2, meta=b"about a"), news(self.pool))

    def test_the_same_again_is_no_news(self):
        pool = Lone(profile=STILL)
        pool.meet(A)
        pool.run(30)
        pool.sent()
        pool.hear(alive(A, 2))
        self.assertEqual(pool.events(), [])
        self.assertEqual(news(pool), set())

    def test_a_higher_incarnation_is_told_on_but_changes_no_state(self):
        self.pool.meet(A)
        self.pool.now += 5
        self.pool.hear(alive(A, 2, 2))
        self.assertEqual(self.pool.events(), [])
        self.assertEqual((self.pool.member(A).incarnation, self.pool.member(A).since), (2, 100.0))

    def test_new_metadata_are_an_update(self):
        self.pool.meet(A)
        self.pool.hear(alive(A, 2, 2, meta=b"more"))
        self.assertEqual(self.pool.events(), ["Updated"])
        self.assertEqual(self.pool.member(A).meta, b"more")

    def test_a_suspect_is_revived_by_a_higher_incarnation_only(self):
        self.pool.meet(A)
        self.pool.hear(Suspect(A, 1, B))
        self.pool.hear(alive(A, 2))
        self.assertIs(self.pool.state(A), State.SUSPECT)
        self.pool.hear(alive(A, 2, 2))
        self.assertIs(self.pool.state(A), State.ALIVE)
        self.assertEqual(self.pool.events(), ["Suspected", "Recovered"])
        self.assertIsNone(self.pool.swim._membership.next_deadline())  # it runs out no more

    def test_the_dead_are_revived_likewise(self):
        self.pool.meet(A)
        self.pool.hear(Dead(A, 1, B))
        self.pool.hear(alive(A, 2))
        self.assertIs(self.pool.state(A), State.DEAD)
        self.pool.hear(alive(A, 2, 2))
        self.assertIs(self.pool.state(A), State.ALIVE)
        self.assertEqual(self.pool.events(), ["Failed", "Joined"])

    def test_another_address_is_a_conflict_while_the_first_is_remembered(self):
        for accusation in (None, Suspect(A, 1, B), Dead(A, 1, B)):
            pool = Lone()
            pool.meet(A)
            if accusation:
                pool.hear(accusation)
                pool.events()
            pool.hear(alive(A, 3, 9))
            self.assertEqual(pool.events(), ["Conflict"])
            self.assertEqual(pool.member(A).address, at(2))
            self.assertEqual(pool.swim.dropped, {"conflict": 1})

    def test_the_same_ipv4_address_in_16_bytes_is_another(self):
        self.pool.meet(A)
        long = at(2)._replace(host=bytes(10) + b"\xff\xff" + at(2).host)
        self.pool.hear(Alive(A, 9, long, None, VERSIONS))
        self.assertEqual(self.pool.events(), ["Conflict"])

    def test_who_left_leaves_its_name(self):
        self.pool.meet(A)
        self.pool.hear(Dead(A, 7, A))
        self.pool.hear(alive(A, 3, 1))
        self.assertEqual(self.pool.events(), ["Left", "Joined"])
        self.assertEqual((self.pool.member(A).address, self.pool.member(A).incarnation), (at(3), 1))

    def test_the_name_of_the_dead_may_be_reclaimed_after_a_while(self):
        pool = Lone(profile=replace(LAN, reclaim=5.0))
        pool.meet(A)
        pool.hear(Dead(A, 7, B))
        pool.now += 5.0
        pool.hear(alive(A, 3))
        self.assertEqual(pool.events(), ["Failed", "Conflict"])
        pool.now += 0.1
        pool.hear(alive(A, 4, versions=b"\x01"))
        self.assertEqual(pool.events(), [])
        pool.hear(alive(A, 3))
        self.assertEqual(pool.events(), ["Joined"])
        self.assertEqual(pool.member(A).address, at(3))

    def test_port_0_is_our_own(self):
        pool = Lone()
        pool.hear(Alive(A, 1, at(2)._replace(port=0), None, VERSIONS))
        self.assertEqual(pool.member(A).address, at(2)._replace(port=HERE.port))

    def test_versions_are_taken_over_and_kept_where_none_come(self):
        self.pool.meet(A)
        wider = bytes((1, 4, 2, 0, 1, 0))
        self.pool.hear(alive(A, 2, 2, versions=wider))
        self.pool.hear(alive(A, 2, 3, versions=b""))
        self.assertEqual((self.pool.member(A).versions, self.pool.member(A).incarnation), (wider, 3))
        self.assertEqual(self.pool.events(), [])

    def test_lone_news_that_fit_no_datagram_are_not_kept_for_ever(self):
        pool = Lone(size=300)
        pool.hear(alive(A, 2, meta=bytes(400)))
        self.assertEqual(pool.swim.dropped, {"tooLong": 1})
        self.assertEqual(pool.events(), ["Joined"])


class AboutUsTests(SynchronousTestCase):
    def setUp(self):
        self.pool = Lone(meta=b"ours")
        self.pool.meet(A)

    def assert_refuted(self, incarnation, *, health=1):
        self.assertEqual(self.pool.swim.me.incarnation, incarnation)
        self.assertIs(self.pool.swim.me.state, State.ALIVE)
        self.assertEqual(self.pool.swim.health, health)
        self.assertEqual(self.pool.swim.counters["refutations"], health)
        self.assertIn(Alive(US, incarnation, HERE, b"ours", VERSIONS), news(self.pool))

    def test_a_suspicion_is_refuted(self):
        self.pool.hear(Suspect(US, 1, A))
        self.assert_refuted(2)

    def test_a_death_is_refuted_above_the_accusation(self):
        self.pool.hear(Dead(US, 41, A))
        self.assert_refuted(42)

    def test_an_old_accusation_is_not(self):
        self.pool.hear(Suspect(US, 5, A))
        self.pool.hear(Suspect(US, 5, A), Dead(US, 5, A), Dead(US, 0, A))
        self.assert_refuted(6)

    def test_one_accusation_does_not_take_all_incarnations(self):
        for far in (2 + FARTHEST, LAST - 1, LAST):
            said = (Suspect(US, far, A), Dead(US, far, A), Alive(US, far, HERE, b"x", VERSIONS))
            self.pool.hear(*said, Suspect(A, far, B), Dead(A, far, A))
        self.assertEqual(self.pool.swim.me.incarnation, 1)
        self.assertIs(self.pool.state(A), State.ALIVE)
        self.assertEqual(self.pool.swim.dropped, {"farIncarnation": 15})
        self.pool.hear(Suspect(US, 1 + FARTHEST, A))
        self.assert_refuted(2 + FARTHEST)

    def test_the_last_incarnation_is_never_answered(self):
        self.pool.swim.me.incarnation = LAST - 5
        for accusation in (Suspect(US, LAST, A), Dead(US, LAST, A), Alive(US, LAST, HERE, b"x", VERSIONS)):
            self.pool.hear(accusation)
        self.assertEqual(self.pool.swim.me.incarnation, LAST - 5)
        self.assertEqual(self.pool.swim.dropped, {"lastIncarnation": 3})

    def test_the_one_before_it_is_and_nothing_wraps(self):
        self.pool.swim.me.incarnation = LAST - 5
        self.pool.hear(Suspect(US, LAST - 1, A))
        self.assertEqual(self.pool.swim.me.incarnation, LAST)
        self.pool.swim.update_meta(b"new", self.pool.now)
        self.assertEqual(self.pool.swim.me.incarnation, LAST)

    def test_our_own_word_comes_back(self):
        self.pool.hear(Alive(US, 1, HERE, b"ours", VERSIONS), Alive(US, 0, HERE, b"older", VERSIONS))
        self.assertEqual(self.pool.swim.me.incarnation, 1)
        self.assertEqual(self.pool.swim.health, 0)

    def test_an_earlier_life_of_ours_is_outdone(self):
        self.pool.hear(Alive(US, 1, HERE, b"other", VERSIONS))
        self.assert_refuted(2)
        self.pool.hear(Alive(US, 7, HERE, b"ours", VERSIONS))
        self.assert_refuted(8, health=2)

    def test_our_name_elsewhere_is_a_conflict(self):
        self.pool.hear(alive(US, 9, 5))
        self.assertEqual(self.pool.events(), ["Conflict"])
        self.assertEqual(self.pool.swim.me.incarnation, 1)

    def insisted(self):
        self.pool.run(0)
        return [
            to for to, messages in self.pool.sent() if messages[0] == self.pool.swim.me.alive() and len(messages) == 1
        ]

    def test_whoever_missed_our_refutation_gets_it_again(self):
        pool = self.pool = Lone(profile=STILL)
        pool.meet(A)
        pool.hear(Suspect(US, 1, A))
        pool.run(5)
        pool.sent()
        for accusation in (Suspect(US, 1, A), Dead(US, 1, A)):
            pool.hear(accusation)
            self.assertEqual(self.insisted(), [at(2)])
        self.assertEqual(pool.swim.me.incarnation, 2)
        pool.hear(Suspect(US, 1, b"stranger"), Dead(US, 1, US), Suspect(B, 1, A))
        self.assertEqual(self.insisted(), [])
        pool.hear(*[Suspect(US, 1, A)] * 20)
        self.assertEqual(len(self.insisted()), 8)
        pool.run(5)
        pool.swim.leave(pool.now)
        pool.hear(Suspect(US, 1, A))
        self.assertEqual(self.insisted(), [])

    def test_once_we_leave_we_contradict_nobody(self):
        self.pool.swim.leave(self.pool.now)
        self.pool.hear(Suspect(US, 1, A), Dead(US, 3, A), Alive(US, 9, HERE, b"x", VERSIONS), alive(US, 9, 9))
        self.assertIs(self.pool.swim.me.state, State.LEFT)
        self.assertEqual(self.pool.swim.me.incarnation, 1)
        self.assertEqual(self.pool.events(), ["Left"])


class SuspectTests(SynchronousTestCase):
    def setUp(self):
        self.pool = Lone()
        self.pool.meet(A, B, C, D)

    def dies_after(self, pool, name):
        begin = pool.now
        while pool.state(name) is not State.DEAD:
            # nothing is probed meanwhile: only suspicions run
            deadline = pool.swim._membership.next_deadline()
            pool.now = deadline
            pool.swim._membership.advance(pool.now)
        return round(pool.now - begin, 3)

    def test_unknown_or_old_is_ignored(self):
        self.pool.hear(alive(A, 2, 5))
        self.pool.hear(Suspect(b"nobody", 1, B), Suspect(A, 4, B))
        self.assertEqual(self.pool.events(), [])

    def test_a_suspect_that_is_silent_dies(self):
        self.pool.hear(Suspect(A, 1, B))
        self.assertIs(self.pool.state(A), State.SUSPECT)
        self.assertEqual(self.pool.events(), ["Suspected"])
        self.assertEqual(self.dies_after(self.pool, A), 24.0)
        self.assertEqual(self.pool.events(), ["Failed"])
        self.assertIn(Dead(A, 1, US), news(self.pool))

    def test_before_it_dies_it_is_told_so_twice(self):
        pool = Lone(profile=STILL)
        pool.meet(A, B)
        pool.run(20)
        pool.hear(Suspect(A, 1, B))
        told = []
        pool.sent()
        shortest = 4 * STILL.probe_interval
        pool.now += shortest - 2 * STILL.probe_interval
        for _ in range(3):
            pool.now = pool.swim._membership.next_deadline()
            pool.swim._membership.advance(pool.now)
            told += [(pool.now, to, messages[0]) for to, messages in pool.sent()]
        self.assertEqual([one[1:] for one in told], [(at(2), Suspect(A, 1, US))] * 2)
        self.assertAlmostEqual(told[1][0] - told[0][0], STILL.probe_interval)
        self.assertIs(pool.state(A), State.DEAD)

    def test_who_agrees_shortens_it_and_is_told_on(self):
        self.pool.hear(Suspect(A, 1, B))
        self.pool.hear(Suspect(A, 1, B), Suspect(A, 1, C))
        self.assertEqual(self.pool.swim.counters["confirmations"], 1)
        self.assertIn(Suspect(A, 1, C), news(self.pool))
        self.pool.now = 100.0
        self.assertEqual(self.dies_after(self.pool, A), 11.381)

    def test_enough_of_them_end_it_at_the_shortest(self):
        self.pool.hear(Suspect(A, 1, B), Suspect(A, 1, C), Suspect(A, 1, D), Suspect(A, 1, US))
        self.assertEqual(self.pool.swim.counters["confirmations"], 2)
        self.assertEqual(self.dies_after(self.pool, A), 4.0)

    def test_a_confirmation_that_comes_late_ends_it_as_soon_as_it_could_have_been_answered(self):
        self.pool.hear(Suspect(A, 1, B))
        self.pool.now += 20
        self.pool.hear(Suspect(A, 1, C))
        self.assertEqual(self.dies_after(self.pool, A), 1.0)

    def test_in_a_small_pool_nobody_is_waited_for(self):
        pool = Lone()
        pool.meet(A)
        pool.hear(Suspect(A, 1, b"x"))
        self.assertEqual(self.dies_after(pool, A), 4.0)
        local = Lone(profile=LOCAL)
        local.meet(A, B)
        local.hear(Suspect(A, 1, b"x"))
        self.assertEqual(self.dies_after(local, A), 18.0)

    def test_the_incarnation_is_taken_over(self):
        self.pool.hear(Suspect(A, 7, B))
        self.assertEqual(self.pool.member(A).incarnation, 7)

    def test_the_dead_and_those_who_left_are_not_suspected(self):
        self.pool.hear(Dead(A, 1, B), Dead(B, 1, B))
        self.pool.events()
        self.pool.hear(Suspect(A, 2, C), Suspect(B, 2, C))
        self.assertEqual(self.pool.events(), [])
        self.assertEqual((self.pool.state(A), self.pool.state(B)), (State.DEAD, State.LEFT))


class DeadTests(SynchronousTestCase):
    def setUp(self):
        self.pool = Lone()
        self.pool.meet(A, B)

    def test_unknown_or_old_is_ignored(self):
        self.pool.hear(alive(A, 2, 5))
        self.pool.hear(Dead(b"nobody", 1, B), Dead(A, 4, B))
        self.assertEqual(self.pool.events(), [])

    def test_a_death_is_believed_once_and_told_on(self):
        self.pool.hear(Suspect(A, 1, B))
        self.pool.hear(Dead(A, 3, B))
        self.pool.hear(Dead(A, 4, B), Dead(A, 4, A))
        self.assertEqual((self.pool.state(A), self.pool.member(A).incarnation), (State.DEAD, 3))
        self.assertEqual(self.pool.events(), ["Suspected", "Failed"])
        self.assertIsNone(self.pool.swim._membership.next_deadline())  # no suspicion goes on
        self.assertIn(Dead(A, 3, B), news(self.pool))

    def test_who_says_it_itself_leaves(self):
        self.pool.hear(Dead(A, 1, A))
        self.assertIs(self.pool.state(A), State.LEFT)
        self.assertEqual(self.pool.events(), ["Left"])


class AdmissionTests(SynchronousTestCase):
    def refused(self, said, **options):
        pool = Lone(**options)
        pool.hear(said)
        self.assertIsNone(pool.member(said.node))
        [(reason, count)] = pool.swim.dropped.items()
        self.assertEqual(count, 1)
        return reason, pool.events()

    def test_absurd_nodes_do_not_get_in(self):
        for said, reason in (
            (alive(A, 2, 0), "badIncarnation"),
            (alive(A, 2)._replace(address=at(2)._replace(host=bytes(4))), "badAddress"),
            (alive(A, 2)._replace(address=at(2)._replace(host=b"\xe0\0\0\1")), "badAddress"),
            (alive(A, 2, meta=bytes(513)), "badMeta"),
            (alive(A, 2, versions=bytes(6)), "badVersions"),
            (alive(A, 2, versions=b""), "badVersions"),
            (alive(A, 2, versions=b"\1\5\2"), "badVersions"),
        ):
            self.assertEqual(self.refused(said), (reason, []))

    def test_who_speaks_otherwise_would_break_the_pool(self):
        said = alive(A, 2, versions=bytes((1, 5, 2, 2, 5, 5)))
        self.assertEqual(self.refused(said), ("incompatible", ["Incompatible"]))

    def test_a_known_one_keeps_what_fitted(self):
        pool = Lone()
        pool.meet(A)
        pool.hear(alive(A, 2, 2, versions=bytes((1, 5, 2, 2, 5, 5))))
        self.assertEqual((pool.member(A).incarnation, pool.member(A).versions), (1, VERSIONS))

    def test_only_allowed_hosts_get_in(self):
        reason, _ = self.refused(alive(A, 2), allowed=lambda host: host != at(2).host)
        self.assertEqual(reason, "notAllowed")
        mapped = bytes(10) + b"\xff\xff" + at(2).host
        said = alive(A, 2)._replace(address=at(2)._replace(host=mapped))
        self.assertEqual(self.refused(said, allowed=lambda host: host != at(2).host)[0], "notAllowed")

    def test_there_is_a_limit(self):
        pool = Lone(most_members=3)
        pool.hear(alive(A, 2), alive(B, 3), alive(C, 4))
        self.assertEqual(set(pool.swim.members), {US, A, B})
        self.assertEqual(pool.swim.dropped, {"tooMany": 1})
        pool.hear(alive(A, 2, 2))
        self.assertEqual(pool.member(A).incarnation, 2)


_NAMES = st.sampled_from([US, A, B, C])
_NUMBERS = st.one_of(st.integers(0, 5), st.sampled_from([LAST - 1, LAST]))
_NEWS = st.one_of(
    st.builds(Suspect, _NAMES, _NUMBERS, _NAMES),
    st.builds(Dead, _NAMES, _NUMBERS, _NAMES),
    st.builds(
        Alive, _NAMES, _NUMBERS, st.sampled_from([HERE, at(2), at(3)]), st.sampled_from([None, b"x"]),
        st.sampled_from([VERSIONS, b"", bytes(6)]),
    ),
)  # fmt: skip


class InvariantTests(SynchronousTestCase):
    @given(st.lists(st.one_of(_NEWS, st.floats(0.0, 20.0)), max_size=40))
    def test_whatever_is_said_incarnations_ascend_and_we_live(self, steps):
        pool = Lone()
        before = {}
        for step in steps:
            if isinstance(step, float):
                pool.run(step)
            else:
                pool.hear(step)
            for member in pool.swim.members.values():
                known = before.get(member.name)
                if known is not None and known[0] == member.address:
                    self.assertGreaterEqual(member.incarnation, known[1])
            before = {
                each.name: (each.address, each.incarnation)
                for each in pool.swim.members.values()
                if each.state is not State.LEFT
            }
            self.assertIs(pool.swim.me.state, State.ALIVE)
            self.assertLessEqual(pool.swim.me.incarnation, LAST)
            suspects = {each.name for each in pool.swim.members.values() if each.state is State.SUSPECT}
            self.assertEqual(set(pool.swim._membership._suspicions), suspects)
            self.assertEqual(len(pool.swim._membership._deadlines), len(suspects))

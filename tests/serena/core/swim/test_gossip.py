"""Who is told what, and when."""

import itertools
from dataclasses import replace

from twisted.trial.unittest import SynchronousTestCase

from serena.core.errors import MisuseError
from serena.core.swim.messages import Ack, Alive, Dead, Ping, Source, UserMessage
from serena.core.swim.profile import LAN
from tests.serena.core.swim.lone import HERE, US, VERSIONS, Lone, alive, at

A, B = b"a", b"b"
STILL = replace(LAN, probe_interval=900.0, push_pull_interval=900.0)  # nothing but gossip


def gossip(pool, seconds):
    """The datagrams of that time, with their times."""
    sent = []
    pool.run(seconds, lambda: sent.extend((pool.now, *each) for each in pool.sent()))
    return sent


class TickTests(SynchronousTestCase):
    def test_each_piece_of_news_goes_out_so_often_in_all(self):
        pool = Lone(profile=STILL)
        pool.hear(alive(A, 2))
        sent = gossip(pool, 10)
        told = [message for _, to, messages in sent for message in messages]
        self.assertEqual(told.count(pool.swim.me.alive()), 4)
        self.assertEqual(told.count(alive(A, 2)), 4)
        self.assertEqual({to for _, to, _ in sent}, {at(2)})
        times = [when for when, _, _ in sent]
        for one, next_one in itertools.pairwise(times):
            self.assertAlmostEqual(next_one - one, 0.2)

    def test_then_there_is_nothing_to_do_until_there_is_news_which_go_at_once(self):
        pool = Lone(profile=STILL)
        pool.meet(A)
        pool.run(5)
        self.assertIsNone(pool.swim._gossip.next_deadline())
        pool.sent()
        pool.hear(alive(B, 3))
        self.assertLessEqual(pool.swim.next_deadline(), pool.now)
        sent = gossip(pool, 0.0)
        self.assertEqual({to for _, to, _ in sent}, {at(2), at(3)})
        self.assertEqual(gossip(pool, 0.19), [])
        self.assertEqual(len(gossip(pool, 0.02)), 2)

    def test_alone_there_is_nobody_to_tell(self):
        pool = Lone(profile=STILL)
        self.assertIsNone(pool.swim._gossip.next_deadline())
        self.assertEqual(gossip(pool, 5), [])

    def test_a_few_at_once(self):
        pool = Lone(profile=STILL)
        pool.hear(*(alive(b"%d" % number, number) for number in range(2, 40)))
        pool.run(0.2)
        sent = pool.sent()
        self.assertEqual(len({to for to, _ in sent}), 3)
        self.assertEqual(len(sent), 3)

    def test_the_dead_are_told_for_a_while_and_those_who_left_are_not(self):
        pool = Lone(profile=STILL)
        pool.meet(A, B)
        pool.hear(Dead(A, 1, b"x"), Dead(B, 1, B))
        sent = gossip(pool, 5)
        self.assertEqual({to for _, to, _ in sent}, {at(2)})
        self.assertIn(Dead(A, 1, b"x"), [message for _, _, messages in sent for message in messages])
        pool.run(25.1)
        pool.swim.broadcast(b"news", pool.now)
        self.assertEqual(gossip(pool, 5), [])

    def test_no_datagram_is_too_long_and_none_has_too_many_parts(self):
        pool = Lone(profile=STILL, overhead=100, size=1400)
        for number in range(2, 102):
            pool.hear(alive(b"%d" % number, number, meta=bytes(number)))
        for _ in range(300):
            pool.swim.broadcast(b"x", pool.now)
        crowded, sizes = [], []

        def check():
            for one in pool.swim.outgoing():
                crowded.append(len(one.parts))
                sizes.append(sum(map(len, one.parts)) + 2 * len(one.parts) + 2 + 5 * one.crc)

        pool.run(30, check)
        self.assertLessEqual(max(sizes), 1300)
        self.assertGreater(max(sizes), 1200)
        self.assertEqual(max(crowded), 127)

    def test_who_understands_checksums_gets_them(self):
        for most, crc in ((4, False), (5, True)):
            pool = Lone(profile=STILL)
            pool.hear(alive(A, 2, versions=bytes((1, most, 2, 0, 0, 0))))
            pool.run(1)
            self.assertEqual({one.crc for one in pool.swim.outgoing()}, {crc})


class ForgottenTests(SynchronousTestCase):
    def test_of_whom_nobody_knows_nothing_is_told(self):
        pool = Lone()
        pool.meet(A)
        for second in range(90):
            for number in range(100):
                name = b"%d-%d" % (second, number)
                pool.hear(alive(name, 3), Dead(name, 1, name))
            pool.run(1, pool.sent)
            pool.hear(alive(A, 2, second + 2))
            self.assertLessEqual(len(pool.swim._gossip._news), len(pool.swim.members))
        self.assertLess(len(pool.swim.members), 5_000)
        self.assertTrue(pool.swim._gossip.tells_of(A))


class PiggybackTests(SynchronousTestCase):
    def test_an_answer_to_a_member_carries_news(self):
        pool = Lone(profile=STILL)
        pool.hear(alive(A, 2))
        pool.hear(Ping(7, US, Source(at(2), A)))
        [(to, messages)] = pool.sent()
        self.assertEqual((to, messages[0]), (at(2), Ack(7)))
        self.assertEqual({type(each) for each in messages[1:]}, {Alive})
        self.assertEqual(len(messages), 3)

    def test_a_stranger_gets_none(self):
        pool = Lone(profile=STILL)
        pool.hear(Ping(7, US, Source(at(2), A)), source=at(2))
        self.assertEqual(pool.sent(), [(at(2), [Ack(7)])])


class UserDataTests(SynchronousTestCase):
    def test_all_are_told_after_the_news(self):
        pool = Lone(profile=STILL)
        pool.meet(A)
        pool.swim.broadcast(b"hello", pool.now)
        sent = [messages for _, _, messages in gossip(pool, 5)]
        self.assertEqual(sent[0][-1], UserMessage(b"hello"))
        self.assertEqual(sum(messages.count(UserMessage(b"hello")) for messages in sent), 4)

    def test_what_fits_no_datagram_is_our_mistake(self):
        pool = Lone(profile=STILL)
        pool.swim.broadcast(bytes(1300), pool.now)
        self.assertRaises(MisuseError, pool.swim.broadcast, bytes(1400), pool.now)

    def test_not_more_than_so_many_wait(self):
        pool = Lone(profile=STILL)
        for number in range(1030):
            pool.swim.broadcast(b"%d" % number, pool.now)
        self.assertEqual(pool.swim.dropped["queueFull"], 6)

    def test_it_has_the_address_it_came_from(self):
        pool = Lone(profile=STILL)
        pool.hear(UserMessage(b"hello"), source=at(2))
        [event] = pool.swim.events()
        self.assertEqual((event.data, event.source), (b"hello", at(2)))


class AnnouncementTests(SynchronousTestCase):
    def test_we_say_what_we_are_by_the_same_words(self):
        pool = Lone(profile=STILL, meta=b"ours")
        pool.meet(A)
        self.assertIn(Alive(US, 1, HERE, b"ours", VERSIONS), [m for _, _, some in gossip(pool, 1) for m in some])

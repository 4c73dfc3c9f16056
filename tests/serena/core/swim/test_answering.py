"""Answers to pings, and pings for others."""

from twisted.trial.unittest import SynchronousTestCase

from serena.core.swim.messages import Ack, Address, IndirectPing, Nack, Ping, Source, State
from tests.serena.core.swim.lone import ELSEWHERE, HERE, US, Lone, at

A, B = b"a", b"b"


class PingTests(SynchronousTestCase):
    def setUp(self):
        self.pool = Lone()

    def test_an_ack_has_the_number_and_no_payload(self):
        self.pool.hear(Ping(7, US), Ping(8, b""), source=at(2))
        self.assertEqual(self.pool.sent(), [(at(2), [Ack(7)]), (at(2), [Ack(8)])])

    def test_three_in_one_datagram_get_three(self):
        self.pool.hear(*(Ping(number, US, Source(at(2), A)) for number in (1, 2, 3)), source=at(2))
        self.assertEqual(self.pool.told(Ack), [(at(2), Ack(number)) for number in (1, 2, 3)])

    def test_who_means_another_gets_none(self):
        self.pool.hear(Ping(7, b"another"), source=at(2))
        self.assertEqual(self.pool.sent(), [])
        self.assertEqual(self.pool.swim.dropped, {"wrongNode": 1})

    def test_a_member_gets_it_where_it_listens(self):
        self.pool.meet(A)
        self.pool.hear(Ping(7, US, Source(at(2), A)), source=ELSEWHERE)
        self.assertEqual(self.pool.told(Ack), [(at(2), Ack(7))])

    def test_nobody_can_make_us_send_to_a_stranger(self):
        self.pool.meet(A)
        for source in (Source(at(5), A), Source(at(2), B), Source(at(5), b"")):
            self.pool.hear(Ping(7, US, source), source=ELSEWHERE)
            self.assertEqual(self.pool.told(Ack), [(ELSEWHERE, Ack(7))])

    def test_an_address_of_another_family_is_of_no_use(self):
        ipv6 = Address(bytes(15) + b"\1", 7946)
        self.pool.meet(A)
        self.pool.member(A).address = ipv6
        self.pool.hear(Ping(7, US, Source(ipv6, A)), source=ELSEWHERE)
        self.assertEqual(self.pool.told(Ack), [(ELSEWHERE, Ack(7))])
        mapped = Address(bytes(10) + b"\xff\xff" + at(2).host, 7946)
        self.pool.member(A).address = mapped
        self.pool.hear(Ping(8, US, Source(mapped, A)), source=ELSEWHERE)
        self.assertEqual(self.pool.told(Ack), [(mapped, Ack(8))])

    def test_a_flood_from_one_host_is_cut(self):
        self.pool.hear(*(Ping(number, US) for number in range(2500)), source=at(2))
        self.assertEqual(len(self.pool.sent()), 2000)
        self.assertEqual(self.pool.swim.dropped, {"rate": 500})
        self.pool.hear(Ping(1, US), source=at(3))
        self.assertEqual(len(self.pool.sent()), 1)

    def test_we_answer_still_when_we_have_left(self):
        self.pool.swim.leave(self.pool.now)
        self.pool.hear(Ping(7, US), source=at(2))
        self.assertEqual(self.pool.sent(), [(at(2), [Ack(7)])])


class RelayTests(SynchronousTestCase):
    def setUp(self):
        self.pool = Lone()
        self.pool.meet(A, B)
        self.pool.run(0)

    def asked(self, *, nack=True, port=7946, seq=70):
        """A wants to know of B. Gives the number of our ping."""
        self.pool.sent()
        target = Address(at(3).host, port)
        self.pool.hear(IndirectPing(seq, B, target, nack, Source(at(2), A)), source=at(2))
        [(to, messages)] = self.pool.sent()
        ping = messages[0]
        self.assertEqual((to, ping.node, ping.source), (at(3), B, Source(HERE, US)))
        return ping.seq

    def answers(self, seconds):
        """What goes to A with its number, and when."""
        begin, found = self.pool.now, []

        def look():
            for to, messages in self.pool.sent():
                found.extend(
                    (round(self.pool.now - begin, 3), one)
                    for one in messages
                    if to == at(2) and isinstance(one, Ack | Nack) and one.seq >= 70
                )

        look()
        self.pool.run(seconds, look)
        return found

    def test_the_answer_is_passed_on_under_the_number_of_who_asked(self):
        seq = self.asked()
        self.pool.hear(Ack(seq, b"payload"), source=at(3))
        self.assertEqual(self.answers(2), [(0, Ack(70))])  # and no nack
        self.pool.hear(Ack(seq))
        self.assertEqual(self.answers(2), [])

    def test_without_one_a_nack_comes_in_time_to_count(self):
        self.asked()
        self.assertEqual(self.answers(2), [(0.4, Nack(70))])

    def test_an_answer_right_after_the_nack_still_helps(self):
        seq = self.asked()
        self.assertEqual(self.answers(0.45), [(0.4, Nack(70))])
        self.pool.hear(Ack(seq))
        self.assertEqual(self.answers(2), [(0, Ack(70))])

    def test_an_answer_after_the_timeout_does_not(self):
        seq = self.asked()
        self.answers(0.51)
        self.pool.hear(Ack(seq))
        self.assertEqual(self.answers(2), [])
        self.assertEqual(self.pool.swim.counters["late"], 1)

    def test_who_wants_no_nack_gets_none(self):
        self.asked(nack=False)
        self.assertEqual(self.answers(2), [])

    def test_several_at_once_are_told_apart(self):
        one, other = self.asked(), self.asked(seq=71)
        self.assertNotEqual(one, other)
        self.pool.hear(Ack(other))
        self.assertEqual(self.answers(2), [(0, Ack(71)), (0.4, Nack(70))])

    def test_port_0_is_our_own(self):
        self.asked(port=0)

    def test_an_unknown_target_is_asked_without_news(self):
        self.pool.hear(IndirectPing(70, b"stranger", at(9), nack=False))
        [[ping]] = [messages for to, messages in self.pool.sent() if to == at(9)]
        self.assertEqual(ping.node, b"stranger")
        self.assertIs(self.pool.state(A), State.ALIVE)

    def test_impossible_targets_are_refused(self):
        pool = Lone(allowed=lambda host: host[:1] == b"\x0a")
        for host in (bytes(4), b"\xe0\0\0\1", b"\xc0\0\2\1"):
            pool.hear(IndirectPing(70, B, Address(host, 7946), nack=True))
        self.assertEqual(pool.sent(), [])
        self.assertEqual(pool.swim.dropped, {"badAddress": 3})

    def test_there_are_limits_by_host_and_in_all(self):
        flood = [IndirectPing(number, B, at(3), nack=False) for number in range(250)]
        for host in range(10, 17):
            self.pool.hear(*flood, source=at(host))
        self.assertEqual(self.pool.swim.counters["relays"], 1024)
        self.assertEqual(self.pool.swim.dropped, {"rate": 7 * 250 - 1024})
        self.pool.run(1)
        self.assertEqual(len(self.pool.swim._answerer._relays), 0)

"""What every Store promises of what befalls messages: dead letters, events, acknowledgements, new due times, drops."""

from kapokmq.core.commit import (
    AckedRow,
    AckRow,
    AttemptRow,
    Commit,
    ConsumedRow,
    DeadRow,
    DroppedRow,
    DueRow,
    EventRow,
    GroupRow,
    HourRow,
    NextRow,
    RemovedRow,
    RevivedRow,
    TopicRow,
)
from kapokmq.core.errors import MisuseError
from kapokmq.core.message import OVERHEAD, Status, make_id
from kapokmq.core.query import DeadLetter, DeadPage, DeadQuery, Happened, Search, Trace
from kapokmq.storage.store import Due
from tests.storage.contract import FAR, LOTS, NOW, Harness, message, messages


class LivesHarness(Harness):
    """Two topics with groups: 1 and 2 of topic 1, 3 of topic 2; ten messages in each topic."""

    def setUp(self):
        super().setUp()
        self.given = messages(1, range(10)) + messages(2, range(10))
        self.commit(
            topics=[TopicRow(1, "a"), TopicRow(2, "b")],
            groups=[GroupRow(n, topic, f"g{n}", "named", 0) for n, topic in ((1, 1), (2, 1), (3, 2))],
            publishes=self.given,
        )

    def die(self, group, *offsets, at=5, tries=3, reason="why"):
        """Give messages up."""
        self.commit(dead=[DeadRow(group, offset, at, tries, reason) for offset in offsets])

    def letters(self, group, topic=1, **query):
        """A group's dead letters, as offsets, and where to go on."""
        page = self.wait(self.store.dead(DeadQuery(topic, group, **query)))
        return [letter.message.offset for letter in page.found], page.next

    def trace(self, topic, offset):
        """What is known of a message."""
        return self.wait(self.store.trace(make_id(topic, offset)))

    def dead_ids(self):
        """Which messages are found as dead ones, by search and by inspection."""
        found = self.found_ids(status=Status.DEAD)
        inspected = self.wait(self.store.inspect(Search(NOW, status=Status.DEAD))).found
        self.assertEqual([stored.message.id for stored in inspected], found)
        for id_ in found:
            self.assertIs(self.wait(self.store.find(id_, NOW)).status, Status.DEAD)
        return found


class LivesContract(LivesHarness):
    """What holds for every provider."""

    # ---- dead letters

    def test_dead_letters_are_found(self):
        self.die(1, 3, 5)
        self.die(2, 5, at=9, tries=0, reason="\udfff\0")
        self.die(3, 0)
        self.assertEqual(
            self.wait(self.store.dead(DeadQuery(1, 2))), DeadPage([DeadLetter(self.given[5], 9, 0, "\udfff\0")], None)
        )
        self.assertEqual(self.letters(1), ([3, 5], None))
        self.assertEqual(self.dead_ids(), [make_id(2, 0), make_id(1, 5), make_id(1, 3)])
        self.assertEqual(len(self.found_ids(status=Status.WAITING)), 17)
        # What a group gave up is consumed once all are done with it.
        self.commit(consumed=[ConsumedRow(make_id(1, 5), make_id(1, 5), 77)])
        self.assertEqual(self.dead_ids(), [make_id(2, 0), make_id(1, 3)])
        self.assertEqual(self.letters(1), ([3, 5], None))

    def test_dead_letters_page_by_page(self):
        self.die(1, *range(10))
        self.assertEqual(self.letters(1, limit=3), ([0, 1, 2], 3))
        self.assertEqual(self.letters(1, limit=3, first=3), ([3, 4, 5], 6))
        self.assertEqual(self.letters(1, limit=10), ([*range(10)], None))
        self.assertEqual(self.letters(1, first=8), ([8, 9], None))
        self.assertEqual(self.letters(1, first=10), ([], None))
        self.assertEqual(self.letters(1, max_bytes=1), ([0], 1))
        self.assertEqual(self.letters(1, max_bytes=OVERHEAD + 4), ([0, 1], 2))
        self.assertEqual(self.letters(1, look=4), ([0, 1, 2, 3], 4))

    def test_dead_letters_by_what_is_in_them(self):
        for offset in range(10):
            self.die(1, offset, at=offset, reason="timeout" if offset % 2 else "nack: no\0pe")
        for query, expected in (
            ({"reason": "timeout"}, [1, 3, 5, 7, 9]),
            ({"reason": "o\0p"}, [0, 2, 4, 6, 8]),
            ({"reason": "Timeout"}, []),
            ({"text": "1:4"}, [4]),
            ({"text": "4", "reason": "time"}, []),
            ({"before": 3}, [0, 1, 2]),
            ({"before": 3, "reason": "t", "text": ":"}, [1]),
        ):
            with self.subTest(query=query):
                self.assertEqual(self.letters(1, **query), (expected, None))
        self.assertEqual(self.letters(1, text="1:4", look=3), ([], 3))
        self.assertEqual(self.letters(1, text="1:4", look=3, first=3), ([4], 6))
        self.assertEqual(self.letters(1, text="1:", limit=2), ([0, 1], 2))

    def test_a_letter_that_died_again_is_told_as_it_died_last(self):
        self.die(1, 3)
        self.die(1, 3, at=8, tries=9, reason="again")
        self.assertEqual(self.trace(1, 3).dead, [(1, 8, 9, "again")])
        self.assertEqual(self.letters(1), ([3], None))

    def test_the_revived_are_dead_no_more(self):
        self.die(1, *range(10))
        self.die(2, 4)
        self.commit(revived=[RevivedRow(1, 2, 6), RevivedRow(1, 9, 9), RevivedRow(3, 0, 9)])
        self.assertEqual(self.letters(1), ([0, 1, 7, 8], None))
        self.assertEqual(self.dead_ids(), [make_id(1, n) for n in (8, 7, 4, 1, 0)])

    def test_who_is_removed_is_no_dead_letter(self):
        self.die(1, *range(5))
        self.die(2, 4)
        self.die(3, 2)
        self.commit(removed=[RemovedRow(make_id(1, 3), make_id(2, 1))])
        self.assertEqual(self.letters(1), ([0, 1, 2], None))
        self.assertEqual(self.letters(2), ([], None))
        self.assertEqual(self.letters(3, 2), ([2], None))
        # Nothing is recorded of messages that are not there.
        self.die(1, 4, 50)
        self.die(9, 0)
        self.assertEqual(self.letters(1), ([0, 1, 2], None))
        self.assertEqual(self.dead_ids(), [make_id(2, 2), make_id(1, 2), make_id(1, 1), make_id(1, 0)])

    def test_given_up_and_removed_in_one_commit(self):
        self.commit(
            dead=[DeadRow(1, 1, 5, 1, ""), DeadRow(1, 2, 5, 1, ""), DeadRow(1, 3, 5, 1, "")],
            revived=[RevivedRow(1, 2, 2)],
            removed=[RemovedRow(make_id(1, 1), make_id(1, 1))],
        )
        self.assertEqual(self.letters(1), ([3], None))

    # ---- events, acknowledgements

    def test_events_in_order(self):
        rows = [
            EventRow(1, 3, 9, "nacked", 1, "c1", "no"),
            EventRow(2, 3, 5, "lost", 1, "c2", ""),
            EventRow(1, 4, 9, "nacked", 1, "c1", "other message"),
            EventRow(1, 3, 9, "dead", 2, "\udfff", "\0"),
        ]
        self.commit(events=rows[:2])
        self.commit(events=rows[2:])
        self.assertEqual(self.trace(1, 3).events, [Happened(row[0], *row[2:]) for row in rows if row.offset == 3])
        self.commit(removed=[RemovedRow(make_id(1, 3), make_id(1, 3))], events=[EventRow(1, 99, 1, "x", 1, "", "")])
        self.assertEqual(self.trace(1, 3), Trace([], [], []))
        self.assertEqual(self.trace(1, 99), Trace([], [], []))
        self.assertEqual(len(self.trace(1, 4).events), 1)

    def test_the_last_hundred_events(self):
        self.commit(events=[EventRow(2, 3, 7, "nacked", 1, "c", "")])
        for first in range(0, 150, 30):
            self.commit(events=[EventRow(1, 3, at, "nacked", at, "c", "") for at in range(first, first + 30)])
        self.assertEqual([event.at for event in self.trace(1, 3).events], [*range(50, 150)])

    def test_acknowledged_since(self):
        self.commit(acked=[AckedRow(1, 0, 3, 11), AckedRow(1, 5, 5, 12), AckedRow(2, 2, 8, 13), AckedRow(3, 0, 9, 14)])
        self.assertEqual(self.trace(1, 3).acked, [(1, 11), (2, 13)])
        self.assertEqual(self.trace(1, 4).acked, [(2, 13)])
        self.assertEqual(self.trace(1, 9).acked, [])
        # As with what is consumed: a run handed in again with a later end keeps its time.
        self.commit(acked=[AckedRow(1, 5, 9, 99)])
        self.assertEqual(self.trace(1, 9).acked, [(1, 12)])
        self.commit(removed=[RemovedRow(make_id(1, 0), make_id(1, 3))])
        self.assertEqual(self.trace(1, 3).acked, [(2, 13)])
        self.commit(removed=[RemovedRow(make_id(1, 4), make_id(1, 9))])
        self.assertEqual(self.trace(1, 5), Trace([], [], []))
        self.assertEqual(self.trace(2, 5).acked, [(3, 14)])

    # ---- due times

    def test_a_message_is_rescheduled(self):
        given = [message(make_id(1, 20 + n), due=NOW + n * 10) for n in range(4)]
        self.commit(publishes=given)
        self.commit(dues=[DueRow(given[1].id, NOW + 99), DueRow(given[1].id, NOW + 35), DueRow(make_id(1, 99), 5)])
        self.commit(dues=[DueRow(given[3].id, NOW - 5)])
        order = [
            Due(NOW - 5, given[3].id),
            Due(NOW, given[0].id),
            Due(NOW + 20, given[2].id),
            Due(NOW + 35, given[1].id),
        ]
        self.assertEqual(self.wait(self.store.scheduled(Due(0, 0), 9)), order)
        self.assertEqual(self.wait(self.store.find(given[1].id, NOW)).message, message(given[1].id, due=NOW + 35))
        self.assertIs(self.wait(self.store.find(given[3].id, NOW)).status, Status.WAITING)
        self.assertEqual(self.found_ids(status=Status.DELAYED), [given[2].id, given[1].id])
        self.assertEqual([one.id for one in self.wait(self.store.aged_delayed(NOW, 9))], [given[3].id])
        self.commit(dues=[DueRow(given[0].id, NOW + 1, NOW + 50), DueRow(given[2].id, NOW + 2, NOW + 40)])
        self.commit(dues=[DueRow(given[2].id, NOW + 3, NOW + 60), DueRow(make_id(1, 0), 5, 5)])
        found = [(one.id, one.due) for one in self.wait(self.store.expired(FAR, 9))]
        self.assertEqual(found, [(given[0].id, NOW + 1), (given[2].id, NOW + 3)])
        self.commit(dues=[DueRow(given[0].id, NOW + 1)])
        self.assertEqual([one.id for one in self.wait(self.store.expired(FAR, 9))], [given[2].id])

    # ---- drops

    def test_a_dropped_group_leaves_nothing(self):
        self.die(1, 3)
        self.die(2, 3, 4)
        self.commit(
            events=[EventRow(group, 3, 5, "nacked", 1, "c", "") for group in (1, 2)],
            acked=[AckedRow(group, 0, 2, 5) for group in (1, 2)],
            acks=[AckRow(2, 3, 4)],
            attempts=[AttemptRow(2, 6, 1, 0, "")],
        )
        self.commit(dropped=[DroppedRow("group", 2), DroppedRow("group", 99)])
        self.assertEqual(self.trace(1, 3), Trace([], [(1, 5, 3, "why")], [Happened(1, 5, "nacked", 1, "c", "")]))
        self.assertEqual(self.trace(1, 2).acked, [(1, 5)])
        self.assertEqual(self.dead_ids(), [make_id(1, 3)])
        # Its number begins anew.
        self.commit(groups=[GroupRow(2, 2, "new", "named", 0)])
        self.assertEqual(self.letters(2), ([], None))
        self.assertEqual(self.letters(2, 2), ([], None))

    def test_a_dropped_topic_leaves_nothing(self):
        self.die(1, 3)
        self.die(3, 3)
        self.commit(
            consumed=[ConsumedRow(make_id(1, 0), make_id(1, 2), 5)],
            hours=[HourRow(n, 7, 1, 0, 0, 0, 0, 0, 0) for n in (1, 2)],
            nexts=[NextRow(1, 10)],
        )
        self.commit(removed=[RemovedRow(make_id(1, 0), make_id(1, 9))], dropped=[DroppedRow("topic", 1)])
        self.assertEqual(self.wait(self.store.hours(1, 0, FAR)), [])
        self.assertEqual([counts.published for counts in self.wait(self.store.hours(None, 0, FAR))], [1])
        self.commit(topics=[TopicRow(1, "a")], groups=[GroupRow(1, 1, "g1", "named", 0)], publishes=self.given[:10])
        self.assertEqual(self.trace(1, 3), Trace([], [], []))
        self.assertEqual(self.found_ids(status=Status.CONSUMED), [])
        self.assertEqual(self.dead_ids(), [make_id(2, 3)])

    def test_a_commit_that_fails_leaves_nothing_of_it(self):
        self.die(1, 3)
        wrong = Commit(
            publishes=self.given[:1],
            revived=[RevivedRow(1, 0, 9)],
            dropped=[DroppedRow("group", 1)],
            dues=[DueRow(1, 1)],
        )
        with self.assertRaises(MisuseError):
            self.wait(self.store.commit(wrong))
        self.assertEqual(self.letters(1), ([3], None))
        self.assertEqual(len(self.page(max_bytes=LOTS).messages), 20)

"""What every Store that outlives its process promises to find again, beyond topics and groups (contract.py)."""

from hypothesis import given
from hypothesis import strategies as st

from kapokmq.core.commit import (
    AckedRow,
    AttemptRow,
    ConsumedRow,
    DeadRow,
    DroppedRow,
    DueRow,
    EventRow,
    ForgottenRow,
    GroupRow,
    HourRow,
    KeyRow,
    PatternRow,
    RemovedRow,
    RevivedRow,
    SentRow,
    TopicRow,
)
from kapokmq.core.message import OFFSET_MASK, OVERHEAD, make_id
from kapokmq.core.query import Happened, Trace
from kapokmq.core.recovered import RecoveredGroup
from kapokmq.storage.store import Due, Remembered
from tests.storage.contract import NOW, inherited, message, messages
from tests.storage.contract_keys import BUCKET, KeyHarness


class RecoveryContract(KeyHarness):
    """What holds for providers that outlive their process."""

    def again(self, now=NOW):
        """Close the store and open it again; gives what was found."""
        raise NotImplementedError

    def group(self, number):
        """A group as it is found again."""
        return next(group for group in self.again().groups if group.number == number)

    def topic(self, number):
        """A topic as it is found again."""
        return next(topic for topic in self.again().topics if topic.number == number)

    def test_policies(self):
        self.assertIsNone(self.topic(1).policy)
        self.commit(topics=[TopicRow(1, "a", '{"x": 1}'), TopicRow(3, "c", "\udfff\0")])
        self.assertEqual([topic.policy for topic in self.again().topics], ['{"x": 1}', None, "\udfff\0"])
        self.commit(topics=[TopicRow(1, "a"), TopicRow(3, "c", "{}"), TopicRow(3, "c", "[]")])
        self.assertEqual([topic.policy for topic in self.again().topics], [None, None, "[]"])
        self.assertEqual([topic.name for topic in self.again().topics], ["a", "b", "c"])

    def test_group_configurations_and_starts(self):
        self.commit(groups=[GroupRow(1, 1, "g", "named", 7, '{"a": 1}'), GroupRow(2, 1, "h", "named", 0)])
        self.commit(groups=[GroupRow(1, 1, "g", "named", 99, '{"a": 2}'), GroupRow(2, 1, "h", "named", 5, None)])
        self.assertEqual(
            self.again().groups,
            [
                RecoveredGroup(1, 1, "g", "named", 7, [], [], start=7, config='{"a": 2}'),
                RecoveredGroup(2, 1, "h", "named", 0, [], []),
            ],
        )

    def test_patterns(self):
        rows = [PatternRow("a.*", "g", "{}"), PatternRow("a.>", "g"), PatternRow("a.*", "h", "\udfff")]
        self.commit(patterns=rows)
        self.assertCountEqual(self.again().patterns, rows)
        self.commit(patterns=[PatternRow("a.*", "g", "[]"), PatternRow("a.>", "g", gone=True), PatternRow("b", "g")])
        self.commit(
            patterns=[PatternRow("b", "g", gone=True), PatternRow("b", "g", "new"), PatternRow("x", "y", gone=True)]
        )
        self.commit(patterns=[PatternRow("c", "g"), PatternRow("c", "g", gone=True)])
        self.assertCountEqual(
            self.again().patterns, [PatternRow("a.*", "g", "[]"), rows[2], PatternRow("b", "g", "new")]
        )

    def test_bytes(self):
        self.commit(publishes=[message(make_id(1, n), "é" * n, headers="{}") for n in range(4)])
        self.commit(removed=[RemovedRow(make_id(1, 3), make_id(1, 9))])
        self.assertEqual([topic.bytes for topic in self.again().topics], [3 * (OVERHEAD + 2) + 6, 0])

    @inherited
    @given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 5), st.booleans()), max_size=15))
    def test_any_consumed_runs(self, steps):
        self.store = self.fresh()
        self.commit(topics=[TopicRow(n, str(n)) for n in (0, 1, 2)])
        covered, rows = set(), []
        for at, (first, length, flush) in enumerate(steps):
            rows.append(ConsumedRow(make_id(1, first), make_id(1, first + length), at))
            covered |= set(range(first, first + length + 1))
            if flush:
                self.commit(consumed=rows)
                rows = []
        self.commit(consumed=rows)
        runs = []
        for offset in sorted(covered):
            if runs and runs[-1][1] + 1 == offset:
                runs[-1] = (runs[-1][0], offset)
            else:
                runs.append((offset, offset))
        self.assertEqual([topic.consumed for topic in self.again().topics], [[], runs, []])

    def test_consumed_over_several_topics(self):
        self.commit(topics=[TopicRow(3, "c")])
        self.commit(
            consumed=[ConsumedRow(make_id(1, 5), make_id(3, 2), 5), ConsumedRow(make_id(3, 3), make_id(3, 4), 6)]
        )
        found = [topic.consumed for topic in self.again().topics]
        self.assertEqual(found, [[(5, OFFSET_MASK)], [(0, OFFSET_MASK)], [(0, 4)]])

    def test_dead_letters(self):
        self.commit(
            groups=[GroupRow(1, 1, "g", "named", 0), GroupRow(2, 2, "g", "named", 0)],
            publishes=messages(1, range(10)) + messages(2, range(10)),
            attempts=[AttemptRow(1, offset, 2, 5, "") for offset in (2, 3, 7)],
        )
        self.commit(
            dead=[DeadRow(1, offset, 5, 3, "") for offset in (3, 1, 2, 9)], attempts=[AttemptRow(1, 9, 1, 5, "")]
        )
        self.commit(dead=[DeadRow(2, 0, 5, 3, "")])
        self.assertEqual(self.group(1).dead, [(1, 3), (9, 9)])
        self.assertEqual(self.group(1).attempts, [AttemptRow(1, 7, 2, 5, "")])
        self.assertEqual(self.group(2).dead, [(0, 0)])
        self.commit(revived=[RevivedRow(1, 2, 2)], removed=[RemovedRow(make_id(1, 9), make_id(1, 9))])
        self.assertEqual(self.group(1).dead, [(1, 1), (3, 3)])

    def test_drops(self):
        self.commit(
            groups=[GroupRow(n, topic, f"g{n}", "named", 0) for n, topic in ((1, 1), (2, 1), (3, 2))],
            patterns=[PatternRow("*", "g")],
        )
        self.commit(dropped=[DroppedRow("group", 2)])
        self.assertEqual([group.number for group in self.again().groups], [1, 3])
        self.commit(dropped=[DroppedRow("topic", 1)])
        found = self.again()
        self.assertEqual([group.number for group in found.groups], [3])
        self.assertEqual([topic.name for topic in found.topics], ["b"])
        self.assertEqual(len(found.patterns), 1)
        self.commit(topics=[TopicRow(1, "a")], groups=[GroupRow(2, 1, "g2", "named", 3)])
        self.assertEqual(self.group(2), RecoveredGroup(2, 1, "g2", "named", 3, [], [], start=3))

    def test_lives_and_due_times(self):
        self.commit(
            groups=[GroupRow(1, 1, "g", "named", 0)],
            publishes=messages(1, range(4), due=NOW + 5),
            acked=[AckedRow(1, 0, 2, 7)],
            dead=[DeadRow(1, 1, 8, 3, "why")],
            events=[EventRow(1, 1, 8, "dead", 3, "who", "why")],
            dues=[DueRow(make_id(1, 3), NOW + 9)],
        )
        self.again()
        expected = Trace([(1, 7)], [(1, 8, 3, "why")], [Happened(1, 8, "dead", 3, "who", "why")])
        self.assertEqual(self.wait(self.store.trace(make_id(1, 1))), expected)
        self.assertEqual(self.wait(self.store.scheduled(Due(NOW + 5, make_id(2, 0)), 9)), [Due(NOW + 9, make_id(1, 3))])

    # ---- keys and sessions

    def test_keys(self):
        self.keyed((1, 0, "a"), (1, 1, "b"))
        self.again()
        self.assertEqual(self.keyed((1, 2, "a"), (1, 3, "c")), {2: 0})
        self.again()
        self.again()
        self.assertEqual(self.keyed((1, 4, "c"), (1, 5, "b"), (1, 6, "d"), (2, 0, "a")), {4: 3, 5: 1})
        self.keyed((1, 7, "e"), bucket=BUCKET + 2)
        self.again()
        self.assertEqual(self.keyed((1, 8, "a"), (1, 9, "e"), bucket=BUCKET + 2), {9: 7})

    def test_epochs_of_keys(self):
        for epoch in (3, 4):
            id_ = make_id(1, epoch)
            self.commit(publishes=[message(id_, key=str(epoch))], keys=[KeyRow(1, 5, str(epoch), id_, epoch)])
        self.again()
        rows = [KeyRow(1, 5, str(epoch), make_id(1, epoch + 10), 9) for epoch in (3, 4)]
        outcome = self.commit(publishes=[message(row.id, key=row.key) for row in rows], keys=rows)
        self.assertEqual(
            [(one.original, one.epoch) for one in outcome.duplicates], [(make_id(1, 3), 3), (make_id(1, 4), 4)]
        )

    def test_a_dropped_topics_keys_stay_forgotten(self):
        self.keyed((1, 0, "a"), (2, 0, "a"))
        self.commit(removed=[RemovedRow(make_id(1, 0), make_id(1, 0))], dropped=[DroppedRow("topic", 1)])
        self.again()
        self.commit(topics=[TopicRow(1, "again")])
        self.assertEqual(self.keyed((1, 0, "a"), (2, 1, "a")), {1: 0})
        self.assertGreaterEqual(self.tidy(), 1)
        self.again()
        self.assertEqual(self.keyed((1, 1, "a")), {1: 0})

    def test_keys_after_those_of_a_topic_that_is_gone(self):
        self.keyed((1, 0, "k"))
        self.commit(removed=[RemovedRow(make_id(1, 0), make_id(1, 0))], dropped=[DroppedRow("topic", 1)])
        self.again()  # before what is left of it was tidied away
        self.assertEqual(self.keyed((2, 0, "k")), {})
        self.assertEqual(self.keyed((2, 1, "k")), {1: 0})
        self.tidy()
        self.again()
        self.assertEqual(self.keyed((2, 2, "k")), {2: 0})

    def test_a_name_is_free_in_the_commit_that_drops_it(self):
        self.commit(groups=[GroupRow(1, 1, "g", "named", 0)])
        groups = [GroupRow(2, 1, "g", "named", 0), GroupRow(3, 1, "g", "named", 0)]
        self.commit(groups=groups, dropped=[DroppedRow("group", 1), DroppedRow("group", 2)])
        self.assertEqual([(group.number, group.name) for group in self.again().groups], [(3, "g")])
        topics = [TopicRow(3, "a"), TopicRow(4, "c")]
        self.commit(topics=topics, dropped=[DroppedRow("topic", 1), DroppedRow("topic", 4)])
        found = self.again()
        self.assertEqual([(topic.number, topic.name) for topic in found.topics], [(2, "b"), (3, "a")])
        self.assertEqual(found.groups, [])

    def test_who_is_sent_again_begins_anew(self):
        given = message(make_id(1, 0))
        self.commit(groups=[GroupRow(1, 1, "g", "named", 0)], publishes=[given])
        self.commit(attempts=[AttemptRow(1, 0, 15, NOW, "no")])
        self.commit(revived=[RevivedRow(1, 0, 0)])
        self.assertEqual(self.again().groups[0].attempts, [])

    def test_hours_leave_duplicates_out(self):
        hours = [HourRow(1, 5, 2, 0, 0, 0, 0, 0, 0)]
        rows = [KeyRow(1, 5, "k", make_id(1, offset), 1) for offset in range(2)]
        given = [message(row.id, key="k") for row in rows]
        self.commit(publishes=given, keys=rows, hours=hours)
        self.assertEqual([row.published for row in self.wait(self.store.hours(None, 0, 9))], [1])
        self.assertEqual(self.again().topics[0].totals.published, 1)

    def test_sessions(self):
        self.keyed((1, 0, "a"))
        self.keyed((1, 1, "a"), sent=[SentRow("s", 4, make_id(1, 1), 1, 1, NOW), SentRow("s", 3, 0, 1, 1, NOW)])
        self.commit(forgotten=[ForgottenRow("s", 3)])
        self.again()
        call = Remembered(4, make_id(1, 1), 1, 1, 0, [(0, make_id(1, 0), 1)])
        self.assertEqual(self.wait(self.store.sent("s", 9)), [call])
        self.assertEqual(self.tidy(sessions_before=NOW + 1), 2)
        self.again()
        self.assertEqual(self.wait(self.store.sent("s", 9)), [])

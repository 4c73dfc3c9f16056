"""What every Store promises of keys and sessions: which messages are stored once, and what is remembered of it."""

from hypothesis import given
from hypothesis import strategies as st

from kapokmq.core.commit import (
    Commit,
    DroppedRow,
    Duplicate,
    ForgottenRow,
    KeyRow,
    Outcome,
    RemovedRow,
    SentRow,
    SizeRow,
    TopicRow,
)
from kapokmq.core.message import OFFSET_MASK, OVERHEAD, make_id
from kapokmq.storage.store import Remembered
from tests.storage.contract import Harness, inherited, message

BUCKET = 70


class KeyHarness(Harness):
    """Short ways to publish with keys."""

    def setUp(self):
        super().setUp()
        self.commit(topics=[TopicRow(1, "a"), TopicRow(2, "b")])

    def keyed(self, *rows, bucket=BUCKET, **lists):
        """Publish (topic, offset, key, …) with keys; gives the offsets of what was stored for those that were not."""
        given = [(make_id(topic, offset), topic, key) for topic, offset, key in rows]
        outcome = self.commit(
            publishes=[message(one, key=key) for one, _, key in given],
            keys=[KeyRow(topic, bucket, key, one, 1) for one, topic, key in given],
            **lists,
        )
        return {one.id & OFFSET_MASK: one.original & OFFSET_MASK for one in outcome.duplicates}

    def stored(self):
        """(topic, offset) of all messages."""
        return [(one.id >> 40, one.offset) for one in self.page().messages]

    def tidy(self, sessions_before=0, buckets=(), limit=1_000):
        """Forget; gives how many rows."""
        return self.wait(self.store.tidy(sessions_before, buckets, limit))


class KeysContract(KeyHarness):
    """What holds for every provider."""

    def test_a_repeated_key_is_not_stored(self):
        self.assertEqual(self.keyed((1, 0, "x"), (1, 1, "y")), {})
        self.assertEqual(self.keyed((1, 2, "z"), (1, 3, "x"), (1, 4, "y")), {3: 0, 4: 1})
        self.assertEqual(self.stored(), [(1, 0), (1, 1), (1, 2)])
        self.assertEqual(self.keyed((1, 5, "x")), {5: 0})

    def test_what_stands_for_a_duplicate_is_told_with_its_epoch(self):
        first, second = make_id(1, 0), make_id(1, 1)
        self.commit(publishes=[message(first, key="k", epoch=7)], keys=[KeyRow(1, 5, "k", first, 7)])
        outcome = self.commit(publishes=[message(second, key="k", epoch=8)], keys=[KeyRow(1, 5, "k", second, 8)])
        self.assertEqual(outcome, Outcome([Duplicate(second, first, 7)]))

    def test_of_two_in_one_commit_the_lower_id_is_stored(self):
        ids = [make_id(1, offset) for offset in range(4)]
        outcome = self.commit(
            publishes=[message(one, key="k") for one in ids],
            keys=[KeyRow(1, BUCKET + (one == ids[1]), "k", one, 1) for one in reversed(ids)],
        )
        self.assertEqual(outcome.duplicates, [Duplicate(one, ids[0], 1) for one in ids[1:]])
        self.assertEqual(self.stored(), [(1, 0)])
        # And where that one is a duplicate itself, the same stands for all.
        self.assertEqual(self.keyed((1, 4, "k"), (1, 5, "k"), (1, 6, "l"), (1, 7, "l")), {4: 0, 5: 0, 7: 6})

    def test_a_key_is_remembered_in_its_window_and_the_next(self):
        self.assertEqual(self.keyed((1, 0, "k")), {})
        self.assertEqual(self.keyed((1, 1, "k"), bucket=BUCKET + 1), {1: 0})
        self.assertEqual(self.keyed((1, 2, "k"), bucket=BUCKET + 2), {})
        self.assertEqual(self.keyed((1, 3, "k"), bucket=BUCKET + 3), {3: 2})

    def test_a_key_is_its_topics(self):
        self.assertEqual(self.keyed((1, 0, "k"), (2, 0, "k")), {})
        self.assertEqual(self.keyed((2, 1, "k")), {1: 0})
        self.assertEqual(self.stored(), [(1, 0), (2, 0)])

    def test_a_key_outlives_its_message(self):
        self.keyed((1, 0, "k"))
        self.commit(removed=[RemovedRow(make_id(1, 0), make_id(1, 0))])
        self.assertEqual(self.keyed((1, 1, "k")), {1: 0})
        self.assertEqual(self.stored(), [])

    def test_keys_of_any_text(self):
        texts = [
            "",
            " ",
            "K",
            "k",
            "\0",
            "\0a",
            "é",
            "\u0065\u0301",
            "\ud83d\ude00",
            "\U0001f600",
            "\udfff",
            "[1]",
            "1",
        ]
        self.assertEqual(self.keyed(*((1, offset, text) for offset, text in enumerate(texts))), {})
        count = len(texts)
        again = self.keyed(*((1, count + offset, text) for offset, text in enumerate(texts)))
        self.assertEqual(again, {count + offset: offset for offset in range(count)})

    def test_messages_without_keys_go_beside(self):
        self.keyed((1, 0, "k"))
        ids = [make_id(1, 1), make_id(1, 2)]
        outcome = self.commit(
            publishes=[message(one, key=key) for one, key in zip(ids, (None, "k"), strict=True)],
            keys=[KeyRow(1, BUCKET, "k", ids[1], 1)],
        )
        self.assertEqual(len(outcome.duplicates), 1)
        # A key without a KeyRow is a label and no more.
        self.assertEqual(self.commit(publishes=[message(make_id(1, 3), key="k")]), Outcome())
        self.assertEqual(self.stored(), [(1, 0), (1, 1), (1, 3)])

    def test_tidying_forgets_other_windows(self):
        for offset, bucket in enumerate((BUCKET - 2, BUCKET - 1, BUCKET)):
            self.keyed((1, offset, f"k{offset}"), (2, offset, f"k{offset}"), bucket=bucket)
        self.assertGreaterEqual(self.tidy(buckets=[(1, BUCKET)]), 1)
        self.assertEqual(self.tidy(buckets=[(1, BUCKET)]), 0)
        again = self.keyed(*((1, 9 + offset, f"k{offset}") for offset in range(3)))
        self.assertEqual(again, {10: 1, 11: 2})
        # Nothing was said of topic 2, whose first window goes on counting for those that ask for it.
        self.assertEqual(self.keyed((2, 9, "k0"), bucket=BUCKET - 1), {9: 0})

    def test_tidying_goes_slice_by_slice(self):
        self.keyed(*((1, offset, str(offset)) for offset in range(50)))
        taken = [self.tidy(buckets=[(1, BUCKET + 2)], limit=20) for _ in range(4)]
        self.assertEqual(taken[:2], [20, 20])
        self.assertGreaterEqual(taken[2], 10)
        self.assertEqual(taken[3], 0)
        self.assertEqual(self.keyed(*((1, 100 + offset, str(offset)) for offset in range(50))), {})

    def test_a_dropped_topics_keys_are_forgotten(self):
        self.keyed((1, 0, "k"), (2, 0, "k"))
        self.commit(removed=[RemovedRow(make_id(1, 0), make_id(1, 9))], dropped=[DroppedRow("topic", 1)])
        self.commit(topics=[TopicRow(1, "again")])
        self.assertEqual(self.keyed((1, 0, "k"), (2, 1, "k")), {1: 0})
        self.assertEqual(self.keyed((1, 1, "k")), {1: 0})
        self.tidy(buckets=[(1, BUCKET), (2, BUCKET)])
        self.assertEqual(self.keyed((1, 2, "k"), (2, 2, "k"), (2, 3, "l")), {2: 0})

    @inherited
    @given(
        st.lists(
            st.tuples(st.integers(1, 2), st.integers(0, 5), st.sampled_from(["a", "b", "c"]), st.booleans()),
            max_size=25,
        )
    )
    def test_any_keys(self, steps):
        self.store = self.fresh()
        self.commit(topics=[TopicRow(1, "a"), TopicRow(2, "b")])
        remembered, expected, here, batch = {}, [], set(), Commit()
        # Windows only go on.
        for offset, (topic, bucket, key, flush) in enumerate(sorted(steps, key=lambda step: step[1])):
            id_ = make_id(topic, offset)
            batch.publishes.append(message(id_, key=key))
            batch.keys.append(KeyRow(topic, bucket, key, id_, 1))
            known = remembered.get((topic, key))
            # Within a commit the window does not matter.
            if known is not None and (known[1] >= bucket - 1 or (topic, key) in here):
                expected.append(Duplicate(id_, known[0], 1))
            else:
                remembered[topic, key] = (id_, bucket)
            here.add((topic, key))
            if flush:
                here = set()
                self.assertEqual(sorted(self.wait(self.store.commit(batch)).duplicates), sorted(expected))
                batch, expected = Commit(), []
        self.assertEqual(sorted(self.wait(self.store.commit(batch)).duplicates), sorted(expected))

    # ---- sessions

    def test_calls_of_a_session(self):
        rows = [SentRow("s", number, make_id(1, number * 10), 3, 10, 100 + number, number) for number in range(5)]
        self.commit(sent=[*rows, SentRow("t", 9, make_id(2, 0), 3, 1, 100)])
        calls = [Remembered(row.publish, row.first, row.epoch, row.count, row.crc, []) for row in rows]
        self.assertEqual(self.wait(self.store.sent("s", 9)), calls)
        self.assertEqual(self.wait(self.store.sent("s", 2)), calls[3:])
        self.assertEqual(self.wait(self.store.sent("S", 2)), [])
        self.commit(sent=[rows[4]._replace(count=4, epoch=9)], forgotten=[ForgottenRow("s", 1), ForgottenRow("x", 1)])
        self.assertEqual(self.wait(self.store.sent("s", 9)), [*calls[2:4], calls[4]._replace(count=4, epoch=9)])
        self.assertEqual(len(self.wait(self.store.sent("t", 9))), 1)

    def test_a_call_knows_what_stands_for_its_duplicates(self):
        self.keyed((1, 0, "x"))
        self.keyed(
            (1, 1, "a"), (1, 2, "x"), (1, 3, "a"), sent=[SentRow("\udfff s", 1, make_id(1, 1), 2, 3, 5, 1 << 31)]
        )
        repeats = [(1, make_id(1, 0), 1), (2, make_id(1, 1), 1)]
        self.assertEqual(
            self.wait(self.store.sent("\udfff s", 9)), [Remembered(1, make_id(1, 1), 2, 3, 1 << 31, repeats)]
        )

    def test_tidying_forgets_sessions_whose_last_call_is_old(self):
        for session, times in (("old", (5, 6)), ("new", (5, 10)), ("border", (9,))):
            self.commit(sent=[SentRow(session, number, 0, 1, 1, at) for number, at in enumerate(times)])
        self.assertGreaterEqual(self.tidy(sessions_before=9), 2)
        self.assertEqual(self.tidy(sessions_before=9), 0)
        left = [len(self.wait(self.store.sent(session, 9))) for session in ("old", "new", "border")]
        self.assertEqual(left, [0, 2, 1])
        self.commit(sent=[SentRow("old", 0, 0, 1, 1, 99)])
        self.assertEqual(self.tidy(sessions_before=99), 5)
        self.assertEqual(len(self.wait(self.store.sent("old", 9))), 1)

    # ---- bytes

    def test_a_topics_bytes(self):
        def sizes(**lists):
            return dict(self.commit(sizes=[SizeRow(1), SizeRow(2), SizeRow(1), SizeRow(9)], **lists).sizes)

        given = [message(make_id(1, n), "x" * n, headers="{}" if n % 2 else None) for n in range(6)]
        self.assertEqual(sizes(), {1: 0, 2: 0})
        self.assertEqual(sizes(publishes=given), {1: 6 * OVERHEAD + 15 + 6, 2: 0})
        row = RemovedRow(make_id(1, 4), make_id(1, 4))
        self.assertEqual(sizes(removed=[row, row, RemovedRow(make_id(1, 3), make_id(2, 4))])[1], 3 * OVERHEAD + 5)
        more = [message(make_id(1, 7), key="k"), message(make_id(2, 7), "xyz"), message(make_id(1, 8), "xyz", key="k")]
        keys = [KeyRow(1, 1, "k", one.id, 1) for one in more if one.key]
        self.assertEqual(sizes(publishes=more, keys=keys), {1: 4 * OVERHEAD + 6, 2: OVERHEAD + 3})
        self.assertEqual(sizes(removed=[RemovedRow(0, make_id(9, 0))]), {1: 0, 2: 0})

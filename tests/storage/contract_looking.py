"""What every Store promises those who look: inspection, the schedule, the first message since, counts by hour."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from kapokmq.core.commit import ConsumedRow, DeadRow, DueRow, GroupRow, HourRow, RemovedRow, TopicRow
from kapokmq.core.message import OFFSET_MASK, OVERHEAD, Status, make_id, topic_of
from kapokmq.core.query import DuePage, DueQuery, HourCounts, Mark, Search
from kapokmq.storage.store import Due
from tests.storage.contract import FAR, LOTS, NOW, Harness, inherited, message, messages


class LookingContract(Harness):
    """What holds for every provider."""

    def inspect(self, **search):
        """One page: ids, and where to go on."""
        page = self.wait(self.store.inspect(Search(**({"now": NOW} | search))))
        return [stored.message.id for stored in page.found], page.next

    def inspect_all(self, **search):
        """Page after page: ids, in order."""
        found, after = self.inspect(**search)
        while after is not None:
            more, after = self.inspect(**(search | {"after": after}))
            found += more
        return found

    # ---- inspection

    def test_by_what_is_in_them(self):
        given = [
            message(make_id(1, 0), "one\0two", key="k", headers='{"a": "1", "b\\u00e9": "\\u00fc\\ud83d\\ude00"}'),
            message(make_id(1, 1), "One", key="K", headers='{"a": "2"}', created=NOW + 1),
            message(make_id(2, 0), "snow \u2603 \ud83d", key="", headers="{}", created=NOW + 2),
            message(make_id(2, 1), "", headers="not JSON", created=NOW + 3, due=FAR),
        ]
        ids = [one.id for one in given]
        self.commit(topics=[TopicRow(1, "a"), TopicRow(2, "b")], publishes=given)
        for search, expected in (
            ({}, [3, 2, 1, 0]),
            ({"text": "one"}, [0]),
            ({"text": "\0t"}, [0]),
            ({"text": "\u2603"}, [2]),
            ({"text": "\ud83d"}, [2]),
            ({"text": ""}, [3, 2, 1, 0]),
            ({"key": "k"}, [0]),
            ({"key": ""}, [2]),
            ({"header": ("a", None)}, [1, 0]),
            ({"header": ("a", "2")}, [1]),
            ({"header": ("b\u00e9", "\u00fc\U0001f600")}, [0]),
            ({"header": ("A", None)}, []),
            ({"header": ("a", "2"), "text": "ne", "key": "K", "topic": 1}, [1]),
            ({"header": ("a", None), "text": "one"}, [0]),
            ({"status": Status.DELAYED}, [3]),
            ({"start": NOW + 1, "end": NOW + 2}, [2, 1]),
            ({"topic": 2, "text": "n"}, [2]),
            ({"topic": 9}, []),
            ({"limit": 0}, []),
        ):
            with self.subTest(search=search):
                self.assertEqual(self.inspect(**search), ([ids[n] for n in expected], None))
        page = self.wait(self.store.inspect(Search(NOW, key="k")))
        self.assertEqual([stored.message for stored in page.found], given[:1])

    def test_a_bounded_number_is_looked_at(self):
        given = [message(make_id(1, n), str(n), created=NOW + n) for n in range(10)]
        self.commit(topics=[TopicRow(1, "a")], publishes=given)
        marks = [Mark(one.created, one.id) for one in given]
        self.assertEqual(self.inspect(text="3", look=4), ([], marks[6]))
        self.assertEqual(self.inspect(text="3", look=4, after=marks[6]), ([given[3].id], marks[2]))
        self.assertEqual(self.inspect(text="3", look=4, after=marks[2]), ([], None))
        self.assertEqual(self.inspect(look=10)[1], None)
        self.assertEqual(self.inspect(limit=2), ([given[9].id, given[8].id], marks[8]))
        self.assertEqual(self.inspect(limit=2, after=marks[2]), ([given[1].id, given[0].id], None))
        self.assertEqual(self.inspect(max_bytes=1), ([given[9].id], marks[9]))
        self.assertEqual(self.inspect(max_bytes=OVERHEAD + 2), ([given[9].id, given[8].id], marks[8]))
        self.assertEqual(self.inspect(after=marks[0]), ([], None))
        # Behind a mark that lies after the end, everything is still to come.
        self.assertEqual(self.inspect(after=marks[9], end=NOW + 1), ([given[1].id, given[0].id], None))

    def test_many_large_bodies(self):
        given = [message(make_id(1, n), str(n) + "x" * (3 << 20)) for n in range(10)]
        self.commit(topics=[TopicRow(1, "a")])
        for one in given:
            self.commit(publishes=[one])
        self.assertEqual(self.inspect_all(text="4x"), [given[4].id])
        self.assertEqual(self.inspect_all(text="xx"), [one.id for one in reversed(given)])

    def test_many_messages_between_two_that_match(self):
        count = 12_000
        given = messages(1, range(count))
        given[0].key = given[-1].key = "k"
        self.commit(topics=[TopicRow(1, "a")], publishes=given)
        self.assertEqual(self.inspect_all(key="k"), [given[-1].id, given[0].id])
        self.assertEqual(self.inspect_all(key="k", look=1_000), [given[-1].id, given[0].id])

    @inherited
    @given(st.data())
    def test_any_inspection_page_by_page(self, data):
        self.store = self.fresh()
        topics = data.draw(st.integers(1, 3))
        rows = st.tuples(
            st.integers(1, topics), st.integers(0, 2), st.sampled_from([None, 1, 20]), st.sampled_from("abc")
        )
        given, at = [], 0
        for topic, gap, due, text in data.draw(st.lists(rows, max_size=25)):
            at += gap
            given.append(message(make_id(topic, len(given)), text, created=at, due=due))
        self.commit(
            topics=[TopicRow(n, str(n)) for n in range(1, topics + 1)],
            groups=[GroupRow(n, n, "g", "named", 0) for n in range(1, topics + 1)],
            publishes=given,
        )
        ids = [one.id for one in given]
        consumed = data.draw(st.sets(st.sampled_from(ids))) if ids else set()
        dead = data.draw(st.sets(st.sampled_from(ids))) if ids else set()
        self.commit(
            consumed=[ConsumedRow(one, one, 5) for one in sorted(consumed)],
            dead=[DeadRow(topic_of(one), one & OFFSET_MASK, 5, 1, "") for one in dead],
        )
        search = data.draw(
            st.fixed_dictionaries(
                {
                    "now": st.integers(0, 25),
                    "start": st.integers(0, 15),
                    "end": st.integers(0, 40),
                    "topic": st.none() | st.integers(1, topics),
                    "status": st.none() | st.sampled_from(Status),
                    "text": st.none() | st.sampled_from("abc"),
                    "limit": st.integers(1, 10),
                    "look": st.integers(1, 10),
                }
            )
        )
        expected = []
        for one in sorted(given, key=lambda one: (one.created, one.id), reverse=True):
            status = Status.DELAYED if one.due is not None and one.due > search["now"] else Status.WAITING
            status = Status.CONSUMED if one.id in consumed else Status.DEAD if one.id in dead else status
            wanted = search["status"] in (None, status) and search["topic"] in (None, topic_of(one.id))
            if wanted and search["start"] <= one.created <= search["end"] and search["text"] in (None, one.data):
                expected.append(one.id)
        self.assertEqual(self.inspect_all(**search), expected)

    @inherited
    @given(st.lists(st.tuples(st.integers(1, 3), st.integers(0, 9)), max_size=25), st.integers(1, 4))
    def test_going_on_ends_whatever_the_clock_did(self, rows, limit):
        self.store = self.fresh()
        given = [message(make_id(topic, n), created=at) for n, (topic, at) in enumerate(rows)]
        self.commit(topics=[TopicRow(n, str(n)) for n in (1, 2, 3)], publishes=given)
        after, pages = None, 0
        while pages == 0 or after is not None:
            _, after = self.inspect(limit=limit, after=after)
            pages += 1
            self.assertLess(pages, 10 * 25 + 2)

    # ---- the schedule

    def delayed(self, topic=None, now=NOW, after=(0, 0), limit=99, max_bytes=LOTS):
        """(topic, offset) of delayed messages."""
        found = self.wait(self.store.delayed(topic, now, Due(*after), limit, max_bytes))
        return [(topic_of(one.id), one.offset) for one in found]

    def test_delayed_messages_by_due_time(self):
        dues = {(1, 0): 50, (1, 1): 30, (1, 2): None, (2, 0): 30, (2, 1): 0, (1, 3): 30, (1, 4): 70}
        given = {
            key: message(make_id(*key), "x", headers="{}", due=None if due is None else NOW + due)
            for key, due in dues.items()
        }
        self.commit(topics=[TopicRow(1, "a"), TopicRow(2, "b")], publishes=list(given.values()))
        order = [(1, 1), (1, 3), (2, 0), (1, 0), (1, 4)]
        self.assertEqual(self.delayed(), order)
        for skip in range(1, 6):
            key = order[skip - 1]
            after = (NOW + dues[key], make_id(*key))
            self.assertEqual(self.delayed(after=after), order[skip:])
            self.assertEqual(self.delayed(after=after, limit=2), order[skip : skip + 2])
            self.assertEqual(self.delayed(1, after=after), [one for one in order[skip:] if one[0] == 1])
        self.assertEqual(self.delayed(2), [(2, 0)])
        self.assertEqual(self.delayed(2, now=NOW - 1), [(2, 1), (2, 0)])
        self.assertEqual(self.delayed(now=NOW + 30), order[3:])
        self.assertEqual(self.delayed(now=NOW + 30, after=(NOW + 30, make_id(1, 1))), order[3:])
        self.assertEqual(self.delayed(limit=0), [])
        size = OVERHEAD + 3
        for max_bytes, count in ((1, 1), (size, 1), (size + 1, 2), (LOTS, 5)):
            self.assertEqual(self.delayed(max_bytes=max_bytes), order[:count])
        found = self.wait(self.store.delayed(1, NOW, Due(0, 0), 1, LOTS))
        self.assertEqual(found, [given[1, 1]])
        self.commit(
            dues=[DueRow(make_id(1, 4), NOW + 1)],
            consumed=[ConsumedRow(make_id(1, 0), make_id(1, 1), 5)],
            removed=[RemovedRow(make_id(2, 0), make_id(2, 0))],
        )
        self.assertEqual(self.delayed(), [(1, 4), (1, 3)])
        self.assertEqual(self.delayed(1), [(1, 4), (1, 3)])

    def due_counts(self, topic=None, first=NOW, begin=NOW, end=NOW + 100, step=10, look=99):
        """Page after page: how many by step, and how many pages that were."""
        counts, pages, place = Counter(), 0, (begin, 0)
        while place is not None:
            page = self.wait(self.store.due_counts(DueQuery(topic, first, step, place, end, look)))
            found = Counter(dict(page.counts))
            self.assertLessEqual(found.total(), look)
            if page.next is not None:
                self.assertGreater(page.next, place)
            counts += found
            place, pages = page.next, pages + 1
        return counts, pages

    def test_how_many_fall_due_when(self):
        dues = {(1, 0): 0, (1, 1): 9, (1, 2): None, (2, 0): 10, (1, 3): 55, (1, 4): 99, (2, 1): 100}
        given = [message(make_id(*key), due=None if due is None else NOW + due) for key, due in dues.items()]
        self.commit(topics=[TopicRow(1, "a"), TopicRow(2, "b")], publishes=given)
        self.assertEqual(self.due_counts(), ({0: 2, 1: 1, 5: 1, 9: 1}, 1))
        self.assertEqual(self.due_counts(1), ({0: 2, 5: 1, 9: 1}, 1))
        self.assertEqual(self.due_counts(2, end=NOW + 101), ({1: 1, 10: 1}, 1))
        self.assertEqual(self.due_counts(3), ({}, 1))
        self.assertEqual(self.due_counts(first=NOW - 45, begin=NOW + 9), ({5: 2, 10: 1, 14: 1}, 1))
        self.assertEqual(self.due_counts(step=1000), ({0: 5}, 1))
        self.commit(
            dues=[DueRow(make_id(1, 4), NOW + 30)],
            consumed=[ConsumedRow(make_id(1, 0), make_id(1, 1), 5)],
            removed=[RemovedRow(make_id(2, 0), make_id(2, 0))],
        )
        self.assertEqual(self.due_counts(), ({3: 1, 5: 1}, 1))

    def test_they_are_counted_a_slice_at_a_time(self):
        given = [message(make_id(1, n), due=NOW + n // 4) for n in range(40)]
        self.commit(topics=[TopicRow(1, "a")], publishes=given)
        for look, expected in ((1, 40), (3, 14), (4, 10), (5, 8), (39, 2), (40, 1), (41, 1)):
            counts, pages = self.due_counts(look=look, step=3)
            self.assertEqual((counts, pages), ({0: 12, 1: 12, 2: 12, 3: 4}, expected))

    def test_a_slice_ends_among_those_that_fall_due_together(self):
        given = [message(make_id(topic, n), due=NOW + 5) for topic in (1, 2) for n in range(20)]
        self.commit(topics=[TopicRow(1, "a"), TopicRow(2, "b")], publishes=given)
        page = self.wait(self.store.due_counts(DueQuery(None, NOW, 2, (NOW, 0), NOW + 9, 23)))
        self.assertEqual(page, DuePage([(2, 23)], (NOW + 5, make_id(2, 3))))
        self.assertEqual(self.due_counts(look=7), ({0: 40}, 6))
        self.assertEqual(self.due_counts(2, look=7), ({0: 20}, 3))
        self.assertEqual(self.due_counts(end=NOW + 5, look=7), ({}, 1))
        # What is consumed is looked at, and not counted.
        self.commit(consumed=[ConsumedRow(make_id(1, 3), make_id(2, 9), 5)])
        self.assertEqual(self.due_counts(look=7), ({0: 13}, 6))

    @inherited
    @given(st.data())
    def test_any_due_times(self, data):
        self.store = self.fresh()
        moments = st.integers(0, 30)
        dues = data.draw(st.lists(st.tuples(st.integers(1, 2), moments), max_size=25))
        given = [message(make_id(topic, at), due=due) for at, (topic, due) in enumerate(dues)]
        self.commit(topics=[TopicRow(1, "a"), TopicRow(2, "b")], publishes=given)
        topic, step = data.draw(st.sampled_from([None, 1, 2])), data.draw(st.integers(1, 12))
        first, end, look = data.draw(moments), data.draw(moments), data.draw(st.integers(1, 9))
        begin = first + data.draw(st.integers(0, 9))
        expected = Counter((due - first) // step for one, due in dues if topic in {None, one} and begin <= due < end)
        found, _ = self.due_counts(topic, first, begin, max(begin, end), step, look)
        self.assertEqual(found, expected)

    # ---- since, hours

    def test_the_first_since(self):
        created = {0: 10, 1: 20, 5: 20, 6: 30, 900: 40}
        self.commit(
            topics=[TopicRow(n, str(n)) for n in range(4)],
            publishes=[message(make_id(1, offset), created=at) for offset, at in created.items()]
            + [message(make_id(2, OFFSET_MASK), created=99)],
        )
        for at, expected in ((0, 0), (10, 0), (11, 1), (20, 1), (21, 6), (31, 900), (40, 900), (41, None)):
            self.assertEqual(self.wait(self.store.since(1, at)), expected)
        self.assertEqual(self.wait(self.store.since(2, 50)), OFFSET_MASK)
        self.assertIsNone(self.wait(self.store.since(0, 0)))
        self.assertIsNone(self.wait(self.store.since(3, 0)))

    @inherited
    @given(st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=30), st.integers(0, 60))
    def test_any_since(self, steps, wanted):
        self.store = self.fresh()
        given, at = [], 0
        for gap, hole in steps:
            at += gap
            given.append(message(make_id(1, 2 * len(given) + hole), created=at))
        self.commit(topics=[TopicRow(1, "a")], publishes=given)
        expected = next((one.offset for one in given if one.created >= wanted), None)
        self.assertEqual(self.wait(self.store.since(1, wanted)), expected)

    def test_hours(self):
        self.commit(topics=[TopicRow(1, "a"), TopicRow(2, "b")])
        self.commit(hours=[HourRow(1, 7, 1, 2, 3, 4, 5, 6, 7), HourRow(2, 7, 10, 10, 10, 10, 10, 10, 10)])
        self.commit(hours=[HourRow(1, 7, 1, 1, 1, 1, 1, 1, 1), HourRow(1, 9, 1, 0, 0, 0, 0, 0, 0)])
        hour = 3_600_000
        seven = HourCounts(7 * hour, 2, 3, 4, 5, 6, 7, 8)
        nine = HourCounts(9 * hour, 1, 0, 0, 0, 0, 0, 0)
        for topic, first, last, expected in (
            (1, 0, 99, [seven, nine]),
            (1, 8, 9, [nine]),
            (1, 7, 8, [seven]),
            (2, 8, 99, []),
            (None, 0, 99, [HourCounts(7 * hour, 12, 13, 14, 15, 16, 17, 18), nine]),
            (9, 0, 99, []),
        ):
            self.assertEqual(self.wait(self.store.hours(topic, first, last)), expected)

    # ---- the first that is due

    def first_due(self, *ranges, now=NOW, look=100):
        """Asked of topic 1 by offsets."""
        return self.wait(self.store.first_due([(make_id(1, a), make_id(1, b)) for a, b in ranges], now, look))

    def test_the_first_that_is_due(self):
        given = [message(make_id(1, at), created=NOW + at) for at in (2, 3, 7)]
        given += [message(make_id(1, at), created=NOW + at, due=NOW + at * 10) for at in (4, 5)]
        self.commit(publishes=[*given, message(make_id(2, 0), created=1), message(make_id(0, 9), created=2)])
        self.assertEqual(self.first_due(), [])
        self.assertEqual(
            self.first_due((0, 9), (7, 9), (3, 4), (0, 2), (8, OFFSET_MASK)), [NOW + 2, NOW + 7, NOW + 3, None, None]
        )
        self.assertEqual(self.first_due((4, 9), (4, 7)), [NOW + 7, None])
        self.assertEqual(self.first_due((4, 9), (5, 9), now=NOW + 40), [NOW + 7, NOW + 7])
        self.assertEqual(self.first_due((4, 5), now=NOW + 40), [NOW + 40])
        self.assertEqual(self.first_due((4, 9), now=NOW + 39), [NOW + 7])
        self.assertEqual(self.first_due((4, 9), (5, 9), (0, 9), look=2), [None, NOW + 7, NOW + 2])
        self.commit(removed=[RemovedRow(make_id(1, 2), make_id(1, 2))], dues=[DueRow(make_id(1, 5), NOW, None)])
        self.assertEqual(self.first_due((0, 9), (4, 9)), [NOW, NOW])

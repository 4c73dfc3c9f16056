"""What every Store promises (kapokmq/storage/store.py), as tests for each provider to inherit."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kapokmq.core.commit import (
    AckRow,
    AttemptRow,
    Commit,
    ConsumedRow,
    GroupRow,
    HourRow,
    MarkRow,
    NextRow,
    Outcome,
    RemovedRow,
    TopicRow,
)
from kapokmq.core.errors import MisuseError
from kapokmq.core.message import OFFSET_MASK, OVERHEAD, TOPICS_MAX, Message, Status, make_id, topic_of
from kapokmq.core.query import (
    DeadPage,
    DeadQuery,
    DuePage,
    DueQuery,
    MessageQuery,
    Remnant,
    Search,
    SearchPage,
    Stored,
    Trace,
)
from kapokmq.core.recovered import RecoveredGroup, Totals
from kapokmq.storage.store import Due, Page, Remnants
from tests.storage.pump import Pump

NOW = 1_700_000_000_000
LOTS = 1 << 40  # bytes: no limit
END = make_id(TOPICS_MAX, OFFSET_MASK) + 1
FAR = 1 << 61  # a time further off than any century

# A test that several providers inherit has several executors; each is a run of its own. A file for each example takes
# as long as the disk takes.
inherited = settings(deadline=None, suppress_health_check=[HealthCheck.differing_executors, HealthCheck.too_slow])


def entropy(count):
    """As random as a test needs it."""
    return bytes(range(0xF0, 0xF0 + count))


def message(message_id, data="x", **fields):
    """A message with every field that is not told apart left plain."""
    given = {"epoch": 1, "created": NOW, "delay": 0, "due": None, "expire": None, "key": None, "headers": None}
    return Message(message_id, **(given | fields), data=data)


def messages(topic, offsets, **fields):
    """One message for each offset, with a text of its own."""
    return [message(make_id(topic, offset), f"{topic}:{offset}", **fields) for offset in offsets]


class Harness:
    """A store for a test, and short ways to use it."""

    def setUp(self):
        self.pump = Pump()
        self.wait = self.pump.wait
        self.store = self.fresh()

    def fresh(self):
        """An opened store with nothing in it, closed after the test."""
        raise NotImplementedError

    def commit(self, **lists):
        """Hand in a commit and wait for it."""
        return self.wait(self.store.commit(Commit(**lists)))

    def page(self, first=0, end=END, limit=10_000, max_bytes=LOTS):
        """Read, by default everything."""
        return self.wait(self.store.read(first, end, limit, max_bytes))

    def search(self, **query):
        """Search at NOW."""
        return self.wait(self.store.search(MessageQuery(**({"now": NOW} | query))))

    def found_ids(self, **query):
        """The ids that a search gives."""
        return [stored.message.id for stored in self.search(**query)]


class StoreContract(Harness):
    """What holds for every provider."""

    # ---- commits, and what is read back

    def test_what_is_committed_is_read_back(self):
        given = [
            message(make_id(1, 0)),
            message(make_id(1, 1), "", epoch=2**32 - 1, created=0, delay=-5, due=1, expire=2, key="", headers="{}"),
            message(make_id(1, 2), '{"looks": "like JSON"}', key="[1]", headers='{"a": "b"}', delay=2**31, due=FAR),
            message(make_id(2, 0), "null", created=FAR, due=FAR, expire=FAR),
        ]
        self.commit(topics=[TopicRow(1, "a"), TopicRow(2, "b")], publishes=given)
        self.assertEqual(self.page().messages, given)

    def test_nothing_is_there_at_first(self):
        self.assertEqual(self.page(5, 9), Page([], 9))
        self.assertEqual(self.search(), [])
        self.assertEqual(self.wait(self.store.fetch([], LOTS)).messages, [])
        self.assertIsNone(self.wait(self.store.find(7, NOW)))
        self.assertEqual(self.wait(self.store.scheduled(Due(0, 0), 9)), [])
        self.assertEqual(self.wait(self.store.aged(1, make_id(1, 5), FAR, 9)), Remnants([], make_id(1, 5)))
        self.assertEqual(self.wait(self.store.aged_delayed(FAR, 9)), [])
        self.assertEqual(self.wait(self.store.expired(FAR, 9)), [])
        self.assertEqual(self.wait(self.store.inspect(Search(NOW))), SearchPage([], None))
        self.assertEqual(self.wait(self.store.delayed(None, 0, Due(0, 0), 9, LOTS)), [])
        self.assertEqual(self.wait(self.store.delayed(1, 0, Due(0, 0), 9, LOTS)), [])
        self.assertEqual(self.wait(self.store.due_counts(DueQuery(None, 0, 5, (7, 0), 99, 9))), DuePage([], None))
        self.assertEqual(self.wait(self.store.due_counts(DueQuery(1, 0, 5, (7, 0), 99, 9))), DuePage([], None))
        self.assertEqual(self.wait(self.store.dead(DeadQuery(1, 1))), DeadPage([], None))
        self.assertEqual(self.wait(self.store.trace(7)), Trace([], [], []))
        self.assertIsNone(self.wait(self.store.since(1, 0)))
        self.assertEqual(self.wait(self.store.sent("nobody", 9)), [])
        self.assertEqual(self.wait(self.store.hours(None, 0, FAR)), [])
        self.assertEqual(self.wait(self.store.hours(1, 0, FAR)), [])
        self.assertEqual(self.wait(self.store.tidy(FAR, [(1, 5)], 9)), 0)

    def test_an_empty_commit_is_durable_at_once(self):
        self.assertEqual(self.commit(), Outcome())

    def test_the_first_and_the_last_id(self):
        last = make_id(TOPICS_MAX, OFFSET_MASK)
        given = [message(0), message(last)]
        self.commit(topics=[TopicRow(0, "first"), TopicRow(TOPICS_MAX, "last")], publishes=given)
        self.assertEqual(self.page(), Page(given, last + 1))
        self.assertEqual(self.page(1), Page(given[1:], last + 1))
        self.assertEqual(self.wait(self.store.fetch([-1, 0, last, last + 1], LOTS)).messages, given)
        self.assertEqual(self.found_ids(), [last, 0])
        self.assertEqual(self.found_ids(topic=TOPICS_MAX, end=NOW - 1), [])
        for nobody in (-1, last + 1, 1 << 64):
            self.assertIsNone(self.wait(self.store.find(nobody, NOW)))
        self.assertEqual(self.wait(self.store.aged(TOPICS_MAX, last, FAR, 9)).next, last + 1)
        self.commit(consumed=[ConsumedRow(last, last, 5)])
        self.assertEqual(self.found_ids(status=Status.CONSUMED), [last])
        self.commit(removed=[RemovedRow(0, last)])
        self.assertEqual(self.page().messages, [])

    def test_every_code_point(self):
        # In order, so that each half of the surrogates stands beside the other once.
        points = "".join(map(chr, range(0x110000)))
        chunks = [points[at : at + 0x10000] for at in range(0, len(points), 0x10000)]
        given = [message(make_id(1, n), chunk, key=chunk[::-1], headers=chunk[1:]) for n, chunk in enumerate(chunks)]
        self.commit(topics=[TopicRow(1, "\ud83d\ude00 \0 \udfff")], publishes=given)
        self.assertEqual(self.page().messages, given)
        self.assertEqual(self.wait(self.store.fetch([given[0].id], LOTS)).messages, given[:1])
        self.assertEqual(self.wait(self.store.find(given[0].id, NOW)).message, given[0])
        self.assertEqual([stored.message for stored in reversed(self.search(max_bytes=LOTS))], given)

    @inherited
    @given(st.text(st.characters(), max_size=50))
    def test_any_text(self, text):
        self.store = self.fresh()
        given = message(make_id(1, 0), text, key=text, headers=text)
        self.commit(topics=[TopicRow(1, text)], publishes=[given])
        self.assertEqual(self.page().messages, [given])

    def test_bodies_of_any_size(self):
        sizes = [0, 1, 4095, 4096, 65_535, 1 << 20]
        given = [message(make_id(1, n), "é" * (size // 2) + "x" * (size % 2)) for n, size in enumerate(sizes)]
        self.commit(publishes=given)
        self.assertEqual(self.page().messages, given)

    def test_commits_are_applied_in_order(self):
        id_ = make_id(1, 0)
        handed = [
            self.store.commit(Commit(publishes=[message(id_, "first")])),
            self.store.commit(Commit(removed=[RemovedRow(id_, id_)])),
            self.store.commit(Commit(publishes=[message(id_, "second")])),
        ]
        for one in handed:
            self.wait(one)
        self.assertEqual([found.data for found in self.page().messages], ["second"])

    def test_published_and_removed_in_one_commit(self):
        given = messages(1, range(4))
        self.commit(
            publishes=given, consumed=[ConsumedRow(given[0].id, given[2].id, 5)], removed=[RemovedRow(0, given[1].id)]
        )
        self.assertEqual(self.page().messages, given[2:])

    def test_a_commit_is_whole_or_absent(self):
        self.commit(topics=[TopicRow(1, "a")], publishes=messages(1, [5]))
        wrong = Commit(publishes=messages(1, [4, 5, 6]), consumed=[ConsumedRow(make_id(1, 5), make_id(1, 5), 7)])
        with self.assertRaises(MisuseError):
            self.wait(self.store.commit(wrong))
        self.assertEqual(self.page().messages, messages(1, [5]))
        self.assertEqual(self.found_ids(status=Status.CONSUMED), [])
        self.commit(publishes=messages(1, [6]))
        self.assertEqual(self.page().messages, messages(1, [5, 6]))
        with self.assertRaises(MisuseError):
            self.commit(publishes=messages(1, [7, 7]))

    # ---- pages

    def test_a_page_ends_where_it_is_told_to(self):
        given = messages(1, [0, 1, 2, 5, 6])
        self.commit(publishes=[*given, *messages(2, [0])])
        ids = [one.id for one in given]
        end = make_id(1, 6)
        size = given[0].size
        for limit, max_bytes, count in (
            (4, LOTS, 4),
            (3, LOTS, 3),
            (1, LOTS, 1),
            (9, 1, 1),
            (9, size, 1),
            (9, size + 1, 2),
            (9, 3 * size, 3),
            (9, 4 * size, 4),
        ):
            with self.subTest(limit=limit, max_bytes=max_bytes):
                page = self.page(ids[0], end, limit, max_bytes)
                self.assertEqual(page, Page(given[:count], end if count == 4 else ids[count - 1] + 1))
        self.assertEqual(self.page(make_id(1, 3), make_id(1, 5)), Page([], make_id(1, 5)))
        self.assertEqual(size, OVERHEAD + 3)

    def test_fetch_gives_those_that_exist(self):
        given = messages(1, range(6))
        self.commit(publishes=given)
        ids = [given[4].id, given[1].id, make_id(9, 9), given[2].id]
        self.assertEqual(
            self.wait(self.store.fetch(ids, LOTS)), Page([given[1], given[2], given[4]], make_id(9, 9) + 1)
        )
        self.assertEqual(self.wait(self.store.fetch(ids, 1)), Page([given[1]], given[1].id + 1))
        self.assertEqual(self.wait(self.store.fetch(ids, 2 * given[1].size)).messages, [given[1], given[2]])
        self.assertEqual(self.wait(self.store.fetch([make_id(9, 9)], LOTS)), Page([], make_id(9, 9) + 1))

    def test_what_falls_due_next(self):
        dues = {0: 50, 1: 30, 2: None, 3: 30, 4: FAR}
        self.commit(publishes=[message(make_id(1, offset), due=due) for offset, due in dues.items()])
        self.commit(publishes=[message(make_id(0, 0), due=30)])
        order = [Due(30, make_id(0, 0)), Due(30, make_id(1, 1)), Due(30, make_id(1, 3)), Due(50, make_id(1, 0))]
        order.append(Due(FAR, make_id(1, 4)))
        for skip in range(len(order)):
            after = order[skip - 1] if skip else Due(0, 0)
            self.assertEqual(self.wait(self.store.scheduled(after, 9)), order[skip:])
            self.assertEqual(self.wait(self.store.scheduled(after, 2)), order[skip : skip + 2])
        self.commit(removed=[RemovedRow(make_id(1, 1), make_id(1, 3))])
        self.assertEqual(self.wait(self.store.scheduled(Due(30, 1), 9)), order[3:])

    # ---- status

    def status(self, message_id, now=NOW):
        """The status and consumed time of one message."""
        found = self.wait(self.store.find(message_id, now))
        return found.status, found.consumed

    def test_status_is_derived(self):
        ids = [make_id(1, offset) for offset in range(4)]
        given = [message(ids[0]), message(ids[1], due=NOW), message(ids[2], due=NOW + 1), message(ids[3], due=NOW + 9)]
        self.commit(publishes=given)
        self.assertEqual(self.status(ids[0]), (Status.WAITING, 0))
        self.assertEqual(self.status(ids[1]), (Status.WAITING, 0))
        self.assertEqual(self.status(ids[2]), (Status.DELAYED, 0))
        self.assertEqual(self.status(ids[2], NOW + 1), (Status.WAITING, 0))
        self.commit(consumed=[ConsumedRow(ids[1], ids[1], 77)])
        self.assertEqual([self.status(one)[1] for one in ids], [0, 77, 0, 0])
        # A run that is handed in again with a later end keeps its time.
        self.commit(consumed=[ConsumedRow(ids[1], ids[3], 99)])
        self.assertEqual(self.status(ids[3]), (Status.CONSUMED, 77))
        self.assertEqual(self.status(ids[0]), (Status.WAITING, 0))

    @inherited
    @given(
        st.lists(st.tuples(st.sampled_from("cccr"), st.integers(0, 19), st.integers(0, 6), st.booleans()), max_size=12)
    )
    def test_any_consumed_runs_and_removals(self, steps):
        self.store = self.fresh()
        given = {make_id(1, offset): message(make_id(1, offset)) for offset in range(20)}
        self.commit(topics=[TopicRow(1, "a")], publishes=list(given.values()))
        consumed = set()
        batch = Commit()
        for kind, first, length, flush in steps:
            row = make_id(1, first), make_id(1, first + length)
            covered = {one for one in given if row[0] <= one <= row[1]}
            if kind == "c" and not batch.removed:
                batch.consumed.append(ConsumedRow(*row, 5))
                consumed |= covered
            elif kind == "r":
                batch.removed.append(RemovedRow(*row))
                for one in covered:
                    del given[one]
            if flush:
                self.wait(self.store.commit(batch))
                batch = Commit()
        self.wait(self.store.commit(batch))
        consumed &= set(given)
        self.assertEqual(self.page().messages, list(given.values()))
        self.assertEqual(self.found_ids(status=Status.CONSUMED), sorted(consumed, reverse=True))
        self.assertEqual(self.found_ids(status=Status.WAITING), sorted(set(given) - consumed, reverse=True))

    # ---- searches

    def test_search_cases(self):
        created = {(1, 0): 10, (2, 0): 20, (1, 1): 20, (1, 2): 30, (3, 0): 40, (2, 1): 50}
        given = {key: message(make_id(*key), f"{key}", created=at) for key, at in created.items()}
        given[3, 0].due = NOW + 1
        self.commit(topics=[TopicRow(n, f"t{n}") for n in (1, 2, 3, 4)], publishes=list(given.values()))
        self.commit(consumed=[ConsumedRow(make_id(1, 0), make_id(1, 1), 77)])
        everything = [(2, 1), (3, 0), (1, 2), (2, 0), (1, 1), (1, 0)]
        for query, expected in (
            ({}, everything),
            ({"limit": 2}, everything[:2]),
            ({"limit": 2, "offset": 3}, everything[3:5]),
            ({"limit": 0}, []),
            ({"offset": 6}, []),
            ({"start": 20}, everything[:5]),
            ({"start": 21}, everything[:3]),
            ({"end": 20}, everything[3:]),
            ({"end": 9}, []),
            ({"start": 20, "end": 40}, everything[1:5]),
            ({"topic": 1}, [(1, 2), (1, 1), (1, 0)]),
            ({"topic": 1, "end": 29, "limit": 1}, [(1, 1)]),
            ({"topic": 4}, []),
            ({"topic": 9}, []),
            ({"status": Status.CONSUMED}, [(1, 1), (1, 0)]),
            ({"status": Status.CONSUMED, "topic": 2}, []),
            ({"status": Status.DELAYED}, [(3, 0)]),
            ({"status": Status.DELAYED, "now": NOW + 1}, []),
            ({"status": Status.WAITING}, [(2, 1), (1, 2), (2, 0)]),
            ({"status": Status.WAITING, "now": NOW + 1, "offset": 1, "limit": 2}, [(3, 0), (1, 2)]),
            ({"status": Status.DEAD}, []),
        ):
            with self.subTest(query=query):
                found = self.search(**query)
                self.assertEqual([stored.message for stored in found], [given[key] for key in expected])
        self.assertEqual(
            self.search(topic=1, limit=2, with_data=False),
            [
                Stored(message(make_id(1, 2), "", created=30), Status.WAITING, 0),
                Stored(message(make_id(1, 1), "", created=20), Status.CONSUMED, 77),
            ],
        )

    @inherited
    @given(st.data())
    def test_any_search(self, data):
        self.store = self.fresh()
        topics = data.draw(st.integers(1, 3))
        given, at = [], 0
        for topic, gap, due, hole in data.draw(
            st.lists(
                st.tuples(st.integers(1, topics), st.integers(0, 3), st.sampled_from([None, 1, 20]), st.booleans()),
                max_size=30,
            )
        ):
            at += gap
            offset = 2 * len(given) + hole
            given.append(message(make_id(topic, offset), str(offset), created=at, due=due))
        self.commit(topics=[TopicRow(n, str(n)) for n in range(1, topics + 1)], publishes=given)
        consumed = set()
        for topic, first, length in data.draw(
            st.lists(st.tuples(st.integers(1, topics), st.integers(0, 60), st.integers(0, 20)), max_size=5)
        ):
            row = ConsumedRow(make_id(topic, first), make_id(topic, first + length), 5)
            self.commit(consumed=[row])
            consumed |= {one.id for one in given if row.first <= one.id <= row.last}
        query = data.draw(
            st.builds(
                MessageQuery,
                now=st.integers(0, 25),
                start=st.integers(0, 30),
                end=st.integers(0, 60),
                topic=st.none() | st.integers(1, topics),
                status=st.none() | st.sampled_from(Status),
                limit=st.integers(0, 10),
                offset=st.integers(0, 5),
            )
        )
        expected = []
        for one in sorted(given, key=lambda one: (one.created, one.id), reverse=True):
            delayed = one.due is not None and one.due > query.now
            status = Status.CONSUMED if one.id in consumed else Status.DELAYED if delayed else Status.WAITING
            wanted = query.status in (None, status) and query.topic in (None, topic_of(one.id))
            if wanted and query.start <= one.created <= query.end:
                expected.append(Stored(one, status, 5 if status is Status.CONSUMED else 0))
        expected = expected[query.offset :][: query.limit]
        self.assertEqual(self.wait(self.store.search(query)), expected)

    def test_a_search_goes_on_over_many_slices(self):
        count = 12_000
        self.commit(topics=[TopicRow(1, "a"), TopicRow(2, "b")])
        self.commit(publishes=messages(1, range(count)))
        self.commit(publishes=messages(2, range(count), due=NOW + 5))
        self.commit(consumed=[ConsumedRow(make_id(1, n), make_id(1, n), 5) for n in range(0, count, 2)])
        self.assertEqual(
            self.found_ids(status=Status.CONSUMED), [make_id(1, n) for n in range(count - 2, 0, -2)] + [make_id(1, 0)]
        )
        self.assertEqual(self.found_ids(status=Status.WAITING, offset=5_900)[-1], make_id(1, 1))
        self.assertEqual(self.found_ids(offset=23_990), [make_id(1, n) for n in range(9, -1, -1)])
        self.assertEqual(len(self.found_ids(status=Status.DELAYED, limit=20_000)), count)

    def test_a_search_reads_large_bodies_piece_by_piece(self):
        given = [message(make_id(1, n), str(n) * (1 << 20)) for n in range(20)]
        self.commit(topics=[TopicRow(1, "a")])
        for one in given:
            self.commit(publishes=[one])
        found = self.search(max_bytes=LOTS)
        self.assertEqual([stored.message.data[:2] for stored in found][:3], ["19", "18", "17"])
        self.assertEqual(len(found), 20)
        # By default an answer is bounded: 19 to 16 are two bytes times 1 MiB each.
        self.assertEqual([stored.message.data[:2] for stored in self.search()], ["19", "18", "17", "16"])

    def test_a_search_ends_at_its_bytes(self):
        given = [message(make_id(n % 2, n), "x" * (1 << n), created=n) for n in range(12)]
        self.commit(topics=[TopicRow(0, "a"), TopicRow(1, "b")], publishes=given)
        self.commit(consumed=[ConsumedRow(make_id(0, 0), make_id(0, OFFSET_MASK), 5)])
        given.reverse()
        first, second = given[0].size, given[1].size
        for max_bytes, count in ((0, 1), (1, 1), (first, 1), (first + 1, 2), (first + second, 2), (LOTS, 12)):
            with self.subTest(max_bytes=max_bytes):
                self.assertEqual([one.message for one in self.search(max_bytes=max_bytes)], given[:count])
        self.assertEqual(self.found_ids(max_bytes=9_000, limit=2), [one.id for one in given[:2]])
        self.assertEqual(self.found_ids(status=Status.WAITING, max_bytes=first + 1), [given[0].id, given[2].id])
        self.assertEqual(self.found_ids(status=Status.CONSUMED, max_bytes=1), [given[1].id])
        self.assertEqual(self.found_ids(with_data=False, max_bytes=2 * OVERHEAD), [one.id for one in given[:2]])
        self.assertEqual(self.found_ids(with_data=False, max_bytes=11 * OVERHEAD + 1), [one.id for one in given])

    @inherited
    @given(st.integers(0, 3_000), st.none() | st.sampled_from([Status.WAITING, Status.CONSUMED]))
    def test_a_client_goes_on_with_offset(self, max_bytes, status):
        self.store = self.fresh()
        given = [message(make_id(n % 3, n), "x" * (n * 97 % 400)) for n in range(20)]
        self.commit(topics=[TopicRow(n, str(n)) for n in range(3)], publishes=given)
        self.commit(consumed=[ConsumedRow(make_id(1, 0), make_id(1, 9), 5)])
        found = []
        while more := self.found_ids(max_bytes=max_bytes, offset=len(found), status=status):
            found += more
        self.assertEqual(found, self.found_ids(status=status))

    # ---- what is old

    def test_aged_slices(self):
        given = [message(make_id(1, n), "x" * n, created=n * 10, due=5 if n == 2 else None) for n in range(6)]
        self.commit(publishes=given)
        every = [Remnant(one.id, one.due, one.size) for one in given]
        old = [one for one in every if one.due is None]
        start = make_id(1, 0)
        for first, before, limit, expected, stop in (
            (0, 0, 9, [], 0),
            (0, 1, 9, old[:1], 1),
            (0, 35, 9, old[:3], 4),
            (0, 35, 2, old[:2], 2),
            (2, 35, 1, [], 3),
            (2, 35, 9, old[2:3], 4),
            (4, 99, 9, old[3:], 6),
            (6, 99, 9, [], 6),
        ):
            with self.subTest(first=first, before=before, limit=limit):
                page = self.wait(self.store.aged(1, start + first, before, limit))
                self.assertEqual(page, Remnants(expected, start + stop))
        found = self.wait(self.store.aged(1, start, 35, 9, every=True))
        self.assertEqual(found, Remnants(every[:4], start + 4))
        self.assertEqual(self.wait(self.store.aged(1, start + 2, 99, 2, every=True)).found, every[2:4])

    def test_aged_delayed(self):
        dues = {(1, 0): 30, (1, 1): 10, (2, 0): 20, (2, 1): None, (2, 2): 40}
        self.commit(publishes=[message(make_id(*key), "ab", due=due, headers="{}") for key, due in dues.items()])
        for before, limit, expected in (
            (40, 9, [(1, 1), (2, 0), (1, 0)]),
            (40, 2, [(1, 1), (2, 0)]),
            (10, 9, []),
            (11, 9, [(1, 1)]),
        ):
            found = self.wait(self.store.aged_delayed(before, limit))
            self.assertEqual(found, [Remnant(make_id(*key), dues[key], OVERHEAD + 4) for key in expected])
        # What expires has a time of its own to go.
        self.commit(publishes=[message(make_id(3, 0), due=5, expire=FAR)])
        self.assertEqual([one.id for one in self.wait(self.store.aged_delayed(11, 9))], [make_id(1, 1)])

    def test_expired(self):
        times = {(1, 0): 30, (1, 1): 10, (2, 0): 20, (2, 1): None, (2, 2): 10}
        self.commit(publishes=[message(make_id(*key), expire=at, due=at) for key, at in times.items()])
        for before, limit, expected in (
            (30, 9, [(1, 1), (2, 2), (2, 0)]),
            (30, 2, [(1, 1), (2, 2)]),
            (10, 9, []),
            (FAR, 9, [(1, 1), (2, 2), (2, 0), (1, 0)]),
        ):
            found = self.wait(self.store.expired(before, limit))
            self.assertEqual(found, [Remnant(make_id(*key), times[key], OVERHEAD + 1) for key in expected])
        self.commit(removed=[RemovedRow(make_id(1, 0), make_id(2, 1))])
        self.assertEqual([one.id for one in self.wait(self.store.expired(FAR, 9))], [make_id(2, 2)])

    def test_nothing_is_dropped_while_there_is_room(self):
        self.commit(publishes=messages(1, range(9)), consumed=[ConsumedRow(make_id(1, 0), make_id(1, 8), 5)])
        self.commit(removed=[RemovedRow(make_id(1, 0), make_id(1, 3))])
        self.assertEqual(self.store.dropped(), [])

    def test_closing_twice(self):
        self.commit(publishes=messages(1, [0]))
        self.assertIsNone(self.wait(self.store.close()))
        self.assertIsNone(self.wait(self.store.close()))


class DurableContract(Harness):
    """What holds for providers that outlive their process."""

    def again(self, now=NOW):
        """Close the store and open it again; gives what was found."""
        raise NotImplementedError

    def test_a_new_store_is_empty(self):
        store_id, epoch, topics, groups = self.recovered.store_id, self.recovered.epoch, *self.nothing()
        self.assertEqual((store_id, epoch), (int.from_bytes(entropy(8), "big"), 1))
        self.assertEqual((topics, groups), ([], []))

    def nothing(self):
        """The topics and groups of the store when it was made."""
        return self.recovered.topics, self.recovered.groups

    def test_the_epoch_rises_and_the_store_stays_the_same(self):
        first = self.recovered
        self.assertEqual([self.again().epoch for _ in range(3)], [2, 3, 4])
        self.assertEqual(self.again().store_id, first.store_id)

    def test_topics_are_recovered(self):
        names = {1: "a", 2: "\ud83d\ude00 \0 \udfff", TOPICS_MAX: "'; drop table topic; --"}
        self.commit(
            topics=[TopicRow(*pair) for pair in names.items()],
            nexts=[NextRow(1, 9), NextRow(2, 5), NextRow(2, 4)],
            publishes=messages(1, [3, 4, 8]) + messages(TOPICS_MAX, [OFFSET_MASK]),
        )
        self.commit(nexts=[NextRow(TOPICS_MAX, OFFSET_MASK + 1), NextRow(2, 3)])
        found = self.again().topics
        self.assertEqual({topic.number: topic.name for topic in found}, names)
        self.assertEqual([topic.next for topic in found], [9, 5, OFFSET_MASK + 1])
        self.assertEqual([topic.first for topic in found], [3, 5, OFFSET_MASK])
        self.commit(removed=[RemovedRow(make_id(1, 0), make_id(1, 4))])
        self.assertEqual([topic.first for topic in self.again().topics], [8, 5, OFFSET_MASK])

    def test_totals_are_the_sums_of_the_hours(self):
        self.commit(topics=[TopicRow(1, "a"), TopicRow(2, "b")])
        self.commit(hours=[HourRow(1, 7, 1, 2, 3, 4, 5, 6, 7), HourRow(2, 7, 10, 0, 0, 0, 0, 0, 0)])
        self.commit(hours=[HourRow(1, 7, 10, 20, 30, 40, 50, 60, 70), HourRow(1, 8, 100, 0, 0, 0, 0, 0, 0)])
        dues = [(1, 0, NOW), (1, 1, NOW + 1), (2, 0, NOW + 2), (2, 1, FAR), (2, 2, None)]
        self.commit(publishes=[message(make_id(topic, offset), due=due) for topic, offset, due in dues])
        self.assertEqual(
            [topic.totals for topic in self.again(NOW).topics],
            [
                Totals(published=111, consumed=33, expired=55, deleted=66, cleaned=77, delayed=1),
                Totals(published=10, delayed=2),
            ],
        )
        self.assertEqual([topic.totals.delayed for topic in self.again(NOW + 2).topics], [0, 1])

    def test_what_is_consumed_is_not_delayed_whatever_the_clock_says(self):
        self.commit(topics=[TopicRow(1, "a"), TopicRow(2, "b")])
        self.commit(publishes=messages(1, range(9), due=NOW) + messages(2, range(4), due=NOW))
        self.commit(consumed=[ConsumedRow(make_id(1, 2), make_id(1, 4), NOW)])
        self.commit(consumed=[ConsumedRow(make_id(1, 7), make_id(2, 0), NOW)])
        # The clock is set back by an hour.
        self.assertEqual([topic.totals.delayed for topic in self.again(NOW - 3_600_000).topics], [4, 3])

    def test_groups_are_recovered(self):
        self.commit(
            topics=[TopicRow(1, "a"), TopicRow(2, "b")],
            groups=[
                GroupRow(1, 1, "", "default", 0),
                GroupRow(2, 1, "n", "named", 5),
                GroupRow(3, 2, "", "default", 7),
            ],
        )
        attempts = [AttemptRow(2, 6, 1, NOW, "timeout"), AttemptRow(2, 8, 2, FAR, "\udfff\0")]
        self.commit(acks=[AckRow(1, 3, 4)], attempts=[*attempts, AttemptRow(3, 7, 1, 5, "gone")])
        self.commit(attempts=[AttemptRow(2, 6, 3, NOW + 1, "nack")])
        attempts[0] = AttemptRow(2, 6, 3, NOW + 1, "nack")
        self.assertEqual(
            self.again().groups,
            [
                RecoveredGroup(1, 1, "", "default", 0, [(3, 4)], []),
                RecoveredGroup(2, 1, "n", "named", 5, [], attempts, start=5),
                RecoveredGroup(3, 2, "", "default", 7, [], [AttemptRow(3, 7, 1, 5, "gone")], start=7),
            ],
        )

    def test_attempts_vanish_with_the_ack_and_with_the_message(self):
        self.commit(
            topics=[TopicRow(1, "a"), TopicRow(2, "b")],
            groups=[GroupRow(n, topic, str(n), "named", 0) for n, topic in ((1, 1), (2, 1), (3, 2))],
            attempts=[AttemptRow(group, offset, 1, 0, "") for group in (1, 2, 3) for offset in range(9)],
        )

        def left():
            return {group.number: [row.offset for row in group.attempts] for group in self.again().groups}

        self.commit(acks=[AckRow(1, 3, 4)])
        self.assertEqual(left(), {1: [0, 1, 2, 5, 6, 7, 8], 2: [*range(9)], 3: [*range(9)]})
        self.commit(marks=[MarkRow(1, 2)])
        self.assertEqual(left(), {1: [2, 5, 6, 7, 8], 2: [*range(9)], 3: [*range(9)]})
        self.commit(removed=[RemovedRow(make_id(1, 5), make_id(1, 7))])
        self.assertEqual(left(), {1: [2, 8], 2: [0, 1, 2, 3, 4, 8], 3: [*range(9)]})
        self.commit(removed=[RemovedRow(make_id(1, 4), make_id(2, 3))])
        self.assertEqual(left(), {1: [2], 2: [0, 1, 2, 3], 3: [4, 5, 6, 7, 8]})

    @inherited
    @given(
        st.lists(
            st.tuples(st.integers(0, 9), st.integers(0, 25), st.integers(0, 6), st.integers(1, 2), st.booleans()),
            max_size=20,
        )
    )
    def test_any_acks_and_marks(self, steps):
        self.store = self.fresh()
        self.commit(groups=[GroupRow(n, 1, str(n), "named", 0) for n in (1, 2)])
        marks, done = {1: 0, 2: 0}, {1: set(), 2: set()}
        batch = Commit()
        for kind, first, length, group, flush in steps:
            if kind == 0:
                marks[group] = max(marks[group], first)
                batch.marks.append(MarkRow(group, marks[group]))
            else:
                done[group] |= set(range(first, first + length + 1))
                batch.acks.append(AckRow(group, first, first + length))
            if flush:
                self.wait(self.store.commit(batch))
                batch = Commit()
        self.wait(self.store.commit(batch))
        for group in self.again().groups:
            mark = marks[group.number]
            runs = []
            for offset in sorted(offset for offset in done[group.number] if offset >= mark):
                if runs and runs[-1][1] + 1 == offset:
                    runs[-1] = (runs[-1][0], offset)
                else:
                    runs.append((offset, offset))
            self.assertEqual((group.mark, group.runs), (mark, runs))

    def test_messages_and_their_status_are_recovered(self):
        given = messages(1, range(9))
        self.commit(topics=[TopicRow(1, "a")], publishes=given, consumed=[ConsumedRow(given[2].id, given[4].id, 77)])
        before = self.search()
        self.again()
        self.assertEqual(self.page().messages, given)
        self.assertEqual(self.search(), before)

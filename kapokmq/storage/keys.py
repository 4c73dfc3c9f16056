"""Keys that messages were published with, and which messages repeat one.

Keys are kept as they are, so that no two are ever taken for one. A single B-tree of millions of them would have each
commit write about as many pages as it brings keys. So they are kept in parts, in the order in which they come: a commit
changes one small tree, or one for each topic. The price is that a key may be in any part of its window, so an estimate
in memory (key_filter.py) says in which ones to look: of most new keys in none, of a repeated one in a few.

The estimate begins empty at each start, and takes in the parts that there are one by one, newest first, between commits
(`read`); and once more when there are so many keys that a larger one is called for. Until it has, keys are looked for
in all the parts that it does not know. What it says decides only where commit.sql looks, in the commit's own
transaction; a failed commit leaves it with keys that are not there, which does no harm.

Measured by `python -m bench.keys` on two cores of which others used one, commits of 10,000 messages of 100 bytes over
10,000,000 keys of 32 digits: 68 ms with keys and 24 ms without, beside a busy main thread 136 ms and 53 ms. The ratio
was between 2.5 and 3.9 from run to run, as keys take a search and a tree's pages where messages are only appended.
535 ms where all keys are repeated. The estimate had learned all of them 16 to 29 s after the start; until then such
commits take 3 s, and less and less. It takes 16 MiB, and 64 MiB from a million keys on.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from operator import itemgetter
from typing import NamedTuple, TypeVar

import apsw

from kapokmq.core.commit import KeyRow
from kapokmq.core.ranges import runs_of
from kapokmq.storage.key_filter import SLOTS, KeyFilter
from kapokmq.storage.rows import Reader, encoded

PART = 40_000  # keys, or what one commit has of them beyond that
TOGETHER = 4  # parts that share a slot of the estimate
FEW = 25  # parts, a million keys
WORDS_OF_FEW, WORDS_OF_MANY = 1 << 21, 1 << 23  # of the estimate: 16 MiB and 64 MiB

# The parts that there are: number and topic; and the last number that was given, to one that is gone perhaps.
PARTS = """
select cast(json_array(
    json((select json_group_array(json_array(part, topic) order by part) from dedup_part where not gone)),
    coalesce((select max(part) from dedup_part), 0)
) as blob)
"""
# Parameter: part.
KEYS_OF = "select cast(json_group_array(key) as blob) from dedup where part = ?1"

T = TypeVar("T")

# Of a KeyRow, by place, which is what `itemgetter` is quickest at.
_topic: Callable[[KeyRow], int] = itemgetter(0)
_key: Callable[[KeyRow], str] = itemgetter(2)
_id: Callable[[KeyRow], int] = itemgetter(3)
_window: Callable[[KeyRow], tuple[int, int]] = itemgetter(1, 4)
_read_parts = Reader(tuple[list[tuple[int, int]], int])
_read_keys = Reader(list[str])


class Prepared(NamedTuple):
    """The columns of `incoming` (commit.sql) that keys take: JSON, None where empty."""

    parts: bytes | None = None  # [part, topic, bucket, epoch] that keys go to
    probes: bytes | None = None  # [id, topic, bucket, key, part] where a key may be
    lookups: bytes | None = None  # [id, topic, bucket, key, part], where it may be in any part up to that one
    twins: bytes | None = None  # [id, original, epoch] within this commit
    keys: bytes | None = None  # [part, first id, last id], whose messages' keys go there


class _Part:
    """Where the next keys of a topic's bucket go."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.room = PART


class Keys:
    """Says of keys where they may be remembered already, and where to put them. For the thread that writes alone.

    `parts` are (number, topic) of those that there are, ascending; `last` is the last number that was given.
    """

    def __init__(self, parts: list[tuple[int, int]], last: int) -> None:
        self._filter: KeyFilter | None = None
        self._is_large = False
        self._unread = parts[:]
        self._last = last
        self._current: dict[tuple[int, int, int], _Part] = {}  # by topic, bucket and epoch
        self._slots: dict[tuple[int, int], list[int]] = {}  # by slot of the estimate and topic, the parts there
        for number, topic in parts:
            self._slots.setdefault((_slot(number), topic), []).append(number)

    @property
    def is_read(self) -> bool:
        """Whether the estimate knows all parts."""
        return not self._unread

    def prepared(self, rows: Sequence[KeyRow]) -> Prepared:
        """What is to be looked up and kept for a commit's keys."""
        if not rows:
            return Prepared()
        rows = sorted(rows, key=_id)
        # No object for each row but what the answer takes: beside a busy reactor the interpreter's time is the dearest.
        firsts: dict[int, dict[str, KeyRow]] = {}
        for topic, of_topic in _parted(rows, _topic).items():
            of_topic.reverse()  # of two rows with one key the dictionary keeps the last one
            firsts[topic] = dict(zip(map(_key, of_topic), of_topic, strict=True))
        twins = _twins(rows, firsts) if sum(map(len, firsts.values())) < len(rows) else []
        parts: list[tuple[int, int, int, int]] = []
        probes: list[tuple[int, int, int, str, int]] = []
        keys: list[tuple[int, int, int]] = []
        for topic, by_key in firsts.items():
            for (bucket, epoch), members in _parted(list(by_key.values()), _window).items():
                part = self._part((topic, bucket, epoch), len(members))
                parts.append((part, topic, bucket, epoch))
                probes += self._probes(topic, part, members)
                keys += [(part, *run) for run in runs_of(map(_id, members))]
        lookups = self._lookups(chain.from_iterable(map(dict.values, firsts.values()))) if self._unread else []
        return Prepared(encoded(parts), encoded(probes), encoded(lookups), encoded(twins), encoded(keys))

    def forget(self, topics: Iterable[int]) -> None:
        """These topics are gone: their parts are not to be mixed with those of topics that get their numbers."""
        for group in [group for group in self._current if group[0] in topics]:
            del self._current[group]

    def tidied(self, parts: list[tuple[int, int]]) -> None:
        """These are the parts that are left."""
        left = dict(parts)
        self._unread = [one for one in self._unread if one[0] in left]
        self._current = {group: part for group, part in self._current.items() if part.number in left}
        self._slots.clear()
        for number, topic in parts:
            self._slots.setdefault((_slot(number), topic), []).append(number)
        if self._filter is not None:
            self._filter.keep({slot for slot, _ in self._slots})

    def read(self, connection: apsw.Connection) -> None:
        """Take the newest part that the estimate does not know yet into it. Raises apsw.Error."""
        if not self._unread:  # tidied away meanwhile
            return
        number, topic = self._unread[-1]
        ((value,),) = connection.execute(KEYS_OF, (number,))
        self._estimate().look(topic, _read_keys(value), _slot(number))
        self._unread.pop()

    def _part(self, group: tuple[int, int, int], count: int) -> int:
        """Where so many keys go."""
        part = self._current.get(group)
        if part is None or part.room <= 0:
            self._last += 1
            part = self._current[group] = _Part(self._last)
            self._slots.setdefault((_slot(part.number), group[0]), []).append(part.number)
            self._grow()
        part.room -= count
        return part.number

    def _probes(self, topic: int, part: int, rows: list[KeyRow]) -> list[tuple[int, int, int, str, int]]:
        found = self._estimate().look(topic, [*map(_key, rows)], _slot(part))
        probes: list[tuple[int, int, int, str, int]] = []
        if found:
            for row in rows:
                bits = found.get(row.key, 0)
                if bits:
                    slots = (slot for slot in range(bits.bit_length()) if bits >> slot & 1)
                    parts = [one for slot in slots for one in self._slots.get((slot, topic), ())]
                    probes += [(row.id, topic, row.bucket, row.key, one) for one in parts]
        return probes

    def _lookups(self, rows: Iterable[KeyRow]) -> list[tuple[int, int, int, str, int]]:
        until = self._unread[-1][0]
        return [(row.id, row.topic, row.bucket, row.key, until) for row in rows]

    def _estimate(self) -> KeyFilter:
        if self._filter is None:
            self._is_large = self._count() > FEW
            self._filter = KeyFilter(WORDS_OF_MANY if self._is_large else WORDS_OF_FEW)
        return self._filter

    def _grow(self) -> None:
        """Begin with a larger estimate, which has to learn everything anew, once there is much to know."""
        if self._filter is not None and not self._is_large and self._count() > FEW:
            self._filter = None
            self._unread = sorted((part, topic) for (_, topic), parts in self._slots.items() for part in parts)

    def _count(self) -> int:
        return sum(map(len, self._slots.values()))


def read_parts(connection: apsw.Connection) -> tuple[list[tuple[int, int]], int]:
    """The parts that there are: (number, topic), ascending; and the last number that was given. Raises apsw.Error."""
    ((value,),) = connection.execute(PARTS)
    return _read_parts(value)


def _parted(rows: list[KeyRow], by: Callable[[KeyRow], T]) -> dict[T, list[KeyRow]]:
    """Rows by what they have there, in their order. All have the same as a rule."""
    found = set(map(by, rows))
    if len(found) == 1:
        return {found.pop(): rows[:]}
    parted: dict[T, list[KeyRow]] = {}
    for row in rows:
        parted.setdefault(by(row), []).append(row)
    return parted


def _twins(rows: list[KeyRow], firsts: dict[int, dict[str, KeyRow]]) -> list[tuple[int, int, int]]:
    """(id, original, epoch) of those that follow one with their key."""
    originals = [(row, firsts[row.topic][row.key]) for row in rows]
    return [(row.id, first.id, first.epoch) for row, first in originals if row is not first]


def _slot(part: int) -> int:
    return part // TOGETHER % SLOTS

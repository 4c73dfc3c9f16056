"""Consumers: how they come, what they say of what they get, and how they go."""

from kapokmq.core.engine import Wish
from tests.core.delivery.books import DEFAULT, Reader
from tests.core.delivery.machine import PATTERNS, TOPICS, Machine, action


class Consumers(Machine):
    """Classic ones, and members of named and private groups, of one topic or of many."""

    def __init__(self):
        super().__init__()
        self.most_readers = 5

    @property
    def has_room(self):
        return len(self.world.readers) < self.most_readers

    @action(
        4,
        when=lambda self: self.has_room,
        topic=TOPICS,
        credit=[3, 3, 0, 1, 100, None],
    )
    def connect(self, topic, credit):
        if topic in self.world.books.deleting:
            return
        reader = Reader(None, topic, DEFAULT, float("inf") if credit is None else credit, owes=credit is not None)
        self._joined(reader, credit, None, [topic], "all")

    @action(
        8,
        when=lambda self: self.has_room,
        where=TOPICS + PATTERNS,
        group=["g", "g", "h", None],
        credit=[3, 2, 1, 0, 100, None],
        owes=[True, True, True, False],
        renews=[True, True, True, False],
        start=["new", "all", -6, -100],
    )
    def join(self, where, group, credit, owes, renews, start):
        if where in self.world.books.deleting:
            return
        owes = owes and credit is not None
        if not isinstance(start, str):
            if group is not None:
                self._commit_all()  # as the engine does
            start = self.world.now.wall + start * 1000
        left = float("inf") if credit is None else credit
        reader = Reader(None, where, group, left, owes=owes, renews=renews and owes, flowing=False)
        reader.watching = where in PATTERNS
        topics = [where]
        if reader.watching:
            books = self.world.books
            topics = [topic for topic in books.topics if reader.wants(topic) and topic not in books.deleting]
        self._joined(reader, credit, Wish(group, credit, owes, renews, start), topics, start)

    def _joined(self, reader, credit, wish, topics, start):
        world = self.world
        if not reader.watching:
            world.topic(reader.pattern)
        elif reader.group is not None:
            world.books.patterns.add((reader.pattern, reader.group))
        for topic in topics:
            world.place(reader, topic, start)
        reader.level = reader.left
        world.readers.append(reader)
        reader.flowing = True
        self.rig.enter(reader, credit, wish)
        self._after()

    def _reader(self, chance):
        holders = [reader for reader in self.world.readers if reader.leases]
        return chance.choice(self.world.readers + 3 * holders)

    def _codes(self, chance, reader):
        """Codes that it holds, and some that it does not hold."""
        codes = chance.sample(sorted(reader.leases), chance.randint(0, len(reader.leases)))
        others = sorted(self.world.codes)
        if others:
            codes += chance.choices(others, k=chance.randint(0, 2))
        return codes + chance.choice([[], [], [], ["junk"], ["f" * 40]])

    @action(4, when=lambda self: self.world.readers, everything=[True, False])
    def ack(self, chance, everything):
        reader = self._reader(chance)
        codes = sorted(reader.leases) if everything else self._codes(chance, reader)
        self._ack(reader, codes)

    def _ack(self, reader, codes):
        unsure = {code for code in codes if self.world.unsure(reader, code)}
        # Held ones first, as the broker does: one that is named twice is ignored the second time.
        held = [code for code in dict.fromkeys(codes) if code in reader.leases]
        rest = list(codes)
        for code in held:
            rest.remove(code)
            self.world.ack(reader, code)
        ignored = [code for code in rest if self.world.ack(reader, code)]
        found = self.rig.ack(reader.consumer, codes)
        if not self.world.rules.broadcast:
            found, ignored = ([code for code in some if code not in unsure] for some in (found, ignored))
            assert sorted(found) == sorted(ignored), (found, ignored)
        self._after()

    @action(
        8,
        when=lambda self: any(reader.leases for reader in self.world.readers),
        wait=[None, None, None, 0.0, 2.0, 30.0],
    )
    def nack(self, chance, wait):
        reader = self._reader(chance)
        codes = self._codes(chance, reader)
        ignored = [code for code in codes if self.world.nack(reader, code, wait)]
        found = self.rig.nack(reader.consumer, codes, wait)
        assert sorted(found) == sorted(ignored)
        self._after()

    @action(3, when=lambda self: any(reader.leases for reader in self.world.readers))
    def touch(self, chance):
        reader = self._reader(chance)
        codes = list(dict.fromkeys(self._codes(chance, reader)))
        ignored = [code for code in codes if self.world.touch(reader, code)]
        assert sorted(self.rig.touch(reader.consumer, codes)) == sorted(ignored)
        self._after()

    @action(2, when=lambda self: self.world.readers, credit=[0, 1, 2, 50])
    def credit(self, chance, credit):
        reader = self._reader(chance)
        if reader.level == float("inf"):
            return
        reader.left = reader.left + credit - reader.level if reader.renews else credit
        reader.level = credit
        self.rig.credit(reader.consumer, credit)
        self._after()

    @action(2, when=lambda self: self.world.readers, flowing=[True, True, False])
    def flow(self, chance, flowing):
        reader = self._reader(chance)
        reader.flowing = flowing
        self.rig.flow(reader.consumer, flowing=reader.flowing)
        self._after()

    @action(2, when=lambda self: self.world.readers)
    def leave(self, chance):
        reader = self._reader(chance)
        self.world.leave(reader)
        self.rig.disconnect(reader.consumer)
        self._after()

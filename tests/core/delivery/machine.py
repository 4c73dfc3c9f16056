"""What happens to any node: commits, time, a store that fails or answers late, crashes. And what must hold."""

from inspect import signature
from random import Random

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from kapokmq.core.rules import Rules
from tests.core.delivery.books import DUPLICATE, PENDING
from tests.core.delivery.late_rig import LateRig, Speaker
from tests.core.delivery.world import World
from tests.core.totals import apart

TOPICS = ("a.x", "a.x", "a.x", "a.y", "b", "a.z")
PATTERNS = ("a.*", ">")
GROUPS = ("default", "g", "h")
REMEMBERED = 4
MODES = {
    "eager": [False, True],
    "paged": [True, True, False],
    "broadcast": [False, False, True],
    "memory_budget": [1, 700, 1 << 20],
    "clean_consumed": [False, True],
    "clean_seconds": [None, None, 150.0],
    "retry_count": [0, 2],
    "lease_seconds": [60.0, None],
    "ack_wait": [8.0, 60.0],
    "max_attempts": [0, 1, 1, 2],
    "backoff": [0.0, 0.5, 5.0, 5.0],
    "backoff_max": [5.0, 5.0, 8.0],
    "dedup_window": [10.0, 600.0],
}


def action(weight, when=lambda _: True, **choices):
    """Something that may happen `when` that is true, `weight` times as often as others, with arguments by chance.

    One with a `chance` (a Random) has that to make choices of its own.
    """

    def marked(function):
        function.weight, function.when, function.choices = weight, when, choices
        function.draws = "chance" in signature(function).parameters
        return function

    return marked


class Machine(RuleBasedStateMachine):
    """A broker in a rig, and beside it the World that knows what must come of everything."""

    def __init__(self):
        super().__init__()
        self.healthy_at = 0.0  # steady seconds from which on reads are well
        self.looked_up = []  # what somebody has asked for, and will delete

    @initialize(seed=st.integers(0, (1 << 64) - 1))
    def begin(self, seed):
        """All that happens follows from one seed: where Hypothesis chooses, the first choice is made far too often."""
        self.seed, self.steps = seed, 0
        chance = Random(f"{seed}")  # noqa: S311 -- nothing secret
        mode = {name: chance.choice(values) for name, values in MODES.items()}
        note(f"mode: {mode}")
        rules = Rules(durable="interval" if mode["eager"] else "fsync", retry_seconds=20.0, **mode)
        self.world = World(rules)
        self.rig = LateRig(rules, self.world)
        self.speakers = [Speaker(self.world, positional=positional) for positional in (True, False, False)]

    @rule(number=st.integers(0, 9))
    def step(self, number):
        """One rule only: of many, chance leaves out half, and few runs would get as far as a delivery.

        Nought leaves a step out. What follows stays as it is, so that the shortest run that fails can be found.
        """
        self.steps += 1
        if not number:
            return
        cls, chance = type(self), Random(f"{self.seed} {self.steps}")  # noqa: S311
        actions = [each for name in dir(cls) if hasattr(each := getattr(cls, name), "weight") and each.when(self)]
        [chosen] = chance.choices(actions, [each.weight for each in actions])
        known = {name: chance.choice(choices) for name, choices in chosen.choices.items()}
        note(f"{self.steps}: {chosen.__name__} {known}")
        if chosen.draws:
            known["chance"] = chance
        chosen(self, **known)

    @action(9, when=lambda self: self.rig.broker.ledger or self.rig.taken)
    def commit(self):
        self._commit_all()

    @action(6, when=lambda self: self.rig.broker.ledger and self.rig.taken is None)
    def begin_commit(self):
        self._take(self.rig.begin_commit)

    @action(6, when=lambda self: self.rig.taken is not None)
    def end_commit(self):
        self.rig.end_commit()
        self._after()

    @action(2, when=lambda self: self.rig.taken is not None)
    def end_commit_into_the_next(self):
        if self.rig.broker.ledger:
            self.world.take()
        self.rig.end_commit_into_the_next()
        self._after()

    @action(8, when=lambda self: self.rig.taken is not None, give_up=[False, True])
    def fail_commit(self, give_up):
        self.world.failed()
        self.rig.fail_commit(give_up=give_up)
        for text in self.world.texts.values():
            assert text.state != PENDING or not give_up, "still pending"
        self._after()

    def _take(self, take):
        before = self.rig.taken
        take()
        if self.rig.taken is not before:
            self.world.take()

    def _commit_all(self):
        self.rig.end_commit()
        self._after()
        for _ in range(200):
            if not self.rig.broker.ledger:
                return
            self.begin_commit()
            self.rig.end_commit()
            self._after()
        raise AssertionError("there is always something to commit")

    @action(6, seconds=[0.5, 1.0, 2.0, 6.0, 61.0])
    def wait(self, seconds):
        self._moved(wall=seconds, steady=seconds)

    @action(2, seconds=[-200, -3, 3, 200])
    def jump(self, seconds):
        """The wall clock is set."""
        self._moved(wall=seconds, steady=0.0)

    def _moved(self, wall, steady):
        now = self.rig.now
        self.rig.now = now._replace(wall=now.wall + int(wall * 1000), steady=now.steady + steady)
        self.world.tick(self.rig.now)
        self.rig.run(self.rig.broker.advance(self.rig.now))
        self._after()

    @action(2, what=["fail", "late", "well", "well", "well"])
    def reads(self, what):
        rig = self.rig
        if what == "fail":
            rig.reads_fail = True
        elif what == "late":
            rig.late = rig.late if rig.late is not None else []
            for moving in (self.world.moving, *(each for _, each in self.world.taken)):
                self.world.moved.update(moving)
        else:
            if rig.reads_fail:
                self.healthy_at = rig.now.steady + 1.0
            rig.reads_fail = False
            rig.answer_late(None)
        self._after()

    @action(4, when=lambda self: self.rig.late)
    def answer(self, chance):
        if self.rig.reads_fail:
            self.healthy_at = self.rig.now.steady + 1.0
        self.rig.answer_late(chance.randrange(len(self.rig.late)))
        self._after()

    @action(1)
    def sweep(self):
        self.rig.sweep()
        self._after()

    @action(2, how=["before", "before", "applied"])
    def crash(self, how):
        if how == "applied" and self.rig.taken is not None:
            self._apply_only()
        for speaker in self.speakers:
            speaker.handles.clear()
        self.looked_up.clear()
        if self.rig.reads_fail:
            self.healthy_at = self.rig.now.steady + 1.0
        self.world.crash(self.rig.store)
        self.rig.crash()
        self._after()

    def _apply_only(self):
        """A commit is durable, and nobody is told."""
        taken = self.rig.taken
        self.rig.store.apply(taken.commit)
        for entry in taken.published:
            for text, message in zip(entry.receipt.reference, entry.messages, strict=True):
                if message.id not in self.rig.store.messages and not entry.confirmed:
                    text.state = DUPLICATE

    @property
    def well(self):
        """Whether the store answers, and at once."""
        rig = self.rig
        return not rig.reads_fail and rig.late is None and rig.now.steady >= self.healthy_at

    def _after(self):
        self.rig.settle()
        removals, self.rig.removals = self.rig.removals, []
        self.world.removed(removals)
        self.world.compare()
        self.world.deleted(self.rig.broker.catalog.by_name)
        self.world.fall(surely=self.well)
        self._check_consumed()

    @invariant()
    def all_is_as_promised(self):
        if not hasattr(self, "rig"):
            return
        rig, world = self.rig, self.world
        for reader in world.readers:
            assert set(reader.leases) == set(reader.consumer.leases), "leases"
            assert reader.left == reader.consumer.consumer.credit, "credit"
        counts = rig.broker.counts()
        assert min(counts) >= 0, counts
        assert rig.broker.figures().in_flight == sum(len(reader.leases) for reader in world.readers)
        assert rig.broker.figures().memory >= 0
        assert not apart(rig.broker), apart(rig.broker)
        self._check_in_flight()
        if self.well:
            for reader in world.readers:
                assert not world.left_lying(reader), world.left_lying(reader)
        if not rig.broker.ledger and rig.taken is None:
            self._check_counts()

    def _check_in_flight(self):
        """What a topic is said to have in flight is what its groups' members hold."""
        topics = self.rig.broker.catalog.by_name
        held = dict.fromkeys(topics, 0)
        for consumer in self.rig.broker.consuming.consumers:
            for topic, member in consumer.places.values():
                assert topic is topics[topic.name], topic.name
                held[topic.name] += len(member.held)
        assert {name: topic.counts().in_flight for name, topic in topics.items()} == held

    def _check_consumed(self):
        world = self.world
        for name, topic in self.rig.broker.catalog.by_name.items():
            for text in world.texts.values():
                if world.seen(text, name) and text not in world.books.gone | world.books.consumed:
                    offset = world.offset(text)
                    if topic.consumed_part(offset, offset):
                        assert world.used_up(text) or text in world.stale, f"consumed too early: {text}"
                        world.books.consumed.add(text)

    def _check_counts(self):
        messages, world = self.rig.store.messages, self.world
        for topic in self.rig.broker.catalog.by_number.values():
            mine = [message for message in messages.values() if message.id >> 40 == topic.number]
            consumed = {message.data for message in mine if message.id in self.rig.store.consumed}
            assert topic.stored == len(mine), (topic.stored, mine)
            assert topic.consumed == len(consumed), (topic.consumed, consumed)
            if self.well:
                waiting = [m for m in mine if m.data not in consumed and world.waiting(world.texts[m.data])]
                perhaps = len(world.perhaps & {world.texts[message.data] for message in mine})
                assert 0 <= len(waiting) - topic.delayed <= perhaps, (topic.delayed, waiting)

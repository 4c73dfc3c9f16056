"""Which group deals next: rounds, the throttle, deadlines, and pages for those who run dry."""

from collections import OrderedDict
from collections.abc import Callable

from kapokmq.core.effects import Deliver, Effect, FetchMessages, ReadPage
from kapokmq.core.group import Group
from kapokmq.core.message import make_id
from kapokmq.core.moment import Moment
from kapokmq.core.rules import PAGE
from kapokmq.core.topic import Topic
from serena.core.deadlines import Deadlines

FETCH = 500  # messages read by id at once
DEALT_AT_ONCE = 5_000  # deliveries, after which everything else has its turn
_UNLIMITED = 1 << 62

Place = tuple[Topic, Group]
Settled = Callable[[Place, list[int], Moment], None]
Dealt = Callable[[Topic, int, Moment], None]


class Dealer:
    """Groups that may have something to deal take turns, one round each.

    `settled` is called with offsets that nobody has to acknowledge, `dealt` with the number of deliveries.
    """

    def __init__(self, *, throttled: bool, settled: Settled, dealt: Dealt) -> None:
        self._allowance = 0 if throttled else _UNLIMITED
        self._throttled = throttled
        self._halted = False
        self._settled = settled
        self._dealt = dealt
        self._dealt_now = 0  # deliveries of this turn
        self._hungry: OrderedDict[Group, Place] = OrderedDict()
        self.deadlines: Deadlines[Group] = Deadlines()

    def stir(self, place: Place) -> None:
        """A group may have something to deal now."""
        self._hungry[place[1]] = place

    def refill(self, count: int) -> None:
        """Under a throttle: allow that many messages until the next refill; what was not used is lost."""
        self._allowance = 0 if self._halted else count

    def halt(self) -> None:
        """Deal no more: the node stops."""
        self._halted = self._throttled = True
        self._allowance = 0

    @property
    def wants_turn(self) -> bool:
        """Whether another round is to follow at once."""
        return bool(self._hungry) and self._allowance > 0

    def new_turn(self) -> None:
        """Everything else had its turn: to be called after each turn that dealt."""
        self._dealt_now = 0

    def deal(self, now: Moment) -> list[Effect]:
        """A round of every group that has something to deal, as far as this turn is to go."""
        effects: list[Effect] = []
        for left in range(len(self._hungry), 0, -1):
            if self._allowance <= 0 or self._dealt_now >= DEALT_AT_ONCE:
                break
            group, place = self._hungry.popitem(last=False)
            # Under a throttle topics share what is allowed, whoever comes first.
            share = max(1, self._allowance // left) if self._throttled else DEALT_AT_ONCE - self._dealt_now
            effects += self._round(place, now, share)
            if group.wants_to_deal():
                self._hungry[group] = place
        return effects

    def forget(self, group: Group) -> None:
        """A group is gone."""
        self._hungry.pop(group, None)
        self.deadlines.discard(group)

    def watch(self, group: Group) -> None:
        """Look at a group again when its first deadline is reached."""
        when = group.next_deadline()
        if when is not None:
            self.deadlines.sooner(group, when)

    def _round(self, place: Place, now: Moment, share: int) -> list[Effect]:
        topic, group = place
        effects: list[Effect] = []
        taken = group.position.taken
        hands = group.deal(now, share)
        if self._throttled:  # a message counts once, however many members of a broadcast get it, now or later
            self._allowance -= group.position.taken - taken
        for hand in hands:
            effects.append(Deliver(hand.members, hand.delivery))
            count = len(hand.delivery.messages) * len(hand.members)
            self._dealt_now += count
            self._dealt(topic, count, now)
            if hand.settled:
                self._settled(place, hand.settled, now)
        if effects:
            self.watch(group)
        return effects + self._supply(topic, group)

    @staticmethod
    def _supply(topic: Topic, group: Group) -> list[Effect]:
        """What to read for a group that has members and little in memory."""
        position = group.position
        effects: list[Effect] = []
        if not group.can_deal:
            return effects
        if not position.reading:
            position.skip()
        if position.wanted and not position.fetching and position.runs_dry(position.ready, FETCH, group.in_flight):
            offsets: list[int] = []
            while position.wanted and len(offsets) < FETCH and position.wanted[0] < topic.committed:
                offsets.append(position.wanted.popleft())
            position.fetching = bool(offsets)
            if offsets:
                effects.append(FetchMessages(topic, group, [make_id(topic.number, offset) for offset in offsets]))
        if (
            position.end < topic.committed
            and not position.reading
            and position.runs_dry(position.ahead, PAGE // 2, group.in_flight)
        ):
            position.reading = True
            first, end = make_id(topic.number, position.end), make_id(topic.number, topic.committed)
            effects.append(ReadPage(topic, group, first, end))
        return effects

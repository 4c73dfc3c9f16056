"""Publishers: what they send, and send again."""

from kapokmq.core.errors import Deleting, Reused, StoreUnavailable, TooOld
from kapokmq.core.message import Draft
from kapokmq.core.publishing import Call
from kapokmq.core.sessions import crc_of
from tests.core.delivery.books import CONFIRMED, DUPLICATE, LOST, PENDING, REFUSED, Text
from tests.core.delivery.machine import REMEMBERED, TOPICS, Machine, action


class Sending:
    """A publish call that may be sent again."""

    def __init__(self, topic, drafts, texts, session=None, number=0, durable=False):
        self.topic = topic
        self.drafts = drafts
        self.texts = texts
        self.session = session
        self.number = number
        self.durable = durable


class Publishers(Machine):
    """One is a classic producer; the others are told of what goes wrong, and may publish in sessions."""

    def __init__(self):
        super().__init__()
        self.count = 0
        self.numbers = {"s": 0, "t": 0}
        self.sendings = []

    @action(
        14,
        topic=TOPICS,
        n=[1, 2, 3],
        delay=[0, 0, 0, 0, 1, 5, 100],
        expire=[0, 0, 0, 3, 50],
        key=[None, None, None, "k", "l"],
        who=[0, 1, 2],
        session=[None, None, "s", "t"],
        durable=[False, False, False, True],
    )
    def publish(self, *, topic, n, delay, expire, key, who, session, durable):
        texts = []
        for _ in range(n):
            self.count += 1
            headers = '{"h":"1"}' if self.count % 5 == 0 else None
            texts.append(Text(f"{self.count}", 0, topic, delay, expire * 1000, key, headers))
        drafts = [Draft(text.body, delay, delay * 1000, None, expire * 1000, key, text.headers) for text in texts]
        sending = Sending(topic, drafts, texts, durable=durable)
        if session is not None and not self.speakers[who].positional:
            self.numbers[session] += 1
            sending.session, sending.number = session, self.numbers[session]
            self.sendings.append(sending)
        self._send(self.speakers[who], sending)

    def _send(self, speaker, sending):
        """Publish what was not published, or what was lost."""
        world = self.world
        call = self._call(speaker, sending)
        if world.failing and not speaker.positional:
            self._refused(StoreUnavailable, speaker, sending, call)
            return
        if sending.topic in world.books.deleting:
            self._refused(Deleting, speaker, sending, call)
            return
        world.topic(sending.topic)
        for text in sending.texts:
            world.sent(text)
        self.rig.call(speaker, sending.topic, sending.drafts, sending.texts, call)
        self._after()

    def _call(self, speaker, sending):
        if sending.session is None:
            return Call(durable=sending.durable)
        handle = speaker.handles.get(sending.session)
        if handle is None:
            if self.world.rules.eager:
                self._commit_all()  # as the engine does, so that the store knows what was confirmed
            handle = speaker.handles[sending.session] = self.rig.session(sending.session)
        return Call(handle, sending.number, sending.durable)

    def _refused(self, kind, speaker, sending, call):
        try:
            self.rig.call(speaker, sending.topic, sending.drafts, sending.texts, call)
        except kind:
            if sending in self.sendings and sending.texts[0].body not in self.world.texts:
                self.sendings.remove(sending)
            return
        raise AssertionError(f"not refused: {kind}")

    @action(3, when=lambda self: self.sendings, who=[1, 2])
    def send_again(self, chance, who):
        sending = chance.choice(self.sendings[-8:])
        speaker = self.speakers[who]
        call = self._call(speaker, sending)
        world, state = self.world, sending.texts[0].state
        newer = sum(other.session == sending.session and other.number > sending.number for other in self.sendings)
        if world.failing and call.number not in call.session.calls:  # else what was taken is confirmed all the same
            self._refused(StoreUnavailable, speaker, sending, call)
            return
        try:
            call.session.find(call.number, crc_of(sending.topic, sending.drafts))
        except TooOld:
            assert newer >= REMEMBERED, "forgotten too early"
            return
        if state in (LOST, REFUSED) and all(text.state == state for text in sending.texts):
            self._send(speaker, sending)
            return
        before = world.codes.copy()
        self.rig.call(speaker, sending.topic, sending.drafts, sending.texts, call)
        assert world.codes == before, "stored once more"
        self._after()

    @action(1, when=lambda self: self.sendings)
    def reuse(self, chance):
        """The number of another publish."""
        sending = chance.choice(self.sendings[-3:])
        if sending.texts[0].state not in (PENDING, CONFIRMED, DUPLICATE) or self.world.failing:
            return
        call = self._call(self.speakers[1], sending)
        draft = Draft("never")
        try:
            self.rig.call(self.speakers[1], sending.topic, [draft] * len(sending.drafts), None, call)
        except (Reused, TooOld):
            return
        raise AssertionError("a number was used twice")

    @action(1, who=[1, 2])
    def hang_up(self, who):
        """A publisher goes, and comes again later."""
        for handle in self.speakers[who].handles.values():
            self.rig.broker.publishing.sessions.close(handle)
        self.speakers[who].handles.clear()

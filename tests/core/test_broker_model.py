"""Whatever happens in whatever order, no message is lost and none invented."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.errors import StoreUnavailable
from kapokmq.core.rules import Rules
from tests.core.rig import Rig
from tests.core.scripted import Producer
from tests.core.totals import apart

TOPICS = ("a", "b")
MODES = st.fixed_dictionaries(
    {
        "broadcast": st.booleans(),
        "eager": st.booleans(),
        "clean_consumed": st.booleans(),
        "memory_budget": st.sampled_from([1, 1000, 1 << 20]),
        "retry_count": st.sampled_from([0, 2]),
        "lease_seconds": st.sampled_from([60.0, None]),
    }
)


class BrokerModel(RuleBasedStateMachine):
    """The naive model: a set of bodies that were confirmed, and of those that are done with."""

    def __init__(self):
        super().__init__()
        self.count = 0
        self.batches = []  # (producer, topic, bodies, due)
        self.confirmed = {}  # body -> (topic, due)
        self.acked = set()  # in this life
        self.acked_for_good = set()  # committed
        self.ever_stored = set()
        self.seen = 0
        self.latest = 0  # the wall clock may be set back: what was due stays due

    @initialize(mode=MODES)
    def begin(self, mode):
        self.rig = Rig(Rules(clean_seconds=None, **mode))
        self.broadcast = mode["broadcast"]
        self.eager = mode["eager"]

    # ---- what happens

    @rule(
        topic=st.sampled_from(TOPICS),
        n=st.integers(1, 5),
        delay=st.sampled_from([0, 0, 0, 5, 100]),
        classic=st.booleans(),
    )
    def publish(self, topic, n, delay, classic):
        bodies = [f"{self.count + i}" for i in range(n)]
        self.count += n
        producer = Producer(positional=classic)
        self.batches.append((producer, topic, bodies, self.rig.now.wall + delay * 1000))
        try:
            self.rig.publish(topic, bodies, delay, producer)
        except StoreUnavailable:
            assert not classic
            self.batches.pop()

    @rule()
    def begin_commit(self):
        self.rig.begin_commit()

    @rule()
    def end_commit(self):
        self.rig.end_commit()

    @rule(give_up=st.booleans())
    def fail_commit(self, give_up):
        self.rig.fail_commit(give_up=give_up)

    @rule(topic=st.sampled_from(TOPICS), credit=st.sampled_from([1, 3, 100, None]))
    def connect(self, topic, credit):
        if len(self.rig.consumers) < 4:
            consumer = self.rig.connect(topic, credit)
            self.rig.settle()
            self._note()
            assert consumer.consumer is not None

    @precondition(lambda self: self.rig.consumers)
    @rule(data=st.data())
    def ack(self, data):
        consumer = data.draw(st.sampled_from(self.rig.consumers))
        if consumer.held:
            codes = data.draw(st.lists(st.sampled_from(consumer.held), unique=True, min_size=1))
            self._ack(consumer, codes)

    @precondition(lambda self: self.rig.consumers)
    @rule(data=st.data())
    def ack_junk(self, data):
        consumer = data.draw(st.sampled_from(self.rig.consumers))
        before = self.rig.broker.tally.consumed
        self.rig.ack(consumer, ["", "f" * 40, "é" * 40])
        assert self.rig.broker.tally.consumed == before

    @precondition(lambda self: self.rig.consumers)
    @rule(data=st.data())
    def disconnect(self, data):
        self.rig.disconnect(data.draw(st.sampled_from(self.rig.consumers)))
        self.rig.settle()

    @precondition(lambda self: self.rig.consumers)
    @rule(data=st.data(), flowing=st.booleans())
    def flow(self, data, flowing):
        self.rig.flow(data.draw(st.sampled_from(self.rig.consumers)), flowing=flowing)

    @rule(seconds=st.sampled_from([0.5, 6.0, 61.0]))
    def wait(self, seconds):
        self.rig.wait(seconds)

    @rule(seconds=st.sampled_from([-200, -3, 3, 200]))
    def wall_clock_jumps(self, seconds):
        self.rig.now = self.rig.now._replace(wall=self.rig.now.wall + seconds * 1000)
        self.rig.run(self.rig.broker.advance(self.rig.now))
        self.rig.settle()

    @rule(fail=st.booleans())
    def reads(self, fail):
        self.rig.reads_fail = fail

    @rule()
    def crash(self):
        self._note()
        # What was acknowledged and not committed may come again; what was eagerly confirmed may be lost.
        self.acked = set(self.acked_for_good)
        self.seen = len(self.rig.delivered)
        stored = {message.data for message in self.rig.store.messages.values()} | self.acked_for_good
        if self.eager:
            self.confirmed = {body: where for body, where in self.confirmed.items() if body in stored}
        self.batches = []
        self.rig.crash()
        self.rig.settle()

    # ---- what must hold

    def _ack(self, consumer, codes):
        bodies = dict(consumer.got)
        self._note()
        self.rig.ack(consumer, codes)
        if not self.broadcast:
            self.acked.update(bodies[code] for code in codes)
        self.rig.settle()

    def _note(self):
        """Look at what was confirmed and delivered since the last look."""
        self.latest = max(self.latest, self.rig.now.wall)
        for producer, topic, bodies, due in self.batches:
            if producer.confirmed_count:
                assert producer.confirmed_count == len(bodies)
                assert not producer.refused_count
                self.confirmed.update((body, (topic, due)) for body in bodies)
        self.batches = [entry for entry in self.batches if not entry[0].confirmed_count]
        for consumer, _, message in self.rig.delivered[self.seen :]:
            assert message.data in self.confirmed, "delivered before it was confirmed"
            topic, due = self.confirmed[message.data]
            assert consumer.topic == topic
            assert due <= self.latest, "delivered before it was due"
            assert message.data not in self.acked, "delivered after it was acknowledged"
            if consumer.credit is None and not self.broadcast:
                self.acked.add(message.data)
        self.seen = len(self.rig.delivered)

    @invariant()
    def nothing_wrong(self):
        if not hasattr(self, "rig"):
            return
        self._note()
        if not self.broadcast:
            messages, consumed = self.rig.store.messages, self.rig.store.consumed
            stored = {message.data for message in messages.values()}
            self.ever_stored |= stored
            self.acked_for_good |= {message.data for message in messages.values() if message.id in consumed}
            if self.rig.rules.clean_consumed:
                self.acked_for_good |= self.acked & self.ever_stored - stored
        for consumer in self.rig.consumers:
            held = consumer.leases
            assert consumer.credit is None or len(held) <= consumer.credit
        counts = self.rig.broker.counts()
        assert min(counts) >= 0, counts
        assert not apart(self.rig.broker)
        assert self.rig.broker.figures().in_flight == sum(len(c.leases) for c in self.rig.consumers)
        for topic in self.rig.broker.topics():
            assert topic.in_flight == sum(len(c.leases) for c in self.rig.consumers if c.topic == topic.topic)

    def teardown(self):
        """Everything that was confirmed is delivered in the end, acknowledged once, and leaves nothing behind."""
        if not hasattr(self, "rig"):
            return
        rig = self.rig
        rig.reads_fail = False
        for consumer in list(rig.consumers):
            rig.disconnect(consumer)
        rig.commit()
        self._note()
        ever = {message.data for _, _, message in rig.delivered}
        before = len(rig.delivered)
        rig.now = rig.now._replace(wall=self.latest)
        consumers = [rig.connect(topic, 100) for topic in TOPICS]
        for _ in range(8):
            rig.wait(61.0)
            for consumer in consumers:
                self._ack(consumer, list(consumer.held))
            rig.commit()
        after = {message.data for _, _, message in rig.delivered[before:]}
        missing = set(self.confirmed) - after - (ever if self.broadcast else self.acked)
        assert not missing, f"never delivered: {missing}"
        assert rig.broker.figures().memory == 0, "bodies stay in memory"
        assert rig.broker.figures().in_flight == 0
        counts = rig.broker.counts()
        assert counts.waiting == counts.delayed == 0, counts
        assert counts.all == len(rig.store.messages)
        assert rig.broker.next_wait(rig.now) is None


class BrokerModelTests(SynchronousTestCase):
    def test_no_message_is_lost_and_none_invented(self):
        case = BrokerModel.TestCase("runTest")
        case.settings = settings(parent=settings.default, stateful_step_count=40)
        case.runTest()

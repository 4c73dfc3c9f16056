"""Whatever is deleted at whatever time, every count stays right."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from twisted.trial.unittest import SynchronousTestCase

from tests.core.test_broker_model import BrokerModel


class DeletingModel(BrokerModel):
    """The model of all that may happen, with deletions and overlapping commits, and a schedule of three."""

    def __init__(self):
        super().__init__()
        self.deleted = set()

    def narrow(self):
        self.rig.broker.schedule._nearest = 3
        self.rig.broker.schedule._most = 6

    @precondition(lambda self: self.rig.store.messages)
    @rule(data=st.data())
    def delete(self, data):
        self.narrow()
        body = data.draw(st.sampled_from(sorted(message.data for message in self.rig.store.messages.values())))
        self.rig.delete(body)
        self.deleted.add(body)

    @precondition(lambda self: self.rig.taken is not None)
    @rule()
    def end_commit_into_the_next(self):
        self.rig.end_commit_into_the_next()

    def teardown(self):
        if not hasattr(self, "rig"):
            return
        self.rig.commit()
        self._note()
        stored = {message.data for message in self.rig.store.messages.values()}
        for body in self.deleted:
            if body not in stored:
                self.confirmed.pop(body, None)
        super().teardown()
        assert len(self.rig.broker.schedule) == 0


class DeletingModelTests(SynchronousTestCase):
    def test_deletions_at_any_time_leave_every_count_right(self):
        case = DeletingModel.TestCase("runTest")
        case.settings = settings(parent=settings.default, stateful_step_count=40)
        case.runTest()

"""Groups with something that waits, and those who look at it."""

from kapokmq.core.engine import Wish
from kapokmq.core.policy import GroupConfig
from kapokmq.core.rules import Rules
from kapokmq.services.backlogs import Backlogs
from tests.services.engine import BEGIN, EngineCase, Receiver, drafts


class BacklogCase(EngineCase):
    """An engine whose backlogs are looked into. Times are seconds since the test began."""

    def setUp(self):
        self.make(Rules(max_attempts=1), prompt=True)
        self.backlogs = Backlogs(self.admin.parts)

    def group(self, topic, name, **config):
        self.answer(self.admin.create_group(topic, name, "all", GroupConfig(**config)))

    def publish(self, topic, *bodies, delay=0):
        """A second later than the ones before."""
        self.wait(1)
        self.answer(self.engine.send(topic, drafts(*bodies, delay=delay)))
        self.turn()

    def survey(self):
        return self.answer(self.backlogs.survey())

    def dated(self, topic="a"):
        """By group, in seconds since the test began."""
        found = self.answer(self.backlogs.dated(self.groups(topic)))
        return {one.name: None if one.oldest is None else (one.oldest - BEGIN) / 1000 for one in found}

    def oldest(self):
        """The same of all, and how many nobody consumes."""
        found, deserted = self.survey()
        return None if found is None else ((found.since - BEGIN) / 1000, found.topic, found.group), deserted

    def joined(self, topic, group, credit):
        receiver = Receiver()
        receiver.handle = self.answer(self.engine.join(receiver, topic, Wish(group, credit)))
        self.engine.drained(receiver.handle)
        self.turn()
        return receiver

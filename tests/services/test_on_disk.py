"""What holds over the scripted store holds over the file, so that neither promises what the other does not."""

from kapokmq.core.errors import MisuseError
from tests.services import test_drain, test_receiving, test_sessions
from tests.services.admin import (
    test_dead,
    test_groups,
    test_groups_deleted,
    test_life,
    test_messages,
    test_schedule,
    test_topics,
)
from tests.services.disk import OnDisk


class JoinTests(OnDisk, test_receiving.JoinTests):
    """Where groups begin."""


class SayingTests(OnDisk, test_receiving.SayingTests):
    """Acks, nacks, touches."""


class DismissedTests(OnDisk, test_receiving.DismissedTests):
    """Deleted under those who consume."""


class SendAgainTests(OnDisk, test_sessions.SendAgainTests):
    """Sessions."""


class EagerTests(OnDisk, test_sessions.EagerTests):
    """Sessions, at isPersistent 1."""


class DrainTests(OnDisk, test_drain.DrainTests):
    """A node that drains."""


class TopicsSeenTests(OnDisk, test_topics.SeenTests):
    """Topics."""


class TopicsMadeTests(OnDisk, test_topics.MadeTests):
    """Topics."""


class TopicsPurgedTests(OnDisk, test_topics.PurgedTests):
    """Topics."""


class TopicsDeletedTests(OnDisk, test_topics.DeletedTests):
    """Topics."""


class TopicsFailureTests(OnDisk, test_topics.FailureTests):
    """Topics."""

    def test_a_topic_that_was_deleted_while_the_disk_failed_may_come_back(self):
        try:
            super().test_a_topic_that_was_deleted_while_the_disk_failed_may_come_back()
        finally:
            self.flushLoggedErrors(MisuseError)


class GroupsSeenTests(OnDisk, test_groups.SeenTests):
    """Groups."""


class GroupsMadeTests(OnDisk, test_groups.MadeTests):
    """Groups."""


class GroupsChangedTests(OnDisk, test_groups.ChangedTests):
    """Groups."""


class GroupsPurgedTests(OnDisk, test_groups_deleted.PurgedTests):
    """Groups."""


class GroupsDeletedTests(OnDisk, test_groups_deleted.DeletedTests):
    """Groups."""


class GroupsFailureTests(OnDisk, test_groups_deleted.FailureTests):
    """Groups."""

    def test_a_group_that_was_deleted_while_the_disk_failed_may_come_back(self):
        try:
            super().test_a_group_that_was_deleted_while_the_disk_failed_may_come_back()
        finally:
            self.flushLoggedErrors(MisuseError)


class LookTests(OnDisk, test_messages.LookTests):
    """Searches."""


class BulkTests(OnDisk, test_messages.BulkTests):
    """Messages deleted."""


class ScheduleTests(OnDisk, test_schedule.ScheduleTests):
    """Delayed messages."""


class HoursTests(OnDisk, test_messages.HoursTests):
    """Counts."""


class LifeTests(OnDisk, test_life.LifeTests):
    """Lives."""


class BrowsedTests(OnDisk, test_dead.BrowsedTests):
    """Dead letters."""


class SentAgainTests(OnDisk, test_dead.SentAgainTests):
    """Dead letters."""


class DeadPurgedTests(OnDisk, test_dead.PurgedTests):
    """Dead letters."""


class DeadFailureTests(OnDisk, test_dead.FailureTests):
    """Dead letters."""

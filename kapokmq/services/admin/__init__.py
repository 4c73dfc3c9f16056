"""What operators ask of the embedded engine: core/admin.py's interface, a file a resource."""

from kapokmq.services.admin.counts import CountDesk
from kapokmq.services.admin.dead import DeadDesk
from kapokmq.services.admin.desk import Backstage
from kapokmq.services.admin.groups import GroupDesk
from kapokmq.services.admin.messages import MessageDesk
from kapokmq.services.admin.topics import TopicDesk

__all__ = ["Administration", "Backstage"]


class Administration(TopicDesk, GroupDesk, MessageDesk, DeadDesk, CountDesk):
    """The Admin of an embedded engine. `rate` is how many dead letters a second are sent again."""

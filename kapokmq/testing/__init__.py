"""A whole broker in memory, for tests of programs that use one: see docs/testing.md.

Nothing here needs a running reactor or an event loop. What a test does is done when the call returns.
"""

from kapokmq.testing.asks import Progress, Record
from kapokmq.testing.machine import Refused
from kapokmq.testing.node import MemoryNode, Published
from kapokmq.testing.received import Ended, Message, Subscription

__all__ = ["Ended", "MemoryNode", "Message", "Progress", "Published", "Record", "Refused", "Subscription"]

"""What v2 clients send, written for tests, and read."""

import json

from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.codec.rejected import Rejected
from kapokmq.core.codec.v2 import (
    decode,
)

LONGEST = 1000


def frame(op, **fields):
    return json.dumps({"op": op, **fields}).encode()


def publish(*messages, **fields):
    return frame("publish", **{"id": 1, "topic": "orders", "messages": messages, **fields})


def read(data):
    return decode(data, LONGEST)


class V2Case(SynchronousTestCase):
    """Reads and refuses."""

    def refused(self, data, name="badRequest", text=None, *, request=None, sub=None, index=None):
        fault = self.assertRaises(Rejected, read, data)
        self.assertEqual((fault.name, fault.id, fault.sub, fault.index), (name, request, sub, index), fault)
        if text is not None:
            self.assertEqual(str(fault), text)

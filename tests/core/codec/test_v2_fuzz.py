"""Junk on the v2 wire."""

import json

from hypothesis import example, given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.codec.v2 import (
    Publish,
)
from kapokmq.core.errors import PeerError
from tests.core.codec.v2_frames import LONGEST, read

_scalar = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
_anything = st.recursive(
    _scalar, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
)
_message = st.fixed_dictionaries(
    {"data": st.text(max_size=30) | _anything},
    optional={
        "delay": st.floats(-1, 4e9) | _anything,
        "at": st.floats(-1, 3e11) | _anything,
        "expire": st.floats(-1, 4e9) | _anything,
        "key": st.text(max_size=300) | _anything,
        "headers": st.dictionaries(st.text(), st.text()) | _anything,
    },
)
_names = ["hello", "publish", "subscribe", "credit", "ack", "nack", "touch", "unsubscribe", "other"]
_ids = st.integers(-1, 2**53) | _anything
_op = st.fixed_dictionaries(
    {"op": st.sampled_from(_names)},
    optional={
        "id": _ids,
        "sub": _ids,
        "topic": st.text() | _anything,
        "messages": st.lists(_message, max_size=4) | _anything,
        "codes": st.lists(st.text(), max_size=3) | _anything,
        "n": _ids,
        "group": _anything,
        "start": _anything,
        "reason": _anything,
    },
)


class FuzzTests(SynchronousTestCase):
    """Junk is read or refused, and nothing else."""

    def tried(self, data):
        try:
            op = read(data)
        except PeerError:
            return
        for draft in op.drafts if isinstance(op, Publish) else ():
            self.assertLessEqual(len(draft.data.encode()), LONGEST)
            self.assertTrue(draft.delay_ms >= 0 and 0 <= draft.expire_ms < 1 << 53)
            self.assertTrue(draft.due is None or 0 <= draft.due < 1 << 53)

    @given(st.binary(max_size=200))
    @example(b'{"op":"hello","id":' + b"9" * 5000 + b"}")
    @example(b'{"op":"publish","id":1,"topic":"a","messages":[{"data":' + b"9" * 5000 + b"}]}")
    @example(b'{"op":"publish","id":1,"topic":"a","messages":[{"data":"","delay":1e400}]}')
    @example(b"\xef\xbb\xbf{}")
    def test_bytes(self, data):
        self.tried(data)

    @given(_op)
    def test_ops(self, op):
        self.tried(json.dumps(op).encode())

    @given(_op, st.data())
    def test_mutilated_ops(self, op, data):
        frame = bytearray(json.dumps(op).encode())
        at = data.draw(st.integers(0, len(frame) - 1))
        frame[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
        self.tried(bytes(frame))

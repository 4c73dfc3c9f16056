"""What nodes say of themselves."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from serena.core.errors import MisuseError
from serena.core.node_meta import LONGEST, read_meta, write_meta


class NodeMetaTests(SynchronousTestCase):
    def test_it_is_read_as_it_was_written(self):
        raw = write_meta("0.1.0", ("classic", "v2"), 3)
        self.assertEqual(raw, b'{"v":"0.1.0","p":["classic","v2"],"l":3}')
        self.assertEqual(read_meta(raw), {"v": "0.1.0", "p": ["classic", "v2"], "l": 3})

    def test_a_later_version_may_say_more(self):
        self.assertEqual(read_meta(b'{"v":"2","p":[],"l":0,"z":[1]}'), {"v": "2", "p": [], "l": 0, "z": [1]})

    def test_anything_else_is_not_ours(self):
        for raw in [
            None, b"", b"x", b"{}", b"[]", b'{"v":1,"p":[],"l":0}', b'{"v":"","p":[1],"l":0}', b'{"v":"","p":[]}',
            b'{"v":"","p":[],"l":0.5}', b'{"v":"","p":[],"l":0}x', b'{"v":"\xff","p":[],"l":0}', b"[" * 400,
            b'{"v":"' + b"v" * LONGEST + b'","p":[],"l":0}', b'{"v":"","p":[],"l":0,"x":' + b"[" * 400,
        ]:  # fmt: skip
            self.assertIsNone(read_meta(raw), raw)

    @given(st.binary(max_size=600))
    def test_junk_is_read_or_refused(self, junk):
        read_meta(junk)
        read_meta(b'{"v":"' + junk + b'","p":[],"l":0}')

    def test_too_much_is_a_bug(self):
        self.assertRaises(MisuseError, write_meta, "v" * LONGEST, ())

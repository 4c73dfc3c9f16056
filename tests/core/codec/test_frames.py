"""Server frames."""

from autobahn.websocket.protocol import PreparedMessage
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.codec.frames import close_payload, is_utf8, text_frame, text_frames


class FrameTests(SynchronousTestCase):
    """Frames against Autobahn's own."""

    def test_every_length_is_framed_as_autobahn_does(self):
        for length in (0, 1, 125, 126, 127, 65_535, 65_536, 70_000):
            payload = b"x" * length
            prepared = PreparedMessage(payload, isBinary=False, applyMask=False, doNotCompress=True)
            self.assertEqual(text_frame(payload), prepared.payloadHybi, length)

    def test_texts_become_a_frame_each(self):
        self.assertEqual(text_frames("ok", "é"), b"\x81\x02ok\x81\x02\xc3\xa9")
        self.assertEqual(text_frames(), b"")

    def test_a_close_payload_is_code_then_reason(self):
        self.assertEqual(close_payload(1008, "no"), b"\x03\xf0no")
        self.assertEqual(close_payload(1000, ""), b"\x03\xe8")
        self.assertEqual(close_payload(None, "unsaid"), b"")

    @given(st.text())
    def test_a_reason_is_cut_between_characters(self, reason):
        payload = close_payload(1007, reason)
        self.assertLessEqual(len(payload), 125)
        self.assertTrue(reason.encode("utf-8", "replace").startswith(payload[2:]))
        payload[2:].decode("utf-8")


class ReasonTests(SynchronousTestCase):
    def test_a_reason_is_utf8_or_not(self):
        self.assertTrue(is_utf8("é".encode()))
        self.assertFalse(is_utf8(b"\xff"))

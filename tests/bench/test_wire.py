"""The client's side of WebSocket, against the rules of RFC 6455 read the slow way."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from bench import wire


def opened(data):
    """Every frame of a client in some bytes: `[(opcode, mask, payload), …]`."""
    found = []
    while data:
        length, at = data[1] & 127, 2
        assert data[0] & 0x80 and data[1] & 0x80, "unfragmented and masked"
        if length == 126:
            length, at = int.from_bytes(data[2:4], "big"), 4
        elif length == 127:
            length, at = int.from_bytes(data[2:10], "big"), 10
        mask, rest = data[at : at + 4], data[at + 4 :]
        found.append((data[0] & 15, mask, bytes(byte ^ mask[i % 4] for i, byte in enumerate(rest[:length]))))
        data = rest[length:]
    return found


def of_server(payload, opcode=wire.TEXT):
    """A frame of a server."""
    masked = wire.frame(payload, opcode)
    size = len(masked) - len(payload) - 4
    return bytes((masked[0], masked[1] & 127)) + masked[2:size] + payload


class FrameTests(SynchronousTestCase):
    @given(st.binary(max_size=300))
    def test_a_frame_is_its_payload_under_a_mask_without_zeros(self, payload):
        ((opcode, mask, read),) = opened(wire.frame(payload))
        self.assertEqual((opcode, read), (wire.TEXT, payload))
        self.assertNotIn(0, mask)

    def test_lengths_have_the_form_that_is_the_shortest(self):
        for size, head in ((0, 6), (125, 6), (126, 8), (65_535, 8), (65_536, 14)):
            data = wire.frame(b"x" * size)
            self.assertEqual(len(data), head + size)
            self.assertEqual(opened(data)[0][2], b"x" * size)

    @given(st.lists(st.binary(min_size=40, max_size=40), max_size=60))
    def test_stamped_frames_hold_the_texts_in_order(self, texts):
        read = opened(wire.StampedFrames(40).frames(texts))
        self.assertEqual([payload for _, _, payload in read], texts)
        self.assertTrue(all(0 not in mask for _, mask, _ in read))

    def test_more_stamped_frames_than_masks(self):
        texts = [b"%040d" % number for number in range(2_500)]
        read = opened(wire.StampedFrames(40).frames(texts))
        self.assertEqual([payload for _, _, payload in read], texts)
        self.assertGreater(len({mask for _, mask, _ in read}), 900)


class SplitTests(SynchronousTestCase):
    @given(st.lists(st.sampled_from([0, 1, 125, 126, 300, 70_000]), max_size=5), st.integers(0, 20))
    def test_whole_frames_are_found_and_the_rest_is_left(self, sizes, cut):
        payloads = [bytes((65 + number,)) * size for number, size in enumerate(sizes)]
        whole = b"".join(map(of_server, payloads))
        part = of_server(b"z" * 200)[:cut]
        found, end = wire.split(whole + part)
        self.assertEqual([(whole + part)[start:stop] for _, start, stop in found], payloads)
        self.assertEqual(end, len(whole))

    def test_opcodes_are_told(self):
        found, _ = wire.split(of_server(b"a", wire.PING) + of_server(b"b"))
        self.assertEqual([opcode for opcode, _, _ in found], [wire.PING, wire.TEXT])


class CounterTests(SynchronousTestCase):
    @given(st.lists(st.integers(1, 30), max_size=20), st.integers(0, 9))
    def test_marks_are_counted_wherever_reads_cut_them(self, cuts, number):
        data = b'{"op":"ok","durable":"fsync"}' * number
        counter, count, at = wire.Counter(b'"durable":"'), 0, 0
        for cut in [*cuts, len(data)]:
            count += counter.count(data[at : at + cut])
            at += cut
        self.assertEqual(count, number)

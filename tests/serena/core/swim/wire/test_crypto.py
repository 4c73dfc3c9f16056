"""Envelopes of both versions."""

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from serena.core.errors import MisuseError
from serena.core.swim.wire.crypto import OVERHEAD, PADDED_OVERHEAD, seal, sealed_length, unseal
from serena.core.swim.wire.faults import Dropped
from tests.serena.core.swim.wire.vectors import KEYS, TOLERANCE

KEY, OTHER = KEYS["k16"], KEYS["k32"]
NONCE = b"12 any bytes"


class CryptoTests(SynchronousTestCase):
    """What is sealed opens with the same key and nothing else."""

    def dropped(self, reason, envelope, keys=(KEY,), **extra):
        fault = self.assertRaises(Dropped, unseal, keys, envelope, **extra)
        self.assertEqual(fault.reason, reason)

    @given(st.binary(min_size=1, max_size=300), st.booleans(), st.binary(max_size=9))
    def test_it_comes_back_and_is_as_long_as_was_said(self, plain, padded, extra):
        envelope = seal(KEY, plain, nonce=NONCE, extra=extra, padded=padded)
        self.assertEqual(len(envelope), sealed_length(len(plain), padded=padded))
        self.assertLessEqual(len(envelope) - len(plain), PADDED_OVERHEAD if padded else OVERHEAD)
        self.assertEqual(unseal([OTHER, KEY], envelope, extra=extra), plain)
        self.dropped("decrypt", envelope, extra=extra + b"!")

    def test_other_keys_don_t_open_it(self):
        envelope = seal(KEY, b"hello", nonce=NONCE)
        self.dropped("decrypt", envelope, [OTHER])
        self.dropped("decrypt", envelope, [])

    def test_any_bit_counts_but_those_of_the_version(self):
        envelope = seal(KEY, b"hello", nonce=NONCE)
        for i in range(8, 8 * len(envelope)):
            spoiled = bytearray(envelope)
            spoiled[i >> 3] ^= 1 << (i & 7)
            self.dropped("decrypt", bytes(spoiled))
        for end in range(len(envelope)):
            self.dropped("decrypt", envelope[:end])
        for version in range(2, 256):
            self.dropped("decrypt", bytes((version,)) + envelope[1:])

    def test_padding_must_be_right_in_every_byte(self):
        def flipped(plain):
            return b"\0" + seal(KEY, plain, nonce=NONCE)[1:]

        self.assertEqual(unseal([KEY], flipped(b"x" * 14 + b"\2\2")), b"x" * 14)
        for plain in (b"x" * 15 + b"\0", b"x" * 15 + b"\x11", b"x" * 31 + b"\xff", b"x" * 14 + b"\1\2"):
            self.dropped("decrypt", flipped(plain))
        self.dropped("decrypt", bytes.fromhex(TOLERANCE["enc_version_flip_bad_pad"]["hex"]))

    def test_nothing_is_not_sealed_and_found_out(self):
        self.assertRaises(MisuseError, seal, KEY, b"", nonce=NONCE)
        self.dropped("empty", b"\0" + seal(KEY, b"\x10" * 16, nonce=NONCE)[1:])
        self.dropped("empty", b"\1" + NONCE + AESGCM(KEY).encrypt(NONCE, b"", b""))

    def test_a_nonce_has_12_bytes(self):
        for nonce in (b"", b"short", bytes(13)):
            self.assertRaises(MisuseError, seal, KEY, b"hello", nonce=nonce)

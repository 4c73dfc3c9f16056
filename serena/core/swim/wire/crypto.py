"""Sealing with AES-GCM. An envelope is 1 byte of version, 12 of nonce, the ciphertext, 16 of tag.

Version 1 seals the bytes as they are; version 0, of nodes that speak protocol 1, pads them to blocks of 16 first. The
version is not authenticated: anybody can turn 1 into 0, so padding must be right in every byte.
"""

from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from serena.core.errors import MisuseError
from serena.core.swim.wire.faults import Dropped

NONCE = 12
_TAG = 16
_BLOCK = 16

OVERHEAD = 1 + NONCE + _TAG
"""What version 1 adds, which is also the shortest envelope there is."""
PADDED_OVERHEAD = OVERHEAD + _BLOCK
"""What version 0 adds at most, and its shortest envelope."""

_SHORTEST = (PADDED_OVERHEAD, OVERHEAD)  # by version


def seal(key: bytes, plain: bytes, *, nonce: bytes, extra: bytes = b"", padded: bool = False) -> bytes:
    """The envelope of `plain`; `extra` is authenticated but not in it. Raises MisuseError: Go dies of an empty one."""
    if not plain:
        raise MisuseError("there is nothing to encrypt")
    if len(nonce) != NONCE:
        raise MisuseError(f"a nonce of {len(nonce)} bytes")
    if padded:
        pad = _BLOCK - len(plain) % _BLOCK
        plain += bytes((pad,)) * pad
    return bytes((not padded,)) + nonce + AESGCM(key).encrypt(nonce, plain, extra)


def sealed_length(length: int, *, padded: bool) -> int:
    """How long the envelope of so many bytes is."""
    return OVERHEAD + length + (_BLOCK - length % _BLOCK if padded else 0)


def unseal(keys: Sequence[bytes], envelope: bytes, *, extra: bytes = b"") -> bytes:
    """What is in the envelope, by the first of `keys` that opens it. Raises Dropped."""
    if not envelope or envelope[0] >= len(_SHORTEST) or len(envelope) < _SHORTEST[envelope[0]]:
        raise Dropped("decrypt")
    nonce, sealed = envelope[1 : 1 + NONCE], envelope[1 + NONCE :]
    for key in keys:
        try:
            plain = AESGCM(key).decrypt(nonce, sealed, extra)
        except InvalidTag:
            continue
        plain = plain if envelope[0] else _unpadded(plain)
        if not plain:
            raise Dropped("empty")
        return plain
    raise Dropped("decrypt")


def _unpadded(plain: bytes) -> bytes:
    """`plain`, at least a block of it, without its padding. Raises Dropped."""
    pad = plain[-1]
    if not 0 < pad <= _BLOCK or not plain.endswith(bytes((pad,)) * pad):
        raise Dropped("decrypt")
    return plain[:-pad]

"""What can be wrong with bytes that came from another member."""

from collections.abc import Mapping
from types import MappingProxyType

from serena.core.errors import PeerError

_TEXTS: Mapping[str, str] = MappingProxyType(
    {
        "empty": "there is no message in it",
        "truncated": "it ends too soon",
        "malformed": "it is not what a member writes",
        "unknownType": "no message of that type may come that way",
        "nested": "wrapped or nested too deep",
        "oversized": "larger than is allowed",
        "tooMany": "more of them than are allowed",
        "bomb": "it unpacks to more than is allowed",
        "algorithm": "compressed in an unknown way",
        "crc": "the checksum does not match",
        "decrypt": "no key that we have opens it",
        "plaintext": "encryption is configured but this is not encrypted",
        "encrypted": "this is encrypted and encryption is not configured",
        "label": "the label is not ours",
        "badName": "a name has 1 to 255 bytes",
        "badAddress": "an address has 4 or 16 bytes",
        "badPort": "a port is from 0 to 65535",
        "badMeta": "metadata has up to 512 bytes",
        "badVersions": "of versions there are six, or none",
    }
)

REASONS: tuple[str, ...] = tuple(_TEXTS)
"""Every reason there is: one counter each."""


class Dropped(PeerError):
    """Not fit to be read. `reason` is one of REASONS; the text says it in words and holds nothing of what came.

    `answerable` says whether whoever opened the stream is to be told with an Err (only what could not be unwrapped).
    """

    def __init__(self, reason: str, *, answerable: bool = False) -> None:
        super().__init__(_TEXTS[reason])
        self.reason = reason
        self.answerable = answerable

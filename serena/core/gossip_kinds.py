"""What the keys of gossip take, beside what all keys may: places to join, keys that encrypt, versions, labels."""

import re
from base64 import b64decode
from binascii import Error as BinasciiError
from ipaddress import ip_address
from typing import NamedTuple

from serena.core.kinds import Host, Kind, Text, UnfitError
from serena.core.node_name import bracketed

MOST_PLACES = 64
MOST_KEYS = 16
HIGHEST_VERSION = 255
LONGEST_LABEL = 255  # bytes

_HIGHEST_PORT = 65_535
_KEY_LENGTHS = (16, 24, 32)  # AES-128, AES-192, AES-256
_PLACE = re.compile(r"(?:\[(?P<v6>[^\]]+)\]|(?P<host>[^\[\]:]+))(?::(?P<port>[0-9]{1,5}))?")


class Place(NamedTuple):
    """Where somebody of the pool may be found. `port` is None where it is the usual one."""

    host: str
    port: int | None = None

    def __str__(self) -> str:
        return bracketed(self.host) if self.port is None else f"{bracketed(self.host)}:{self.port}"


class Places(Kind):
    """Hosts with or without a port: a list, or one text with commas."""

    @property
    def allowed(self) -> str:
        """In words."""
        return "a host, host:port, or a list of them; an IPv6 address with a port in brackets"

    def read(self, value: object) -> tuple[Place, ...]:
        """The places, each once, in their order."""
        given = self.parse(value) if isinstance(value, str) else value
        if not isinstance(given, list | tuple) or len(given) > MOST_PLACES:
            raise UnfitError
        return tuple(dict.fromkeys(_place(each) for each in given))

    def written(self, value: tuple[Place, ...]) -> str | list[str]:
        """As text; one place is no list."""
        return str(value[0]) if len(value) == 1 else [str(each) for each in value]

    def parse(self, text: str) -> list[str]:
        """The parts between commas."""
        return [part.strip() for part in text.split(",") if part.strip()]


def _place(text: object) -> Place:
    if not isinstance(text, str):
        raise UnfitError
    if text.count(":") > 1 and not text.startswith("["):
        return Place(_address(text))  # an IPv6 address alone
    found = _PLACE.fullmatch(text)
    if found is None:
        raise UnfitError
    host = _address(found["v6"]) if found["v6"] else Host(253).read(found["host"])
    if found["port"] is None:
        return Place(host)
    if not 0 < int(found["port"]) <= _HIGHEST_PORT:
        raise UnfitError
    return Place(host, int(found["port"]))


def _address(text: str) -> str:
    try:
        return str(ip_address(text))
    except ValueError as error:
        raise UnfitError from error


class GossipKeys(Kind):
    """Keys that encrypt what members say: the first encrypts, each decrypts."""

    secret = True

    @property
    def allowed(self) -> str:
        """In words."""
        return f"a list of at most {MOST_KEYS} keys, each 16, 24 or 32 bytes in base64"

    def read(self, value: object) -> tuple[bytes, ...]:
        """The keys, each once."""
        given = self.parse(value) if isinstance(value, str) else value
        if not isinstance(given, list | tuple) or len(given) > MOST_KEYS:
            raise UnfitError
        return tuple(dict.fromkeys(_key(each) for each in given))

    def written(self, value: tuple[bytes, ...]) -> list[str]:
        """Three stars for each, whatever they are."""
        return ["***"] * len(value)

    def parse(self, text: str) -> list[str]:
        """The parts between commas."""
        return [part.strip() for part in text.split(",") if part.strip()]


def _key(text: object) -> bytes:
    if not isinstance(text, str):
        raise UnfitError
    try:
        key = b64decode(text, validate=True)
    except (BinasciiError, ValueError) as error:
        raise UnfitError from error
    if len(key) not in _KEY_LENGTHS:
        raise UnfitError
    return key


class Versions(Kind):
    """The least, the highest and the current version of a delegate: what programs above memberlist speak."""

    @property
    def allowed(self) -> str:
        """In words."""
        return f"a list of three whole numbers from 0 to {HIGHEST_VERSION}: least, highest, current"

    def read(self, value: object) -> tuple[int, int, int]:
        """The three, of which the current one is between the others."""
        if not isinstance(value, list | tuple) or len(value) != len(("least", "highest", "current")):
            raise UnfitError
        if not all(isinstance(each, int) and not isinstance(each, bool) for each in value):
            raise UnfitError
        least, highest, current = value
        if not 0 <= least <= current <= highest <= HIGHEST_VERSION:
            raise UnfitError
        return least, highest, current

    def written(self, value: tuple[int, int, int]) -> list[int]:
        """As a list."""
        return list(value)

    def parse(self, text: str) -> object:
        """The numbers between commas."""
        return [super(Versions, self).parse(part.strip()) for part in text.split(",")]


class Label(Text):
    """The label of a pool, which keeps it apart from others; none is empty."""

    @property
    def allowed(self) -> str:
        """In words."""
        return f"text of at most {LONGEST_LABEL} bytes of UTF-8, printable"

    def read(self, value: object) -> bytes:
        """As it goes over the wire."""
        label = str(super().read(value)).encode()
        if len(label) > LONGEST_LABEL:
            raise UnfitError
        return label

    def written(self, value: bytes) -> str:
        """As text."""
        return value.decode()

"""What the keys of a configuration take: numbers in a range, choices, switches, words, text, hosts, networks.

Each kind says in words what it allows, turns what was given into what the program wants and back, and refuses the rest.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any, ClassVar

from serena.core.secret import Secret

Network = IPv4Network | IPv6Network

_WHOLE = re.compile(r"[+-]?[0-9]{1,19}", re.ASCII)
_NUMBER = re.compile(r"[+-]?[0-9]{1,19}\.[0-9]{0,19}", re.ASCII)
_WORDS: Mapping[str, bool] = {"true": True, "false": False}


class UnfitError(ValueError):
    """A value is not of the kind that its key takes.

    Of a value with named parts, `parts` are those that are wrong: the path of each within it, and what is wrong.
    """

    def __init__(self, parts: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__()
        self.parts = parts


class Kind:
    """What a key takes. `allowed` says so in words, for mistakes and for the documentation."""

    secret: ClassVar[bool] = False
    section: ClassVar[bool] = False
    """Whether it is a whole section, which may be left empty and which no environment variable can give."""

    @property
    def allowed(self) -> str:
        """What is allowed, to be read after "must be"."""
        raise NotImplementedError

    def read(self, value: object) -> Any:
        """`value` as the program wants it. Raises UnfitError."""
        raise NotImplementedError

    def written(self, value: Any) -> Any:
        """What was read, as one would write it: plain data, fit for JSON. Nothing in it is secret."""
        return value

    def parse(self, text: str) -> object:
        """What `text`, from an environment variable, stands for; to be read next."""
        if _WHOLE.fullmatch(text):
            return int(text)
        if _NUMBER.fullmatch(text):
            return float(text)
        return _WORDS.get(text.lower(), text)


@dataclass(frozen=True, slots=True)
class Whole(Kind):
    """A whole number. `digits`: text of digits will do, too."""

    least: int
    most: int
    digits: bool = False

    @property
    def allowed(self) -> str:
        """The range."""
        return f"a whole number from {self.least} to {self.most}"

    def read(self, value: object) -> int:
        """An int in range; True is none."""
        if self.digits and isinstance(value, str):
            value = self.parse(value)
        if not isinstance(value, int) or isinstance(value, bool) or not self.least <= value <= self.most:
            raise UnfitError
        return value


@dataclass(frozen=True, slots=True)
class Number(Kind):
    """A number, fractions allowed."""

    least: float
    most: float

    @property
    def allowed(self) -> str:
        """The range."""
        return f"a number from {self.least} to {self.most}"

    def read(self, value: object) -> float:
        """A float in range, which neither NaN nor the infinities are."""
        if not isinstance(value, int | float) or isinstance(value, bool) or not self.least <= value <= self.most:
            raise UnfitError
        return float(value)

    def written(self, value: float) -> float:
        """Without a fraction where there is none."""
        return int(value) if value == int(value) else value


@dataclass(frozen=True, slots=True)
class Choice(Kind):
    """One of a few numbers, each of which stands for something."""

    choices: tuple[int, ...]

    @property
    def allowed(self) -> str:
        """All of them."""
        return ", ".join(map(str, self.choices[:-1])) + f" or {self.choices[-1]}"

    def read(self, value: object) -> int:
        """The number; True is none."""
        if not isinstance(value, int) or isinstance(value, bool) or value not in self.choices:
            raise UnfitError
        return value


@dataclass(frozen=True, slots=True)
class Switch(Kind):
    """On or off."""

    @property
    def allowed(self) -> str:
        """As the documentation writes it; true and false are taken as well."""
        return "0 or 1"

    def read(self, value: object) -> bool:
        """A bool."""
        if not isinstance(value, int) or value not in (0, 1):
            raise UnfitError
        return bool(value)

    def written(self, value: bool) -> int:  # noqa: FBT001 -- it is the value itself
        """As the documentation writes it."""
        return int(value)


@dataclass(frozen=True, slots=True)
class Words(Kind):
    """One of a few words."""

    words: tuple[str, ...]

    @property
    def allowed(self) -> str:
        """All of them."""
        return ", ".join(self.words[:-1]) + f" or {self.words[-1]}"

    def read(self, value: object) -> str:
        """The word, in this very spelling."""
        if not isinstance(value, str) or value not in self.words:
            raise UnfitError
        return value


@dataclass(frozen=True, slots=True)
class Text(Kind):
    """Printable text."""

    most: int = 1024
    least: int = 1

    @property
    def allowed(self) -> str:
        """The range of its length."""
        return f"text of {self.least} to {self.most} printable characters"

    def read(self, value: object) -> Any:
        """A str."""
        if not isinstance(value, str) or not self.least <= len(value) <= self.most or not value.isprintable():
            raise UnfitError
        return value

    def parse(self, text: str) -> object:
        """Itself, even where it looks like a number."""
        return text


class SecretText(Text):
    """Text that nobody may see."""

    secret = True

    def read(self, value: object) -> Secret:
        """A Secret."""
        return Secret(super().read(value))

    def written(self, value: Secret) -> str:
        """Three stars, whatever it is."""
        return "***"


class Host(Text):
    """A host, by name or address."""

    @property
    def allowed(self) -> str:
        """In words."""
        return "a host name or an IP address"

    def read(self, value: object) -> str:
        """The host, as given."""
        text: str = super().read(value)
        if set(text) & set(" /@[]"):
            raise UnfitError
        return text


class Address(Text):
    """An IP address of this machine."""

    @property
    def allowed(self) -> str:
        """In words."""
        return "an IP address"

    def read(self, value: object) -> str:
        """The address, in its usual spelling."""
        try:
            return str(ip_address(super().read(value)))
        except ValueError as error:
            raise UnfitError from error


class Networks(Kind):
    """IP addresses and networks."""

    @property
    def allowed(self) -> str:
        """In words."""
        return "a list of IP addresses and networks (10.0.0.0/8)"

    def read(self, value: object) -> tuple[Network, ...]:
        """The networks; an address is a network of one."""
        # A number would be taken for an address, so only text goes on.
        if not isinstance(value, list | tuple) or not all(isinstance(each, str) for each in value):
            raise UnfitError
        try:
            return tuple(map(ip_network, value))
        except ValueError as error:
            raise UnfitError from error

    def written(self, value: tuple[Network, ...]) -> list[str]:
        """As text; an address is a network of one."""
        return [str(each) for each in value]

    def parse(self, text: str) -> object:
        """The parts between commas."""
        return [part.strip() for part in text.split(",") if part.strip()]

"""A key that compares in constant time and never prints itself."""

import hmac


class Secret:
    """A shared key, as text. Neither `repr`, `str` nor formatting shows it.

    >>> Secret("test")
    Secret(***)
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value.encode("utf-8", "surrogatepass")

    def matches(self, guess: str | bytes) -> bool:
        """Whether `guess` is the key; takes the same time wherever they differ."""
        given = guess if isinstance(guess, bytes) else guess.encode("utf-8", "surrogatepass")
        return hmac.compare_digest(self._value, given)

    def reveal(self) -> str:
        """The key itself, for the one who must send it. Never hand the answer to a log or an error."""
        return self._value.decode("utf-8", "surrogatepass")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self._value, other._value)

    def __hash__(self) -> int:
        return hash(self._value)

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__

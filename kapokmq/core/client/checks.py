"""What is looked at where it is asked for, so that who asks for nonsense learns it, and nobody else.

All of a client shares one connection, and what is written there is written later: what no frame can hold, or no broker
reads, must not come that far. What a broker can refuse by itself is left to it, except where nobody would be told.
"""

from typing import Any

from kapokmq.core.client.errors import refused
from kapokmq.core.codec.v2 import LONGEST_REASON, MOST_CREDIT
from kapokmq.core.errors import BadName
from kapokmq.core.message import LONGEST_DELAY
from kapokmq.core.names import check_name

__all__ = ["LONGEST_DELAY", "check_credit", "check_number", "check_text", "told_reason", "wire_name"]


def check_text(value: Any, what: str) -> None:
    """Raise TypeError for what is no text."""
    if not isinstance(value, str):
        raise TypeError(f"{what}: is no text, but {type(value).__name__}")


def wire_name(value: Any, what: str) -> str:
    """Give a topic's or group's name back. Raises TypeError, and Refused (badName) as a broker would."""
    check_text(value, what)
    try:
        return check_name(value, what)
    except BadName as error:
        raise refused(error.name, str(error)) from None


def check_number(value: Any, what: str, least: float, most: float) -> None:
    """Raise TypeError for what is no number, ValueError for one that is outside."""
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise TypeError(f"{what}: is no number, but {type(value).__name__}")
    if not least <= value <= most:  # nor is what is not a number
        raise ValueError(f"{what}: {value} is outside {least}..{most}")


def check_credit(value: Any) -> None:
    """Raise TypeError for what is no integer, ValueError for one that no subscription may have."""
    if type(value) is not int:
        raise TypeError(f"credit: is no integer, but {type(value).__name__}")
    check_number(value, "credit", 0, MOST_CREDIT)


def told_reason(delay: Any, reason: Any) -> str:
    """The reason of a nack as it can be told. Raises TypeError and ValueError for what makes no sense.

    It is often an error's text: so what is too long is cut, and what is not Unicode replaced.
    """
    if delay is not None:
        check_number(delay, "delay", 0, LONGEST_DELAY)
    check_text(reason, "reason")
    text: str = reason[:LONGEST_REASON]
    return text if text.isascii() else text.encode("utf-8", "replace").decode()

"""Names of topics with wildcards. Levels are split at dots; `*` stands for one level, `>` at the end for one or more.

`orders.*.paid` matches `orders.eu.paid`; `orders.>` matches `orders.eu` and `orders.eu.paid`, not `orders`; `>` matches
all. In publishes, and in the paths of the classic wire, these characters stand for themselves or are refused.
"""

import re
from collections.abc import Callable

from kapokmq.core.errors import BadName
from kapokmq.core.names import check_name

ONE, REST = "*", ">"


def is_pattern(name: str) -> bool:
    """Whether a name has wildcards: levels that are one. `a*` and `>b` are names."""
    return any(level in (ONE, REST) for level in name.split("."))


def check_pattern(name: str) -> str:
    """Give the name of a topic, or a pattern, back. Raises BadName."""
    levels = check_name(name, "topic").split(".")
    if REST in levels[:-1]:
        raise BadName(f"topic: {REST} may only be the last level")
    if is_pattern(name) and "" in levels:
        raise BadName("topic: a pattern has an empty level")
    return name


def check_topic(name: str) -> str:
    """Give the name of one topic back. Raises BadName where it is empty, unreadable or a pattern."""
    check_name(name, "topic")
    if is_pattern(name):
        raise BadName(f"topic: {ONE} and {REST} are wildcards, and a message goes to one topic")
    return name


def matcher(pattern: str) -> Callable[[str], object]:
    """A quick question for many names: whether a pattern, or a plain name, stands for the topic of that name."""
    levels = ["[^.]*" if level == ONE else re.escape(level) for level in pattern.split(".")]
    if pattern.rsplit(".", maxsplit=1)[-1] == REST:
        levels[-1] = ".*"
    return re.compile(r"\.".join(levels), re.DOTALL).fullmatch


def matches(pattern: str, name: str) -> bool:
    """Whether a pattern, or a plain name, stands for the topic of that name."""
    return matcher(pattern)(name) is not None

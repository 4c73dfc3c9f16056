"""What topics, producers and consumers may be called: whatever can be read, up to 255 characters."""

import re

from kapokmq.core.errors import BadName

LONGEST_NAME = 255  # characters

# C0, DEL and C1, and surrogates, which no UTF-8 holds.
_UNREADABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def check_name(name: str, what: str) -> str:
    """Give `name` back. Raises BadName, with a text that begins with `what` it names."""
    if not name:
        raise BadName(f"{what}: is empty")
    if len(name) > LONGEST_NAME:
        raise BadName(f"{what}: is longer than {LONGEST_NAME} characters")
    found = _UNREADABLE.search(name)
    if found is not None:
        raise BadName(f"{what}: has a control character at {found.start()}")
    return name

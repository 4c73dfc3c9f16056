"""Times and durations as people type them, and as they are shown."""

import re
import time
from datetime import UTC, datetime
from typing import Any

import click

_UNITS = {"ms": 0.001, "": 1.0, "s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0, "w": 604_800.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|w)?", re.ASCII)
_NUMBER = re.compile(r"\d{1,12}(?:\.\d+)?", re.ASCII)


def parse_duration(text: str) -> float | None:
    """Seconds: `90`, `1.5`, `500ms`, `10m`, `1h30m`, `7d`. None where it is none."""
    found = list(_DURATION.finditer(text.strip()))
    if not found or "".join(one[0] for one in found) != text.strip():
        return None
    if len(found) > 1 and not all(one[2] for one in found):
        return None
    return sum(float(one[1]) * _UNITS[one[2] or ""] for one in found)


def parse_moment(text: str, now: float) -> float | None:
    """Unix seconds: a number, ISO 8601 (local where it names no zone), `now`, `-1h` (ago), `+10m` (from now on)."""
    text = text.strip()
    if text == "now":
        return now
    if text[:1] in {"-", "+"}:
        away = parse_duration(text[1:])
        return None if away is None else now + (away if text[0] == "+" else -away)
    if _NUMBER.fullmatch(text):
        return float(text)
    try:
        return datetime.fromisoformat(text).astimezone().timestamp()
    except (ValueError, OverflowError, OSError):
        return None


class Duration(click.ParamType[float]):
    """An option in seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read it, or end with a usage error."""
        seconds = value if isinstance(value, float) else parse_duration(str(value))
        if seconds is None:
            self.fail(f"{value!r} is no duration: seconds, or such as 500ms, 90s, 10m, 1h30m, 7d", param, ctx)
        return seconds


class Moment(click.ParamType[float]):
    """An option in unix seconds."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read it, or end with a usage error."""
        seconds = value if isinstance(value, float) else parse_moment(str(value), time.time())
        if seconds is None:
            self.fail(
                f"{value!r} is no time: unix seconds, 2026-11-21T08:00, 2026-11-21T08:00Z, now, -1h or +10m", param, ctx
            )
        return seconds


DURATION, MOMENT = Duration(), Moment()


def shown_moment(seconds: float | None) -> str:
    """A time for people, of their zone."""
    if seconds is None:
        return "-"
    return datetime.fromtimestamp(seconds, UTC).astimezone().isoformat(" ", "seconds")[:19]


def shown_duration(seconds: float | None) -> str:
    """A duration in two units at most: `850ms`, `12s`, `3m04s`, `2h05m`, `4d03h`."""
    if seconds is None:
        return "-"
    if seconds < 1:
        return f"{round(seconds * 1000)}ms"
    whole = round(seconds)
    for unit, below, size, part in (("m", "s", 60, 1), ("h", "m", 3_600, 60), ("d", "h", 86_400, 3_600)):
        if whole < size * {"m": 60, "h": 24, "d": 1 << 62}[unit] and whole >= size:
            return f"{whole // size}{unit}{whole % size // part:02}{below}"
    return f"{whole}s"


def shown_bytes(size: float) -> str:
    """A size in binary units."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(size) < 1024:  # noqa: PLR2004 -- what a unit is
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"

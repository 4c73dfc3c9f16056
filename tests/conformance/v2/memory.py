"""What a run of transcripts knows, and how what came is compared with what was expected."""

import copy
import json
import re
import secrets
import time
from typing import Any

_CODE = re.compile("[0-9a-f]{40}")
_CAPTURED = re.compile(r"\$[a-z]+[0-9]+")
_STAMP = {
    "$any": lambda value: True,
    "$int": lambda value: type(value) is int,
    "$number": lambda value: type(value) in {int, float},
    "$text": lambda value: type(value) is str,
    "$code": lambda value: type(value) is str and _CODE.fullmatch(value) is not None,
    "$durable": lambda value: value in {"memory", "interval", "fsync"},
}


class Differs(Exception):
    """The broker did something else than the transcript says."""


class Memory:
    """What a run knows: its own names, and what was captured."""

    def __init__(self, key: str) -> None:
        self.known: dict[str, Any] = {"$run": secrets.token_hex(6), "$key": key}
        self.limits: dict[str, int] = {}

    def frames(self, given: Any) -> list[Any]:
        """One frame, several, or `$each`: one for each number from the first to the last, which is `$i` in it."""
        if isinstance(given, dict) and "$each" in given:
            first, last, frame = given["$each"]
            text = json.dumps(frame)
            return [json.loads(text.replace('"$i"', str(number))) for number in range(first, last + 1)]
        return given if isinstance(given, list) else [given]

    def filled(self, wanted: Any) -> Any:
        """What is to be sent: names replaced by what they stand for, `$repeat` and `$times` carried out."""
        if isinstance(wanted, str):
            return self._text(wanted)
        if isinstance(wanted, list):
            return [self.filled(one) for one in wanted]
        return self._made(wanted) if isinstance(wanted, dict) else wanted

    def _made(self, wanted: dict[str, Any]) -> Any:
        if "$repeat" in wanted:
            text, *times = wanted["$repeat"]
            return text * self._count(times)
        if "$times" in wanted:
            value, *times = wanted["$times"]
            return [self.filled(value)] * self._count(times)
        if "$now" in wanted:
            return time.time() + wanted["$now"]
        return {name: self.filled(value) for name, value in wanted.items()}

    def _count(self, times: list[Any]) -> int:
        """A number, or a limit of the welcome and what is to be added to it."""
        return sum(self.limits[one] if isinstance(one, str) else one for one in times)

    def _text(self, text: str) -> Any:
        if text in self.known:
            return self.known[text]
        for name in ("$run", "$key"):
            text = text.replace(name, self.known[name])
        return text

    def match(self, wanted: Any, given: Any, where: str = "") -> None:
        """Compare, and capture what is met for the first time. Raises Differs."""
        if isinstance(wanted, str) and wanted in _STAMP:
            if not _STAMP[wanted](given):
                raise Differs(f"{where or 'the frame'}: {given!r} is no {wanted}")
        elif isinstance(wanted, str) and _CAPTURED.fullmatch(wanted) and wanted not in self.known:
            self.known[wanted] = given
        elif isinstance(wanted, dict) and isinstance(given, dict):
            missing, more = wanted.keys() - given.keys(), given.keys() - wanted.keys()
            if missing or more:
                raise Differs(f"{where or 'the frame'}: lacks {sorted(missing)}, has also {sorted(more)}")
            for name, value in wanted.items():
                self.match(value, given[name], f"{where}.{name}" if where else name)
        elif isinstance(wanted, list) and isinstance(given, list) and len(wanted) == len(given):
            for index, pair in enumerate(zip(wanted, given, strict=True)):
                self.match(*pair, where=f"{where}[{index}]")
        elif self.filled(wanted) != given or type(self.filled(wanted)) is not type(given):
            raise Differs(f"{where or 'the frame'}: {short(given)} instead of {short(self.filled(wanted))}")

    def match_any_order(self, wanted: list[Any], given: list[Any]) -> None:
        """Compare lists whose order does not matter."""
        left = list(given)
        for one in wanted:
            for index, other in enumerate(left):
                known = copy.copy(self.known)
                try:
                    self.match(one, other)
                except Differs:
                    self.known = known
                else:
                    del left[index]
                    break
            else:
                raise Differs(f"nothing like {short(one)} among {short(left)}")


def short(value: Any) -> str:
    """A value that may be long."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) < 300 else text[:300] + "…"

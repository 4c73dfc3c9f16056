"""What commands print: a table in colours on a terminal, else JSON, an object a line, as the API tells it.

Text that came from elsewhere is printed so that it can't drive the terminal: control characters are shown escaped.
"""

import json
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar
from unicodedata import east_asian_width

import click

from kapokmq.cli.shared import OUTPUT, shared

F = TypeVar("F", bound=Callable[..., Any])
WIDEST = 60  # characters of a cell
COLOURS = {
    "dead": "red",
    "expired": "red",
    "failed": "red",
    "retrying": "yellow",
    "suspect": "yellow",
    "paused": "yellow",
    "delayed": "cyan",
    "notDue": "cyan",
    "leased": "blue",
    "waiting": "yellow",
    "consumed": "green",
    "acknowledged": "green",
    "ready": "green",
    "alive": "green",
}
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


@dataclass(frozen=True)
class Column:
    """A column: its head, and what stands in it for a row. Columns of numbers are put to the right."""

    head: str
    cell: Callable[[Mapping[str, Any]], object]
    right: bool = False


class Printer:
    """Prints in one of the two ways. `progress` says whether people look at standard error."""

    def __init__(self, form: str | None) -> None:
        self.table = sys.stdout.isatty() if form is None else form == "table"
        self.progress = sys.stderr.isatty()

    def rows(self, columns: Sequence[Column], rows: Iterable[Mapping[str, Any]], nothing: str) -> int:
        """Print a list; on a terminal `nothing` where it is empty. Gives how many there were."""
        if not self.table:
            count = 0
            for count, row in enumerate(rows, 1):  # noqa: B007 -- it is used below
                self.line(row)
            return count
        found = list(rows)
        if not found:
            click.echo(nothing, err=True)
        else:
            for line in table(columns, found):
                click.echo(line)
        return len(found)

    def one(self, row: Mapping[str, Any]) -> None:
        """Print one thing: a field a line on a terminal."""
        if not self.table:
            self.line(row)
            return
        width = max(len(name) for name in row)
        for name, value in row.items():
            click.echo(f"{click.style(name.ljust(width), bold=True)}  {tinted(shown(value))}")

    def said(self, text: str, row: Mapping[str, Any]) -> None:
        """Say what was done: `text` to people, `row` to programs."""
        if self.table:
            click.echo(text)
        else:
            self.line(row)

    def line(self, row: Mapping[str, Any]) -> None:
        """Print JSON."""
        click.echo(as_json(row))


def printing(command: F) -> F:
    """Give a command the option how to print, and hand it the Printer as its first argument."""

    @shared(OUTPUT)
    @wraps(command)
    def given(*args: Any, output: str | None, **more: Any) -> Any:
        return command(Printer(output), *args, **more)

    return given  # type: ignore[return-value]  # wraps() keeps all but the type


def as_json(row: object) -> str:
    """One line of JSON. Half surrogate pairs stay escapes, as no encoding could write them."""
    text = json.dumps(row, ensure_ascii=False, separators=(",", ":"))
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(row, separators=(",", ":"))
    return text


def table(columns: Sequence[Column], rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The lines of a table, with its head."""
    cells = [[shortened(shown(column.cell(row))) for column in columns] for row in rows]
    widths = [max([_width(column.head), *(_width(line[at]) for line in cells)]) for at, column in enumerate(columns)]
    head = [_padded(column.head, width, column.right) for column, width in zip(columns, widths, strict=True)]
    lines = [click.style("  ".join(head).rstrip(), bold=True)]
    for line in cells:
        parts = [
            tinted(text, _padded(text, width, column.right))
            for text, width, column in zip(line, widths, columns, strict=True)
        ]
        lines.append("  ".join(parts).rstrip())
    return lines


def shown(value: object) -> str:
    """A value as text that can't drive a terminal."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}" if value < 1_000_000 else f"{value:.3f}".rstrip("0").rstrip(".")  # noqa: PLR2004
    if isinstance(value, dict | list):
        return plain(as_json(value)) if value else "-"
    return plain(str(value))


def plain(text: str) -> str:
    """A text without what drives terminals."""
    return _CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def shortened(text: str, most: int = WIDEST) -> str:
    """A text that fits a cell."""
    return text if len(text) <= most else text[: most - 1] + "…"


def tinted(text: str, padded: str | None = None) -> str:
    """A state in its colour, everything else as it is."""
    colour = COLOURS.get(text)
    whole = text if padded is None else padded
    return whole if colour is None else click.style(whole, fg=colour)


def _width(text: str) -> int:
    """How many columns of a terminal a text takes."""
    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in text)


def _padded(text: str, width: int, right: bool) -> str:  # noqa: FBT001 -- a column's own
    blank = " " * (width - _width(text))
    return blank + text if right else text + blank

"""`kapokmq store`: look a store over, copy it while a node runs, put a copy in its place."""

import os
import sys
from pathlib import Path
from typing import Any

import click

from kapokmq.cli.commands import Group, sure
from kapokmq.cli.copying import back_up, restore
from kapokmq.cli.exits import No, Unusable
from kapokmq.cli.http import confirmed
from kapokmq.cli.output import Printer, printing
from kapokmq.cli.times import shown_bytes
from kapokmq.core.errors import StoreRefused
from kapokmq.services.config import load
from kapokmq.storage.checking import Census, check_store
from serena.core.errors import SettingsError


@click.group(cls=Group)
def store() -> None:
    """Check the store of a node, back it up, restore it. On the node's machine, as the node's user."""


@store.command()
@click.argument("file", required=False)
@printing
def check(printer: Printer, file: str | None) -> None:
    """Look FILE over, a store or a backup: whether it is whole and fits together.

    Without FILE it is the store that the settings name. A node may be running on it. Ends with 1 if it has faults.
    """
    path = _path(file)
    try:
        census = check_store(path)
    except StoreRefused as error:
        raise Unusable(str(error)) from error
    except OSError as error:
        raise Unusable(f"{path} can't be read: {error.strerror}") from error
    _tell(printer, path, census)
    if census.faults:
        raise No(
            f"{path} has {len(census.faults)} faults: stop the node, keep a copy of the files as they are, and restore"
            " a backup"
        )


@store.command()
@click.argument("copy")
@click.option("--from", "file", metavar="FILE", help="The store. [the one that the settings name]")
@printing
def backup(printer: Printer, copy: str, file: str | None) -> None:
    """Copy a store to COPY, as it is at this moment. A node may be running on it, and goes on.

    The copy is checked before it gets its name. COPY must not be there yet.
    """
    path, progress = _path(file), _Progress(printer)
    try:
        census = back_up(path, Path(copy), progress.at)
    except StoreRefused as error:
        raise Unusable(str(error)) from error
    finally:
        progress.end()
    size = Path(copy).stat().st_size
    printer.said(
        f"{path} is backed up to {copy}: {census.messages} messages, {shown_bytes(size)}, checked",
        {"store": str(path), "backup": copy, "messages": census.messages, "bytes": size},
    )


@store.command("restore")
@click.argument("copy")
@click.option("--to", "file", metavar="FILE", help="The store. [the one that the settings name]")
@sure
@printing
def restore_store(printer: Printer, copy: str, file: str | None, yes: bool) -> None:  # noqa: FBT001 -- a flag
    """Put the backup COPY in the place of a store. The node must be stopped.

    COPY is checked first. The store that is there is not deleted but renamed. What was published after the backup is
    not in it, and what was consumed after it is delivered again.
    """
    path = _path(file)
    if path.exists():
        confirmed(f"Set {path} aside, and put {copy} in its place?", yes=yes)
    try:
        census, aside = restore(Path(copy), path)
    except StoreRefused as error:
        raise Unusable(str(error)) from error
    kept = f"; what was there is {aside} now" if aside else ""
    printer.said(
        f"{path} is restored: {census.messages} messages{kept}",
        {"store": str(path), "messages": census.messages, "aside": aside},
    )


def _path(file: str | None) -> Path:
    """The store's file. Raises click.UsageError where the settings that should name it are wrong."""
    if file is not None:
        return Path(file)
    try:
        return Path(load(None, os.environ).store.path)
    except SettingsError as error:
        raise click.UsageError(f"no FILE was named, and the settings are wrong: {error}") from error


def _tell(printer: Printer, path: Path, census: Census) -> None:
    printer.one(_row(path, census))
    for fault in census.faults:
        if printer.table:
            click.secho(fault, fg="red")
        else:
            printer.line({"fault": fault})


def _row(path: Path, census: Census) -> dict[str, Any]:
    return {
        "store": str(path),
        "format": census.version,
        "storeId": census.store_id,
        "starts": census.epoch,
        "topics": census.topics,
        "groups": census.groups,
        "messages": census.messages,
        "bytes": census.bytes,
        "faults": len(census.faults),
    }


class _Progress:
    """A bar, where people look."""

    def __init__(self, printer: Printer) -> None:
        self._printer = printer
        self._bar: click.progressbar | None = None  # type: ignore[valid-type]  # it is a function to mypy

    def at(self, done: int, pages: int) -> None:
        """So many pages of all are copied."""
        if self._bar is None and self._printer.progress and done < pages:
            self._bar = click.progressbar(length=pages, label="copying", file=sys.stderr)
            self._bar.__enter__()
        if self._bar is not None:
            self._bar.update(done - self._bar.pos)

    def end(self) -> None:
        """Leave the line."""
        if self._bar is not None:
            self._bar.__exit__(None, None, None)

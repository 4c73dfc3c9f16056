"""What a file is, told from its name and its first bytes, before SQLite touches it.

SQLite    16  "SQLite format 3" and a zero byte; at 40 the schema's cookie, at 60 the user version, at 68 the
              application id, each 4, big-endian
MQDATA     -  of the Go program: gob, `<uint total> 0a 00 <uint n> {"<code>":{...`; a gob uint is one byte below 128, or
              the negated count of the big-endian bytes that follow
WAL.log    -  of the Go program: a line a message, `{"MessageCode":...`
"""

import os
import re
import stat
from enum import Enum
from pathlib import Path
from typing import NamedTuple

from kapokmq.core.errors import StoreRefused

APPLICATION_ID = 0x4B415051  # "KAPQ", as in schema/001.sql
HEADER = 100  # bytes
_MAGIC = b"SQLite format 3\0"
_UINT = rb"(?:[\x00-\x7f]|[\xf8-\xff].{1,8}?)"
_GOB = re.compile(rb"%b\x0a\x00%b\{[\"}]" % (_UINT, _UINT), re.DOTALL)
_LINES = re.compile(rb'\s*\{\s*"Message(?:Code|Data)"')
_ORIGINAL_NAMES = ("MQDATA", "WAL.log")


class Kind(Enum):
    """What a file is."""

    EMPTY = "no file, or one without a byte"
    OURS = "a store of ours, whole or damaged"
    BEGUN = "a database without anything in it: the making of a store was broken off"
    ORIGINAL = "a file of the original"
    DATABASE = "a database of somebody else"
    OTHER = "something else"


class Looked(NamedTuple):
    """What can be told of a file without SQLite."""

    kind: Kind
    head: bytes
    size: int


def look(path: Path) -> Looked:
    """See what a file is, and change nothing.

    Raises StoreRefused where it is no file but a directory or the like, OSError where it can't be read.
    """
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise StoreRefused(f"{path} is a directory: persistentFile must name a file")
        if not stat.S_ISREG(mode):
            raise StoreRefused(f"{path} is a device or a pipe: persistentFile must name a file")
        with path.open("rb") as file:
            head = file.read(HEADER)
            return Looked(_kind(path, head), head, os.fstat(file.fileno()).st_size)
    except FileNotFoundError:
        return Looked(Kind.EMPTY, b"", 0)


def refuse_others(path: Path, kind: Kind) -> None:
    """Raise StoreRefused unless the file is a store of ours, or can become one."""
    if kind is Kind.ORIGINAL:
        raise StoreRefused(
            f"{path} is a file of the original KapokMQ and stays as it is: name another persistentFile, then bring its"
            f" messages over with `kapokmq import {path}`"
        )
    if kind is Kind.DATABASE:
        raise somebody_elses(path)
    if kind is Kind.OTHER:
        raise StoreRefused(f"{path} is no KapokMQ store: move it away, or name another persistentFile")


def check(path: Path, newest: int) -> bool:
    """Whether the file holds a store already (an empty one does not).

    `newest` is the version of the format that we know. Raises StoreRefused where the file is anything else than a store
    of ours, and OSError where it can't be read and written.
    """
    kind, head, size = look(path)
    refuse_others(path, kind)
    if path.exists():
        path.open("r+b").close()  # SQLite would be content with less, and then refuse the first commit
    if kind is Kind.OURS:
        _check_header(path, head, size, newest)
    return bool(head)


def somebody_elses(path: Path) -> StoreRefused:
    """The error for a database that is not ours."""
    return StoreRefused(f"{path} is an SQLite database, but no KapokMQ store: name another persistentFile")


def newer(path: Path, version: int, newest: int) -> StoreRefused:
    """The error for a store that a later release made."""
    return StoreRefused(
        f"{path} was made by a newer KapokMQ (format {version}, this one knows up to {newest}): upgrade KapokMQ, or"
        " name another persistentFile"
    )


def damaged(path: Path, cause: object) -> StoreRefused:
    """The error for a store that can't be read."""
    return StoreRefused(
        f"{path} is damaged ({cause}): restore it from a backup, or set recoveryStrategy to 0, which sets it aside and"
        " begins with an empty store"
    )


def _kind(path: Path, head: bytes) -> Kind:
    if head.startswith(_MAGIC):
        application, version, cookie = (int.from_bytes(head[at : at + 4], "big") for at in (68, 60, 40))
        if application == APPLICATION_ID or len(head) < HEADER:
            return Kind.OURS
        # Whatever journal lies beside it: SQLite would roll that back before anybody could ask whose it is. Ours has
        # nothing else in its header while it is made.
        return Kind.BEGUN if (application, version, cookie) == (0, 0, 0) else Kind.DATABASE
    if path.name in _ORIGINAL_NAMES or _GOB.match(head) or _LINES.match(head):
        return Kind.ORIGINAL
    return Kind.OTHER if head else Kind.EMPTY


def _check_header(path: Path, head: bytes, size: int, newest: int) -> None:
    if len(head) < HEADER:
        raise damaged(path, "cut off in its header")
    version, page = int.from_bytes(head[60:64], "big"), int.from_bytes(head[16:18], "big")
    log, journal = (path.with_name(path.name + part).exists() for part in ("-wal", "-journal"))
    if journal:
        return  # the making of a store was broken off: SQLite mends that, and schema.py looks again
    if version > newest:
        raise newer(path, version, newest)
    if not log and size < int.from_bytes(head[28:32], "big") * (65536 if page == 1 else page):
        raise damaged(path, "shorter than its header says")

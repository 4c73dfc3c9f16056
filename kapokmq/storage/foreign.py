"""What a file is, told from its name and its first bytes, before SQLite touches it.

SQLite    16  "SQLite format 3" and a zero byte; at 60 the user version, at 68 the application id, both 4, big-endian
MQDATA     -  of the Go program: gob, `<uint total> 0a 00 <uint n> {"<code>":{...`; a gob uint is one byte below 128, or
              the negated count of the big-endian bytes that follow
WAL.log    -  of the Go program: a line a message, `{"MessageCode":...`
"""

import os
import re
from pathlib import Path

from kapokmq.core.errors import StoreRefused

APPLICATION_ID = 0x4B415051  # "KAPQ", as in schema/001.sql
HEADER = 100  # bytes
_MAGIC = b"SQLite format 3\0"
_UINT = rb"(?:[\x00-\x7f]|[\xf8-\xff].{1,8}?)"
_GOB = re.compile(rb"%b\x0a\x00%b\{[\"}]" % (_UINT, _UINT), re.DOTALL)
_LINES = re.compile(rb'\s*\{\s*"Message(?:Code|Data)"')
_ORIGINAL_NAMES = ("MQDATA", "WAL.log")


def check(path: Path, newest: int) -> bool:
    """Whether the file holds a store already (an empty one does not).

    `newest` is the version of the format that we know. Raises StoreRefused where the file is anything else than a store
    of ours, and OSError where it can't be read and
    written.
    """
    try:
        with path.open("r+b") as file:  # SQLite would be content with less, and then refuse the first commit
            head = file.read(HEADER)
            size = os.fstat(file.fileno()).st_size
    except IsADirectoryError as error:
        raise StoreRefused(f"{path} is a directory: persistentFile must name a file") from error
    except FileNotFoundError:
        return False
    if head.startswith(_MAGIC):
        _check_header(path, head, size, newest)
        return True
    if path.name in _ORIGINAL_NAMES or _GOB.match(head) or _LINES.match(head):
        raise StoreRefused(
            f"{path} is a file of the original KapokMQ and stays as it is: name another persistentFile, then bring its"
            f" messages over with `kapokmq import {path}`"
        )
    if head:
        raise StoreRefused(f"{path} is no KapokMQ store: move it away, or name another persistentFile")
    return False


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


def _check_header(path: Path, head: bytes, size: int, newest: int) -> None:
    if len(head) < HEADER:
        raise damaged(path, "cut off in its header")
    application, version = int.from_bytes(head[68:72], "big"), int.from_bytes(head[60:64], "big")
    log, journal = (path.with_name(path.name + part).exists() for part in ("-wal", "-journal"))
    if journal or (application, version, int.from_bytes(head[40:44], "big")) == (0, 0, 0):
        return  # the making of a store was broken off: SQLite mends that, and schema.py looks again
    if application != APPLICATION_ID:
        raise StoreRefused(f"{path} is an SQLite database, but no KapokMQ store: name another persistentFile")
    if version > newest:
        raise newer(path, version, newest)
    page = int.from_bytes(head[16:18], "big")
    if not log and size < int.from_bytes(head[28:32], "big") * (65536 if page == 1 else page):
        raise damaged(path, "shorter than its header says")

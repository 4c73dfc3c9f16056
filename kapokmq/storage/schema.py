"""The format of the file: made, recognized, brought up to date.

`schema/001.sql`, `002.sql`, … each bring a store from the version before to their own number. All that are missing run
in one transaction. `schema/commit.sql` is not part of the format: see there.
"""

from importlib.resources import files
from pathlib import Path

import apsw

from kapokmq.core.errors import StoreRefused
from kapokmq.storage.foreign import APPLICATION_ID

Step = tuple[int, str]  # the version that it leads to, and its SQL
_PROBE = '["\\u0000[1]", 9007199254740993]'


def steps() -> list[Step]:
    """The steps that come with this release, in order."""
    found = (file for file in files("kapokmq.storage").joinpath("schema").iterdir() if file.name[:3].isdecimal())
    return sorted((int(file.name[:3]), file.read_text("utf-8")) for file in found)


def commit_sql() -> str:
    """What a connection that writes needs beside the tables."""
    return files("kapokmq.storage").joinpath("schema", "commit.sql").read_text("utf-8")


def check_library(connection: apsw.Connection, path: Path) -> None:
    """Raise StoreRefused where SQLite is too old to carry every text and number unharmed.

    Old releases cut text at U+0000 in JSON, or have no jsonb_each.
    """
    try:
        found = connection.execute("select value ->> 0, value ->> 1 from jsonb_each(?)", (f"[{_PROBE}]",)).fetchall()
    except apsw.SQLError:
        found = []
    if found != [("\0[1]", 9007199254740993)]:
        raise StoreRefused(
            f"{path} can't be opened: SQLite {apsw.sqlite_lib_version()} is too old to keep every message as it was;"
            " install a current apsw, with the SQLite that it brings (pip install --upgrade apsw)"
        )


def version_of(connection: apsw.Connection) -> int | None:
    """The version of the format; 0 for a file without tables, None for a database that is not ours.

    Raises apsw.Error where the file can't be read.
    """
    application, version = (connection.pragma(name) for name in ("application_id", "user_version"))
    ((tables,),) = connection.execute("select count(*) from sqlite_schema").fetchall()
    if (application, version, tables) == (0, 0, 0):
        return 0
    return version if application == APPLICATION_ID else None


def upgrade(connection: apsw.Connection, version: int, known: list[Step]) -> None:
    """Bring the file from `version` to the newest of the known ones, whole or not at all. Raises apsw.Error."""
    missing = [sql for number, sql in known if number > version]
    if missing:
        connection.execute("begin immediate")
        try:
            for sql in missing:
                connection.execute(sql)
            connection.execute("commit")
        except apsw.Error:
            if connection.in_transaction:  # a full disk ends it at once
                connection.execute("rollback")
            raise

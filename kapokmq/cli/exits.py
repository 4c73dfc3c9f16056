"""What a command ends with where it does not do what it was asked: a line on standard error, and an exit code.

Usage (2) is click's own. `docs/cli.md` has the same table for people, and a test that the two agree.
"""

from typing import ClassVar

import click

OK, NO, USAGE, UNREACHABLE, REFUSED, BUSY, UNUSABLE, BROKEN, INTERRUPTED = 0, 1, 2, 3, 4, 5, 6, 7, 130

MEANINGS = {
    OK: "done",
    NO: "the answer is no: there is no such thing, it is too late, a check found faults, not all of it came",
    USAGE: "the command line, an environment variable, the profile or a configuration is wrong",
    UNREACHABLE: "the broker can't be reached, is not trusted, or was lost",
    REFUSED: "the broker refuses: the key, or what was asked",
    BUSY: "the broker can't at the moment (full, paused, draining, its disk): the same command may work later",
    UNUSABLE: "a file can't be used: a store, a backup, a file of the original",
    BROKEN: "a bug, of the broker or of this command",
    INTERRUPTED: "interrupted with control-C",
}


class Ended(click.ClickException):
    """A command that can't go on. `exit_code` says why, the text whose fault it is and what to do."""

    code_of_kind: ClassVar[int] = BROKEN

    def __init__(self, message: str, exit_code: int | None = None) -> None:
        super().__init__(message)
        self.exit_code = self.code_of_kind if exit_code is None else exit_code  # type: ignore[misc]  # click's own way


class No(Ended):
    """The answer is no."""

    code_of_kind = NO


class Unreachable(Ended):
    """The broker can't be reached, or was lost."""

    code_of_kind = UNREACHABLE


class Unusable(Ended):
    """A file can't be used."""

    code_of_kind = UNUSABLE


class Refused(Ended):
    """The broker said no. `code` is its own name for that, `retry_after` in seconds, `index` that of the message."""

    _CODES: ClassVar[dict[str, int]] = {
        "notFound": NO,
        "exists": NO,
        "tooLate": NO,
        "unknown": NO,
        "gone": NO,
        "full": BUSY,
        "topicFull": BUSY,
        "paused": BUSY,
        "unavailable": BUSY,
        "draining": BUSY,
        "busy": BUSY,
        "deleting": BUSY,
        "internal": BROKEN,
    }

    def __init__(
        self,
        code: str,
        message: str,
        retry_after: float | None = None,
        index: int | None = None,
        sub: int | None = None,
    ) -> None:
        super().__init__(message, self._CODES.get(code, REFUSED))
        self.code = code
        self.retry_after = retry_after
        self.index = index
        self.sub = sub

    def format_message(self) -> str:
        """What stands behind `Error: `."""
        if self.code == "unauthorized":
            return f"{self.code}: {self.message}. Give the node's key in KAPOK_KEY, in a profile, or with --key"
        again = "" if self.retry_after is None else f" (try again in {self.retry_after:g} s)"
        return f"{self.code}: {self.message}{again}"

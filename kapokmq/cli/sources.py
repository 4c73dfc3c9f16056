"""Where `kapokmq pub` takes messages from: the command line, files, or the lines of a stream."""

import asyncio
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import BoundedSemaphore, Thread
from typing import IO, Any, NamedTuple

import click

from kapokmq.cli.exits import Unusable
from kapokmq.cli.output import as_json as written
from kapokmq.client import Outgoing

AHEAD = 10_000  # lines that are read before they are sent
CHUNK = 1 << 16  # bytes that are read at once
OPTIONS = ("delay", "at", "expire", "key", "headers")  # of a message, beside data
PASSED_OVER = ("code", "topic", "createTime", "attempt")  # what `kapokmq sub` prints of a message beside these


class Line(NamedTuple):
    """A message, and how far one has come with it, in the unit of the source."""

    message: str | Outgoing
    far: int


def read_files(paths: Iterable[str]) -> Iterator[str]:
    """The texts of whole files, a message each. Raises Unusable."""
    for path in paths:
        yield _text(path, _content(path))


def parse_line(text: str, number: int, common: Mapping[str, Any], *, as_json: bool) -> str | Outgoing:
    """A line as a message, with what all have in common. Raises click.UsageError.

    As JSON it is what `kapokmq sub` prints: data, and options, which count before the common ones.
    """
    if not as_json:
        return Outgoing(text, **common) if common else text
    try:
        given = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise click.UsageError(f"line {number}: is no JSON: {error}") from None
    if not isinstance(given, dict) or "data" not in given:
        raise click.UsageError(f"line {number}: must be an object with data, such as kapokmq sub prints")
    strangers = given.keys() - {"data", *OPTIONS, *PASSED_OVER}
    if strangers:
        raise click.UsageError(f"line {number}: {', '.join(sorted(strangers))}: no such field of a message")
    message = with_common({name: value for name, value in given.items() if name not in PASSED_OVER}, common)
    data = message.pop("data")
    try:
        return Outgoing(data if isinstance(data, str) else written(data), **message)
    except ValueError as error:
        raise click.UsageError(f"line {number}: {error}") from None


def with_common(message: dict[str, Any], common: Mapping[str, Any]) -> dict[str, Any]:
    """A message with what all have in common, unless it says otherwise itself."""
    if "delay" in message or "at" in message:
        common = {name: value for name, value in common.items() if name not in {"delay", "at"}}
    whole = {**common, **message}
    if "headers" in common and isinstance(message.get("headers"), dict):
        whole["headers"] = common["headers"] | message["headers"]
    return whole


class Lines:
    """Lines of a stream, read ahead by a thread, so that what is there can be sent while more is awaited.

    To be made and used in a running loop. `far` counts bytes. A line feed, with or without a carriage return before it,
    ends a line; it is no part of it. The stream is read without its buffer, whose lock would keep the process from
    ending while the thread waits for more.
    """

    def __init__(self, stream: IO[bytes], where: str) -> None:
        self._where = where
        self._lines: SimpleQueue[tuple[bytes, int] | None] = SimpleQueue()
        self._room = BoundedSemaphore(AHEAD)
        self._loop = asyncio.get_running_loop()
        self._there = asyncio.Event()
        self.ended = False
        Thread(target=self._read, args=(stream,), daemon=True, name="lines").start()

    def _read(self, stream: IO[bytes]) -> None:
        raw = getattr(stream, "raw", stream)
        far, rest = 0, b""
        while chunk := raw.read(CHUNK):
            *lines, rest = (rest + chunk).split(b"\n") if b"\n" in chunk else (rest + chunk,)
            for line in lines:
                far += len(line) + 1
                self._put(line.removesuffix(b"\r"), far)
            self._tell()
        if rest:
            self._put(rest, far + len(rest))
        self._lines.put(None)
        self._tell()

    def _put(self, line: bytes, far: int) -> None:
        if not self._room.acquire(blocking=False):
            self._tell()
            self._room.acquire()
        self._lines.put((line, far))

    def _tell(self) -> None:
        with suppress(RuntimeError):  # the loop has ended, and nobody wants more lines
            self._loop.call_soon_threadsafe(self._there.set)

    async def take(self) -> tuple[str, int] | None:
        """The next line, None once the stream has `ended`. Raises Unusable: not UTF-8."""
        while True:
            self._there.clear()
            found = self.take_nowait()
            if found is not None or self.ended:
                return found
            await self._there.wait()

    def take_nowait(self) -> tuple[str, int] | None:
        """The next line, None where there is none now, or the stream has `ended`. Raises Unusable: not UTF-8."""
        try:
            found = self._lines.get_nowait()
        except Empty:
            return None
        if found is None:
            self.ended = True
            return None
        self._room.release()
        line, far = found
        return _text(self._where, line), far


def _content(path: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    except OSError as error:
        raise Unusable(f"{path} can't be read: {error.strerror}") from error


def _text(where: str, content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise Unusable(f"{where}: is not UTF-8 at byte {error.start}: a message is a text") from None

"""A connection to a broker, as transcripts want it."""

import json
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from memory import Differs, short
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

SUBPROTOCOL = "kapokmq.v2"
LONGEST = 64 << 20  # bytes of a frame that we take


class Client:
    """One connection. Answers and deliveries wait apart: which of the two comes first is nobody's promise."""

    def __init__(self, url: str, headers: dict[str, str], patience: float) -> None:
        self._patience = patience
        self._socket = connect(
            url,
            subprotocols=[SUBPROTOCOL],
            additional_headers=headers,
            max_size=LONGEST,
            compression=None,
            proxy=None,
            open_timeout=patience,
            close_timeout=patience,
        )
        self.answers: deque[Any] = deque()
        self.deliveries: dict[int, deque[Any]] = {}
        self.closed: tuple[int, str] | None = None

    def send(self, frame: str | bytes) -> None:
        """Send a frame as it is."""
        try:
            self._socket.send(frame)
        except ConnectionClosed as end:
            self._ended(end)

    def leave(self) -> None:
        """Close."""
        self._socket.close()

    def answer(self) -> Any:
        """The next frame that is no `deliver`."""
        self._wait(lambda: self.answers, "answer")
        return self.answers.popleft()

    def messages(self, sub: int, count: int) -> list[Any]:
        """So many messages of a subscription, however they were batched."""
        waiting = self.deliveries.setdefault(sub, deque())
        try:
            self._wait(lambda: len(waiting) >= count, f"{count} messages for {sub}")
        except Differs as difference:
            raise Differs(f"{difference}; there are {short(list(waiting))}") from None
        return [waiting.popleft() for _ in range(count)]

    def silent(self, seconds: float) -> None:
        """Nothing comes."""
        self.read(seconds)
        left = [*self.answers, *(message for waiting in self.deliveries.values() for message in waiting)]
        if left:
            raise Differs(f"there was more: {short(left)}")

    def end(self) -> tuple[int, str]:
        """The broker closes."""
        self._wait(lambda: self.closed is not None, "close")
        assert self.closed is not None
        return self.closed

    def _wait(self, wanted: Callable[[], Any], what: str) -> None:
        deadline = time.monotonic() + self._patience
        while not wanted():
            left = deadline - time.monotonic()
            if left <= 0 or self.closed is not None:
                end = f"; the connection was closed with {self.closed}" if self.closed else ""
                raise Differs(f"no {what} within {self._patience:g} s{end}")
            self.read(left, once=True)

    def read(self, seconds: float, *, once: bool = False) -> None:
        deadline = time.monotonic() + seconds
        while self.closed is None:
            try:
                frame = json.loads(self._socket.recv(max(0.0, deadline - time.monotonic())))
            except TimeoutError:
                return
            except ConnectionClosed as end:
                self._ended(end)
                return
            if frame.get("op") == "deliver":
                self.deliveries.setdefault(frame["sub"], deque()).extend(frame["messages"])
            else:
                self.answers.append(frame)
            if once:
                return

    def _ended(self, end: ConnectionClosed) -> None:
        self.closed = (end.rcvd.code, end.rcvd.reason) if end.rcvd else (1006, "")

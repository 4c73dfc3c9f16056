"""How one coroutine learns that another has changed something."""

import asyncio


class Bell:
    """Rung when something has changed; who waits then looks again.

    `count` says how often it was: who looks notes it first, so that no ring is missed between looking and waiting.
    """

    def __init__(self) -> None:
        self._waiting: set[asyncio.Future[None]] = set()
        self.count = 0

    def ring(self) -> None:
        """Wake all who wait."""
        self.count += 1
        for future in self._waiting:
            if not future.done():
                future.set_result(None)
        self._waiting.clear()

    async def wait(self, seen: int) -> None:
        """Wait until it was rung more often than so."""
        while self.count == seen:
            future = asyncio.get_running_loop().create_future()
            self._waiting.add(future)
            try:
                await future
            finally:
                self._waiting.discard(future)

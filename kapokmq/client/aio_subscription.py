"""A subscription in asyncio."""

from collections.abc import Generator
from typing import Any, Self

from kapokmq.client.subscription import BaseSubscription
from kapokmq.core.client.errors import Closed
from kapokmq.core.client.message import Message


class Subscription(BaseSubscription):
    """Messages as they come: `async for`, or `get`. Awaited, or in `async with`, it waits for the broker first."""

    async def get(self) -> Message:
        """The next message. Raises Closed at the end, and what the broker said where that ended it."""
        return await self._next()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Message:
        try:
            return await self._next()
        except Closed:
            raise StopAsyncIteration from None

    async def _joined(self) -> Self:
        await self._started()
        return self

    def __await__(self) -> Generator[Any, Any, Self]:
        return self._joined().__await__()

    async def __aenter__(self) -> Self:
        return await self._joined()

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Want no more; what was acknowledged is told before. What was not goes to others."""
        self._owner.unsubscribe(self.inbox)
        await self._ended()

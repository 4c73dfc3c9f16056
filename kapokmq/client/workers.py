"""Threads that handle the messages of subscriptions."""

import inspect
import logging
import threading
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, Future, wait
from typing import Any

from kapokmq.client.blocking_subscription import Subscription
from kapokmq.client.subscription import settle
from kapokmq.core.client.message import Message

Handler = Callable[[Message], Any]
_KINDS = (inspect.iscoroutinefunction, inspect.isgeneratorfunction, inspect.isasyncgenfunction)
_log = logging.getLogger("kapokmq.client")


def check_handler(handler: Any) -> None:
    """Raise TypeError for what doesn't run when it is called: its messages would count as handled."""
    if not callable(handler):
        raise TypeError(f"handler: {handler!r} can't be called")
    if any(kind(each) for kind in _KINDS for each in (handler, type(handler).__call__)):
        raise TypeError(f"handler: {handler!r} is no plain function; coroutines are for kapokmq.client.aio")


class Worker(threading.Thread):
    """Handles messages one after the other. `ended` has why it handles no more, where that is an error."""

    def __init__(self, subscription: Subscription, handler: Handler) -> None:
        super().__init__(name=f"kapokmq handler of {subscription.inbox.topic}", daemon=True)
        self.subscription = subscription
        self.ended: Future[None] = Future()
        self._handler = handler

    def run(self) -> None:
        """Handle messages until there are no more."""
        try:
            for message in self.subscription:
                self._handle(message)
        except BaseException as error:  # noqa: BLE001 -- `Workers.wait` raises it
            _log.error("%s ended: %s", self.name, error)
            self.ended.set_exception(error)
        else:
            self.ended.set_result(None)

    def _handle(self, message: Message) -> None:
        failure = None
        try:
            given = self._handler(message)
            if inspect.iscoroutine(given):
                given.close()
                raise TypeError("the handler gave a coroutine, which nobody awaits")  # noqa: TRY301
        except BaseException as error:  # noqa: BLE001 -- whatever users do; sys.exit ends no program from here
            failure = error
            _log.exception("the handler of %s failed", message.topic)
        settle(message, self.subscription.inbox.in_hand, failure)


class Workers:
    """The workers of a client."""

    def __init__(self) -> None:
        self._all: list[Worker] = []

    @property
    def here(self) -> bool:
        """Whether one of them asks."""
        return threading.current_thread() in self._all

    def start(self, subscription: Subscription, handler: Handler, count: int) -> None:
        """Have so many threads handle its messages."""
        for _ in range(count):
            worker = Worker(subscription, handler)
            self._all.append(worker)
            worker.start()

    def stop(self, seconds: float) -> int:
        """Let them finish what they have, for so long; but for the one that asks. Gives how many have not."""
        for worker in self._all:
            worker.subscription.stop()
        others = [worker.ended for worker in self._all if worker is not threading.current_thread()]
        return len(wait(others, seconds).not_done)

    def wait(self) -> None:
        """Wait until all have ended. Raises what ended one, as soon as it has."""
        for ended in wait([worker.ended for worker in self._all], return_when=FIRST_EXCEPTION).done:
            ended.result()

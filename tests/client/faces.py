"""Each face behind one that blocks, so that one suite can try them all. Tests run in threads of the reactor's pool."""

import asyncio
import threading

from twisted.internet import reactor
from twisted.internet.defer import TimeoutError as Late
from twisted.internet.threads import blockingCallFromThread, deferToThread

from kapokmq import client as blocking
from kapokmq.client import aio, tx

PATIENCE = 30.0


class Begun:
    """Something under way."""

    def __init__(self, result, cancel):
        self.result, self.cancel = result, cancel


class Blocking:
    """The blocking face as it is."""

    def __init__(self, case, url, **options):
        self.client = blocking.connect(url, **options)
        case.addCleanup(self.client.close)

    def run(self, function, *args, **kwargs):
        """Call it where the face wants to be called, and wait for what it gives."""
        return function(*args, **kwargs)

    def begin(self, name, *args, **kwargs):
        """Have it under way. `cancel` is a timeout here."""
        found, done, limit = [], threading.Event(), kwargs.pop("limit", None)

        def work():
            try:
                found.append(getattr(self.client, name)(*args, **kwargs | ({"timeout": limit} if limit else {})))
            except BaseException as error:  # noqa: BLE001
                found.append(error)
            done.set()

        threading.Thread(target=work, daemon=True).start()

        def result():
            assert done.wait(PATIENCE), "it lasts"
            if isinstance(found[0], BaseException):
                raise found[0]
            return found[0]

        return Begun(result, lambda: None)

    def subscribe(self, topic, **options):
        """A subscription that the broker has."""
        return self.client.subscribe(topic, **options)

    def get(self, subscription, seconds=PATIENCE):
        """The next message, None if there is none in time."""
        try:
            return subscription.get(seconds)
        except TimeoutError:
            return None

    def handler(self, topic, function, **options):
        """Have a function handle messages; it may block."""
        self.client.handler(topic, **options)(function)

    def close(self):
        """Close the client."""
        self.client.close()


class Aio:
    """The asyncio face, in a loop of its own."""

    def __init__(self, case, url, **options):
        self._loop = asyncio.new_event_loop()
        thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        thread.start()

        def ended():
            self._loop.call_soon_threadsafe(self._loop.stop)
            thread.join()
            self._loop.close()

        case.addCleanup(ended)
        self.client = self._wait(self._connected(url, options))
        case.addCleanup(self.close)

    async def _connected(self, url, options):
        return await aio.connect(url, **options)

    def _wait(self, work):
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(2 * PATIENCE)

    def run(self, function, *args, **kwargs):
        async def work():
            given = function(*args, **kwargs)
            return await given if asyncio.iscoroutine(given) else given

        return self._wait(work())

    def begin(self, name, *args, **kwargs):
        limit = kwargs.pop("limit", None)

        async def work():
            async with asyncio.timeout(limit):
                return await getattr(self.client, name)(*args, **kwargs)

        future = asyncio.run_coroutine_threadsafe(work(), self._loop)
        return Begun(lambda: future.result(PATIENCE), future.cancel)

    def subscribe(self, topic, **options):
        async def work():
            return await self.client.subscribe(topic, **options)

        return self._wait(work())

    def get(self, subscription, seconds=PATIENCE):
        async def work():
            try:
                async with asyncio.timeout(seconds):
                    return await subscription.get()
            except TimeoutError:
                return None

        return self._wait(work())

    def handler(self, topic, function, **options):
        async def handle(message):
            await asyncio.to_thread(function, message)

        self.run(lambda: self.client.handler(topic, **options)(handle))

    def close(self):
        self.run(self.client.close)


class Tx:
    """The Twisted face, in the reactor."""

    def __init__(self, case, url, **options):
        self.client = tx.connect(url, reactor, **options)

        def begin():
            self.client.startService()
            case.addCleanup(self._stop)
            return self.client.when_connected()

        blockingCallFromThread(reactor, begin)

    def _stop(self):
        return self.client.stopService() if self.client.running else None

    def run(self, function, *args, **kwargs):
        return blockingCallFromThread(reactor, function, *args, **kwargs)

    def begin(self, name, *args, **kwargs):
        limit, made = kwargs.pop("limit", None), threading.Event()

        def start():
            deferred = getattr(self.client, name)(*args, **kwargs)
            if limit:
                deferred.addTimeout(limit, reactor)
            kept.append(deferred)
            deferred.addBoth(outcome)
            made.set()

        def outcome(result):
            found.append(result)
            done.set()

        kept, found, done = [], [], threading.Event()
        reactor.callFromThread(start)
        made.wait(PATIENCE)

        def result():
            assert done.wait(PATIENCE), "it lasts"
            if hasattr(found[0], "raiseException"):
                found[0].raiseException()
            return found[0]

        return Begun(result, lambda: reactor.callFromThread(kept[0].cancel))

    def subscribe(self, topic, **options):
        def start():
            subscription = self.client.subscribe(topic, **options)
            return subscription.started().addCallback(lambda _: subscription)

        return blockingCallFromThread(reactor, start)

    def get(self, subscription, seconds=PATIENCE):
        def start():
            return subscription.get().addTimeout(seconds, reactor).addErrback(lambda late: late.trap(Late) and None)

        return blockingCallFromThread(reactor, start)

    def handler(self, topic, function, **options):
        self.run(
            lambda: self.client.handler(topic, **options)(lambda message: deferToThread(function, message)) and None
        )

    def close(self):
        blockingCallFromThread(reactor, self._stop)

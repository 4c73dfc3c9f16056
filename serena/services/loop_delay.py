"""How late the reactor is: what everybody else waits for while one turn takes long."""

from collections.abc import Callable

from twisted.internet.interfaces import IDelayedCall, IReactorTime

BUSY_EVERY = 0.005  # seconds: while there is work, a pause seems to be shorter by this at most
IDLE_EVERY = 0.1  # while there is next to none, for these looks are work too: the first pause may seem shorter by this
BUSY = 0.05  # of a core


class LoopDelay:
    """Tells `observe` again and again by how many seconds a call was late. `cpu` reads this thread's CPU seconds."""

    def __init__(self, clock: IReactorTime, cpu: Callable[[], float], observe: Callable[[float], None]) -> None:
        self._clock = clock
        self._cpu = cpu
        self._observe = observe
        self._looked = self._spent = self._due = 0.0
        self._timer: IDelayedCall | None = None

    def start(self) -> None:
        """Begin to look."""
        self._go_on(BUSY_EVERY)

    def stop(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _go_on(self, wait: float) -> None:
        self._looked, self._spent = self._clock.seconds(), self._cpu()
        self._due = self._looked + wait
        self._timer = self._clock.callLater(wait, self._look)

    def _look(self) -> None:
        now = self._clock.seconds()
        self._observe(max(0.0, now - self._due))
        busy = self._cpu() - self._spent >= BUSY * (now - self._looked)
        self._go_on(BUSY_EVERY if busy else IDLE_EVERY)

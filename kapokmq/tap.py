"""`twistd kapokmq`: the one place where the process's own reactor, clocks and entropy are picked up."""

import gc
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar

from twisted.application.service import IService
from twisted.python import usage

from kapokmq.core.settings import BUILT_IN
from kapokmq.services.config import load
from kapokmq.services.node import Node
from serena.core.errors import SettingsError, WorldError

SWITCH_INTERVAL = 0.0005  # seconds: how soon the store's thread gets the GIL back (docs/architecture.md)


class Options(usage.Options):
    """What follows `twistd kapokmq`."""

    synopsis = "[--config FILE]"
    longdesc = (
        "Run one broker node. Without --config: config/application.yaml, else config/kapokmq.yaml, else defaults."
    )
    optParameters: ClassVar[list[list[Any]]] = [["config", "c", None, "The settings, a YAML file."]]


class TwistdNode(Node):
    """A node that can't start says so in one line: on the terminal, or through the process that started the daemon."""

    config: str | None = None

    def startService(self) -> None:
        """See Node. SIGUSR2 begins a drain; SIGHUP has the settings read again, of which the keys of gossip count."""
        try:
            super().startService()
            self._on("SIGUSR2", self.drain)  # SIGUSR1 is twistd's own: it begins another log file
            self._on("SIGHUP", self._read_again)
        except WorldError:
            # Twisted removes its pid file and lets the process end with 1; only the traceback is left out.
            sys.excepthook = _in_one_line
            raise

    def _on(self, name: str, call: Callable[[], None]) -> None:
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda *_: self._reactor.callFromThread(call))

    def _read_again(self) -> None:
        try:
            self.reload(load(self.config, os.environ))
        except SettingsError as error:
            self.log.error("the settings stay as they were: {error}", error=error)


def _in_one_line(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    if isinstance(error, WorldError) and sys.__stderr__ is not None:
        sys.__stderr__.write(f"kapokmq: {error}\n")
    else:
        sys.__excepthook__(kind, error, traceback)


def _leave_alone_what_stays() -> None:
    """Keep the garbage collector from what was made up to now, which is modules mostly: each look at it takes 45 ms."""
    gc.collect()
    gc.freeze()


def makeService(options: Options) -> IService:
    """Make a node of the settings that `options` name. Wrong ones are all printed, and the process ends with 2."""
    try:
        settings = load(options["config"], os.environ)
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(2) from None
    with suppress(OSError):  # the node's start says what is wrong with it
        # twistd opens its --logfile before the node starts; on a first run nobody has made a place for it yet.
        Path(settings.log.directory).mkdir(parents=True, exist_ok=True)
    from twisted.internet import reactor  # noqa: PLC0415 -- twistd has chosen one by now, and not before

    # Twisted's clock is the wall's: set back, it would stop every timer for as long.
    reactor.seconds = time.monotonic  # type: ignore[method-assign]
    # Ended by SIGTERM in good order, the process ends with 0, and not with the signal, as twistd would have it.
    reactor.addSystemEventTrigger("after", "shutdown", setattr, reactor, "_exitSignal", None)
    sys.setswitchinterval(SWITCH_INTERVAL)
    reactor.callWhenRunning(_leave_alone_what_stays)
    draw = random.Random(os.urandom(16))  # noqa: S311 -- fairness, not secrecy
    node = TwistdNode(
        settings,
        reactor=reactor,
        wall=time.time,
        entropy=os.urandom,
        choose=lambda members, count: draw.choices(members, k=count),
        drained=reactor.stop,
    )
    # With --rundir it works in another folder from here on, and is to find the same file again.
    node.config = None if settings.source == BUILT_IN else str(Path(settings.source).resolve())
    return node

"""`twistd serena`: the one place where the process's own reactor, clocks and entropy are picked up."""

import gc
import os
import random
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar

from twisted.application.service import IService
from twisted.python import usage

from serena.core.errors import SettingsError, WorldError
from serena.core.node_settings import BUILT_IN
from serena.services.config import load
from serena.services.registry_node import RegistryNode


class Options(usage.Options):
    """What follows `twistd serena`."""

    synopsis = "[--config FILE]"
    longdesc = "Run one registry. Without --config: config/serena.yaml, else config/application.yaml, else defaults."
    optParameters: ClassVar[list[list[Any]]] = [["config", "c", None, "The settings, a YAML file."]]


class TwistdNode(RegistryNode):
    """A registry that can't start says so in one line: on the terminal, or through whoever started the daemon.

    SIGHUP has it read its settings again; of those, the keys of gossip can change while it runs.
    """

    config: str | None = None

    def startService(self) -> None:
        """See RegistryNode."""
        try:
            super().startService()
        except WorldError:
            # Twisted removes its pid file and lets the process end with 1; only the traceback is left out.
            sys.excepthook = _in_one_line
            raise
        if hasattr(signal, "SIGHUP"):
            signal.signal(signal.SIGHUP, lambda *_: self._reactor.callFromThread(self._read_again))

    def _read_again(self) -> None:
        try:
            self.reload(load(self.config, os.environ))
        except SettingsError as error:
            self.log.error("the settings stay as they were: {error}", error=error)


def _in_one_line(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    if isinstance(error, WorldError) and sys.__stderr__ is not None:
        sys.__stderr__.write(f"serena: {error}\n")
    else:
        sys.__excepthook__(kind, error, traceback)


def _leave_alone_what_stays() -> None:
    """Keep the garbage collector from what was made up to now, which is modules mostly: each look at it takes 45 ms."""
    gc.collect()
    gc.freeze()


def makeService(options: Options) -> IService:
    """Make a registry of the settings that `options` name. Wrong ones are all printed; the process ends with 2."""
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
    reactor.callWhenRunning(_leave_alone_what_stays)
    node = TwistdNode(
        settings,
        reactor=reactor,
        wall=time.time,
        chance=random.Random(os.urandom(16)),  # noqa: S311 -- lots, not secrets
        entropy=os.urandom,
    )
    # With --rundir it works in another folder from here on, and is to find the same file again.
    node.config = None if settings.source == BUILT_IN else str(Path(settings.source).resolve())
    return node

"""`twistd kapokmq`: the one place where the process's own reactor, clocks and entropy are picked up."""

import os
import random
import sys
import time
from typing import Any, ClassVar

from twisted.application.service import IService
from twisted.python import usage

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
    """A node whose failure to start ends the process, with a line instead of a traceback, and status 1."""

    def startService(self) -> None:
        """See Node."""
        try:
            super().startService()
        except WorldError as error:
            sys.stderr.write(f"kapokmq: {error}\n")
            sys.stderr.flush()
            raise SystemExit(1) from None


def makeService(options: Options) -> IService:
    """Make a node of the settings that `options` name. Wrong ones are all printed, and the process ends with 2."""
    try:
        settings = load(options["config"], os.environ)
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(2) from None
    from twisted.internet import reactor  # noqa: PLC0415 -- twistd has chosen one by now, and not before

    # Twisted's clock is the wall's: set back, it would stop every timer for as long.
    reactor.seconds = time.monotonic  # type: ignore[method-assign]
    sys.setswitchinterval(SWITCH_INTERVAL)
    draw = random.Random(os.urandom(16))  # noqa: S311 -- fairness, not secrecy
    return TwistdNode(
        settings,
        reactor=reactor,
        wall=time.time,
        entropy=os.urandom,
        choose=lambda members, count: draw.choices(members, k=count),
    )

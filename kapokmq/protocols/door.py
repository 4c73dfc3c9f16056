"""A site that listens before it is made: what it says of itself holds its port, which may be any that is free."""

from typing import Any

from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import ServerFactory

from kapokmq.protocols.site import NodeSite


class Door(ServerFactory):
    """Listens for a site. `site` must be set in the turn of the reactor in which it begins to."""

    noisy = False
    site: NodeSite

    def buildProtocol(self, addr: IAddress | None) -> Any:
        """Let a connection in."""
        return self.site.buildProtocol(addr)

    def stopFactory(self) -> None:
        """Nothing is listened for any more."""
        self.site.stopFactory()

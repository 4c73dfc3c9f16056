"""What Autobahn is told about all connections. Its timers are off: they would use the process's reactor."""

from autobahn.twisted.websocket import WebSocketServerFactory, WebSocketServerProtocol
from twisted.internet.interfaces import IReactorTime


class WebSocketFactory(WebSocketServerFactory):
    """Autobahn's settings, which all connections share: their `options`."""

    def __init__(self, clock: IReactorTime) -> None:
        super().__init__(reactor=clock, server="")
        self.setProtocolOptions(
            versions=[13],
            webStatus=False,
            failByDrop=False,
            openHandshakeTimeout=0,
            closeHandshakeTimeout=0,
            autoPingInterval=0,
            autoPingTimeout=0,
            allowNullOrigin=True,
        )
        self.options = {name: getattr(self, name) for name in WebSocketServerProtocol.CONFIG_ATTRS}

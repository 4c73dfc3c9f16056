"""The configurations of the original's Go client, field by field.

Addresses are host names or IP addresses; ports are texts, as there, or numbers. `CheckTime` is in seconds. What makes
no sense is a ValueError that names the field.
"""

from dataclasses import dataclass, field
from urllib.parse import quote

from serena.core.node_name import bracketed

_HIGHEST_PORT = 65_535


@dataclass(frozen=True, slots=True, kw_only=True)
class Producer:
    """Publishes to one topic of one broker."""

    MqAddr: str
    MqPort: str | int
    MqProtocol: str = "ws"
    """`ws` or `wss`."""
    Topic: str
    ProducerId: str
    """Each id is there once in a program."""
    SecretKey: str = field(repr=False)
    CheckTime: float = 10
    """How long it waits before it dials again."""

    def __post_init__(self) -> None:
        _check_mq(self.MqAddr, self.MqPort)
        _check_common(self.MqProtocol, self.Topic, "ProducerId", self.ProducerId, self.CheckTime)

    @property
    def url(self) -> str:
        """Where it connects to."""
        return producer_url(self, f"{bracketed(self.MqAddr)}:{self.MqPort}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Consumer:
    """Consumes one topic of one broker."""

    MqAddr: str
    MqPort: str | int
    MqProtocol: str = "ws"
    """`ws` or `wss`."""
    Topic: str
    ConsumerId: str
    """Each id is there once in a program."""
    SecretKey: str = field(repr=False)
    CheckTime: float = 10
    """How long it waits before it dials again."""

    def __post_init__(self) -> None:
        _check_mq(self.MqAddr, self.MqPort)
        _check_common(self.MqProtocol, self.Topic, "ConsumerId", self.ConsumerId, self.CheckTime)

    @property
    def url(self) -> str:
        """Where it connects to."""
        address = f"{bracketed(self.MqAddr)}:{self.MqPort}"
        return f"{self.MqProtocol}://{address}/Consumers/Conn/{_segment(self.Topic)}/{_segment(self.ConsumerId)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterProducer:
    """Publishes to one topic of all brokers that a registry knows."""

    RegistryAddr: str
    RegistryPort: str | int
    RegistryProtocol: str = "http"
    """`http` or `https`."""
    MqProtocol: str = "ws"
    """`ws` or `wss`, the same for all brokers."""
    Topic: str
    ProducerId: str
    """Each id is there once in a program, those of producers among them."""
    SecretKey: str = field(repr=False)
    """The registry's and the brokers'."""
    CheckTime: float = 10
    """How often the registry is asked, and how long it waits before it dials a broker again."""

    def __post_init__(self) -> None:
        _check_place("RegistryAddr", self.RegistryAddr, "RegistryPort", self.RegistryPort)
        check_registry_protocol(self.RegistryProtocol)
        _check_common(self.MqProtocol, self.Topic, "ProducerId", self.ProducerId, self.CheckTime)


def producer_url(producer: Producer | ClusterProducer, address: str) -> str:
    """Where it connects to at host:port."""
    return (
        f"{producer.MqProtocol}://{address}/Producers/Conn/{_segment(producer.Topic)}/{_segment(producer.ProducerId)}"
    )


def check_registry_protocol(protocol: str) -> None:
    """Raise ValueError for what is no way to ask a registry."""
    if protocol not in {"http", "https"}:
        raise ValueError(f"RegistryProtocol: {protocol!r} is neither http nor https")


def _segment(name: str) -> str:
    return quote(name, safe="")


def _check_mq(addr: str, port: str | int) -> None:
    _check_place("MqAddr", addr, "MqPort", port)


def _check_place(addr_name: str, addr: str, port_name: str, port: str | int) -> None:
    if not addr or any(mark in addr for mark in "/@?# "):
        raise ValueError(f"{addr_name}: {addr!r} is no host")
    text = str(port)
    if not (text.isascii() and text.isdecimal() and 1 <= int(text) <= _HIGHEST_PORT):
        raise ValueError(f"{port_name}: {port!r} is no port")


def _check_common(protocol: str, topic: str, id_name: str, id_: str, check_time: float) -> None:
    if protocol not in {"ws", "wss"}:
        raise ValueError(f"MqProtocol: {protocol!r} is neither ws nor wss")
    for name, value in (("Topic", topic), (id_name, id_)):
        if not value or "/" in value:
            raise ValueError(f"{name}: {value!r} is empty or has a /")
    if not check_time > 0:
        raise ValueError(f"CheckTime: {check_time!r} is not more than 0")

"""What a run of the benchmark has measured, one row a scenario."""

from dataclasses import dataclass, field


@dataclass
class Row:
    """One measurement. `rate` is messages (or deliveries) a second over `seconds`.

    `p50`, `p99`, `p999` are milliseconds of what `latency` names: from handing a message to the kernel to its
    confirmation ("confirm") or to its delivery ("delivery"); None where it was not measured. `cpu` and `load` are the
    broker's and the generator's processor time as shares of one core; `rss` is the broker's memory in bytes at the end,
    `syncs` how often it made something durable a second. `extra` holds what only some scenarios have.
    """

    name: str
    what: str
    server: str = "kapokmq"
    wire: str = "classic"
    level: str = "fsync"
    connections: int = 1
    size: int = 100
    batch: int = 1
    window: int = 20_000
    messages: int = 0
    seconds: float = 0.0
    rate: float = 0.0
    latency: str = ""
    p50: float | None = None
    p99: float | None = None
    p999: float | None = None
    cpu: float | None = None
    load: float | None = None
    rss: int | None = None
    syncs: float | None = None
    extra: dict[str, object] = field(default_factory=dict)

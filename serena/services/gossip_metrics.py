"""What a node's gossip comes to, for Prometheus. Totals are read when somebody asks; nothing is done per message."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from serena.core.swim.members import Member
from serena.core.swim.messages import State
from serena.transports.admission import Admission
from serena.transports.datagram import Datagrams


class Gossiping(Protocol):
    """What is read of gossip."""

    admission: Admission
    datagrams: Datagrams

    def members(self) -> Sequence[Member]:
        """All that are known."""

    @property
    def counters(self) -> Mapping[str, int]:
        """What was done."""

    @property
    def dropped(self) -> Mapping[str, int]:
        """What was refused."""

    @property
    def health(self) -> int:
        """How slow this node seems to be itself."""


class GossipCollector(Collector):
    """Reads gossip's figures at scrape time."""

    def __init__(self, gossip: Gossiping) -> None:
        self._gossip = gossip

    def collect(self) -> Iterator[Metric]:
        """Give all figures as they are now."""
        gossip = self._gossip
        members = GaugeMetricFamily(
            "serena_members", "Members of the pool, by what they are held to be.", labels=["state"]
        )
        states = Counter(member.state for member in gossip.members())
        for state in State:
            members.add_metric([state.name.lower()], states[state])
        yield members
        yield GaugeMetricFamily(
            "serena_gossip_health", "0: all is well; above, this node seems to be slow itself.", value=gossip.health
        )
        yield GaugeMetricFamily(
            "serena_gossip_streams", "Streams of others that are open.", value=gossip.admission.streams_open
        )
        yield _labelled("serena_gossip_actions", "What gossip has done.", "action", gossip.counters)
        yield _labelled(
            "serena_gossip_dropped",
            "What came and was refused, or could not be done, by reason.",
            "reason",
            gossip.dropped,
        )
        datagrams = gossip.datagrams
        yield _labelled(
            "serena_gossip_datagrams", "Datagrams.", "way", {"in": datagrams.received, "out": datagrams.sent}
        )
        yield _labelled(
            "serena_gossip_datagram_bytes",
            "Bytes of datagrams.",
            "way",
            {"in": datagrams.received_bytes, "out": datagrams.sent_bytes},
        )


def _labelled(name: str, about: str, label: str, counts: Mapping[str, int]) -> Metric:
    family = CounterMetricFamily(name, about, labels=[label])
    for each, count in sorted(counts.items()):
        family.add_metric([each], count)
    return family

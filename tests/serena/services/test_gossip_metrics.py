"""What gossip comes to."""

from collections import Counter
from types import SimpleNamespace

from prometheus_client import CollectorRegistry, generate_latest
from twisted.trial.unittest import SynchronousTestCase

from serena.core.swim.messages import State
from serena.services.gossip_metrics import GossipCollector

GOSSIP = SimpleNamespace(
    admission=SimpleNamespace(streams_open=2),
    datagrams=SimpleNamespace(received=5, sent=6, received_bytes=500, sent_bytes=600),
    members=lambda: [SimpleNamespace(state=state) for state in (State.ALIVE, State.ALIVE, State.LEFT)],
    counters=Counter(probes=3),
    dropped=Counter(rate=1, decrypt=4),
    health=1,
)


class GossipCollectorTests(SynchronousTestCase):
    def test_all_of_it(self):
        registry = CollectorRegistry(auto_describe=False)
        registry.register(GossipCollector(GOSSIP))
        lines = generate_latest(registry).decode().splitlines()
        for line in [
            'serena_members{state="alive"} 2.0',
            'serena_members{state="suspect"} 0.0',
            'serena_members{state="left"} 1.0',
            "serena_gossip_health 1.0",
            "serena_gossip_streams 2.0",
            'serena_gossip_actions_total{action="probes"} 3.0',
            'serena_gossip_dropped_total{reason="decrypt"} 4.0',
            'serena_gossip_dropped_total{reason="rate"} 1.0',
            'serena_gossip_datagrams_total{way="in"} 5.0',
            'serena_gossip_datagram_bytes_total{way="out"} 600.0',
        ]:
            self.assertIn(line, lines)

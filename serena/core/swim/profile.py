"""How fast a cluster's gossip is: intervals, multipliers, and the formulas that make them grow with the cluster.

Members of one pool should have the same profile: a node that waits for less than its peers need suspects them for
nothing. `n` in the formulas is everybody whom a node knows, itself, suspects, dead and left members included.
"""

from dataclasses import dataclass
from math import ceil, log2, log10

from serena.core.errors import MisuseError

_FLAT = 32  # nodes up to which push/pull keeps its interval


@dataclass(frozen=True, slots=True)
class Profile:
    """The knobs. All times are seconds; the defaults are for one LAN.

    probe_interval     a member is probed so often, in turns
    probe_timeout      how long a direct ping has, before others are asked to ping; at most probe_interval
    indirect_checks    how many others are asked
    tcp_pings          whether a member that answers no datagram is pinged over a stream too
    gossip_interval    how often news go out, while there are any
    gossip_nodes       to how many at once
    gossip_to_dead     for how long the dead still get news, so that they can refute; then they are forgotten
    retransmit_mult    each piece of news goes out retransmit_mult * ceil(log10(n + 1)) times
    suspicion_mult     see suspicion_timeout; with so many less two who agree it is the shortest
    suspicion_max_mult how many times as long a suspicion lasts that nobody else shares
    awareness_most     a node that seems to be slow itself waits up to so many times as long
    push_pull_interval how often all is exchanged with one other, in clusters up to 32
    stream_timeout     how long a stream may take
    reclaim            after so long a dead member's name is free for another address; 0: never, while it is remembered
    reconnect_interval how often one of those who failed is looked for, at its old address
    reconnect_for      for how long
    """

    probe_interval: float = 1.0
    probe_timeout: float = 0.5
    indirect_checks: int = 3
    tcp_pings: bool = True
    gossip_interval: float = 0.2
    gossip_nodes: int = 3
    gossip_to_dead: float = 30.0
    retransmit_mult: int = 4
    suspicion_mult: int = 4
    suspicion_max_mult: int = 6
    awareness_most: int = 8
    push_pull_interval: float = 30.0
    stream_timeout: float = 10.0
    reclaim: float = 0.0
    reconnect_interval: float = 10.0
    reconnect_for: float = 86_400.0

    def __post_init__(self) -> None:
        for name in (
            "probe_interval", "probe_timeout", "gossip_interval", "gossip_to_dead", "push_pull_interval",
            "stream_timeout", "reconnect_interval", "gossip_nodes", "retransmit_mult", "suspicion_mult",
            "suspicion_max_mult", "awareness_most",
        ):  # fmt: skip
            if getattr(self, name) <= 0:
                raise MisuseError(f"{name} must be above 0")
        for name in ("indirect_checks", "reclaim", "reconnect_for"):
            if getattr(self, name) < 0:
                raise MisuseError(f"{name} must not be below 0")
        if self.probe_timeout > self.probe_interval:
            raise MisuseError("probe_timeout must not be above probe_interval")


LAN = Profile()
WAN = Profile(
    probe_interval=5.0,
    probe_timeout=3.0,
    gossip_interval=0.5,
    gossip_nodes=4,
    gossip_to_dead=60.0,
    suspicion_mult=6,
    push_pull_interval=60.0,
    stream_timeout=30.0,
    reconnect_interval=30.0,
)
LOCAL = Profile(
    probe_timeout=0.2,
    indirect_checks=1,
    gossip_interval=0.1,
    gossip_to_dead=15.0,
    retransmit_mult=2,
    suspicion_mult=3,
    push_pull_interval=15.0,
    stream_timeout=1.0,
    reconnect_interval=5.0,
)
PROFILES = {"lan": LAN, "wan": WAN, "local": LOCAL}


def suspicion_timeout(mult: int, n: int, interval: float) -> float:
    """How long a suspect has at least to show that it lives, in seconds."""
    return mult * int(1000 * max(1.0, log10(max(1, n)))) * interval / 1000


def retransmit_limit(mult: int, n: int) -> int:
    """How many times a piece of news is sent."""
    return mult * ceil(log10(n + 1))


def push_pull_scale(interval: float, n: int) -> float:
    """How long to wait between two push/pulls, so that a large cluster isn't busy with nothing else."""
    if n <= _FLAT:
        return interval
    return interval * (ceil(log2(n) - log2(_FLAT)) + 1)

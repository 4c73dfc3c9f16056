"""What a group goes by: its configuration, its topic's policy and the node's rules, made one."""

from dataclasses import dataclass

from kapokmq.core.policy import GroupConfig, TopicPolicy, filled
from kapokmq.core.rules import Rules

DISCONNECTED = "the consumer disconnected"
TIMED_OUT = "the lease timed out"
NACKED = "nacked"

_DOUBLINGS = 40  # beyond them any backoff has reached its cap


@dataclass(frozen=True, slots=True)
class Terms:
    """How a group deals and retries. Times in seconds."""

    lease_seconds: float | None = 60.0
    """How long a member may hold a message without acknowledging or touching it; None: for ever."""
    max_attempts: int = 0
    """How often a message is tried until it becomes a dead letter; 0: for ever."""
    backoff: float = 1.0
    """How long the second attempt waits; each further one waits twice as long, up to `backoff_max`."""
    backoff_max: float = 300.0
    patience: int = 3
    """How often a message that a disconnect gave back is dealt again at once."""
    classic_wait: float | None = None
    """In groups of classic consumers: how long it waits after that. There what has timed out waits for nothing."""
    round_robin: bool = False
    paused: bool = False

    def wait(self, tries: int, reason: str) -> float:
        """Seconds until a message is to be dealt again after its n-th bad end."""
        if reason == DISCONNECTED and tries <= self.patience:
            return 0.0
        if self.classic_wait is not None and reason == TIMED_OUT:
            return 0.0
        if self.classic_wait is not None and reason == DISCONNECTED:
            return self.classic_wait
        return min(self.backoff * 2.0 ** min(tries - 1, _DOUBLINGS), self.backoff_max)

    def gives_up(self, tries: int) -> bool:
        """Whether a message is a dead letter after its n-th bad end."""
        return 0 < self.max_attempts <= tries


def policy_for(name: str, own: TopicPolicy, rules: Rules) -> TopicPolicy:
    """What a topic goes by: its own policy, then that of the first pattern of the settings that matches."""
    return filled(own, rules.policy_of(name))


def config_for(config: GroupConfig, policy: TopicPolicy, rules: Rules, *, default: bool) -> GroupConfig:
    """What a group goes by, every field said. `default`: it is the group of a topic's classic consumers."""
    topics = GroupConfig(policy.ack_wait, policy.max_attempts, policy.backoff, policy.backoff_max, policy.choice)
    nodes = GroupConfig(
        ack_wait=rules.lease_seconds if default else rules.ack_wait,
        max_attempts=0 if default else rules.max_attempts,
        backoff=rules.backoff,
        backoff_max=rules.backoff_max,
        choice="random",
    )
    return filled(config, topics, nodes)


def terms_of(config: GroupConfig, policy: TopicPolicy, rules: Rules, *, default: bool) -> Terms:
    """The same, as the group uses it."""
    effective = config_for(config, policy, rules, default=default)
    return Terms(
        lease_seconds=effective.ack_wait,
        max_attempts=effective.max_attempts or 0,
        backoff=effective.backoff or 0.0,
        backoff_max=effective.backoff_max or 0.0,
        patience=rules.retry_count,
        classic_wait=rules.retry_seconds if default else None,
        round_robin=effective.choice == "roundRobin",
        paused=effective.paused,
    )

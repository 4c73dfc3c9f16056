"""The settings, reduced to what the broker decides with."""

from kapokmq.core.policy import Durability
from kapokmq.core.rules import Rules
from kapokmq.core.settings import NodeSettings

DURABLE: tuple[Durability, ...] = ("memory", "interval", "fsync")  # what a confirmation promises, by isPersistent


def rules_of(settings: NodeSettings) -> Rules:
    """What the broker decides with."""
    delivery, retention = settings.delivery, settings.retention
    return Rules(
        broadcast=delivery.broadcast,
        retry_count=delivery.retry_count,
        retry_seconds=delivery.retry_seconds,
        lease_seconds=delivery.retry_seconds if delivery.leases_time_out else None,
        throttled=delivery.throttled,
        eager=settings.store.durability == 1,
        paged=settings.store.durability != 0,
        buffer=delivery.buffer,
        memory_budget=delivery.memory_budget,
        clean_consumed=retention.clean_consumed,
        clean_seconds=retention.clean_seconds,
        max_topics=delivery.max_topics,
        durable=DURABLE[settings.store.durability],
        ack_wait=delivery.retry_seconds if delivery.ack_wait is None else delivery.ack_wait,
        max_attempts=delivery.max_attempts,
        backoff=delivery.backoff,
        backoff_max=delivery.backoff_max,
        dedup_window=delivery.dedup_window,
        policies=settings.topics,
    )

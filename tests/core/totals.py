"""Totals that are kept as things happen, beside what they are totals of."""


def apart(broker):
    """Those that do not agree: (what it is, the total, the sum)."""
    topics = broker.catalog.by_number.values()
    pairs = [
        ("dead", broker.dead, sum(topic.dead for topic in topics)),
        ("bytes", broker.tally.bytes, sum(topic.bytes for topic in topics)),
        ("stored", broker.tally.stored, sum(topic.stored for topic in topics)),
    ]
    return [(what, total, summed) for what, total, summed in pairs if total != summed]

"""Totals that are kept as things happen, beside what they are totals of."""


def apart(broker):
    """Those that do not agree: (what it is, the total, the sum)."""
    topics = broker.catalog.by_number.values()
    pairs = [
        ("dead", broker.dead, sum(topic.dead for topic in topics)),
        ("bytes", broker.tally.bytes, sum(topic.bytes for topic in topics)),
        ("stored", broker.tally.stored, sum(topic.stored for topic in topics)),
    ]
    sinces = _held_since(broker)
    since = broker.held_since  # of what was dealt first: not the least one where the wall clock was set back
    pairs.append(("held", since, since if since in sinces else sorted(sinces)))
    return [(what, total, summed) for what, total, summed in pairs if total != summed]


def _held_since(broker):
    """Since when messages are held, by what the members hold; None where none is."""
    topics = broker.catalog.by_number.values()
    members = [one for topic in topics for group in topic.all_groups() for one in (*group.members, *group._leaving)]
    return {batch.since for member in members for _, (_, batch) in member.held.items()} or {None}

"""Latencies out of when things were sent and when they came: plain sums.

A course is a list of `(time, total)` with both ascending: at that time so many had been sent, or had come. The n-th
that came is the n-th that was sent, so a generator need not look into messages to know how long each took.
"""


def latencies(sent, came):
    """`[(milliseconds, messages), …]` of all that came, ascending."""
    found, step, done = [], 0, 0
    for time, total in came:
        while done < total and step < len(sent):
            begun, upto = sent[step]
            count = min(upto, total) - done
            if count > 0:
                found.append(((time - begun) * 1000, count))
                done += count
            if done >= upto:
                step += 1
    return sorted(found)


def percentile(found, share):
    """The milliseconds that this share of the messages did not exceed; None of nothing."""
    if not found:
        return None
    rank, seen = share * sum(count for _, count in found), 0
    for value, count in found:
        seen += count
        if seen >= rank:
            return value
    return found[-1][0]


def spread(found):
    """The fields p50, p99 and p999 of a row."""
    found = sorted(found)
    return {name: percentile(found, share) for name, share in (("p50", 0.5), ("p99", 0.99), ("p999", 0.999))}

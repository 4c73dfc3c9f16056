"""How much each address may ask for: a bucket of tokens a host, in bounded memory."""

from collections import OrderedDict


class Rates:
    """`rate` times a second, `burst` at once, for each of the last `most` hosts."""

    def __init__(self, rate: float, burst: int, most: int = 4096) -> None:
        self._rate = rate
        self._burst = burst
        self._most = most
        self._left: OrderedDict[bytes, tuple[float, float]] = OrderedDict()  # tokens, and when there were so many

    def allows(self, host: bytes, now: float) -> bool:
        """Whether this host may do it once more, at `now` in steady seconds."""
        tokens, since = self._left.pop(host, (float(self._burst), now))
        tokens = min(self._burst, tokens + (now - since) * self._rate)
        allowed = tokens >= 1
        self._left[host] = (tokens - allowed, now)
        if len(self._left) > self._most:
            self._left.popitem(last=False)
        return allowed

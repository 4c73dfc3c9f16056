"""What a stranger may cost us: wrong keys, by address."""

from collections import deque
from collections.abc import Callable, Sequence
from ipaddress import IPv6Address, ip_address, ip_network

FREE_GUESSES = 20  # in a window
WINDOW = 60.0  # seconds
PENALTY = 1.0  # seconds that a wrong key beyond that waits for its answer
MOST_ADDRESSES = 10_000
_SITE_BITS = 64  # of an IPv6 address: what one customer is given


class WrongKeys:
    """Counts wrong keys by address. `seconds` reads a steady clock.

    What is remembered is bounded: twenty times for each of the addresses that were wrong last. Right keys are never
    slowed down, so nobody can lock another out.
    """

    def __init__(self, seconds: Callable[[], float], most_addresses: int = MOST_ADDRESSES) -> None:
        self._seconds = seconds
        self._most = most_addresses
        self._times: dict[str, deque[float]] = {}

    def delay(self, address: str) -> float:
        """Count a wrong key, and say how many seconds its answer has to wait."""
        now = self._seconds()
        name = _site(address)
        times = self._times.pop(name, None)
        if times is None:
            times = deque(maxlen=FREE_GUESSES)
            if len(self._times) >= self._most:
                del self._times[next(iter(self._times))]
        slow = _held(times, now) > 0
        times.append(now)
        self._times[name] = times
        return PENALTY if slow else 0.0

    def held(self, address: str) -> float:
        """How many seconds it takes until a wrong key of this address is answered at once again; 0: it is now."""
        return _held(self._times.get(_site(address), ()), self._seconds())


def _held(times: Sequence[float], now: float) -> float:
    """The same, of when the last ones were wrong."""
    return max(0.0, times[0] + WINDOW - now) if len(times) == FREE_GUESSES else 0.0


def _site(address: str) -> str:
    """What is counted as one: an IPv4 address, or an IPv6 network of 64 bits."""
    try:
        given = ip_address(address)
    except ValueError:
        return address
    if isinstance(given, IPv6Address):
        return str(ip_network((int(given) >> _SITE_BITS << _SITE_BITS, _SITE_BITS)))
    return address

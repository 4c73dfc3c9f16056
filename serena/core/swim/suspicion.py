"""One member under suspicion (Lifeguard): the more accuse it independently, the less time it has."""

from math import floor, log


def suspected_for(confirmations: int, wanted: int, shortest: float, longest: float) -> float:
    """How long a suspicion lasts in all, in seconds, after that many of `wanted` confirmations."""
    if wanted < 1:
        return shortest
    agreement = log(confirmations + 1) / log(wanted + 1)
    return max(shortest, floor(1000 * (longest - agreement * (longest - shortest))) / 1000)


_WARNINGS = 2


class Suspicion:
    """Who said that a member is gone, and until when it may prove otherwise: `deadline`, in steady seconds.

    Whoever began it doesn't count as a confirmation. Twice towards the end, `gap` seconds apart, the member is warned.
    """

    def __init__(self, accuser: bytes, now: float, *, wanted: int, shortest: float, longest: float, gap: float) -> None:
        self._accusers = {accuser}
        self._since = now
        self._wanted = wanted
        self._shortest = shortest
        self._longest = longest
        self._gap = gap
        self._warned = now
        self.deadline = now + suspected_for(0, wanted, shortest, longest)

    @property
    def due(self) -> float:
        """When the member is to be warned, or all is over."""
        for number in range(_WARNINGS, 0, -1):
            when = self.deadline - number * self._gap
            if when > self._warned:
                return when
        return self.deadline

    def warned(self, now: float) -> None:
        """The member is being told what is said of it."""
        self._warned = now

    def confirm(self, accuser: bytes, not_before: float) -> bool:
        """Somebody else accuses the member. Gives whether that is news, which it is for the first few only.

        It may end the suspicion earlier, but not before that time: by then the member can answer the new accusation.
        """
        if len(self._accusers) > self._wanted or accuser in self._accusers:
            return False
        self._accusers.add(accuser)
        confirmations = len(self._accusers) - 1
        deadline = self._since + suspected_for(confirmations, self._wanted, self._shortest, self._longest)
        self.deadline = min(self.deadline, max(deadline, not_before))
        return True

    def extend(self, until: float) -> None:
        """The member has until then at least: for some time nobody could hear it."""
        self.deadline = max(self.deadline, until)

"""How work grows with its size: a ratio within one run, never a number of seconds."""

import time
from collections.abc import Callable

_TIMES = 16
_SLACK = 0.002  # seconds: what a clock tick or a busy neighbour may add to the small run


def growth(work: Callable[[int], object], size: int) -> float:
    """How many times longer `work(size)` takes than a sixteenth of it: 16 where it is linear, 256 where square."""
    spans = []
    for part in (size // _TIMES, size):
        best = min(_timed(work, part) for _ in range(3))
        spans.append(best)
    return spans[1] / (spans[0] + _SLACK)


def _timed(work: Callable[[int], object], size: int) -> float:
    began = time.process_time()
    work(size)
    return time.process_time() - began

"""Two clocks, read once and handed down together."""

from typing import NamedTuple


class Moment(NamedTuple):
    """One reading of both clocks.

    `wall` is milliseconds since 1970 (UTC) and may jump: due, expire and create times are counted in it. `steady` is
    seconds of a clock that only goes forward: leases, retries and time-outs are counted in it.
    """

    wall: int
    steady: float

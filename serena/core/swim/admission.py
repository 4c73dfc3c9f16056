"""Whether a node may become, or stay, a member: what is said of it must make sense, and fit the pool."""

from collections.abc import Callable

from serena.core.swim.addresses import is_usable, plain
from serena.core.swim.events import Incompatible
from serena.core.swim.members import Table
from serena.core.swim.messages import Alive
from serena.core.swim.outbox import Outbox
from serena.core.swim.versions import are_sound, compatible

MOST_META = 512  # bytes


class Admission:
    """Refuses, and counts why. `allowed` says which hosts may take part, `most_members` how many may be known."""

    def __init__(self, table: Table, outbox: Outbox, *, allowed: Callable[[bytes], bool], most_members: int) -> None:
        self._table = table
        self._outbox = outbox
        self._allowed = allowed
        self._most_members = most_members

    def admits(self, said: Alive) -> bool:
        """Whether this may be believed of a node that we know, or come to know."""
        reason = self._fault(said)
        if not reason:
            return True
        self._outbox.dropped[reason] += 1
        if reason == "incompatible":
            self._outbox.events.append(Incompatible(said.node, said.address, said.versions))
        return False

    def _fault(self, said: Alive) -> str:
        known = said.node in self._table.by_name
        host, versions = said.address.host, said.versions
        checks = (
            ("badIncarnation", not known and said.incarnation == 0),
            ("tooMany", not known and len(self._table) >= self._most_members),
            ("badAddress", not is_usable(host)),
            ("badMeta", len(said.meta or b"") > MOST_META),
            ("notAllowed", not self._allowed(plain(host))),
        )
        for reason, faulty in checks:
            if faulty:
                return reason
        if versions == self._table.me.versions or (known and not versions):
            return ""  # as nearly always; without any it keeps those that it has
        if not are_sound(versions):
            return "badVersions"
        return "" if compatible(versions, self._table.me.versions) else "incompatible"

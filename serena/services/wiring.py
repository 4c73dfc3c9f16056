"""What gossip is made with, from its settings: a profile, codecs, and threads for long work."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from twisted.internet.defer import DeferredSemaphore, fail
from twisted.internet.threads import deferToThreadPool

from serena.core.node_settings import GossipSettings
from serena.core.swim.profile import PROFILES, Profile
from serena.core.swim.wire.datagrams import DatagramCodec
from serena.core.swim.wire.keyring import Keyring
from serena.core.swim.wire.streams import StreamCodec
from serena.transports.stream import Crowded, Elsewhere

AT_ONCE = 2  # works in other threads: each may hold what a stream unpacks to
WAITING = 128  # works more: as many as there may be push/pulls
ENTRIES = 2  # times as many members as may be known are read in a push/pull


def profile_of(settings: GossipSettings) -> Profile:
    """The profile that was chosen, with what was set beside it."""
    return replace(PROFILES[settings.profile], **settings.overrides)  # type: ignore[arg-type]


class Codecs(NamedTuple):
    """How datagrams and streams are wrapped. The ring's keys may change."""

    ring: Keyring
    datagrams: DatagramCodec
    streams: StreamCodec


def codecs_of(settings: GossipSettings, entropy: Callable[[int], bytes]) -> Codecs:
    """Both codecs, with one ring. `entropy` gives random bytes."""
    ring = Keyring(settings.keys)
    options: dict[str, Any] = {
        "ring": ring,
        "label": settings.label,
        "verify_incoming": settings.verify_incoming,
        "verify_outgoing": settings.verify_outgoing,
        "compress": settings.compression,
        "nonce": entropy,
    }
    streams = StreamCodec(**options, most_entries=ENTRIES * settings.max_members)
    return Codecs(ring, DatagramCodec(**options), streams)


def rekey(ring: Keyring, keys: Sequence[bytes]) -> None:
    """Have a ring hold these keys, the first of which encrypts, and no others."""
    for key in keys:
        ring.add(key)
    if keys:
        ring.use(keys[0])
    for key in set(ring.keys) - set(keys):
        ring.remove(key)


def threads(reactor: Any) -> Elsewhere:
    """What works in the reactor's threads, a few at a time; so many more may wait."""
    few = DeferredSemaphore(AT_ONCE)

    def elsewhere(work: Callable[[], Any]) -> Any:
        if len(few.waiting) >= WAITING:
            return fail(Crowded())
        return few.run(deferToThreadPool, reactor, reactor.getThreadPool(), work)

    return elsewhere

"""Deliveries: what may be dealt to whom, and what becomes of it."""

from kapokmq.core.rules import Rules
from tests.core.delivery.books import (
    CONFIRMED,
    DEFAULT,
    DISCONNECTED,
    NACKED,
    TIMED_OUT,
    Lease,
    Reader,
    Share,
    Text,
)
from tests.core.delivery.groups import Groups


class Leasing(Groups):
    """Who holds what, and how often it was tried. Checks each delivery."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self.codes: dict[str, Text] = {}
        self.ever_acked: set[tuple[str, str | None, Text]] = set()

    def tick(self, now) -> None:
        self.now = now
        self._expire()
        for reader in self.readers:
            for code, lease in list(reader.leases.items()):
                if lease.until is not None and lease.until <= now.steady:
                    del reader.leases[code]
                    reader.give()
                    self._fail(reader.places[lease.topic], lease.text, TIMED_OUT, None)

    def leave(self, reader: Reader) -> None:
        self.readers.remove(reader)
        for lease in reader.leases.values():
            self._fail(reader.places[lease.topic], lease.text, DISCONNECTED, None)
        reader.leases.clear()

    def delivered(self, reader: Reader, topic: str, code: str, message, attempt: int) -> None:
        """The broker delivers this, now."""
        text = self.texts[message.data]
        assert reader in self.readers, "delivered to somebody who is gone"
        assert text.state == CONFIRMED, f"delivered before it was confirmed: {text}"
        assert (text.name, text.code, text.headers, text.key) == (topic, code, message.headers, message.key)
        assert text.topic == self.books.topics[topic], "of another topic"
        assert not self.waiting(text) or text in self.perhaps, f"delivered before it was due: {text}"
        # A private group may still have in memory what all others have consumed.
        cleaned = reader.group is None and (self.rules.clean_consumed or text not in self.doomed)
        assert cleaned or text not in self.books.gone, f"delivered after it was deleted: {text}"
        if self.due(text) is not None:
            self.fallen.add(text)
        reader.got.add(text)
        share = reader.places[topic]
        assert not share.paused, "delivered while the group is paused"
        assert reader.flowing, "delivered to somebody who takes no more"
        assert reader.left > 0, "delivered beyond credit"
        if reader.owes or not reader.renews:
            reader.left -= 1
        if share.broadcast:
            assert text not in reader.acked, "delivered after it was acknowledged"
            assert code not in reader.leases, "delivered twice at a time"
        else:
            self._dealt(reader, share, text, attempt)
        if reader.owes:
            reader.leases[code] = Lease(text, topic, self._until(share))
        else:
            self._done(reader, share, text)

    def _dealt(self, reader: Reader, share: Share, text: Text, attempt: int) -> None:
        # One that was read before it was moved has the time from then.
        assert not self.expired(text) or text in self.moved, f"delivered after it expired: {text}"
        # What a group was done with because it expired it may get after a restart with the clock set back.
        assert share.owes(text) or text in self.stale, f"delivered to a group that it is not due: {text} {share}"
        assert not self.holders(share, text.code), f"leased twice: {text}"
        if text in self.stale and attempt <= share.tries.get(text, 0):
            # It had expired, and with it its attempts; then the clock was set back, and the node started again.
            share.tries[text] = attempt - 1
            share.retry.pop(text, None)
        assert attempt == share.tries.get(text, 0) + 1, f"attempt {attempt} of {text}: {share.tries}"
        steady, _ = share.retry.get(text, (0.0, 0))
        assert steady <= self.now.steady, f"tried again too early: {text}"
        if attempt == 1 and text.delay == 0 and text not in share.again:
            number = int(text.code[24:], 16)
            assert number > reader.last.get(share, -1), f"dealt out of order: {text}"
            reader.last[share] = number

    def _until(self, share: Share) -> float | None:
        seconds = self.rules.lease_seconds if share.name == DEFAULT else self.rules.ack_wait
        return None if seconds is None else self.now.steady + seconds

    def _done(self, reader: Reader, share: Share, text: Text) -> None:
        reader.acked.add(text)
        self.ever_acked.add((share.topic, share.name, text))
        if not share.broadcast:
            share.finish(text)

    def ack(self, reader: Reader, code: str) -> bool:
        """Somebody acknowledges this. Gives whether it is to be ignored."""
        text = self.codes.get(code)
        if code in reader.leases:
            lease = reader.leases.pop(code)
            reader.give()
            self._done(reader, reader.places[lease.topic], lease.text)
            return False
        share = reader.places.get(text.name) if text is not None else None
        if share is not None and share.broadcast and text in reader.got:
            self.ever_acked.add((share.topic, share.name, text))  # it counts while the message waits for this one
        if share is None or share.broadcast:
            return True
        return not self._acked_late(reader, share, text, code)

    def _acked_late(self, reader: Reader, share: Share, text: Text, code: str) -> bool:
        """Somebody acknowledges what it does not hold, or no longer. Gives whether that counts."""
        for other in self.holders(share, code):
            if text not in self.books.gone:
                del other.leases[code]
                other.give()
                self._done(other, share, text)
            return text not in self.books.gone
        over = text in share.done or text in self.stale or (share.name is not None and text in self.books.gone)
        if over or text not in share.failed or text.code != code:  # another code: lost, and sent again
            return False
        self._done(reader, share, text)
        return True

    def unsure(self, reader: Reader, code: str) -> bool:
        """Whether a late acknowledgement may count or not: the message is over, and its group may know or not."""
        text = self.codes.get(code)
        share = reader.places.get(text.name) if text is not None else None
        if share is None or share.broadcast or self.holders(share, code):
            return False
        return text in self.stale or (share.name is None and text in self.books.gone)

    def nack(self, reader: Reader, code: str, wait: float | None) -> bool:
        """Somebody could not do it. Gives whether that is to be ignored."""
        lease = reader.leases.pop(code, None)
        if lease is None:
            return True
        reader.give()
        self._fail(reader.places[lease.topic], lease.text, NACKED, wait)
        return False

    def touch(self, reader: Reader, code: str) -> bool:
        lease = reader.leases.get(code)
        if lease is None:
            return True
        lease.until = self._until(reader.places[lease.topic])
        return False

    def _fail(self, share: Share, text: Text, cause: str, wait: float | None) -> None:
        """A lease ended badly."""
        if share.broadcast or text in share.done:
            return
        if share.name is not None and text in self.books.gone:  # private ones go on with what they have in memory
            return
        tries = share.tries[text] = share.tries.get(text, 0) + 1
        share.failed.add(text)
        most = 0 if share.name == DEFAULT else self.rules.max_attempts
        if most and tries >= most:
            del share.tries[text]
            share.failed.discard(text)
            (share.done if share.name is None else share.dead).add(text)
            return
        seconds = self._wait(share, tries, cause) if wait is None else wait
        share.retry[text] = (self.now.steady + seconds, self.now.wall + int(seconds * 1000))

    def _wait(self, share: Share, tries: int, cause: str) -> float:
        rules = self.rules
        if cause == DISCONNECTED and tries <= rules.retry_count:
            return 0.0
        if share.name == DEFAULT and cause == TIMED_OUT:
            return 0.0
        if share.name == DEFAULT and cause == DISCONNECTED:
            return rules.retry_seconds
        return min(rules.backoff * 2 ** (tries - 1), rules.backoff_max)

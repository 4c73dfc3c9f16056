"""Topics, their groups, and who is a member."""

from kapokmq.core.message import OFFSET_MASK
from kapokmq.core.pattern import matches
from kapokmq.core.rules import Rules
from tests.core.delivery.ages import Ages
from tests.core.delivery.books import CONFIRMED, DEFAULT, Reader, Share, Text


class Groups(Ages):
    """Which message is due to which group."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self.readers: list[Reader] = []
        self.stored: set[Text] = set()
        self.doomed: set[Text] = set()  # to be deleted some time
        self.topics_made = 0

    def topic(self, name: str) -> None:
        """Somebody names a topic."""
        if name in self.books.topics:
            return
        self.topics_made += 1
        self.books.topics[name] = self.topics_made
        for pattern, group in sorted(self.books.patterns):
            if matches(pattern, name):
                self.share(name, group, "all")
        for reader in self.readers:
            if reader.wants(name):
                self.place(reader, name, "all")

    def share(self, topic: str, group: str, start: str | int) -> Share:
        found = self.books.shares.get((topic, group))
        if found is None:
            found = Share(topic, group, broadcast=group == DEFAULT and self.rules.broadcast)
            if self.books.of(topic) and group != DEFAULT:
                found.skipped = self.before(topic, start)
            self.books.shares[topic, group] = found
        return found

    def before(self, topic: str, start: str | int) -> set[Text]:
        """What a group that begins so is not due."""
        seen = [text for text in self.texts.values() if self.seen(text, topic)]
        if start == "all":
            return set()
        if start == "new":
            return set(seen)
        first = min((text.code[24:] for text in seen if text in self.stored and text.created >= start), default="g")
        return {text for text in seen if text.code[24:] < first}

    def seen(self, text: Text, topic: str) -> bool:
        return text.state == CONFIRMED and text.name == topic and text.topic == self.books.topics.get(topic)

    def offset(self, text: Text) -> int:
        return int(text.code[24:], 16) & OFFSET_MASK

    def place(self, reader: Reader, topic: str, start: str | int) -> None:
        if reader.group is None:
            share = Share(topic, None)
            share.skipped = self.before(topic, "new")
        else:
            share = self.share(topic, reader.group, start)
        reader.places[topic] = share

    def part(self, reader: Reader, topic: str) -> None:
        """A group that is about to go: its members lose what they hold there."""
        del reader.places[topic]
        for code, lease in list(reader.leases.items()):
            if lease.topic == topic:
                del reader.leases[code]
                reader.give()

    def drop(self, topic: str, group: str | None) -> list[Reader]:
        """A group is deleted, or (None) all of a topic. Gives who is dismissed by that."""
        dismissed = []
        for reader in list(self.readers):
            if topic in reader.places and (group is None or reader.group == group):
                self.part(reader, topic)
                if not reader.watching:
                    self.readers.remove(reader)
                    dismissed.append(reader)
        self.books.shares = {
            key: share for key, share in self.books.shares.items() if key[0] != topic or group not in (None, key[1])
        }
        return dismissed

    def delete(self, topic: str) -> list[Reader]:
        """A topic is to be deleted with all that it has. Gives who is dismissed by that."""
        self.books.deleting.add(topic)
        self.doom(topic)
        return self.drop(topic, None)

    def doom(self, topic: str) -> None:
        # What is gone already is left to private groups that have it in memory.
        number = self.books.topics[topic]
        self.doomed |= {text for text in self.texts.values() if text.topic == number and text not in self.books.gone}

    def deleted(self, topics) -> None:
        """These are the topics that are left."""
        for topic in self.books.deleting - set(topics):
            self.books.deleting.discard(topic)
            del self.books.topics[topic]

    def holders(self, share: Share, code: str) -> list[Reader]:
        return [
            reader
            for reader in self.readers
            if code in reader.leases and reader.places.get(reader.leases[code].topic) is share
        ]

    def purge_group(self, topic: str, group: str) -> None:
        share = self.books.shares[topic, group]
        for text in self.texts.values():
            if self.seen(text, topic) and share.owes(text) and not self.holders(share, text.code):
                share.finish(text)

    def used_up(self, text: Text) -> bool:
        """Whether every group is done with it."""
        shares = self.books.of(text.name)
        known = [share for share in shares if not share.broadcast]
        return bool(shares) and not any(share.owes(text) or text in share.dead for share in known)

    def left_lying(self, reader: Reader) -> list[Text]:
        """What this reader could have now, and has not."""
        places = list(reader.places.items()) if reader.open else []
        return [
            text
            for topic, share in places
            for text in self.stored
            if not (share.paused or share.broadcast) and self.seen(text, topic) and self._is_ready(share, text)
        ]

    def _is_ready(self, share: Share, text: Text) -> bool:
        return (
            share.owes(text)
            and text not in self.books.gone
            and text not in self.stale
            and not self.waiting(text)
            and not self.holders(share, text.code)
            and share.retry.get(text, (0.0, 0))[0] <= self.now.steady
        )

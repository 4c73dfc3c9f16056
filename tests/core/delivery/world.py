"""The naive model of a broker: it says what must come of each thing that happens, and checks what comes."""

from kapokmq.core.rules import Rules
from tests.core.delivery.books import CONFIRMED, DEFAULT, DUPLICATE, LOST, PENDING, REFUSED, Books, Text
from tests.core.delivery.leasing import Leasing
from tests.core.naive_store import STORE_ID


def code_of(message) -> str:
    return f"{STORE_ID:016x}{message.epoch:08x}{message.id:016x}"


class World(Leasing):
    """Everything that was promised, and what of it is durable. Told of what happens before the broker is."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self.durable = Books()
        self.ids: dict[int, Text] = {}
        self.kept: dict[tuple[int, str], list[int]] = {}  # (topic, key): buckets of what was stored
        self.windows: dict[int, int] = {}  # by topic: the last one of keys; a clock set back goes on with it
        self.repeats: list[tuple[Text, str]] = []  # duplicates, and the codes that stand for them
        self.failing = False
        self.looking = False  # the broker looks again at what is consumed, because a group has gone or was purged
        self.forgetful = False  # a crash may have come before it had

    # ---- publishing

    def sent(self, text: Text) -> None:
        """Somebody publishes this, now."""
        text.topic = self.books.topics[text.name]
        text.state, text.code = PENDING, ""
        text.created = self.now.wall
        for known in (self.fallen, self.perhaps, self.stale, self.old):
            known.discard(text)  # of an earlier time that it was sent, which came to nothing
        if text.delay:
            self.books.dues[text] = text.created + text.delay * 1000
        if text.key is not None:
            bucket = text.created // int(self.rules.dedup_window * 1000)
            text.bucket = self.windows[text.topic] = max(bucket, self.windows.get(text.topic, 0))
        self.texts[text.body] = text

    def confirmed(self, texts: list[Text], receipt) -> None:
        assert receipt.count == len(texts)
        duplicates = receipt.duplicates or {}
        for index, (text, code) in enumerate(zip(texts, receipt.codes, strict=True)):
            if index in duplicates:
                assert text.key is not None and text.state in (PENDING, DUPLICATE), text
                self.repeats.append((text, code))
                text.state = DUPLICATE
                continue
            assert text.state == PENDING or (receipt.resent and text.code == code), text
            assert not text.code or text.code == code, "another code for the same publish"
            self.name(text, code)
            if not self.rules.eager or receipt.durable == "fsync":
                assert text in self.stored or text in self.books.gone or text in self.doomed, "not stored"

    def compare(self) -> None:
        """What stands for a duplicate has its key."""
        for text, code in self.repeats:
            first = self.codes[code]
            assert (first.key, first.topic) == (text.key, text.topic), (text, first)
            assert first.bucket in (text.bucket, text.bucket - 1), f"not stored, and its key was free: {text}"
        self.repeats.clear()

    def name(self, text: Text, code: str) -> None:
        text.state, text.code = CONFIRMED, code
        self.codes[code] = text
        if text not in self.books.gone:  # else another life may have given its number to another one
            self.ids[int(code[24:], 16)] = text

    def refused(self, texts: list[Text]) -> None:
        for text in texts:
            assert text.state in (PENDING, REFUSED), text  # who sent it again is refused, too
            text.state = REFUSED

    # ---- commits

    def take(self) -> None:
        self.taken.append((self.books.copy(), self.moving))
        self.moving = []

    def applied(self, commit, store) -> None:
        """The store has a commit."""
        self.durable, _ = self.taken.pop(0)
        self.failing = False
        for message in commit.publishes:
            if message.id in store.messages:
                self._stored(message)
        bodies = [message.data for message in store.messages.values()]
        assert len(bodies) == len(set(bodies)), "stored twice"
        self.stored = {self.texts[body] for body in bodies}
        assert not self.stored & self.durable.gone, "deleted, and still stored"

    def _stored(self, message) -> None:
        text = self.texts[message.data]
        assert text.state in (PENDING, CONFIRMED), text
        if text.key is not None:
            bucket, buckets = text.bucket, self.kept.setdefault((text.topic, text.key), [])
            assert not {bucket, bucket - 1} & set(buckets), "a key was stored twice"
            buckets.append(bucket)

    def failed(self) -> None:
        self.failing = True
        _, moving = self.taken.pop()
        self.moving = moving + self.moving

    def removed(self, rows) -> None:
        """The broker deletes these."""
        for row in rows:
            for message_id in range(row.first, row.last + 1):
                text = self.ids.get(message_id)
                if text is not None and text.state == CONFIRMED:
                    assert self._may_go(text), f"deleted for no reason: {text}"
                    self.books.gone.add(text)

    def _may_go(self, text: Text) -> bool:
        used_up = self.rules.clean_consumed and self.used_up(text)
        return used_up or text in self.doomed or text in self.old or text in self.stale

    def crash(self, store) -> None:
        """All that is not in the store is lost, and all that is in it counts."""
        for reader in self.readers:
            reader.leases.clear()
        self.readers = []
        self.books = self.durable.copy()
        self.taken, self.moving = [], []
        self.windows = {}
        self.failing = False
        self.forgetful, self.looking = self.forgetful or self.looking, False
        self.perhaps = set()
        self.fallen = {text for text, due in self.books.dues.items() if due <= self.now.wall}
        in_store = {message.data: message for message in store.messages.values()}
        for text in self.texts.values():
            message = in_store.get(text.body)
            if message is not None:
                self.name(text, code_of(message))
            elif text.state == PENDING:
                text.state = LOST
            elif text.state == CONFIRMED and text not in self.books.gone:
                assert self.rules.eager, f"confirmed and lost: {text}"
                text.state, text.code = LOST, ""
        for share in self.books.shares.values():
            patience = self.rules.retry_seconds if share.name == DEFAULT else None
            for text, (_, wall) in share.retry.items():
                left = (wall - self.now.wall) / 1000
                left = left if patience is None else min(left, patience)
                share.retry[text] = (self.now.steady + left, wall)

"""What is due by now, and what has expired."""

from kapokmq.core.rules import Rules
from tests.core.delivery.books import CONFIRMED, Books, Text
from tests.core.rig import START


class Ages:
    """Messages by the clocks. Told the time with `tick`; what was due stays due when the wall clock is set back."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.now = START
        self.texts: dict[str, Text] = {}
        self.books = Books()
        self.taken: list[tuple[Books, list[Text]]] = []  # what commits take along, and whose due times
        self.moving: list[Text] = []  # new due times that no commit has taken
        self.moved: set[Text] = set()  # to another due time, while a read may have been on its way
        self.fallen: set[Text] = set()  # due, some time
        self.perhaps: set[Text] = set()  # the same, unless the store could not be read just then
        self.stale: set[Text] = set()  # expired, some time
        self.old: set[Text] = set()  # older than messages are kept, some time

    def due(self, text: Text) -> int | None:
        return self.books.dues.get(text)

    def waiting(self, text: Text) -> bool:
        """Whether it is still to fall due."""
        if any(text in moving for moving in (self.moving, *(each for _, each in self.taken))):
            return True
        due = self.due(text)
        return due is not None and due > self.now.wall and text not in self.fallen

    def fall(self, *, surely: bool) -> None:
        """What is due by now has fallen due, `surely` or perhaps."""
        due = [text for text in self.texts.values() if text.state == CONFIRMED and self.due(text) is not None]
        (self.fallen if surely else self.perhaps).update(text for text in due if not self.waiting(text))
        self.perhaps -= self.fallen
        self._expire()

    def expire(self, text: Text) -> int | None:
        """When it is not worth delivering any more: so long after it is due."""
        if not text.expire_in:
            return None
        due, age = self.due(text), self.rules.clean_seconds
        longest = text.expire_in if due is None or age is None else min(text.expire_in, int(age * 1000))
        return (due or text.created) + longest

    def expired(self, text: Text) -> bool:
        expire = self.expire(text)
        return expire is not None and expire <= self.now.wall

    def _expire(self) -> None:
        self.stale |= {text for text in self.texts.values() if self.expired(text)}
        age = self.rules.clean_seconds
        if age is not None:
            before = self.now.wall - age * 1000
            self.old |= {text for text in self.texts.values() if (self.due(text) or text.created) < before}

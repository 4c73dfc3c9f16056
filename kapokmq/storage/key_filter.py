"""Where a key may be: an estimate in memory that never misses a key that is there.

Bloom filters side by side: each word has a bit for each of `SLOTS` slots, and a key sets that of its slot in four words
that its hash names. Those four words, combined by `and`, tell in one go in which slots it may be. The more keys
a slot has, the more often it is named in vain, which costs a search in each of its parts; but no key that is there is
ever missed. With 160,000 keys in a slot that is once in 34,000 times where there are 8,388,608 words (64 MiB), and once
in 200 where there are a quarter of them.
"""

from array import array

SLOTS = 60  # so that a word with all bits set is an int that needs no more room
_STRIP = 1 << 20  # bytes


class KeyFilter:
    """Which slots may hold a topic's key. Its hashes mean something in this process only.

    `words` is a power of two, at most 1 << 23; each takes 8 bytes.
    """

    def __init__(self, words: int) -> None:
        self._words = array("Q", bytes(8 * words))
        self._mask = words - 1
        self._used: set[int] = set()

    def look(self, topic: int, keys: list[str], slot: int) -> dict[str, int]:
        """In which slots a topic's keys may be, as bits, for those that may be in any; from now on all are in `slot`.

        The keys are distinct.
        """
        words, mask = self._words, self._mask
        bit, salt = 1 << slot, hash((topic,))
        self._used.add(slot)
        found = {}
        for key in keys:  # texts know their hash once they were asked for it, tuples don't
            drawn = hash(key) ^ salt
            a = drawn & mask
            b = drawn >> 21 & mask
            c = drawn >> 42 & mask
            d = (a + b + c) & mask
            at_a, at_b, at_c, at_d = words[a], words[b], words[c], words[d]
            if bits := at_a & at_b & at_c & at_d:
                found[key] = bits
            words[a] = at_a | bit
            words[b] = at_b | bit
            words[c] = at_c | bit
            words[d] = at_d | bit
        return found

    def keep(self, slots: set[int]) -> None:
        """Empty all other slots."""
        unused = self._used - slots
        if unused:
            self._used -= unused
            mask = ~sum(1 << slot for slot in unused) & (1 << 64) - 1
            strip = int.from_bytes(mask.to_bytes(8, "little") * (_STRIP // 8), "little")
            with memoryview(self._words).cast("B") as words:
                for at in range(0, len(words), _STRIP):
                    kept = int.from_bytes(words[at : at + _STRIP], "little") & strip
                    words[at : at + _STRIP] = kept.to_bytes(_STRIP, "little")

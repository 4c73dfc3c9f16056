"""The keys of a cluster: one that seals, and all that may open."""

from collections.abc import Iterable

from serena.core.errors import PeerError

SIZES = (16, 24, 32)
"""Bytes of a key: AES-128, AES-192, AES-256."""


class UnfitKey(PeerError):
    """That can't be done with that key. The text does not show it."""

    name = "badKey"


class Keyring:
    """Keys in the order in which they are tried; the first, the primary, seals. Without keys nothing is encrypted.

    To change keys: add the new one on every node, then use it on every node, then remove the old one everywhere.
    """

    def __init__(self, keys: Iterable[bytes] = ()) -> None:
        self._keys: tuple[bytes, ...] = ()
        for key in keys:
            self.add(key)

    @property
    def keys(self) -> tuple[bytes, ...]:
        """All keys, the primary first. The tuple never changes: whoever works in another thread may keep it."""
        return self._keys

    @property
    def primary(self) -> bytes | None:
        """The key that seals."""
        return self._keys[0] if self._keys else None

    def add(self, key: bytes) -> None:
        """Let `key` open, too; the first one is the primary. Raises UnfitKey."""
        if len(key) not in SIZES:
            raise UnfitKey(f"A key has 16, 24 or 32 bytes; this one has {len(key)}.")
        if key not in self._keys:
            self._keys = (*self._keys, bytes(key))

    def use(self, key: bytes) -> None:
        """Let `key`, which is there, seal from now on. Raises UnfitKey."""
        if key not in self._keys:
            raise UnfitKey("That key is not on the ring: add it first.")
        self._keys = (bytes(key), *(other for other in self._keys if other != key))

    def remove(self, key: bytes) -> None:
        """Forget `key`, whether it was there or not. Raises UnfitKey for the primary."""
        if key == self.primary:
            raise UnfitKey("The primary key can't be removed: use another one first.")
        self._keys = tuple(other for other in self._keys if other != key)

    def __len__(self) -> int:
        return len(self._keys)

    def __repr__(self) -> str:
        return f"Keyring({len(self._keys)} keys)"

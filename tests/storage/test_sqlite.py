"""The store in a file: the contract, and what only a file has."""

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from kapokmq.storage.sqlite import SQLiteStore
from tests.storage.contract import NOW, DurableContract, StoreContract, entropy
from tests.storage.contract_keys import KeysContract
from tests.storage.contract_lives import LivesContract
from tests.storage.contract_looking import LookingContract
from tests.storage.contract_recovery import RecoveryContract


class SQLiteHarness:
    """Stores in files of their own."""

    def make(self, path, **options):
        """A store that is not yet open, closed after the test."""
        store = SQLiteStore(str(path), entropy=entropy, callback=self.pump, **options)
        self.addCleanup(lambda: self.pump.wait(store.close()))
        return store

    def fresh(self):
        """An open store in a new directory."""
        if hasattr(self, "store"):
            self.wait(self.store.close())
        self.path = Path(self.mktemp()) / "made" / "store.db"
        store = self.make(self.path)
        self.recovered = store.open(NOW)
        return store

    def again(self, now=NOW):
        """Close the store and open it again; gives what was found."""
        self.wait(self.store.close())
        self.store = self.make(self.path)
        return self.store.open(now)


class SQLiteStoreTests(SQLiteHarness, StoreContract, SynchronousTestCase):
    """The contract of every store."""


class SQLiteKeysTests(SQLiteHarness, KeysContract, SynchronousTestCase):
    """Keys and sessions."""


class SQLiteLivesTests(SQLiteHarness, LivesContract, SynchronousTestCase):
    """What befalls messages."""


class SQLiteLookingTests(SQLiteHarness, LookingContract, SynchronousTestCase):
    """Those who look."""


class SQLiteRecoveryTests(SQLiteHarness, RecoveryContract, SynchronousTestCase):
    """What is found again."""


class SQLiteDurableTests(SQLiteHarness, DurableContract, SynchronousTestCase):
    """The contract of those that last."""

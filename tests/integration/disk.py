"""A disk that can be filled and emptied: a small tmpfs where we may mount one, else a bound on the size of files."""

import resource
import subprocess

from tests.integration.broker import folder

SIZE = 12 << 20
_BALLAST = 8 << 20  # bytes that are freed to make room again


class SmallDisk:
    """A folder with little room, until `make_room`. It is unmounted when the test has ended."""

    def __init__(self, case):
        self.folder = folder(case)
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(self.folder)], capture_output=True, check=False
        )
        self.real = mounted.returncode == 0
        self._broker = None
        if self.real:
            case.addCleanup(subprocess.run, ["umount", "-l", str(self.folder)], check=True)
            (self.folder / "ballast").write_bytes(bytes(_BALLAST))

    @property
    def store(self):
        """Where to put the store."""
        return self.folder / "kapokmq.db"

    def holds(self, broker):
        """Say whose disk it is, once it has started."""
        self._broker = broker
        if not self.real:
            self._bound(SIZE - _BALLAST)

    def make_room(self):
        """There is space again."""
        if self.real:
            (self.folder / "ballast").unlink()
        else:
            self._bound(resource.RLIM_INFINITY)

    def _bound(self, size):
        resource.prlimit(self._broker.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

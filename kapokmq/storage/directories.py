"""Directories as a store needs them: durable, and nobody else's to read."""

import os
from pathlib import Path


def make_directory(path: Path) -> None:
    """Make a directory that this user alone may enter, and those above it, where they are missing. Raises OSError."""
    missing = [parent for parent in (path, *path.parents) if not parent.exists()]
    for directory in reversed(missing):
        directory.mkdir(0o700)
        sync_directory(directory.parent)


def sync_directory(path: Path) -> None:
    """Make names that were given or changed in a directory durable. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

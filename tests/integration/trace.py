"""What a broker did, as strace saw it, and whether each `ok` left after the sync of what it confirms.

A line of the trace is one of these; the second and third are one call that was interrupted by another thread's:

    PID call(9</path/kapokmq.db-wal>, "bytes"..., 4096, 8192) = 4096
    PID call(9</path/kapokmq.db-wal>, "bytes"..., 4096, 8192 <unfinished ...>
    PID <... call resumed>) = 4096

A call's beginning and its end are two moments, because threads run side by side: an `ok` must *begin* to be written
after a sync has *ended* that *began* after the commit's last write had *ended*.
"""

import re
from typing import NamedTuple

SYSCALLS = "pwrite64,pwritev,write,writev,sendto,sendmsg,fdatasync,fsync"
SYNCS = ("fdatasync", "fsync")
OK = r"\201\2ok"  # the frame, as strace writes bytes
_BEGIN = re.compile(r"^(\d+) +(\w+)\((\d+)<([^>]*)>(.*)$")
_RESUMED = re.compile(r"^(\d+) +<\.\.\. (\w+) resumed>")
_UNFINISHED = "<unfinished ...>"
_FAILED = re.compile(r"= -1 [A-Z]+")


def command(log):
    """What comes before a command to trace it, threads included, into that file."""
    return ("strace", "-f", "-y", "-s", "100000", "-o", str(log), "-e", f"trace={SYSCALLS}", "-e", "signal=none")


class Call(NamedTuple):
    """One call. `begin` and `end` are places in the order of all moments."""

    begin: int
    end: int
    name: str
    target: str
    given: str

    @property
    def to_log(self):
        """Whether it is about SQLite's log of commits."""
        return self.target.endswith("-wal")


def read(text):
    """The calls of a trace that succeeded, in the order of their beginnings."""
    calls, open_ = [], {}
    for number, line in enumerate(text.splitlines()):
        resumed = _RESUMED.match(line)
        if resumed:
            begun = open_.pop(resumed[1], None)
            if begun is not None and begun.name == resumed[2] and not _FAILED.search(line):
                calls.append(begun._replace(end=number))
            continue
        begin = _BEGIN.match(line)
        if begin is None:
            continue
        pid, name, _, target, given = begin.groups()
        call = Call(number, number, name, target, given)
        if line.rstrip().endswith(_UNFINISHED):
            open_[pid] = call
        elif not _FAILED.search(line[-60:]):
            calls.append(call)
    return sorted(calls)


def violations(calls, needles):
    """What is wrong, in words. `needles` are the bodies whose `ok`s were written, in the order of those."""
    sent = [call for call in calls if call.target.startswith(("socket:", "TCP"))]
    oks = [call for call in sent for _ in range(call.given.count(OK))]
    writes = [call for call in calls if call.to_log and call.name not in SYNCS]
    syncs = [call for call in calls if call.to_log and call.name in SYNCS]
    wrong = []
    if len(oks) != len(needles):
        wrong.append(f"{len(oks)} oks for {len(needles)} messages")
    for needle, ok in zip(needles, oks, strict=False):
        holding = [call.end for call in writes if needle in call.given]
        if not holding:
            wrong.append(f"{needle}: never written to the log")
        elif not any(holding[0] < sync.begin and sync.end < ok.begin for sync in syncs):
            wrong.append(f"{needle}: no sync between its write to the log and its ok")
    return wrong


def unsynced(calls):
    """Of messages sent one by one: the `ok`s that left while a write to the log was not synced. A stricter look."""
    wrong, dirty = [], 0
    for call in sorted(calls, key=lambda call: call.end):
        if call.to_log:
            dirty = 0 if call.name in SYNCS and call.begin > dirty else max(dirty, call.end)
        elif OK in call.given and dirty:
            wrong.append(f"line {call.begin}: ok after an unsynced write in line {dirty}")
    return wrong

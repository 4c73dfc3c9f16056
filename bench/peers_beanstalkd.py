"""beanstalkd with its log: put in pipelines; reserve and delete of one job each, as it has no batches."""

import re

from bench.peers_process import find_program
from bench.peers_pump import READ, Answers, Pump, chunk_size, connect, drive
from bench.peers_run import printed_version

name, wire, program = "beanstalkd", "beanstalk", "beanstalkd"
connections = 1

_CHUNK = 100  # commands a write
_AHEAD = 200  # jobs that are asked for before they come
_ANSWER = re.compile(rb"RESERVED (\d+) (\d+)\r\n|(DELETED)\r\n")


def levels():
    """Its durable settings, the strictest first."""
    return ("fsync each (-f0)", "fsync every 1 s (-f1000)")


def version():
    """Of the server."""
    return printed_version(program, "-v")


def command(level, port, folder):
    """A server whose log is in its folder."""
    milliseconds = re.search(r"-f(\d+)", level)[1]
    size = ("-z", str(1 << 20))  # bytes of a job at most
    return [find_program(program), "-l", "127.0.0.1", "-p", str(port), "-b", str(folder), f"-f{milliseconds}", *size]


def prepare(port, load, level):
    """Its default tube needs nothing."""


def put(payload):
    """One command: priority 0, no delay, 600 s to work on it."""
    return b"put 0 0 600 %d\r\n%s\r\n" % (len(payload), payload)


def publish(port, load):
    """Each answer is one line, and its D is the one of INSERTED. Latencies of the chunks in seconds."""
    each = chunk_size(load.window, _CHUNK)
    pump = Pump(connect(port), [put(b"x" * load.size) * each], each, load.messages, load.window, Answers(b"D", b"_"))
    with pump.sock:
        drive([pump])
    return pump.latencies


class Reading:
    """What to send for what comes: a job is deleted, and another asked for, as long as `total` are not asked for."""

    def __init__(self, total):
        self._total, self._asked = total, min(_AHEAD, total)
        self._rest = b""
        self.deleted = 0

    def begin(self):
        """What to send first."""
        return b"reserve\r\n" * self._asked

    def feed(self, data):
        """What to send for `data`, which may end anywhere."""
        data, at, send = self._rest + data, 0, []
        while found := _ANSWER.search(data, at):
            end = found.end()
            if found[3]:
                self.deleted += 1
            else:
                end += int(found[2]) + 2
                if end > len(data):
                    break
                send.append(b"delete %s\r\n" % found[1])
                if self._asked < self._total:
                    self._asked += 1
                    send.append(b"reserve\r\n")
            at = end
        self._rest = data[at:]
        return b"".join(send)


def consume(port, load):
    """Reserve ahead and delete. Exactly `total` are asked for, so no delete waits behind a reserve for ever."""
    reading = Reading(load.messages)
    with connect(port) as sock:
        sock.sendall(reading.begin())
        while reading.deleted < load.messages:
            data = sock.recv(READ)
            if not data:
                raise ConnectionError("beanstalkd closed a consumer")
            sock.sendall(reading.feed(data))

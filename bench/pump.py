"""What generators of both wires have in common: producers that keep a window full or a pace, and consumers that read.

A producer sends chunks: bytes of one or more whole frames, built before the clock runs. It is told how to count
confirmations, and looks no further into what it reads.
"""

import itertools
import select
import selectors
import time

from bench import wire

CHUNK_BYTES = 1 << 16


class Producer:
    """Sends `total` messages in chunks of `step`, at most `window` of them unconfirmed.

    A list of chunks is sent again and again, an iterator once.
    `confirm(data)` says how many messages what was read has confirmed.
    """

    def __init__(self, sock, chunks, step, window, confirm):
        self.sock = sock
        sock.settimeout(0)
        self._chunks = itertools.cycle(chunks) if isinstance(chunks, list) else chunks
        self.step, self._window, self._confirm = step, max(window, step), confirm
        self.total = self.sent = self.confirmed = 0
        self._unsent = b""
        self.course_sent, self.course_confirmed = [], []

    @property
    def is_blocked(self):
        """Whether the kernel takes no more for now."""
        return bool(self._unsent)

    @property
    def is_done(self):
        """Whether everything is confirmed."""
        return self.confirmed >= self.total

    def fill(self):
        """Send what the window allows."""
        while self._unsent or (self.sent < self.total and self.sent - self.confirmed + self.step <= self._window):
            if not self._unsent:
                self.put(time.perf_counter())
            if not self.push():
                return

    def put(self, at):
        """Take up the next chunk, and note when it was."""
        self._unsent += next(self._chunks)
        self.sent += self.step
        self.course_sent.append((at, self.sent))

    def push(self):
        """Hand what was taken up to the kernel; whether it took all."""
        try:
            taken = self.sock.send(self._unsent)
        except BlockingIOError:
            return False
        self._unsent = self._unsent[taken:] if taken < len(self._unsent) else b""
        return not self._unsent

    def read(self):
        """Count confirmations."""
        data = self.sock.recv(wire.READ)
        if not data:
            raise ConnectionError("the broker closed a producer")
        count = self._confirm(data)
        if count:
            self.confirmed += count
            self.course_confirmed.append((time.perf_counter(), self.confirmed))


def publish(stage, producers):
    """Run producers until all they send is confirmed; gives their courses."""
    share, left = divmod(stage.total, len(producers))
    for producer in producers:
        producer.total = -(-(share + (left > 0)) // producer.step) * producer.step
        left -= 1
    stage.total = sum(producer.total for producer in producers)
    poll = selectors.DefaultSelector()
    for producer in producers:
        poll.register(producer.sock, selectors.EVENT_READ, producer)
    stage.start()
    for producer in producers:
        _fill(producer, poll)
    is_over = False
    while not all(producer.is_done for producer in producers):
        for key, events in poll.select(1.0):
            if events & selectors.EVENT_READ:
                key.data.read()
            _fill(key.data, poll)
        if not is_over and stage.is_over():
            is_over = True
            for producer in producers:
                producer.total = producer.sent
            stage.total = sum(producer.total for producer in producers)
        stage.check()
    return _close(producers)


def _fill(producer, poll):
    was_blocked = producer.is_blocked
    producer.fill()
    if producer.is_blocked != was_blocked:
        write = selectors.EVENT_WRITE if producer.is_blocked else 0
        poll.modify(producer.sock, selectors.EVENT_READ | write, producer)


def publish_paced(stage, producer, rate):
    """Send a chunk whenever it is due, so many messages a second. A message counts as sent when it was due to be."""
    producer.total = stage.total = -(-stage.total // producer.step) * producer.step
    every = producer.step / rate
    stage.start()
    due = time.perf_counter()
    while not producer.is_done:
        now = time.perf_counter()
        while due <= now and producer.sent < producer.total:
            producer.put(due)
            due += every
        is_free = producer.push()
        wait = max(0.0, due - time.perf_counter()) if producer.sent < producer.total else 1.0
        if select.select([producer.sock], [] if is_free else [producer.sock], [], wait)[0]:
            producer.read()
        if producer.sent < producer.total and stage.is_over():
            producer.total = stage.total = producer.sent
        stage.check()
    return _close([producer])


def _close(producers):
    for producer in producers:
        producer.sock.close()
    return [(producer.course_sent, producer.course_confirmed) for producer in producers]


def consume(stage, consumers, copies=1, *, may_stop=False):
    """Run consumers until `copies` of all messages have come to them together; gives the course of what came.

    With `may_stop` they also stop when the time is up.

    A consumer has `sock`, and `read()`, which says how many messages it has taken (and acknowledged).
    """
    poll = selectors.DefaultSelector()
    for consumer in consumers:
        poll.register(consumer.sock, selectors.EVENT_READ, consumer)
    got, course = 0, []
    stage.start()
    while got < stage.total * copies and not (may_stop and stage.is_over()):
        before = got
        for key, _ in poll.select(0.05):
            got += key.data.read()
        if got != before:
            course.append((time.perf_counter(), got))
        stage.check()
    for consumer in consumers:
        consumer.sock.close()
    return course


class Listener:
    """A consumer that only counts: `mark` comes once a message."""

    def __init__(self, sock, mark):
        self.sock = sock
        self._count = wire.Counter(mark).count

    def read(self):
        """Read what is there; how many messages that completed."""
        data = self.sock.recv(wire.READ)
        if not data:
            raise ConnectionError("the broker closed a consumer")
        return self._count(data)

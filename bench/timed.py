"""Loads for which the time counts: messages due or worth nothing at some moment, connections that idle, pings."""

import random
import re
import selectors
import time

from bench import classic, pump, v2, wire

_DUE = re.compile(rb'"data":"(\d+\.\d{3})')
_PING_EVERY = 0.002
BATCH = 500


def publish_due(stage, *, port, topic, first, last, size=100):
    """A load: messages due at times spread evenly between two unix times, published in no order, their time in them."""
    every = (last - first) / stage.total
    order = list(range(stage.total))
    random.Random(1).shuffle(order)  # noqa: S311 -- no secret
    fill = "x" * (size - len(f"{first:.3f}"))
    frames = []
    for at in range(0, len(order), BATCH):
        dues = [f"{first + every * number:.3f}" for number in order[at : at + BATCH]]
        messages = [f'{{"data":"{due}{fill}","at":{due}}}'.encode() for due in dues]
        frames.append(wire.frame(v2.batch(at, topic, messages)))
    producer = pump.Producer(v2.login(port), frames, BATCH, 20_000, v2.Oks(BATCH).count)
    return pump.publish(stage, [producer])


def consume_due(stage, *, port, topic):
    """A load: read and acknowledge all; gives `[(milliseconds late, messages), …]`."""
    late = []

    def note(data, start, end):
        now = time.time()
        late.extend(((now - float(due)) * 1000, 1) for due in _DUE.findall(data, start, end))

    sock, seen = v2.subscribe(port, topic, group="bench", credit=v2.CREDIT)
    pump.consume(stage, [v2.Consumer(sock, seen, note)])
    return late


def publish_expiring(stage, *, port, topic, gone, size=100):
    """A load: messages that are all worth nothing from one unix time on."""

    def frames():
        number = 0
        while True:
            number += 1
            message = f'{{"data":"{"x" * size}","expire":{max(0.001, gone - time.time()):.3f}}}'.encode()
            yield wire.frame(v2.batch(number, topic, [message] * BATCH))

    producer = pump.Producer(v2.login(port), frames(), BATCH, 20_000, v2.Oks(BATCH).count)
    return pump.publish(stage, [producer])


def ping(stage, *, port, topic):
    """A load: pings one after the other, two milliseconds apart, until the time is up; how long each took."""
    sock = classic.login(port, f"/Producers/Conn/{topic}/ping")
    pings = [wire.frame(b"12345678", wire.PING) for _ in range(100)]
    took, number, pong = [], 0, b"12345678"
    stage.start()
    while not stage.is_over():
        begun = time.perf_counter()
        sock.sendall(pings[number % len(pings)])
        wire.until(sock, pong)
        spent = time.perf_counter() - begun
        took.append((spent * 1000, 1))
        number += 1
        time.sleep(max(0.0, _PING_EVERY - spent))
    sock.close()
    return took


def idle(stage, *, port, connections, topics=100):
    """A load: half of them producers, half consumers, that do nothing but answer pings until the time is up."""
    poll, pongs = selectors.DefaultSelector(), 0
    for number in range(connections):
        kind = ("Producers", "Consumers")[number % 2]
        sock = classic.login(port, f"/{kind}/Conn/topic{number // 2 % topics}/c{number}")
        poll.register(sock, selectors.EVENT_READ)
        if number % 100 == 0:
            _answer_pings(poll, 0)  # making them all may take longer than a ping waits
    stage.start()
    while not stage.is_over():
        pongs += _answer_pings(poll, 0.2)
    for key in list(poll.get_map().values()):
        key.fileobj.close()
    return pongs


def _answer_pings(poll, seconds):
    """Read what has come within that time; how many pings were answered."""
    pongs = 0
    for key, _ in poll.select(seconds):
        data = key.fileobj.recv(wire.READ)
        if not data:
            raise ConnectionError("the broker closed an idle connection")
        for opcode, start, end in wire.split(data)[0]:
            if opcode == wire.PING:
                key.fileobj.sendall(wire.frame(data[start:end], wire.PONG))
                pongs += 1
    return pongs

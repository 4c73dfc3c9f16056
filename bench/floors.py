"""What the wire alone costs: stock WebSocket servers that send back what they get.

`autobahn_echo` is the floor that KapokMQ stands on, with Autobahn's own options and Twisted's epoll reactor;
`websockets_echo` is the other Python server that people know. `python -m bench.floors serve autobahn|websockets PORT`
is one such server, `python -m bench.floors` measures both.
"""

import asyncio
import os
import sys
from importlib import metadata, util

from bench.peers_process import ROOT, PeerProcess, Stopwatch
from bench.peers_pump import Answers, Pump, connect, drive, percentiles, read_until, round_up
from bench.rows import Row

_CHUNK = 100  # frames a write
_CHUNKS = 16  # that come in turn, so that masks differ


def masked(payload):
    """A text frame as a client sends it, its mask random and never zero: a server has to unmask it."""
    mask = b"\0"
    while 0 in mask:
        mask = os.urandom(4)
    size = len(payload)
    key = int.from_bytes((mask * (size // 4 + 1))[:size])
    covered = (int.from_bytes(payload) ^ key).to_bytes(size)
    return _head(size, 0x80) + mask + covered


def _head(size, flag):
    if size < 126:
        return bytes((0x81, flag | size))
    if size < 1 << 16:
        return bytes((0x81, flag | 126)) + size.to_bytes(2)
    return bytes((0x81, flag | 127)) + size.to_bytes(8)


def autobahn_echo(total, size, window, connections=1):
    """Echoes a second of stock Autobahn on Twisted: `total` text frames of `size` bytes, `window` on their way."""
    return _echo("autobahn", total, size, window, connections)


def websockets_echo(total, size, window, connections=1):
    """The same of the package websockets on asyncio; None where it is not installed."""
    return _echo("websockets", total, size, window, connections) if util.find_spec("websockets") else None


def _echo(package, total, size, window, connections):
    each = max(min(_CHUNK, window // connections), 1)
    share = round_up(-(-total // connections), each)
    payload = b"x" * size
    expected = _head(size, 0) + payload
    chunks = [b"".join(masked(payload) for _ in range(each)) for _ in range(_CHUNKS)]
    with PeerProcess(lambda port, _: _command(package, port), {"PYTHONPATH": str(ROOT)}) as server:
        socks = [_upgrade(server.port) for _ in range(connections)]
        for sock in socks:
            sock.sendall(masked(payload))
            assert read_until(sock, expected) == expected
        pumps = [Pump(sock, chunks, each, share, window // connections, Answers(len(expected))) for sock in socks]
        watch = Stopwatch(server)
        drive(pumps)
        seconds, cpu, load = watch.read()
        rss = server.rss()
        for sock in socks:
            sock.close()
    messages = share * connections
    return Row(
        name=f"{package} echo",
        what=f"stock {package} echo: a text frame in, the same out",
        server=f"{package} {metadata.version(package)}",
        wire="websocket",
        level="none",
        connections=connections,
        size=size,
        window=window,
        messages=messages,
        seconds=seconds,
        rate=messages / seconds,
        latency="confirm",
        cpu=cpu,
        load=load,
        rss=rss,
        **percentiles(latency for pump in pumps for latency in pump.latencies),
    )


def _command(package, port):
    return [sys.executable, "-m", "bench.floors", "serve", package, str(port)]


def _upgrade(port):
    sock = connect(port)
    sock.sendall(
        f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    answer = read_until(sock, b"\r\n\r\n")
    if not answer.startswith(b"HTTP/1.1 101"):
        raise ConnectionError(f"no WebSocket: {answer[:300]!r}")
    return sock


def _serve_autobahn(port):
    from twisted.internet import epollreactor  # noqa: PLC0415 -- before anything that would choose another

    epollreactor.install()
    from autobahn.twisted.websocket import WebSocketServerFactory, WebSocketServerProtocol  # noqa: PLC0415
    from twisted.internet import reactor  # noqa: PLC0415

    class Echo(WebSocketServerProtocol):
        def onMessage(self, payload, isBinary):
            self.sendMessage(payload, isBinary)

    factory = WebSocketServerFactory()
    factory.protocol = Echo
    reactor.listenTCP(port, factory, interface="127.0.0.1")
    reactor.run()


def _serve_websockets(port):
    from websockets.asyncio.server import serve  # noqa: PLC0415 -- may not be installed

    async def echo(connection):
        async for message in connection:
            await connection.send(message)

    async def run():
        async with serve(echo, "127.0.0.1", port) as server:
            await server.serve_forever()

    asyncio.run(run())


def main(arguments):
    if arguments[:1] == ["serve"]:
        serve = {"autobahn": _serve_autobahn, "websockets": _serve_websockets}[arguments[1]]
        serve(int(arguments[2]))
        return
    for measure in (autobahn_echo, websockets_echo):
        row = measure(30_000, 100, 5_000)
        if row is None:
            print(f"{measure.__name__}: not installed")
        else:
            print(f"{row.server:<24}{row.rate:>12,.0f}/s  p50 {row.p50:.1f} ms  cpu {row.cpu:.0%}, load {row.load:.0%}")


if __name__ == "__main__":
    main(sys.argv[1:])

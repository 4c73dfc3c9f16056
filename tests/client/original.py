"""The original's server, as far as a client can tell: log-in, `ok`s, pushes, and how it ends (spec, 2.6 and 3).

It is a script, not a broker: a test has it push and cut connections, and looks at what came.
"""

import json
import socket
import threading
from contextlib import suppress

from websockets.frames import Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol

from tests.integration.broker import until

PROMPT, WRONG, RIGHT = "Please enter the secret key", "Secret key matching error", "Secret key matching succeeded"
_ONE_FRAME, _TWO_FRAMES = 4082, 8150  # bytes


class Connection:
    """One of a client. `path` has its kind, topic and id."""

    def __init__(self, server, sock):
        self._server = server
        self._sock = sock
        self._wire = ServerProtocol()
        self._frames = []
        self._lock = threading.Lock()
        self.path = ""
        self.logged_in = False

    def serve(self):
        with suppress(OSError, EOFError):
            first = self._sock.recv(65536)
            if not first:
                raise EOFError  # it was a knock
            if first.startswith(b"POST"):
                self._sock.sendall(self._server.listed(first))
            else:
                self._wire.receive_data(first)
                (request,) = self._wire.events_received()
                assert isinstance(request, Request)
                self.path = request.path
                self._wire.send_response(self._wire.accept(request))
                self._flush()
                self._talk()
        self.cut()

    def _talk(self):
        self.say(PROMPT)
        while self.hear() != self._server.key:
            self.say(WRONG)
            self.say(PROMPT)
        self.say(RIGHT)
        self.logged_in = True
        while True:
            text = self.hear()
            if self.path.startswith("/Producers/"):
                message = json.loads(text)
                self._server.messages.append((message["MessageData"], message["DelayTime"]))
                if self._server.silent:
                    continue
                self.say("ok")
            else:
                self._server.acks.append(text)

    def hear(self):
        while not self._frames:
            data = self._sock.recv(65536)
            if not data:
                raise EOFError
            self._wire.receive_data(data)
            self._flush()
            self._frames += [
                event for event in self._wire.events_received() if event.opcode in (Opcode.TEXT, Opcode.CLOSE)
            ]
        frame = self._frames.pop(0)
        if frame.opcode is Opcode.CLOSE:
            raise EOFError
        return frame.data.decode()

    def say(self, text):
        with self._lock:
            self._wire.send_text(text.encode())
            self._flush()

    def push(self, payload):
        """As Go's library fragments it."""
        with self._lock:
            if len(payload) <= _ONE_FRAME:
                self._wire.send_text(payload)
            elif len(payload) <= _TWO_FRAMES:
                self._wire.send_text(payload[:_ONE_FRAME], fin=False)
                self._wire.send_continuation(payload[_ONE_FRAME:], fin=True)
            else:
                self._wire.send_text(payload, fin=False)
                self._wire.send_continuation(b"", fin=True)
            self._flush()

    def _flush(self):
        for data in self._wire.data_to_send():
            if data:
                self._sock.sendall(data)

    def cut(self):
        """End TCP without a close frame."""
        with suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)
        self._sock.close()
        self._server.open.discard(self)


class Original:
    """One server, from when it is made to `stop`, and again from `start`. It ends with its test."""

    def __init__(self, case, key="test"):
        self.key = key
        self.silent = False  # whether it keeps its oks to itself
        self.messages, self.acks, self.dialled = [], [], 0
        self.open = set()
        self.nodes = None  # a registry's: GetNodes
        self.port = 0
        self.start()
        case.addCleanup(self.stop)

    def start(self):
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def _accept(self, listener):
        with suppress(OSError):
            while True:
                sock, _ = listener.accept()
                sock.settimeout(60)
                self.dialled += 1
                one = Connection(self, sock)
                self.open.add(one)
                threading.Thread(target=one.serve, daemon=True).start()

    def stop(self):
        """As SIGTERM: at once, without a word."""
        self.stop_listening()
        self.cut()

    def stop_listening(self):
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def cut(self):
        for one in list(self.open):
            one.cut()

    def there(self):
        """Connections that have logged in."""
        return [one for one in list(self.open) if one.logged_in]

    def push(self, code, data, **more):
        """Push to the one consumer."""
        (one,) = until(self.there, "consumer")
        fields = {"Topic": "t", "CreateTime": 1795219602, "ConsumedTime": 0, "DelayTime": 0, "Status": -1}
        text = json.dumps({"MessageCode": code, "MessageData": data} | fields | more, ensure_ascii=False)
        one.push(text.encode() + b"\n")

    @property
    def node(self):
        """Its row in GetNodes."""
        return {"Name": f"mq:127.0.0.1:{self.port}", "Addr": "127.0.0.1", "Port": str(self.port)}

    def listed(self, request):
        """The answer to a POST: there is GetNodes, and nothing else."""
        head = request.decode().split("\r\n")
        if not head[0].startswith("POST /Registry/GetNodes "):
            return b"HTTP/1.0 404 Not Found\r\n\r\n404 page not found"
        if f"secretKey: {self.key}" not in head:
            kind, body = "application/json", b'{"code":-1,"msg":"Secret key matching error"}'
        else:
            kind, body = "text/plain", json.dumps(self.nodes).encode()
        length = f"Content-Length: {len(body)}"
        return f"HTTP/1.0 200 OK\r\nContent-Type: {kind}; charset=utf-8\r\n{length}\r\n\r\n".encode() + body

"""Around a cluster: a load on it, and a registry as the original is."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.client.faces import PATIENCE


class Load:
    """Publishes and consumes for as long as it is wanted. `codes` of what was confirmed, `seen` of what came."""

    def __init__(self, case, peer, consumer):
        self._peer, self._consumer = peer, consumer
        self._stop, self._published = threading.Event(), threading.Event()
        self._subscription = consumer.subscribe("t", group="g", credit=500)
        self.codes, self.seen, self.faults = {}, {}, []
        self._threads = [self._begin(self._publish, number) for number in range(3)]
        self._consuming = self._begin(self._consume)
        case.addCleanup(self._stop.set)
        case.addCleanup(self._published.set)

    def _begin(self, function, *args):
        def work():
            try:
                function(*args)
            except Exception as error:  # noqa: BLE001
                self.faults.append(error)

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        return thread

    def _publish(self, number):
        turn = 0
        while not self._stop.is_set():
            texts = [f"{number}/{turn}/{index}" for index in range(10)]
            codes = self._peer.begin("publish_batch", "t", texts).result().codes
            self.codes |= dict(zip(codes, texts, strict=True))
            turn += 1
            time.sleep(0.02)

    def _consume(self):
        while not (self._published.is_set() and self.codes.keys() <= self.seen.keys()):
            message = self._consumer.get(self._subscription, 0.5)
            if message is not None:
                self.seen[message.code] = message.data
                self._consumer.run(message.ack)

    def end(self):
        """Give over, and wait until all is consumed. Gives how many were published."""
        self._stop.set()
        for thread in self._threads:
            thread.join(PATIENCE)
        self._published.set()
        self._consuming.join(PATIENCE)
        return len(self.codes)


class Original:
    """A registry as the original is: GetNodes, and nothing else."""

    def __init__(self, case):
        original, self.brokers = self, []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                self._answer(200, original.rows() if self.path == "/Registry/GetNodes" else b"")

            def do_GET(self):
                self._answer(404, b"404 page not found")

            def _answer(self, status, body):
                self.send_response(status)
                self.send_header("Content-Type", "text/plain; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = server.server_port
        threading.Thread(target=server.serve_forever, daemon=True).start()
        case.addCleanup(server.server_close)
        case.addCleanup(server.shutdown)

    def rows(self):
        """What GetNodes answers; null where there are none."""
        ports = [str(each.port) for each in self.brokers]
        rows = [{"Name": f"mq:127.0.0.1:{port}", "Addr": "127.0.0.1", "Port": port} for port in ports]
        return json.dumps(rows or None).encode()

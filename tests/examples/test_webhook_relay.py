"""The relay of web hooks over a broker process: nothing that it took is lost, whoever dies."""

import re
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from twisted.trial.unittest import SynchronousTestCase

from tests.examples.program import Program
from tests.integration.broker import start, until
from tests.integration.http import Api

_PLACE = re.compile(r"takes hooks at http://127\.0\.0\.1:(\d+)/hooks\n")


class Receiver:
    """Who gets hooks: `taken` are statuses, bodies, types and keys. `answers` come first, then 200 for the rest."""

    def __init__(self, case, port=0, answers=()):
        self.taken = taken = []
        answers = list(answers)

        class Ear(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                status, headers = answers.pop(0) if answers else (200, {})
                taken.append((status, body, self.headers["Content-Type"], self.headers["Idempotency-Key"]))
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(b"thanks")

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Ear)
        self.url = f"http://127.0.0.1:{self._server.server_port}/in?a=1"
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        case.addCleanup(thread.join)
        case.addCleanup(self._server.server_close)
        case.addCleanup(self._server.shutdown)


class RelayTests(SynchronousTestCase):
    def relay(self, broker, url):
        """A relay that takes hooks, at `self.port`."""
        program = Program(self, "webhook_relay", "--server", f"ws://127.0.0.1:{broker.port}/v2", "--to", url)
        self.port = int(program.says(_PLACE)[1])
        return program

    def send(self, body, **headers):
        """Send a hook. Gives the answer."""
        return Api(self.port).ask("POST", "/hooks", body, **headers)

    def test_its_story(self):
        lines = Program(self, "webhook_relay").ended()
        self.assertEqual(sum(line.endswith(": status 503") for line in lines), 4)
        for number in (1, 2, 3):
            (done,) = [line for line in lines if line.endswith(f'{{"paid": {number}}}: status 200')]
            self.assertRegex(done, r"^attempt [23] ")

    def test_what_was_taken_is_delivered_though_everybody_dies(self):
        broker = start(self)
        with socket.create_server(("127.0.0.1", 0)) as nobody:
            port = nobody.getsockname()[1]
        relay = self.relay(broker, f"http://127.0.0.1:{port}/in")
        told = self.send(
            '{"n":"ü"}'.encode(), **{"Content-Type": "application/json; charset=utf-8", "Idempotency-Key": "17"}
        )
        self.assertEqual((told.status, len(told.json["code"])), (202, 40))
        relay.says(re.compile(r"attempt 1 of .*: ConnectionRefusedError"))
        relay.process.kill()
        relay.process.wait()
        broker.kill()
        again = start(self, broker.folder, SERVER_PORT=broker.port)
        receiver = Receiver(self, port)
        relay = self.relay(again, f"http://127.0.0.1:{port}/in")
        until(lambda: receiver.taken, "delivery")
        self.assertEqual(receiver.taken, [(200, '{"n":"ü"}', "application/json; charset=utf-8", "17")])
        until(lambda: again.api.counts()["consumed"] == 1, "ack")
        relay.interrupt()

    def test_a_hook_with_a_key_is_taken_once_and_without_one_each_time(self):
        broker, receiver = start(self), Receiver(self)
        relay = self.relay(broker, receiver.url)
        codes = {self.send("a", **{"Idempotency-Key": "1"}).json["code"] for _ in range(3)}
        other = [self.send("b").json["code"] for _ in range(2)]
        self.assertEqual((len(codes), len(set(other))), (1, 2))
        until(lambda: len(receiver.taken) == 3, "deliveries")
        self.assertEqual({taken[1:] for taken in receiver.taken},
                         {("a", "text/plain", "1"), *(("b", "text/plain", code) for code in other)})  # fmt: skip
        until(lambda: broker.api.counts()["consumed"] == 3, "acks")
        relay.interrupt()

    def test_what_is_refused_is_tried_when_the_receiver_says(self):
        answers = [(429, {"Retry-After": "0"}), (500, {"Retry-After": "soon"})]
        broker, receiver = start(self), Receiver(self, answers=answers)
        relay = self.relay(broker, receiver.url)
        self.send("x")
        until(lambda: len(receiver.taken) == 3, "deliveries")
        self.assertEqual([taken[0] for taken in receiver.taken], [429, 500, 200])
        relay.interrupt()

    def test_what_is_no_text_or_makes_no_sense_is_refused(self):
        relay = self.relay(start(self), "http://127.0.0.1:9/")
        self.assertEqual(self.send(b"\xff").status, 400)
        self.assertEqual(self.send("x", **{"Idempotency-Key": "k" * 256}).status, 400)
        self.assertEqual(Api(self.port).get("/hooks").status, 405)
        relay.interrupt()

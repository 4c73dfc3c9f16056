"""Servers that answer what a test tells them, on a free port of the loopback interface."""

import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from kapokmq.cli.profiles import Profile
from kapokmq.cli.target import make_target


def target(port, *, key="k", timeout=5.0, scheme="http", ca=None):
    """A Target there."""
    return make_target(f"{scheme}://127.0.0.1:{port}", key, ca, timeout, Profile())


class Scripted:
    """Answers requests with what `answers` has for "METHOD /path": (status, body), or a list of those, for one each."""

    def __init__(self, case, answers, context=None):
        self.asked = []
        outer = self

        class Asked(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                outer.asked.append((self.command, self.path, dict(self.headers), body))
                found = answers.get(f"{self.command} {self.path.partition('?')[0]}", (404, b""))
                status, content = found.pop(0) if isinstance(found, list) else found
                if status is None:
                    self.close_connection = True
                    return
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = do_DELETE = answer

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Asked)
        if context is not None:
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        case.addCleanup(self._server.server_close)
        case.addCleanup(thread.join)
        case.addCleanup(self._server.shutdown)


def speaking(case, said):
    """The port of a server that says that to whoever comes, and closes; None: it says nothing and stays."""
    listening = socket.create_server(("127.0.0.1", 0))
    kept = []

    def serve():
        try:
            while True:
                peer = listening.accept()[0]
                kept.append(peer)
                if said is not None:
                    peer.recv(65536)
                    peer.sendall(said)
                    peer.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    thread = threading.Thread(target=serve)
    thread.start()

    def end():
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()
        for one in (listening, *kept):
            one.close()

    case.addCleanup(end)
    return listening.getsockname()[1]


def nobody():
    """A port where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]

"""The HTTP client: what it asks, and what it makes of whatever comes back."""

import json
import ssl
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from kapokmq.cli.exits import BROKEN, BUSY, NO, REFUSED, Ended, Refused, Unreachable
from kapokmq.cli.http import Client, read_events
from tests.cli.servers import Scripted, nobody, speaking, target
from tests.serena.services.certificates import make_certificate


def fault(code, message="m", **more):
    """The body of a refusal."""
    return json.dumps({"error": {"code": code, "message": message, **more}}).encode()


class ClientTests(SynchronousTestCase):
    def client(self, answers, **more):
        self.server = Scripted(self, answers)
        client = Client(target(self.server.port, **more))
        self.addCleanup(client.close)
        return client

    def test_what_is_asked(self):
        client = self.client({"GET /api/v1/topics/a%2Fb%20%E4%B8%AD": (200, b'{"x":1}')}, key="s3cret")
        self.assertEqual(client.get("topics", "a/b 中", limit=2, cursor=None, from_=1.5, topic=["a", "b"]), {"x": 1})
        ((_, path, headers, _),) = self.server.asked
        self.assertEqual(path.partition("?")[2], "limit=2&from=1.5&topic=a&topic=b")
        self.assertEqual(headers["secretKey"], "s3cret")
        self.assertNotIn("s3cret", path)

    def test_bodies_are_json(self):
        client = self.client({"POST /api/v1/x": (201, b"{}"), "PUT /api/v1/x": (200, b"{}")})
        client.post("x", body={"a": "é"})
        client.put("x", body={})
        client.post("x")
        self.assertEqual([one[3] for one in self.server.asked], ['{"a": "é"}'.encode(), b"{}", b""])
        self.assertEqual(self.server.asked[0][2]["Content-Type"], "application/json")
        self.assertNotIn("Content-Type", self.server.asked[2][2])

    def test_pages_are_one_list(self):
        pages = [
            (200, b'{"topics":[1,2],"cursor":"c"}'),
            (200, b'{"topics":[],"cursor":"d"}'),
            (200, b'{"topics":[3,4],"cursor":null}'),
        ]
        client = self.client({"GET /api/v1/topics": pages[:]})
        self.assertEqual(list(client.pages("topics", "topics", limit=10)), [1, 2, 3, 4])
        self.assertEqual(
            [one[1].partition("?")[2] for one in self.server.asked][1:], ["limit=8&cursor=c", "limit=8&cursor=d"]
        )
        client = self.client({"GET /api/v1/topics": pages[:]})
        self.assertEqual(list(client.pages("topics", "topics", limit=2)), [1, 2])

    def test_refusals(self):
        for status, body, code, ends in (
            (401, fault("unauthorized"), "unauthorized", REFUSED),
            (404, fault("notFound"), "notFound", NO),
            (404, b"<html>", "noRoute", REFUSED),
            (409, fault("tooLate", result="tooLate"), "tooLate", NO),
            (503, fault("full", retryAfter=1.5), "full", BUSY),
            (500, fault("internal"), "internal", BROKEN),
            (502, b"bad gateway", "status 502", REFUSED),
            (400, b'{"error":7}', "status 400", REFUSED),
        ):
            with self.assertRaises(Refused) as refused:
                self.client({"GET /api/v1/x": (status, body)}).get("x")
            self.assertEqual((refused.exception.code, refused.exception.exit_code), (code, ends))

    def test_what_is_said_of_a_refusal(self):
        for error, text in (
            (Refused("full", "no room", 1.5), "full: no room (try again in 1.5 s)"),
            (Refused("unauthorized", "wrong"), "unauthorized: wrong. Give the node's key in KAPOK_KEY,"),
        ):
            self.assertIn(text, error.format_message())

    def test_who_is_no_broker(self):
        for body in (b"[]", b"<html>", b"\xff"):
            with self.assertRaisesRegex(Ended, "is it a broker"):
                self.client({"GET /api/v1/x": (200, body)}).get("x")

    def test_a_kept_connection_that_has_ended_meanwhile(self):
        answers = {"GET /api/v1/x": [(200, b"{}"), (None, b""), (200, b'{"a":1}')], "POST /api/v1/x": (None, b"")}
        client = self.client(answers)
        client.get("x")
        self.assertEqual(client.get("x"), {"a": 1})
        with self.assertRaises(Unreachable):
            client.post("x")  # it may have been done
        self.assertEqual(len(self.server.asked), 4)

    def test_who_can_not_be_reached(self):
        for port, timeout, says in (
            (nobody(), 5, "nobody listens there: start the broker, or name another one"),
            (speaking(self, b"SSH-2.0-x\r\n"), 5, "no HTTP server"),
            (speaking(self, b""), 5, "the connection was lost"),
            (speaking(self, None), 0.05, "no answer within 0.05 s"),
        ):
            with self.assertRaisesRegex(Unreachable, says):
                Client(target(port, timeout=timeout)).get("x")

    def test_tls(self):
        certificate, key = make_certificate(Path(self.mktemp()))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        other = make_certificate(Path(self.mktemp()))[0]
        server = Scripted(self, {"GET /api/v1/x": (200, b"{}")}, context)
        with Client(target(server.port, scheme="https", ca=str(certificate))) as client:
            self.assertEqual(client.get("x"), {})
        for ca in (str(other), None):
            with self.assertRaisesRegex(Unreachable, "not trusted .*--ca"):
                Client(target(server.port, scheme="https", ca=ca)).get("x")
        plain = Scripted(self, {})
        with self.assertRaisesRegex(Unreachable, "does not speak TLS"):
            Client(target(plain.port, scheme="https")).get("x")

    def test_events(self):
        body = b': begun\n\nevent: counts\ndata: {"a":1}\n\n: still here\n\nid: 7\ndata: [2]\r\n\r\n'
        client = self.client(
            {"GET /api/v1/events/counts": (200, body), "GET /api/v1/events/x": (404, fault("notFound"))}
        )
        self.assertEqual(list(client.events("events", "counts")), [("counts", {"a": 1}), ("message", [2])])
        self.assertEqual(list(read_events(iter([b"data: 1\n"]))), [])
        with self.assertRaises(Refused):
            list(client.events("events", "x"))

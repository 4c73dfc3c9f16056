"""What else a registry's site answers: ops, the page, bounds."""

import re
from base64 import b64encode
from hashlib import sha256

from twisted.trial.unittest import SynchronousTestCase

from serena.web.site import BODY_BOUND
from tests.serena.web.pool import FakeRegistry


class OpsTests(SynchronousTestCase):
    def test_health(self):
        registry = FakeRegistry()
        reply = registry.get("/healthz", key=None)
        self.assertEqual((reply.status, reply.json), (200, {"status": "ok"}))
        self.assertNotIn("Access-Control-Allow-Origin", reply.headers)

    def test_readiness_and_whom_the_reason_is_told(self):
        registry = FakeRegistry()
        self.assertEqual(registry.get("/readyz", key=None).json, {"status": "ready"})
        registry.trouble = "gossip: h: has no address"
        for key, told in ((None, "not ready"), ("wrong", "not ready"), ("s3cret", registry.trouble)):
            reply = registry.get("/readyz", key=key)
            self.assertEqual((reply.status, reply.json, reply.headers["Retry-After"]), (503, {"error": told}, "1"))

    def test_metrics_want_the_key_unless_asked_here(self):
        for address, key, more, status in [
            ("192.0.2.7", None, {}, 401),
            ("192.0.2.7", "wrong", {}, 401),
            ("192.0.2.7", "s3cret", {}, 200),
            ("127.0.0.1", None, {}, 200),
            ("127.0.0.1", None, {"X_Forwarded_For": "192.0.2.1"}, 401),
        ]:
            reply = FakeRegistry(address=address).get("/metrics", key=key, **more)
            self.assertEqual(reply.status, status, (address, key, more))
        self.assertEqual(reply.json, {"error": "secretKey: wrong or missing"})

    def test_a_page_whose_name_points_here_reads_nothing(self):
        registry = FakeRegistry(address="127.0.0.1")
        wire = registry.connect()
        wire.protocol.dataReceived(b"GET /metrics HTTP/1.1\r\nHost: rebound.example\r\n\r\n")
        self.assertEqual(wire.reply().status, 401)

    def test_other_methods(self):
        for path in ("/healthz", "/readyz", "/metrics"):
            reply = FakeRegistry().post(path)
            self.assertEqual((reply.status, reply.headers["Allow"]), (405, "GET, HEAD"))


class PageTests(SynchronousTestCase):
    def test_it_needs_nothing_from_elsewhere(self):
        reply = FakeRegistry().get("/", key=None)
        page = reply.body.decode()
        self.assertEqual((reply.status, reply.headers["Content-Type"]), (200, "text/html; charset=utf-8"))
        self.assertIn("r:127.0.0.1:8031", page)
        self.assertNotRegex(page, r"""(src|href)=["']?(https?:)?//""")
        self.assertNotRegex(page, r"innerHTML|document\.write|eval\(|\son\w+=|localStorage|style=")

    def test_its_policy_lets_in_its_own_script_and_style_alone(self):
        reply = FakeRegistry().get("/", key=None)
        policy = dict(part.split(" ", 1) for part in reply.headers["Content-Security-Policy"].split("; "))
        self.assertEqual((policy["default-src"], policy["connect-src"]), ("'none'", "'self'"))
        for tag, rule in (("script", "script-src"), ("style", "style-src")):
            (text,) = re.findall(rf"<{tag}>(.*?)</{tag}>", reply.body.decode(), re.DOTALL)
            wanted = b64encode(sha256(text.encode()).digest()).decode()
            self.assertEqual(policy[rule], f"'sha256-{wanted}'")

    def test_the_key_goes_into_a_header_only(self):
        page = FakeRegistry().get("/", key=None).body.decode()
        self.assertIn('fetch("/api/v1/watch", { headers: { secretKey: key }', page)
        self.assertIn('sessionStorage.setItem("secretKey", key)', page)
        self.assertNotIn("?key=", page)


class BoundTests(SynchronousTestCase):
    def test_connections(self):
        registry = FakeRegistry(most=1)
        first = registry.connect()
        second = registry.connect()
        self.assertEqual(second.reply().status, 503)
        first.lose()
        second.lose()
        self.assertEqual(registry.get("/healthz").status, 200)

    def test_a_body_beyond_the_bound(self):
        registry = FakeRegistry()
        for path, wanted in [("/api/v1/members", b"tooBig"), ("/x", b"body: more than")]:
            reply = registry.ask("POST", path, body=b"x" * (BODY_BOUND + 1))
            self.assertEqual(reply.status, 413)
            self.assertIn(wanted, reply.body)

    def test_a_host_that_is_not_ascii(self):
        wire = FakeRegistry().connect()
        wire.protocol.dataReceived("GET / HTTP/1.1\r\nHost: ü\r\n\r\n".encode())
        self.assertEqual(wire.reply().status, 400)

    def test_it_speaks_no_http_2_and_keeps_no_log(self):
        site = FakeRegistry().site
        self.assertEqual(site.acceptableProtocols(), [b"http/1.1"])
        self.assertIsNone(site.log(None))

    def test_what_is_connected_is_cut_at_the_end(self):
        registry = FakeRegistry()
        wire = registry.connect()
        registry.site.close()
        self.assertTrue(wire.transport.disconnecting)

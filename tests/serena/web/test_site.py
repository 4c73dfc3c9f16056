"""What else a registry's site answers: ops, the page, bounds."""

import gzip
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from serena.web import built
from serena.web.built import POLICY
from serena.web.site import BODY_BOUND
from tests.serena.web.pool import FakeRegistry

PAGE = b"<!doctype html><title>Serena</title>"


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
    """Over a small build of its own."""

    def setUp(self):
        folder = Path(self.mktemp())
        (folder / "assets").mkdir(parents=True)
        (folder / "registry.html").write_bytes(PAGE)
        (folder / "registry.html.gz").write_bytes(gzip.compress(PAGE))
        (folder / "index.html").write_bytes(b"the broker's")
        (folder / "assets" / "registry-1.js").write_bytes(b"export {}")
        self.patch(built, "CHECKOUT", folder)
        self.registry = FakeRegistry(default_key=True)

    def test_it_is_for_anybody_and_lets_nothing_else_in(self):
        reply = self.registry.get("/", key=None)
        self.assertEqual((reply.status, reply.body), (200, PAGE))
        self.assertEqual(reply.headers["Content-Type"], "text/html; charset=utf-8")
        self.assertEqual(reply.headers["Content-Security-Policy"], POLICY)
        self.assertNotIn("Access-Control-Allow-Origin", reply.headers)

    def test_compressed(self):
        reply = self.registry.get("/", key=None, Accept_Encoding="gzip")
        self.assertEqual((reply.headers["Content-Encoding"], gzip.decompress(reply.body)), ("gzip", PAGE))

    def test_head_says_how_long_it_is(self):
        reply = self.registry.ask("HEAD", "/", key=None)
        self.assertEqual((reply.status, reply.body), (200, b""))
        self.assertEqual(reply.headers["Content-Length"], str(len(PAGE)))

    def test_who_has_it_is_told_so(self):
        tag = self.registry.get("/", key=None).headers["ETag"]
        reply = self.registry.get("/", key=None, If_None_Match=tag)
        self.assertEqual((reply.status, reply.body), (304, b""))

    def test_what_it_loads(self):
        reply = self.registry.get("/assets/registry-1.js", key=None)
        self.assertEqual((reply.status, reply.body), (200, b"export {}"))
        self.assertIn("immutable", reply.headers["Cache-Control"])

    def test_no_other_path_leads_to_a_file(self):
        for path in (
            "/registry.html", "/index.html", "/registry.html.gz", "/assets", "/assets/", "/assets/x.js",
            "/assets/../registry.html", "/assets/%2e%2e/registry.html", "/sources.json", "/dist/registry.html",
        ):  # fmt: skip
            self.assertEqual(self.registry.get(path, key=None).status, 404, path)

    def test_other_methods_and_pages_of_others(self):
        self.assertEqual(self.registry.post("/", key=None).status, 404)
        self.assertEqual(self.registry.get("/", key=None, Origin="https://evil.example").status, 403)


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

"""Health, readiness and metrics."""

from twisted.trial.unittest import SynchronousTestCase

from serena.core.health import Health
from serena.web.ops import is_loopback
from tests.protocols.http_fakes import KEY, FakeNode, parse


class OpsTests(SynchronousTestCase):
    """What tools ask."""

    def setUp(self):
        self.node = FakeNode()

    def test_health(self):
        reply = self.node.get("/healthz")
        self.assertEqual((reply.status, reply.body), (200, b'{"status":"ok"}'))
        self.assertNotIn("Access-Control-Allow-Origin", reply.headers)

    def test_ready(self):
        self.assertEqual(self.node.get("/readyz").body, b'{"status":"ready"}')
        self.node.address = "127.0.0.1"
        self.assertEqual(self.node.get("/readyz").body, b'{"status":"ready"}')
        self.node.engine.state = Health(ready=True, reason="full")
        reply = self.node.get("/readyz")
        self.assertEqual((reply.status, reply.body), (200, b'{"reason":"full","status":"ready"}'))

    def test_what_is_in_the_way_is_not_for_everybody(self):
        self.node.engine.state = Health(ready=False, reason="the store is full")
        self.assertEqual(self.node.get("/readyz").body, b'{"error":"not ready"}')
        self.assertEqual(self.node.get("/readyz", secretKey=KEY).body, b'{"error":"the store is full"}')
        self.node.address = "127.0.0.1"
        self.assertEqual(self.ask("/readyz", "evil.com:8011").body, b'{"error":"not ready"}')
        self.node.engine.state = Health(ready=True, reason="full")
        self.assertEqual(self.ask("/readyz", "evil.com:8011").body, b'{"status":"ready"}')

    def ask(self, path, *hosts):
        lines = "".join(f"Host: {host}\r\n" for host in hosts)
        return parse(self.node.ask(f"GET {path} HTTP/1.1\r\n{lines}\r\n".encode()))

    def test_a_page_whose_name_points_here_reads_no_metrics(self):
        self.node.address = "127.0.0.1"
        for hosts in (("evil.com",), ("evil.com:8011",), ("localhost.evil.com",), (), ("own", "evil.com"), ("own, x",)):
            self.assertEqual(self.ask("/metrics", *hosts).status, 401, hosts)
        for host in ("own", "OWN:8011", "localhost:8011", "127.0.0.1:8011", "[::1]:8011"):
            self.assertEqual(self.ask("/metrics", host).status, 200, host)

    def test_not_ready(self):
        self.node.address = "127.0.0.1"
        self.node.engine.state = Health(ready=False, reason="the store is full")
        reply = self.node.get("/readyz")
        self.assertEqual((reply.status, reply.body), (503, b'{"error":"the store is full"}'))
        self.assertEqual(reply.headers["Retry-After"], "1")

    def test_wrong_method(self):
        for path in ("/healthz", "/readyz", "/metrics"):
            reply = self.node.post(path)
            self.assertEqual((reply.status, reply.body), (405, b'{"error":"method not allowed"}'))
            self.assertEqual(reply.headers["Allow"], "GET, HEAD")

    def test_head(self):
        reply = parse(self.node.ask(b"HEAD /healthz HTTP/1.1\r\nHost: own\r\n\r\n"))
        self.assertEqual((reply.status, reply.headers["Content-Length"], reply.body), (200, "15", b""))

    def test_metrics_want_the_key(self):
        reply = self.node.get("/metrics")
        self.assertEqual((reply.status, reply.body), (401, b'{"error":"secretKey: wrong or missing"}'))
        self.assertEqual(self.node.get("/metrics", secretKey=KEY).body, b"# figures\n")

    def test_metrics_take_a_bearer(self):
        self.assertEqual(self.node.get("/metrics", Authorization=f"Bearer {KEY}").body, b"# figures\n")
        self.assertEqual(self.node.get("/metrics", Authorization="Bearer x").status, 401)

    def test_metrics_do_not_from_here(self):
        self.node.address = "127.0.0.1"
        reply = self.node.get("/metrics")
        self.assertEqual((reply.status, reply.body), (200, b"# figures\n"))
        self.assertEqual(reply.headers["Content-Type"], "text/plain; version=0.0.4; charset=utf-8")
        self.assertNotIn("Access-Control-Allow-Origin", reply.headers)

    def test_what_a_proxy_passes_on_is_not_from_here(self):
        self.node.address = "127.0.0.1"
        self.assertEqual(self.node.get("/metrics", X_Forwarded_For="127.0.0.1").status, 401)

    def test_addresses(self):
        for address in ("127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1"):
            self.assertTrue(is_loopback(address), address)
        for address in ("192.0.2.1", "::", "::ffff:192.0.2.1", "", "localhost"):
            self.assertFalse(is_loopback(address), address)

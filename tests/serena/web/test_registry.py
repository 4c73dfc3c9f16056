"""GetNodes, to the byte (spec, 2.6)."""

import re

from twisted.trial.unittest import SynchronousTestCase

from serena.core.swim.messages import State
from serena.web.registry import node_rows
from tests.serena.web.pool import FakeMember, FakeRegistry

CORS = (
    b"Access-Control-Allow-Credentials: true\r\n"
    b"Access-Control-Allow-Headers: Content-Type,AccessToken,X-CSRF-Token, Authorization, Token, secretKey\r\n"
    b"Access-Control-Allow-Methods: POST, GET, OPTIONS\r\n"
    b"Access-Control-Allow-Origin: *\r\n"
    b"Access-Control-Expose-Headers: Content-Length, Access-Control-Allow-Origin, "
    b"Access-Control-Allow-Headers, Content-Type\r\n"
)


class GetNodesTests(SynchronousTestCase):
    def test_the_answer_is_the_original_s_to_the_byte(self):
        registry = FakeRegistry(b"mq:10.0.0.2:8011", b"r:127.0.0.1:8031", b"mq:10.0.0.1:8011")
        wire = registry.connect()
        wire.ask("POST", "/Registry/GetNodes")
        body = (
            b'[{"Name":"mq:10.0.0.1:8011","Addr":"10.0.0.1","Port":"8011"},'
            b'{"Name":"mq:10.0.0.2:8011","Addr":"10.0.0.2","Port":"8011"}]'
        )
        self.assertEqual(
            re.sub(rb"Date: [^\r]*", b"Date: then", wire.transport.value()),
            b"HTTP/1.1 200 OK\r\n" + CORS + b"Content-Type: text/plain; charset=utf-8\r\nDate: then\r\n"
            b"Content-Length: %d\r\n\r\n" % len(body) + body,
        )

    def test_no_nodes_are_null(self):
        for names in ((), (b"r:127.0.0.1:8031",)):
            reply = FakeRegistry(*names).post()
            self.assertEqual((reply.status, reply.body), (200, b"null"))
            self.assertEqual(reply.headers["Content-Type"], "text/plain; charset=utf-8")

    def test_a_wrong_key(self):
        for key in (None, "", "S3cret", "s3cret "[:-1] + "x"):
            reply = FakeRegistry(b"mq:h:1").post(key=key)
            self.assertEqual((reply.status, reply.body), (200, b'{"code":-1,"msg":"Secret key matching error"}'))
            self.assertEqual(reply.headers["Content-Type"], "application/json; charset=utf-8")

    def test_other_requests(self):
        registry = FakeRegistry(b"mq:h:1")
        for method, path in [
            ("GET", "/Registry/GetNodes"),
            ("HEAD", "/Registry/GetNodes"),
            ("PUT", "/Registry/GetNodes"),
            ("POST", "/Registry/GetNodes/"),
            ("POST", "/registry/getnodes"),
            ("POST", "//Registry/GetNodes"),
            ("POST", "/Registry"),
            ("POST", "/"),
            ("GET", "/x"),
        ]:
            reply = registry.ask(method, path)
            self.assertEqual(reply.status, 404, (method, path))
            self.assertEqual(reply.body, b"" if method == "HEAD" else b"404 page not found")
            self.assertIn("Access-Control-Allow-Origin", reply.headers)
        for path in ("/Registry/GetNodes", "/x", "/"):
            reply = registry.ask("OPTIONS", path, key=None)
            self.assertEqual((reply.status, reply.body), (204, b""))
            self.assertEqual(reply.headers["Access-Control-Allow-Origin"], "*")

    def test_a_body_is_not_read(self):
        registry = FakeRegistry(b"mq:h:1")
        reply = registry.post(body=b"{}", Content_Type="multipart/form-data")
        self.assertEqual((reply.status, reply.json[0]["Name"]), (200, "mq:h:1"))
        self.assertEqual(registry.post(body=b"x" * 70_000).status, 413)

    def test_a_change_of_the_pool_is_seen_at_once(self):
        registry = FakeRegistry(b"mq:h:1")
        self.assertEqual(len(registry.post().json), 1)
        other = FakeMember(b"mq:h:2")
        registry.pool.everybody.append(other)
        registry.pool.tell("join", other)
        self.assertEqual(len(registry.post().json), 2)
        other.state = State.DEAD
        registry.pool.tell("fail", other)
        self.assertEqual([row["Port"] for row in registry.post().json], ["1"])

    def test_the_answer_is_made_once_for_each_change(self):
        registry = FakeRegistry(b"mq:h:1")
        registry.post()
        registry.pool.members = None  # not asked again
        self.assertEqual(len(registry.post().json), 1)

    def test_pages_of_others_may_not_ask_while_the_key_is_the_default(self):
        registry = FakeRegistry(default_key=True)
        for path in ("/Registry/GetNodes", "/api/v1/members"):
            reply = registry.ask("POST", path, Origin="http://evil.example")
            self.assertEqual(reply.status, 403)
            self.assertNotIn("Access-Control-Allow-Origin", reply.headers)
        self.assertEqual(registry.post(Origin="http://localhost:3000").status, 200)
        self.assertEqual(FakeRegistry().post(Origin="http://evil.example").status, 200)


class RowTests(SynchronousTestCase):
    def test_only_brokers_that_live_and_are_well_named(self):
        members = [
            FakeMember(b"mq:b:1"),
            FakeMember(b"mq:a:2", state=State.SUSPECT),
            FakeMember(b"mq:c:3", state=State.DEAD),
            FakeMember(b"mq:d:4", state=State.LEFT),
            FakeMember(b"r:e:5"),
            FakeMember(b"x"),
            FakeMember(b"mq:"),
            FakeMember(b"mq:f:0"),
            FakeMember(b"mq:\xff:1"),
            FakeMember(b"serf-agent"),
            FakeMember(b"mq-g:6"),
            FakeMember(b"mq:[::1]:7"),
        ]
        self.assertEqual(
            [(row.Name, row.Addr, row.Port) for row in node_rows(members)],
            [("mq-g:6", "g", "6"), ("mq:[::1]:7", "[::1]", "7"), ("mq:a:2", "a", "2"), ("mq:b:1", "b", "1")],
        )

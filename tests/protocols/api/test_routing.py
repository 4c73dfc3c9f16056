"""Paths, methods, keys, origins and bodies, before any route looks at them."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.errors import Deleting, Draining, Full
from kapokmq.core.policy import TopicPolicy
from kapokmq.protocols.classic_http import body_bound
from serena.web.wrong_keys import WrongKeys
from tests.protocols.api.fakes import ApiNode, request
from tests.protocols.http_fakes import KEY, parse


class ApiTests(SynchronousTestCase):
    """Has a node, and asks its API."""

    def setUp(self):
        self.node = ApiNode()
        self.engine, self.admin = self.node.engine, self.node.admin


class RoutingTests(ApiTests):
    """Which route answers."""

    def test_no_such_route(self):
        for path in (
            "", "/", "/nowhere", "/topics/", "/topics//messages", "/topics/t/", "/topics/t/groups//lease", "/Topics",
            "/topics%2Ft", "//topics", "/topics/t/groups/g/dead/x/y",
        ):  # fmt: skip
            reply = self.node.call(f"GET {path}")
            self.assertEqual((reply.status, json.loads(reply.body)["error"]["code"]), (404, "notFound"), path)
        self.assertEqual(self.node.get("/api/v2/topics").body, b"404 page not found")
        self.assertEqual(self.node.get("/api/v1x").body, b"404 page not found")

    def test_other_methods(self):
        reply = self.node.call("PATCH /topics")
        self.assertEqual((reply.status, reply.headers["Allow"]), (405, "GET, HEAD, OPTIONS, POST"))
        self.assertEqual(json.loads(reply.body)["error"]["code"], "methodNotAllowed")
        self.assertEqual(self.node.call("POST /messages/x").headers["Allow"], "DELETE, GET, HEAD, OPTIONS")
        self.assertEqual(self.node.call("PUT /messages/delete").headers["Allow"], "DELETE, GET, HEAD, OPTIONS, POST")

    def test_head(self):
        whole = self.node.call("GET /node")
        head = self.node.call("HEAD /node")
        self.assertEqual((head.status, head.headers["Content-Length"], head.body), (200, str(len(whole.body)), b""))

    def test_a_name_with_a_slash_and_everything_else(self):
        for name in ("a/b", "ü ☃", "%2F", "a%b", "a+b", "?", "#", "..", ".", "*a", "x" * 255):
            self.admin.policies[name] = TopicPolicy()
            escaped = "".join(f"%{byte:02x}" for byte in name.encode())
            self.assertEqual(self.node.told(f"GET /topics/{escaped}")["name"], name)
        self.assertEqual(self.node.told("GET /topics/a%2Fb")["name"], "a/b")
        self.assertEqual(self.node.told("GET /topics/a+b")["name"], "a+b")

    def test_names_that_are_none(self):
        for name, code, message in (
            ("%0A", "badName", "topic: has a control character at 0"),
            ("x" * 256, "badName", "topic: is longer than 255 characters"),
            ("%ff", "badEncoding", "topic: is not UTF-8"),
            ("%", "badRequest", "topic: is not percent-encoded"),
            ("%zz", "badRequest", "topic: is not percent-encoded"),
            ("a.*", "badName", "topic: a pattern is not taken here"),
        ):
            self.assertEqual(self.node.refused(f"GET /topics/{name}"), (400, code, message))
        self.assertEqual(self.node.refused("DELETE /topics/>.a/groups/g")[1], "badName")
        raw = request("GET /topics/x").replace(b"/x ", b"/\x81 ")
        self.assertIn(b'"path: is not percent-encoded"', self.node.ask(raw))

    def test_queries(self):
        for query, message in (
            ("x=1", "x: is unknown"),
            ("limit=1&limit=2", "limit: is given twice"),
            ("limit=0", "limit: expected int >= 1"),
            ("limit=null", "limit: expected int, got str"),
            ("limit=", "limit: expected int, got str"),
            ("topic=a&topic=b", "topic: is given twice"),
            ("limit=%31%zz", "limit: is not percent-encoded"),
            ("%zz=1", "query: is not percent-encoded"),
            ("topic=" + "x" * 256, "topic: expected str of length <= 255"),
            ("&".join(f"a{at}=1" for at in range(140)), "query: more than 128 parameters"),
        ):
            self.assertEqual(self.node.refused(f"GET /schedule?{query}"), (400, "badRequest", message))
        self.assertEqual(self.node.refused("GET /schedule?topic=%ff")[1], "badEncoding")
        self.assertEqual(self.node.refused("GET /topics?x"), (400, "badRequest", "x: is unknown"))
        self.assertEqual(self.node.refused("GET /topics/t/groups/g/dead?before=null")[2], "before: null says nothing")
        self.assertEqual(self.node.told("GET /schedule?&topic=a+b%2Bc&")["messages"], [])
        self.assertEqual(self.admin.asked, [("a b+c", None, 100)])

    @given(st.binary(max_size=60))
    @settings(deadline=None, max_examples=150)
    def test_junk_is_refused_or_read(self, junk):
        node = ApiNode()
        for line in (b"GET /api/v1/%b", b"GET /api/v1/messages?%b", b"PUT /api/v1/topics/%b"):
            answer = node.ask(line % junk + b" HTTP/1.1\r\nHost: own\r\nsecretKey: " + KEY.encode() + b"\r\n\r\n")
            self.assertNotIn(b" 500 ", answer)


class KeyTests(ApiTests):
    """Who may ask."""

    def test_the_key(self):
        for key in (None, "", "wrong"):
            reply = self.node.call("GET /topics", key=key)
            self.assertEqual(reply.status, 401)
            self.assertEqual(
                json.loads(reply.body), {"error": {"code": "unauthorized", "message": "secretKey: wrong or missing"}}
            )
            self.assertEqual(reply.headers["WWW-Authenticate"], "Bearer")

    def test_too_many_wrong_ones(self):
        self.node.slowdown = WrongKeys(self.node.clock.seconds)
        replies = [self.node.call("GET /key", key=f"{at}") for at in range(20)]
        self.assertEqual({reply.status for reply in replies}, {401})
        self.assertNotIn("Retry-After", replies[18].headers)
        error = json.loads(replies[19].body)["error"]
        self.assertEqual((error["retryAfter"], replies[19].headers["Retry-After"]), (60, "60"))
        wire = self.node.begin("GET /key", key="x")
        self.assertEqual(wire.received(), b"")
        self.node.clock.advance(1)
        self.assertEqual(json.loads(parse(wire.received()).body)["error"]["retryAfter"], 59)
        self.assertEqual(self.node.call("GET /key").status, 200, "the right one is never slowed down")
        self.node.clock.advance(59)
        self.assertNotIn("retryAfter", self.node.call("GET /key", key="x").body.decode())

    def test_a_bearer(self):
        self.assertEqual(self.node.call("GET /topics", key=None, Authorization=f"Bearer {KEY}").status, 200)
        body = {"name": "t"}
        self.assertEqual(self.node.call("POST /topics", body, None, Authorization=f"Bearer {KEY}").status, 201)

    def test_the_document_wants_none(self):
        self.assertEqual(self.node.call("GET /openapi.json", key=None).status, 200)

    def test_every_other_route_wants_it(self):
        document = json.loads(self.node.call("GET /openapi.json").body)
        routes = [(method, path) for path, item in document["paths"].items() for method in item]
        self.assertGreater(len(routes), 45)
        for method, path in routes:
            line = f"{method.upper()} {path.removeprefix('/api/v1')}".replace("{", "").replace("}", "")
            self.assertEqual(self.node.call(line, key=None).status, 200 if path.endswith("openapi.json") else 401, line)

    def test_pages_of_other_origins(self):
        reply = self.node.call("GET /node", Origin="https://elsewhere.example")
        self.assertEqual((reply.status, reply.headers["Access-Control-Allow-Origin"]), (200, "*"))
        self.node.access.default_key = True
        self.node._site = None
        for line in ("GET /node", "OPTIONS /node", "GET /openapi.json", "GET /nowhere"):
            reply = self.node.call(line, Origin="https://elsewhere.example")
            self.assertEqual((reply.status, json.loads(reply.body)["error"]["code"]), (403, "foreignOrigin"))
            self.assertEqual([name for name in reply.headers if name.startswith("Access-Control")], [])
        self.assertEqual(self.node.call("GET /node", Origin="http://own").status, 200)

    def test_preflight(self):
        reply = self.node.call("OPTIONS /topics/t", key=None)
        self.assertEqual((reply.status, reply.body), (204, b""))
        self.assertEqual(reply.headers["Access-Control-Allow-Methods"], "GET, HEAD, POST, PUT, DELETE, OPTIONS")
        self.assertEqual(reply.headers["Access-Control-Allow-Headers"], "Authorization, Content-Type, secretKey")


class BodyTests(ApiTests):
    """What is sent."""

    def test_what_is_no_json(self):
        for kind in ("text/plain", "application/x-www-form-urlencoded", "application/jsonx", ""):
            reply = self.node.call("POST /topics", b"{}", Content_Type=kind)
            self.assertEqual((reply.status, json.loads(reply.body)["error"]["code"]), (415, "unsupportedMediaType"))
        kind = "Application/JSON; charset=utf-8"
        self.assertEqual(self.node.call("POST /topics", b'{"name":"t"}', Content_Type=kind).status, 201)

    def test_bad_json(self):
        for body, message in (
            (b"", "name: is missing"),
            (b"[]", "body: expected object, got array"),
            (b'{"name":1}', "name: expected str, got int"),
            (b'{"name":""}', "name: expected str of length >= 1"),
            (b'{"name":"t","x":1}', "x: is unknown"),
            (b'{"name":"t","policy":{"maxAge":0}}', "policy.maxAge: expected float > 0.0"),
            (b'{"name":"t","policy":{"maxage":1}}', "policy.maxage: is unknown"),
            (b"{", "body: is not JSON: Input data was truncated"),
            (b'{"name":"t"}{', "body: is not JSON: JSON is malformed: trailing characters (byte 13)"),
            (b'{"name":"\\ud800"}', "body: is not JSON: Input data was truncated"),
            (b'{"x":' + b"[" * 1_500 + b"]" * 1_500 + b"}", "x: is unknown"),
        ):
            self.assertEqual(self.node.refused("POST /topics", body), (400, "badRequest", message))
        self.assertEqual(
            self.node.refused("POST /topics", b'{"name":"\xff"}'), (400, "badEncoding", "body: is not UTF-8")
        )

    def test_nested_too_deeply(self):
        deep = b"[" * 1_500 + b"]" * 1_500
        for body in (deep, b'{"data":' + deep + b"}", b'{"messages":' + deep + b"}"):
            status, code, _ = self.node.refused("POST /topics/t/messages", body)
            self.assertEqual((status, code), (400, "badRequest"))

    def test_too_long(self):
        bound = body_bound(self.node.access.max_message_bytes)
        raw = request("POST /topics", b"x").replace(b"Length: 1", b"Length: %d" % (bound + 1))
        wire = self.node.connect()
        wire.send(raw)
        reply = parse(wire.received())
        self.assertEqual(reply.status, 413)
        fault = {"code": "tooBig", "message": f"body: more than {bound} bytes"}
        self.assertEqual(json.loads(reply.body), {"error": fault})
        self.assertTrue(wire.closed)

    def test_too_long_without_saying_so(self):
        wire = self.node.connect()
        wire.send(request("POST /topics", b"x").replace(b"Content-Length: 1", b"Transfer-Encoding: chunked")[:-1])
        for _ in range(body_bound(self.node.access.max_message_bytes) // 1024 + 1):
            wire.send(b"400\r\n" + b"x" * 1024 + b"\r\n")
        self.assertEqual(json.loads(parse(wire.received()).body)["error"]["code"], "tooBig")

    @given(st.binary(max_size=200) | st.from_regex(rb'\{"(name|policy|messages|data)":.{0,50}\}'))
    @settings(deadline=None, max_examples=150)
    def test_junk_is_refused_or_read(self, junk):
        node = ApiNode()
        for line in ("POST /topics", "POST /topics/t/messages", "POST /topics/t/groups"):
            self.assertIn(node.call(line, junk).status, (201, 400))


class TroubleTests(ApiTests):
    """What is in the way."""

    def test_the_world(self):
        for trouble, status, code, wait in (
            (Full("full"), 503, "full", "1"),
            (Draining("stops"), 503, "draining", "5"),
            (Deleting("busy"), 409, "deleting", "1"),
        ):
            self.admin.trouble = trouble
            reply = self.node.call("DELETE /topics/t")
            self.assertEqual((reply.status, reply.headers["Retry-After"]), (status, wait))
            fault = {"code": code, "message": str(trouble), "retryAfter": trouble.retry_after}
            self.assertEqual(json.loads(reply.body), {"error": fault})

    def test_a_bug_is_in_the_log_alone(self):
        self.admin.trouble = ZeroDivisionError("secret detail")
        self.assertEqual(self.node.refused("DELETE /topics/t"), (500, "internal", "internal error"))
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_headers(self):
        headers = self.node.call("GET /node").headers
        self.assertEqual(headers["Content-Type"], "application/json; charset=utf-8")
        self.assertEqual(headers["X-Content-Type-Options"], "nosniff")
        self.assertEqual(headers["Cache-Control"], "no-store")
        self.assertNotIn("Server", headers)

"""The browser client as the broker gives it."""

import re
from hashlib import sha256
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from kapokmq.protocols import client_file
from kapokmq.protocols.client_file import read_client
from tests.protocols.http_fakes import FakeNode

SOURCES = Path(__file__).parents[2] / "view" / "src" / "client"


class ClientFileTests(SynchronousTestCase):
    def setUp(self):
        self.node = FakeNode()

    def test_the_script_is_given_to_anybody_with_what_a_page_of_elsewhere_needs(self):
        reply = self.node.get("/client.js")
        self.assertEqual((reply.status, reply.body), (200, (SOURCES / "kapokmq.js").read_bytes()))
        self.assertEqual(reply.headers["Content-Type"], "text/javascript; charset=utf-8")
        self.assertEqual(reply.headers["Access-Control-Allow-Origin"], "*")
        self.assertEqual(reply.headers["Cache-Control"], "no-cache")
        self.assertEqual(reply.headers["X-Content-Type-Options"], "nosniff")
        self.assertEqual(reply.headers["X-Typescript-Types"], "/client.d.ts")
        self.assertEqual(reply.headers["ETag"], f'"{sha256(reply.body).hexdigest()[:32]}"')

    def test_the_types(self):
        reply = self.node.get("/client.d.ts")
        self.assertEqual((reply.status, reply.body), (200, (SOURCES / "kapokmq.d.ts").read_bytes()))
        self.assertEqual(reply.headers["Content-Type"], "application/typescript; charset=utf-8")
        self.assertNotEqual(reply.headers["ETag"], self.node.get("/client.js").headers["ETag"])

    def test_who_has_it_is_told_so(self):
        tag = self.node.get("/client.js").headers["ETag"]
        for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
            reply = self.node.get("/client.js", **{"If-None-Match": known})
            self.assertEqual((reply.status, reply.body, reply.headers["ETag"]), (304, b"", tag), known)
            self.assertNotIn("Content-Length", reply.headers)
        for known in ('"other"', tag.strip('"'), ""):
            self.assertEqual(self.node.get("/client.js", **{"If-None-Match": known}).status, 200, known)

    def test_it_is_only_read(self):
        raw = self.node.ask(b"POST /client.js HTTP/1.1\r\nHost: own\r\nContent-Length: 0\r\n\r\n")
        self.assertTrue(raw.startswith(b"HTTP/1.1 405 "), raw)
        self.assertIn(b"\r\nAllow: GET, HEAD\r\n", raw)
        raw = self.node.ask(b"HEAD /client.d.ts HTTP/1.1\r\nHost: own\r\n\r\n")
        self.assertTrue(raw.startswith(b"HTTP/1.1 200 ") and raw.endswith(b"\r\n\r\n"), raw)

    def test_a_wheel_has_the_files_beside_the_module(self):
        packed = Path(self.mktemp())
        (packed / "client").mkdir(parents=True)
        (packed / "client" / "kapokmq.js").write_bytes(b"packed")
        self.patch(client_file, "files", lambda package: packed)
        self.assertEqual(read_client("kapokmq.js"), b"packed")
        self.assertEqual(read_client("kapokmq.d.ts"), (SOURCES / "kapokmq.d.ts").read_bytes())


class SourceTests(SynchronousTestCase):
    """What the two files say of each other."""

    def test_the_types_name_what_the_module_exports(self):
        script, types = (read_client(name).decode() for name in ("kapokmq.js", "kapokmq.d.ts"))
        exported = set(re.findall(r"^export (?:async )?(?:function|class) (\w+)", script, re.MULTILINE))
        declared = set(re.findall(r"^export (?:function|class) (\w+)", types, re.MULTILINE))
        self.assertEqual(exported, declared)
        self.assertGreaterEqual(exported, {"connect", "Client", "KapokError"})

    def test_it_imports_nothing(self):
        script = read_client("kapokmq.js").decode()
        code = "\n".join(line for line in script.splitlines() if not line.lstrip().startswith(("//", "*", "/*")))
        self.assertNotRegex(code, r"\bimport\b|\brequire\b")

"""The console as the broker gives it, and whether what it gives was built from the sources that are there."""

import gzip
import json
import re
from hashlib import sha256
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from serena.web import built
from serena.web.built import POLICY
from tests.protocols.http_fakes import FakeNode, parse

VIEW = Path(__file__).parents[2] / "view"
DIST = VIEW / "dist"
# As in view/build/manifest.ts.
SOURCES = (
    "src", "build", "index.html", "registry.html",
    "package.json", "package-lock.json", "tsconfig.json", "vite.config.ts",
)  # fmt: skip
FIRST_LOAD = 300_000  # bytes, compressed


def hashes(root, files):
    return {file.relative_to(root).as_posix(): sha256(file.read_bytes()).hexdigest() for file in files}


class ConsoleFilesTests(SynchronousTestCase):
    def setUp(self):
        self.node = FakeNode()

    def parts(self):
        """What the page itself names."""
        return re.findall(r'(?:src|href)="\./(assets/[^"]+)"', (DIST / "index.html").read_text("utf-8"))

    def test_the_page(self):
        reply = self.node.get("/")
        self.assertEqual((reply.status, reply.body), (200, (DIST / "index.html").read_bytes()))
        self.assertEqual(reply.headers["Content-Type"], "text/html; charset=utf-8")
        self.assertEqual(reply.headers["Cache-Control"], "no-cache")
        self.assertEqual(reply.headers["Content-Security-Policy"], POLICY)
        self.assertNotIn("Access-Control-Allow-Origin", reply.headers)

    def test_head_says_how_long_it_is(self):
        page = self.node.get("/")
        head = parse(self.node.ask(b"HEAD / HTTP/1.1\r\nHost: own\r\n\r\n"))
        self.assertEqual((head.status, head.body), (200, b""))
        for name in ("Content-Type", "Content-Length", "ETag", "Content-Security-Policy"):
            self.assertEqual(head.headers[name], page.headers[name])

    def test_it_names_nothing_that_is_not_there_or_not_ours(self):
        page = self.node.get("/").body.decode()
        self.assertGreater(len(self.parts()), 2)
        self.assertEqual(len(re.findall(r"(?:src|href)=", page)), len(self.parts()))
        self.assertNotRegex(page, r"<style|<script(?![^>]* src=)|\sstyle=|\son\w+=")
        for path in self.parts():
            self.assertEqual(self.node.get(f"/{path}").status, 200, path)

    def test_what_it_loads(self):
        for file in sorted((DIST / "assets").iterdir()):
            reply = self.node.get(f"/assets/{file.name}")
            if file.suffix == ".gz":
                self.assertEqual(reply.status, 404)
                continue
            self.assertEqual((reply.status, reply.body), (200, file.read_bytes()), file.name)
            self.assertIn("immutable", reply.headers["Cache-Control"])
            again = self.node.get(f"/assets/{file.name}", **{"If-None-Match": reply.headers["ETag"]})
            self.assertEqual((again.status, again.body), (304, b""))

    def test_compressed(self):
        path = next(path for path in self.parts() if path.endswith(".js"))
        for part in ("", path):
            reply = self.node.get(f"/{part}", Accept_Encoding="gzip")
            self.assertEqual(reply.headers["Content-Encoding"], "gzip")
            self.assertEqual(gzip.decompress(reply.body), (DIST / (part or "index.html")).read_bytes())
            self.assertEqual(int(reply.headers["Content-Length"]), len(reply.body))

    def test_no_other_path_leads_to_a_file(self):
        for path in (
            "/assets", "/assets/", "/assets/../index.html", "/index.html", "/sources.json", "/assets/nothing.js",
            "/assets/%2e%2e/index.html", "/" + self.parts()[0].replace("assets/", "assets//"), "/dist/index.html",
        ):  # fmt: skip
            self.assertIn(self.node.get(path).status, (404, 301), path)

    def test_the_original_s_page_leads_here(self):
        for path, place in (("/view", "./"), ("/view/", "../"), ("/view/index.html", "../")):
            reply = self.node.get(path)
            self.assertEqual((reply.status, reply.headers["Location"], reply.body), (302, place, b""), path)
        self.assertEqual(self.node.get("/view/js/x.js").status, 404)

    def test_it_is_the_one_that_a_wheel_has(self):
        packed = Path(self.mktemp())
        (packed / "dist").mkdir(parents=True)
        (packed / "dist" / "index.html").write_bytes(b"packed")
        self.patch(built, "files", lambda package: packed)
        self.assertEqual(FakeNode().get("/").body, b"packed")
        self.assertEqual(FakeNode().get(f"/{self.parts()[0]}").status, 404)


class BuildTests(SynchronousTestCase):
    """Whether view/dist is what `npm run build` in view/ makes of what is there now."""

    def setUp(self):
        self.told = json.loads((DIST / "sources.json").read_text("utf-8"))

    def test_it_was_built_from_these_sources(self):
        roots = [VIEW / name for name in SOURCES]
        there = [file for root in roots for file in (root.rglob("*") if root.is_dir() else [root]) if file.is_file()]
        self.assertGreater(len(there), 30)
        self.assertEqual(self.told["sources"], hashes(VIEW, there), "run `npm ci && npm run build` in view/")

    def test_nobody_changed_it_since(self):
        files = [file for file in DIST.rglob("*") if file.is_file() and file.suffix != ".gz"]
        self.assertEqual(self.told["files"], hashes(DIST, [file for file in files if file.name != "sources.json"]))

    def test_both_pages_are_there(self):
        self.assertEqual({file.name for file in DIST.glob("*.html")}, {"index.html", "registry.html"})

    def test_what_is_compressed_is_the_same(self):
        packed = list(DIST.rglob("*.gz"))
        self.assertGreater(len(packed), 5)
        for file in packed:
            self.assertEqual(gzip.decompress(file.read_bytes()), file.with_suffix("").read_bytes(), file.name)

    def test_the_first_load_is_small_and_has_no_charts(self):
        page = (DIST / "index.html").read_text("utf-8")
        names = re.findall(r"assets/[\w.-]+", page)
        self.assertNotIn("echarts", page)
        # Whatever page is first, and its texts: all but the charts at worst.
        names += [f"assets/{file.name}" for file in (DIST / "assets").iterdir() if file.suffix in (".js", ".css")]
        sizes = {name: self.size(DIST / name) for name in names if "echarts" not in name}
        self.assertLess(sum(sizes.values()) + self.size(DIST / "index.html"), FIRST_LOAD, sizes)

    def size(self, file):
        packed = file.with_name(file.name + ".gz")
        return (packed if packed.is_file() else file).stat().st_size


class TypesTests(SynchronousTestCase):
    """Whether the console's types are those of the API."""

    def test_views_have_the_fields_that_the_document_says(self):
        document = json.loads(FakeNode().get("/api/v1/openapi.json").body)
        shapes = document["components"]["schemas"]
        files = (VIEW / "src" / "api" / "types").iterdir()
        text = "\n".join(file.read_text("utf-8") for file in files)
        found = re.findall(r"^export interface (\w+)(?: extends (\w+))? \{\n(.*?)^\}", text, re.MULTILINE | re.DOTALL)
        fields = {name: dict(re.findall(r"^  (\w+)(\??):", body, re.MULTILINE)) for name, _, body in found}
        bases = {name: base for name, base, _ in found if base}
        self.assertGreater(len(fields), 30)
        for name in fields.keys() & shapes.keys():
            ours = fields[name] | fields.get(bases.get(name, ""), {})
            required = set(shapes[name].get("required", ()))
            theirs = {field: "" if field in required else "?" for field in shapes[name]["properties"]}
            self.assertEqual(ours, theirs, name)
        self.assertLessEqual(fields.keys() - shapes.keys(), {"PassingView"})

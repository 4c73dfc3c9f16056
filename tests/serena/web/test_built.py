"""Pages that were built beforehand, as they are given."""

import gzip
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase
from twisted.web.test.requesthelper import DummyRequest

from serena.web import built
from serena.web.built import POLICY, BuiltPages, find_built, takes_gzip

SCRIPT = b"export {}\n" * 200
YEAR = "public, max-age=31536000, immutable"


def request(**headers):
    asked = DummyRequest([b""])
    for name, value in headers.items():
        asked.requestHeaders.setRawHeaders(name.replace("_", "-"), [value])
    return asked


class BuiltTests(SynchronousTestCase):
    def setUp(self):
        self.folder = Path(self.mktemp())
        (self.folder / "assets").mkdir(parents=True)
        (self.folder / "index.html").write_bytes(b"<!doctype html>")
        (self.folder / "assets" / "a-1.js").write_bytes(SCRIPT)
        (self.folder / "assets" / "a-1.js.gz").write_bytes(gzip.compress(SCRIPT))
        (self.folder / "assets" / "licences.txt").write_bytes("© others".encode())
        (self.folder / "assets" / "a-1.js.map").write_bytes(b"of no kind that is given")
        (self.folder / "sources.json").write_bytes(b"{}")
        self.pages = BuiltPages(self.folder)

    def ask(self, path, **headers):
        answer = self.pages.answer(path, request(**headers))
        return answer, dict(answer.headers)

    def test_what_is_given_away(self):
        self.assertEqual(list(self.pages), ["assets/a-1.js", "assets/licences.txt", "index.html"])
        answer, _ = self.ask("assets/licences.txt")
        self.assertEqual((answer.body.decode(), answer.content_type), ("© others", "text/plain; charset=utf-8"))
        for path in ("assets/a-1.js.gz", "sources.json", "assets/a-1.js.map", "nothing", "../index.html", ""):
            self.assertEqual(self.ask(path)[0].status, 404, path)

    def test_no_folder_has_no_pages(self):
        pages = BuiltPages(self.folder / "gone")
        self.assertEqual(list(pages), [])
        self.assertEqual(pages.answer("index.html", request()).status, 404)

    def test_a_page_is_asked_for_again_and_lets_nothing_else_in(self):
        answer, headers = self.ask("index.html")
        self.assertEqual((answer.status, answer.body), (200, b"<!doctype html>"))
        self.assertEqual(answer.content_type, "text/html; charset=utf-8")
        self.assertFalse(answer.cors)
        self.assertEqual(headers["Cache-Control"], "no-cache")
        self.assertEqual(headers["Content-Security-Policy"], POLICY)
        self.assertEqual((headers["X-Frame-Options"], headers["Referrer-Policy"]), ("DENY", "no-referrer"))
        for one in ("default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'"):
            self.assertIn(one, POLICY.split("; "))
        self.assertNotRegex(POLICY, r"unsafe|https?:|\*|data:")

    def test_what_it_loads_is_kept(self):
        answer, headers = self.ask("assets/a-1.js")
        self.assertEqual((answer.body, answer.content_type), (SCRIPT, "text/javascript; charset=utf-8"))
        self.assertEqual((headers["Cache-Control"], headers["X-Content-Type-Options"]), (YEAR, "nosniff"))
        self.assertNotIn("Content-Encoding", headers)
        self.assertEqual(headers["Vary"], "Accept-Encoding")

    def test_compressed_for_who_takes_that(self):
        answer, headers = self.ask("assets/a-1.js", accept_encoding="br, GZIP;q=0.5")
        self.assertEqual(gzip.decompress(answer.body), SCRIPT)
        self.assertEqual((headers["Content-Encoding"], headers["Vary"]), ("gzip", "Accept-Encoding"))
        self.assertNotEqual(headers["ETag"], self.ask("assets/a-1.js")[1]["ETag"])
        self.assertNotIn("Content-Encoding", self.ask("index.html", accept_encoding="gzip")[1])

    def test_which_codings_are_taken(self):
        for told, takes in (
            ("gzip", True), ("br, gzip", True), ("*", True), ("gzip; q=1.0", True), ("gzip;q=0.001", True),
            ("*;q=0, gzip", True), ("gzip, *;q=0", True), ("*, gzip;q=0", False), ("gzip;q=0, *", False),
            ("br, *;q=0", False), ("", False), ("br", False), ("gzip;q=0", False), ("gzip; q=0.000", False),
            ("x-gzip", False),
        ):  # fmt: skip
            self.assertEqual(takes_gzip(request(accept_encoding=told)), takes, told)
        self.assertFalse(takes_gzip(request()))

    def test_who_has_it_is_told_so(self):
        plain, packed = (self.ask("assets/a-1.js", **how)[1]["ETag"] for how in ({}, {"accept_encoding": "gzip"}))
        for known in (plain, packed, f"W/{packed}", f'"x", {plain}', "*"):
            answer, headers = self.ask("assets/a-1.js", if_none_match=known)
            self.assertEqual((answer.status, answer.body, headers["ETag"]), (304, b"", plain), known)
            self.assertEqual(headers["Cache-Control"], YEAR)
        for known in ("", '"x"', plain.strip('"')):
            self.assertEqual(self.ask("assets/a-1.js", if_none_match=known)[0].status, 200, known)

    def test_another_build_in_its_place_changes_nothing(self):
        (self.folder / "index.html").write_bytes(b"another")
        for name in ("a-1.js", "a-1.js.gz"):
            (self.folder / "assets" / name).unlink()
        self.assertEqual(self.ask("index.html")[0].body, b"<!doctype html>")
        self.assertEqual(self.ask("assets/a-1.js")[0].body, SCRIPT)
        self.assertEqual(gzip.decompress(self.ask("assets/a-1.js", accept_encoding="gzip")[0].body), SCRIPT)

    def test_a_checkout_has_them_where_they_are_built(self):
        self.assertEqual(find_built(), Path(__file__).parents[3] / "view" / "dist")

    def test_a_wheel_has_them_beside_the_module(self):
        packed = self.folder / "package"
        (packed / "dist").mkdir(parents=True)
        self.patch(built, "files", {"serena.web": packed}.get)
        self.assertEqual(find_built(), packed / "dist")

"""Forms: both kinds, and everything that is none."""

import contextlib  # whole, because trial takes a module's `suppress` for its own
from urllib.parse import quote_from_bytes

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from serena.web.forms import MOST_FIELDS, BadField, Form, read_form
from tests.timing import growth

URLENCODED = b"application/x-www-form-urlencoded"
NAMES = st.text(st.characters(codec="utf-8", exclude_characters='\r\n"\\'), min_size=1, max_size=20)


def multipart(pairs: dict[str, str], boundary: str = "XyZ") -> bytes:
    """Write a form as browsers do."""
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in pairs.items()
    ]
    return "".join([*parts, f"--{boundary}--\r\n"]).encode()


class FormTests(SynchronousTestCase):
    """What is read from a body."""

    def test_urlencoded(self):
        form = read_form(URLENCODED + b"; charset=UTF-8", b"topic=a+b&data=%E4%B8%AD%26&empty=&bare")
        self.assertEqual([form.text(name) for name in ("topic", "data", "empty", "bare")], ["a b", "中&", "", ""])

    def test_the_first_value_counts(self):
        self.assertEqual(read_form(URLENCODED, b"a=1&a=2").text("a"), "1")

    def test_what_the_original_leaves_out(self):
        form = read_form(URLENCODED, b"a=1;b=2&c=%zz&d=%4&ok=1")
        self.assertEqual([form.text(name) for name in "abcd"], ["", "", "", ""])
        self.assertEqual(form.text("ok"), "1")

    def test_backslashes_are_bytes_as_any(self):
        form = read_form(URLENCODED, b"a=\\x41%41\\&b=%5C%5cn\\n\\%e4%B8%AD&\\=%0A\n\xc3\xa9&c=%4\\1&d=%x41&e=1%")
        self.assertEqual([form.text(name) for name in "abcde"], ["\\x41A\\", "\\\\n\\n\\中", "", "", ""])
        self.assertEqual(form.text("\\"), "\n\né")

    def test_the_time_that_bodies_take_grows_no_faster_than_they_do(self):
        for kind, make in (
            (URLENCODED, lambda size: b"a=" + b"%41x" * (size // 4)),
            (URLENCODED, lambda size: b"a=" + b"%e4%b8%ad" * (size // 9)),
            (URLENCODED, lambda size: b"a=" + b"\\%" * (size // 2)),
            (b"multipart/form-data; boundary=b", lambda size: b"--b" + b"\r\n" * (size // 2) + b"--b--"),
            (
                b"multipart/form-data; boundary=b",
                lambda size: b"--b\r\nX:" + b";a=b" * (size // 4) + b"\r\n\r\n\r\n--b--",
            ),
        ):
            bodies = {size: make(size) for size in (3 << 20, (3 << 20) // 16)}
            took = growth(lambda size, kind=kind, bodies=bodies: read_form(kind, bodies[size]), 3 << 20)
            self.assertLess(took, 64, bodies[3 << 20][:20])

    @given(st.binary(max_size=100).filter(lambda raw: b";" not in raw))
    def test_bytes_are_given_back(self, raw):
        for body in (quote_from_bytes(raw), quote_from_bytes(raw, safe="\\"), "".join(f"%{byte:02x}" for byte in raw)):
            self.assertEqual(read_form(URLENCODED, b"a=" + body.encode())._fields, {b"a": raw})

    def test_multipart(self):
        form = read_form(b'Multipart/Form-Data; boundary="XyZ"', multipart({"topic": "a", "data": "two\r\nlines--XyZ"}))
        self.assertEqual((form.text("topic"), form.text("data")), ("a", "two\r\nlines--XyZ"))

    def test_multipart_with_preamble_and_further_headers(self):
        body = b"before\r\n--b\r\nX: y\r\ncontent-disposition: form-data; name=plain\r\n\r\nv\r\n--b--"
        self.assertEqual(read_form(b"multipart/form-data; boundary=b", body).text("plain"), "v")

    def test_files_are_no_fields(self):
        body = b'--b\r\nContent-Disposition: form-data; name="f"; filename="x"\r\n\r\nv\r\n--b--'
        self.assertEqual(read_form(b"multipart/form-data; boundary=b", body).text("f"), "")

    def test_what_is_no_form_is_empty(self):
        whole = multipart({"a": "1"})
        for kind, body in (
            (b"multipart/form-data", b"{}"),
            (b"multipart/form-data", b""),
            (b"multipart/form-data; boundary=", whole),
            (b"multipart/form-data; boundary=XyZ", whole[:-8]),
            (b"multipart/form-data; boundary=XyZ", whole.replace(b"\r\n\r\n", b"\r\n")),
            (b"multipart/form-data; boundary=other", whole),
            (b"application/json", b'{"a":"1"}'),
            (b"", b"a=1"),
        ):
            self.assertEqual(read_form(kind, body).text("a"), "", (kind, body))

    def test_fields_are_counted(self):
        for count, refused in ((MOST_FIELDS, False), (MOST_FIELDS + 1, True), (5 * MOST_FIELDS, True)):
            pairs = {f"f{number}": "x" for number in range(count)}
            for kind, body in (
                (URLENCODED, "&".join(f"{name}=x" for name in pairs).encode()),
                (b"multipart/form-data; boundary=XyZ", multipart(pairs)),
            ):
                if refused:
                    self.assertRaises(BadField, read_form, kind, body)
                else:
                    self.assertEqual(read_form(kind, body).text(f"f{count - 1}"), "x")

    def test_a_field_that_is_not_utf8_is_named(self):
        error = self.assertRaises(BadField, read_form(URLENCODED, b"topic=%ff").text, "topic")
        self.assertEqual((str(error), error.field), ("topic: not UTF-8", "topic"))

    @given(st.dictionaries(NAMES, st.text(st.characters(codec="utf-8"), max_size=50), max_size=5))
    @settings(deadline=None, max_examples=50)
    def test_multipart_gives_back_what_was_put_in(self, pairs):
        form = read_form(b"multipart/form-data; boundary=XyZ", multipart(pairs))
        self.assertEqual({name: form.text(name) for name in pairs}, pairs)

    @given(
        st.sampled_from([URLENCODED, b"multipart/form-data; boundary=b", b"multipart/form-data"]),
        st.binary(max_size=200),
    )
    @settings(deadline=None, max_examples=100)
    def test_junk_is_read_or_refused(self, kind, body):
        with contextlib.suppress(BadField):
            self.assertIsInstance(read_form(kind, body.replace(b"|", b"\r\n--b\r\n")), Form)

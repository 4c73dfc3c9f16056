"""How answers are written."""

import json

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.server import Request
from twisted.web.test.requesthelper import DummyChannel

from serena.web.answers import CORS, Answer, answer_json, send, to_json, try_later


class JsonTests(SynchronousTestCase):
    """Bodies."""

    def test_no_blanks_and_sorted_keys(self):
        self.assertEqual(to_json({"b": 1, "a": [True, None]}), b'{"a":[true,null],"b":1}')

    def test_what_would_be_html_is_escaped(self):
        self.assertEqual(to_json("<a>&\u2028\u2029中"), '"\\u003ca\\u003e\\u0026\\u2028\\u2029中"'.encode())

    @given(st.text(st.characters(codec="utf-8")))
    def test_any_text_comes_back(self, text):
        self.assertEqual(json.loads(to_json({text: text})), {text: text})


class SendTests(SynchronousTestCase):
    """Headers."""

    def sent(self, answer, **before):
        channel = DummyChannel()
        request = Request(channel, True)
        request.clientproto, request.method = b"HTTP/1.1", b"GET"
        for name, value in before.items():
            request.setHeader(name, value)
        request.finish = lambda: None
        send(request, answer)
        head, _, body = channel.transport.written.getvalue().partition(b"\r\n\r\n")
        return [line.partition(b": ")[0].decode() for line in head.split(b"\r\n")[1:]], body

    def test_order(self):
        names, body = self.sent(answer_json({}), Server="x", Date="then", Connection="close")
        self.assertEqual(names, [*(name for name, _ in CORS), "Content-Type", "Date", "Content-Length", "Connection"])
        self.assertEqual(body, b"{}")

    def test_no_cors_and_more_headers(self):
        names, _ = self.sent(try_later({}, 0.2, cors=False))
        self.assertEqual(names, ["Content-Type", "Retry-After", "Date", "Content-Length"])

    def test_no_content_has_no_length(self):
        self.assertEqual(self.sent(Answer(content_type="", status=204, cors=False))[0], ["Date"])

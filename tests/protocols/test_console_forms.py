"""Forms that the console takes: messages that are sent, and whatever else somebody posts."""

import json
from urllib.parse import urlencode

from hypothesis import given, settings
from hypothesis import strategies as st
from treq.testing import StubTreq
from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.errors import Full, StoreUnavailable
from kapokmq.core.message import LONGEST_DELAY, Draft
from tests.protocols.http_fakes import CODE, FORM, KEY, FakeNode, found
from tests.protocols.test_console import ROUTES, NodeTests


class SendTests(NodeTests):
    """/Producer/Send."""

    def send(self, **changes):
        fields = {"topic": "t", "messageData": "hello", "delayTime": "0"} | changes
        return self.body("/Producer/Send", **{name: text for name, text in fields.items() if text is not None})

    def refused(self, **changes):
        said = json.loads(self.send(**changes))
        self.assertEqual(said["code"], -1)
        self.assertEqual(self.engine.drafts, [])
        return said["field"], said["msg"]

    def test_sent(self):
        self.assertEqual(self.send(), b'{"code":0,"msg":"%b"}' % CODE.encode())
        self.assertEqual(self.engine.drafts, [("t", Draft("hello"))])

    def test_multipart(self):
        body = "".join(
            f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in (("topic", "中"), ("messageData", "a&b\x00"), ("delayTime", "+7"))
        )
        reply = self.node.post("/Producer/Send", body + "--b--\r\n", "multipart/form-data; boundary=b")
        self.assertEqual(json.loads(reply.body)["code"], 0)
        self.assertEqual(self.engine.drafts, [("中", Draft("a&b\x00", 7, 7000))])

    def test_a_negative_delay_is_none_and_kept(self):
        self.send(delayTime=str(-(1 << 63)))
        self.assertEqual(self.engine.drafts[0][1], Draft("hello", -(1 << 63), 0))

    def test_a_delay_that_is_no_integer(self):
        for text in (None, "", "abc", "1.5", "1_0", " 1", "9223372036854775808", "\uff11"):
            fault = {"Func": "ParseInt", "Num": text or "", "Err": {}}
            self.assertEqual(self.refused(delayTime=text), ("delayTime", fault))
        raw = self.send(delayTime="abc")
        self.assertIn(b'"msg":{"Func":"ParseInt","Num":"abc","Err":{}}', raw)

    def test_the_delay_is_looked_at_first(self):
        self.assertEqual(self.refused(delayTime="x", topic="")[0], "delayTime")

    def test_empty_fields(self):
        for field in ("topic", "messageData"):
            for text in ("", None):
                self.assertEqual(self.refused(**{field: text}), (field, "Required data cannot be empty"))

    def test_bounds_are_named(self):
        for field, text in (
            ("delayTime", str(LONGEST_DELAY + 1)),
            ("messageData", "é" * 501),
            ("topic", "t" * 256),
            ("topic", "a\x00b"),
        ):
            named, msg = self.refused(**{field: text})
            self.assertEqual((named, msg[: len(field) + 2]), (field, f"{field}: "))

    def test_the_bounds_themselves_fit(self):
        self.send(delayTime=str(LONGEST_DELAY), messageData="é" * 500, topic="t" * 255)
        self.assertEqual(len(self.engine.drafts), 1)

    def test_json_is_no_form(self):
        body = json.dumps({"topic": "t", "messageData": "x", "delayTime": "0"})
        self.assertIn(b'"code":-1', self.node.post("/Producer/Send", body, "application/json").body)

    def test_not_now(self):
        for trouble in (Full("the broker is full"), StoreUnavailable("no space left on device")):
            self.engine.trouble = trouble
            reply = self.node.post("/Producer/Send", "topic=t&messageData=x&delayTime=0")
            self.assertEqual((reply.status, reply.headers["Retry-After"]), (503, "1"))
            self.assertEqual(json.loads(reply.body), {"code": -1, "msg": str(trouble)})
            self.assertEqual(reply.headers["Access-Control-Allow-Origin"], "*")


class AnyFormTests(NodeTests):
    """Whatever is sent, it is answered."""

    FIELDS = ("topic", "messageData", "delayTime", "messageCode", "startTime", "endTime", "status", "limit", "offset")
    VALUES = st.text(st.characters(codec="utf-8"), max_size=30) | st.sampled_from(
        ["0", "3", "-1", CODE, "t", "1999-01-01 00:00:00", "2999-01-01 00:00:00", "0001-01-01 00:00:00", "9" * 20]
    )

    @given(st.sampled_from(ROUTES), st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=5), VALUES, max_size=9))
    @settings(deadline=None, max_examples=150)
    def test_any_fields(self, path, fields):
        self.check(path, urlencode(fields, errors="surrogatepass"), FORM)

    @given(
        st.sampled_from(ROUTES),
        st.binary(max_size=100),
        st.sampled_from([FORM, "multipart/form-data", "multipart/form-data; boundary=b", "application/json", "x"]),
    )
    @settings(deadline=None, max_examples=150)
    def test_any_bytes(self, path, body, kind):
        self.check(path, body, kind)

    def check(self, path, body, kind):
        node = FakeNode()
        node.engine.messages = [found()]
        reply = node.post(path, body, kind)
        self.assertEqual(reply.status, 200)
        self.assertIn(json.loads(reply.body)["code"] if path != "/Console/GetNodes" else 0, (0, -1))


class TreqTests(SynchronousTestCase):
    """The same through an ordinary HTTP client."""

    def test_a_form(self):
        node = FakeNode()
        treq = StubTreq(None)
        treq._agent._serverFactory = node.site()
        response = self.successResultOf(
            treq.post("http://own/Console/GetMessage", data={"messageCode": CODE}, headers={"secretKey": KEY})
        )
        self.assertEqual(response.code, 200)
        self.assertEqual(self.successResultOf(treq.json_content(response))["code"], -1)

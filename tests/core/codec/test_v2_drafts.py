"""The messages of a publish on the v2 wire, read."""

from kapokmq.core.codec.v2 import (
    BATCH,
    Publish,
)
from kapokmq.core.codec.v2_drafts import written_headers
from kapokmq.core.errors import BadMessage, TooBig
from kapokmq.core.message import Draft, Text
from tests.core.codec.v2_frames import LONGEST, V2Case, publish, read


class PublishTests(V2Case):
    """Messages in."""

    def test_texts(self):
        self.assertEqual(
            read(publish({"data": "a"}, {"data": "\0ä"})),
            Publish(1, "orders", [Text("a"), Text("\0ä")], durable=False),
        )

    def test_everything(self):
        for fields, draft in (
            ({"delay": 0}, Draft("x")),
            ({"delay": 1.5}, Draft("x", 1, 1500)),
            ({"delay": 2}, Draft("x", 2, 2000)),
            ({"at": 1795219602.123}, Draft("x", due=1795219602123)),
            ({"at": 0}, Draft("x", due=0)),
            ({"expire": 2.5}, Draft("x", expire_ms=2500)),
            ({"expire": 0.0001}, Draft("x", expire_ms=1)),
            ({"key": "k"}, Draft("x", key="k")),
            ({"headers": {"a": "ä", "b": ""}}, Draft("x", headers='{"a":"ä","b":""}')),
            ({"headers": {}}, Draft("x")),
        ):
            self.assertEqual(read(publish({"data": "x", **fields})).drafts, [draft], fields)

    def test_plain_and_full_messages_mix(self):
        drafts = read(publish({"data": "a"}, {"data": "b", "key": "k"}, {"data": ["c"]})).drafts
        self.assertEqual(drafts, [Draft("a"), Draft("b", key="k"), Draft('["c"]')])

    def test_what_is_no_text_is_carried_as_it_stood(self):
        for value in (
            "1.50",
            "null",
            "true",
            "-0",
            "1e400",
            '{"a" : [1, 2.00]}',
            '[ "\\u00e4" ]',
            '{"a":1,"a":2}',
            "{ }",
        ):
            data = f'{{"op":"publish","id":1,"topic":"a","messages":[{{"data": {value} }}]}}'.encode()
            self.assertEqual(read(data).drafts, [Draft(value)])

    def test_durable_may_be_asked_for(self):
        for durable, wanted in ((True, True), ("fsync", True), (False, False)):
            self.assertIs(read(publish({"data": "x"}, durable=durable)).durable, wanted)
            self.assertIs(read(publish({"data": 1}, durable=durable)).durable, wanted)
        for durable in ("memory", 1, None):
            self.refused(publish({"data": "x"}, durable=durable), request=1)

    def test_a_batch_has_bounds(self):
        self.refused(publish(), text="messages: is empty", request=1)
        self.assertEqual(len(read(publish(*[{"data": ""}] * BATCH)).drafts), BATCH)
        self.refused(publish(*[{"data": ""}] * 10_000), "tooMany", "messages: 10000, the limit is 5000", request=1)

    def test_a_text_has_a_bound_in_bytes(self):
        read(publish({"data": "x" * LONGEST}, {"data": "ä" * (LONGEST // 2)}))
        text = "data: 1001 bytes, the limit is 1000"
        self.refused(publish({"data": "x"}, {"data": "x" * (LONGEST + 1)}), "tooBig", text, request=1, index=1)
        self.refused(publish({"data": "x", "key": "k"}, {"data": "ä" * 501}), "tooBig", request=1, index=1)
        read(publish({"data": "\0" * LONGEST}, {"data": "ä" * 500}))

    def test_the_message_at_fault_is_named(self):
        good = {"data": "x"}
        for bad, text in (
            ({}, "messages[1]: object missing required field `data`"),
            ({"data": "x", "dely": 1}, "messages[1]: object contains unknown field `dely`"),
            ({"data": "x", "delay": -1}, "messages[1].delay: expected `float` >= 0.0"),
            ({"data": "x", "delay": 4e9}, "messages[1].delay: expected `float` <= 3162240000.0"),
            ({"data": "x", "delay": "1"}, "messages[1].delay: expected `float`, got `str`"),
            ({"data": "x", "at": -1}, "messages[1].at: expected `float` >= 0.0"),
            ({"data": "x", "expire": 0}, "messages[1].expire: expected `float` > 0.0"),
            ({"data": "x", "key": 1}, "messages[1].key: expected `str`, got `int`"),
            ({"data": "x", "headers": {"a": 1}}, "messages[1].headers[...]: expected `str`, got `int`"),
            ({"data": "x", "headers": []}, "messages[1].headers: expected `object`, got `array`"),
            (7, "messages[1]: expected `object`, got `int`"),
        ):
            self.refused(publish(good, bad), text=text, request=1, index=1)
        self.refused(publish(messages=7), text="messages: expected `array`, got `int`", request=1)

    def test_what_no_type_says_is_named_too(self):
        good = {"data": "x"}
        many = {f"h{n}": "" for n in range(65)}
        for fields, name, text in (
            ({"delay": 1, "at": 1}, "badMessage", "delay: not together with at"),
            ({"key": ""}, "badName", "key: is empty"),
            ({"key": "x" * 256}, "badName", "key: is longer than 255 characters"),
            ({"headers": many}, "badMessage", "headers: 65, the limit is 64"),
            ({"headers": {"a": "x" * (1 << 20)}}, "tooBig", "headers: 1048584 bytes of JSON, the limit is 16384"),
        ):
            self.refused(publish(good, {"data": "x", **fields}, good), name, text, request=1, index=1)

    def test_headers_are_written_as_they_are_carried(self):
        self.assertIsNone(written_headers({}))
        self.assertEqual(written_headers({"a": '"'}), '{"a":"\\""}')
        self.assertEqual(len(written_headers({"a": "x" * (16384 - 8)})), 16384)
        self.assertRaises(TooBig, written_headers, {"a": "x" * (16384 - 7)})
        self.assertRaises(BadMessage, written_headers, {str(n): "" for n in range(65)})

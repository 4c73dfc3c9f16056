"""docs/asyncapi.yaml says of v2 what the codec reads and writes."""

import copy
import json
import re
from pathlib import Path

import jsonschema_rs
import yaml
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core import errors
from kapokmq.core.codec import v2, v2_answers
from kapokmq.core.codec.rejected import Rejected, rejected
from kapokmq.core.errors import PeerError
from kapokmq.core.message import Message
from kapokmq.core.peers import Delivery, Receipt

ROOT = Path(__file__).parents[1]
DOCUMENT = yaml.safe_load((ROOT / "docs" / "asyncapi.yaml").read_text("utf-8"))
MESSAGES = DOCUMENT["components"]["messages"]
ASKED = ("hello", "publish", "subscribe", "credit", "ack", "nack", "touch", "unsubscribe")
TOLD = ("welcome", "ok", "error", "deliver", "drain")
LONGEST = 1 << 20
CODE = "b2e46bdb581a100a000000020000030000000000"


def validator(name):
    """What tells whether a frame is as the document says."""
    return jsonschema_rs.Draft202012Validator({**MESSAGES[name]["payload"], "components": DOCUMENT["components"]})


VALIDATORS = {name: validator(name) for name in MESSAGES}


def unframed(data):
    """The object of a server's text frame."""
    return json.loads(data[{126: 4, 127: 10}.get(data[1], 2) :])


def reads(frame):
    """Whether the codec takes it."""
    try:
        v2.decode(json.dumps(frame).encode(), LONGEST)
    except PeerError:
        return False
    return True


def places(value, path=()):
    """Every place in a frame but what `data` holds, which may be anything."""
    yield path
    if not isinstance(value, (dict, list)) or (path and path[-1] == "data"):
        return
    for name, inner in value.items() if isinstance(value, dict) else enumerate(value):
        yield from places(inner, (*path, name))


def changed(frame, path, value):
    """The frame with another value in one place; `...` takes the field out."""
    made = copy.deepcopy(frame)
    *way, last = path
    holder = made
    for name in way:
        holder = holder[name]
    if value is ...:
        del holder[last]
    else:
        holder[last] = value
    return made


EXAMPLES = [(name, example["payload"]) for name in MESSAGES for example in MESSAGES[name]["examples"]]
VALUES = [..., None, True, 0, -1, 1.5, 2**53, 10**12, "", "x", "a\nb", "x" * 256, "new", [], {}, {"x": 1}, ["x"]]


class DocumentTests(SynchronousTestCase):
    """The document itself."""

    def test_each_op_has_a_message_with_examples_and_a_place_in_the_channel(self):
        self.assertEqual(DOCUMENT["asyncapi"], "3.0.0")
        self.assertEqual(tuple(MESSAGES), ASKED + TOLD)
        self.assertEqual(tuple(DOCUMENT["channels"]["v2"]["messages"]), ASKED + TOLD)
        for name, message in MESSAGES.items():
            self.assertEqual(message["payload"]["properties"]["op"], {"const": name})
            self.assertGreaterEqual(len(message["examples"]), 1, name)

    def test_each_message_belongs_to_an_operation(self):
        heard, said = set(), set()
        for operation in DOCUMENT["operations"].values():
            side = heard if operation["action"] == "receive" else said
            side |= {one["$ref"].rpartition("/")[2] for one in operation["messages"]}
            said |= {one["$ref"].rpartition("/")[2] for one in operation.get("reply", {}).get("messages", ())}
        self.assertEqual((heard, said), (set(ASKED), set(TOLD)))

    def test_each_reference_leads_somewhere(self):
        references = re.findall(r"\$ref: '#/([^']+)'", (ROOT / "docs" / "asyncapi.yaml").read_text("utf-8"))
        self.assertGreater(len(references), 50)
        for reference in references:
            place = DOCUMENT
            for name in reference.split("/"):
                place = place[name]

    def test_the_schemas_are_closed(self):
        def objects(schema):
            if isinstance(schema, dict):
                if schema.get("type") == "object":
                    yield schema
                for inner in schema.values():
                    yield from objects(inner)
            elif isinstance(schema, list):
                for inner in schema:
                    yield from objects(inner)

        found = list(objects(DOCUMENT["components"]))
        self.assertGreater(len(found), 15)
        for schema in found:
            self.assertIn(schema.get("additionalProperties"), (False, {"type": "string"}), schema)

    def test_the_error_codes_are_those_that_there_are(self):
        codes = DOCUMENT["components"]["schemas"]["errorCode"]["enum"]
        classes = [thing for thing in vars(errors).values() if isinstance(thing, type)]
        ours = {vars(thing)["name"] for thing in classes if "name" in vars(thing)}
        self.assertEqual(ours - set(codes), set())
        wire = {"badRequest", "helloFirst", "subTaken", "unknownSub", "internal"}
        self.assertEqual(set(codes) - ours, wire)
        page = (ROOT / "docs" / "protocol-v2.md").read_text("utf-8")
        table = re.split(r"^## ", page, flags=re.MULTILINE)
        (section,) = [one for one in table if one.startswith("Errors")]
        rows = section.partition("| code |")[2]
        self.assertEqual(re.findall(r"^\| `(\w+)` \|", rows, re.MULTILINE), codes)

    def test_the_limits_are_those_of_the_page(self):
        page = (ROOT / "docs" / "protocol-v2.md").read_text("utf-8")
        section = page.partition("\n## Limits\n")[2].partition("\n## ")[0]
        limits = list(DOCUMENT["components"]["schemas"]["limits"]["properties"])
        self.assertEqual(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE), limits)


class ReadingTests(SynchronousTestCase):
    """What clients send: the document takes what the codec takes."""

    def test_the_examples_are_taken_by_both(self):
        for name, frame in EXAMPLES:
            self.assertEqual(list(VALIDATORS[name].iter_errors(frame)), [], frame)
            if name in ASKED:
                self.assertTrue(reads(frame), frame)
            else:
                self.assertFalse(reads(frame), frame)

    def test_whatever_is_changed_both_take_it_or_none(self):
        tried = refused = 0
        for name, frame in EXAMPLES:
            if name not in ASKED:
                continue
            for path in places(frame):
                for value in VALUES if path and path[0] != "op" else ():
                    tried += 1
                    self.compare(name, changed(frame, path, value))
                    refused += not reads(changed(frame, path, value))
            self.compare(name, frame | {"more": 1})
        self.assertGreater(tried, 1000)
        self.assertGreater(refused, 500)

    @given(st.sampled_from([example for example in EXAMPLES if example[0] in ASKED]), st.data())
    def test_whatever_is_changed_twice(self, example, data):
        name, frame = example
        for _ in range(2):
            path = data.draw(st.sampled_from([path for path in places(frame) if path and path[0] != "op"]))
            frame = changed(frame, path, data.draw(st.sampled_from(VALUES)))
            if len(frame) == 1:
                break
        self.compare(name, frame)

    def compare(self, name, frame):
        self.assertEqual(VALIDATORS[name].is_valid(frame), reads(frame), frame)


class WritingTests(SynchronousTestCase):
    """What clients are sent is as the document says."""

    def told(self, data, name):
        frame = unframed(data)
        self.assertEqual(frame["op"], name)
        self.assertEqual(list(VALIDATORS[name].iter_errors(frame)), [], frame)

    def test_all_answers(self):
        limits = v2_answers.Limits(*range(1, 11))
        self.told(v2_answers.encode_welcome("1", "n", limits, None, None), "welcome")
        self.told(v2_answers.encode_welcome("1", "n", limits, 1, "s"), "welcome")
        self.told(v2_answers.encode_ok(1), "ok")
        self.told(v2_answers.encode_ok(1, durable="memory", unknown=[0, 2]), "ok")
        receipt = Receipt(7, 5, 2, "0" * 24, "interval", {1: CODE}, resent=True)
        self.told(v2_answers.encode_receipt(receipt), "ok")
        self.told(v2_answers.encode_receipt(Receipt(7, 5, 2, "0" * 24)), "ok")
        self.told(v2_answers.encode_drain("soon"), "drain")

    def test_all_errors(self):
        for thing in vars(errors).values():
            if isinstance(thing, type) and "name" in vars(thing):
                self.told(v2_answers.encode_error(rejected(thing("x"), request=1, sub=2, index=3)), "error")
        self.told(v2_answers.encode_error(rejected(KeyError("x"))), "error")
        self.told(v2_answers.encode_error(Rejected("x", "unknownSub", sub=0)), "error")

    def test_deliveries(self):
        plain = Message(1, 1, 1_700_000_000_000, 0, None, None, None, None, "a")
        full = Message(2, 1, 1_700_000_000_123, 0, None, None, "k", '{"h":"1"}', "b")
        self.told(v2_answers.encode_delivery(1, Delivery("t", [plain, full], [CODE, CODE], [1, 2])), "deliver")

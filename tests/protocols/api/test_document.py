"""The OpenAPI document: closed, whole, and true to the shapes; docs/api.md names the same routes."""

import json
import re
from pathlib import Path

import jsonschema_rs
import msgspec
from twisted.trial.unittest import SynchronousTestCase

from kapokmq.protocols.api.examples import EXAMPLES
from kapokmq.protocols.api.publishing import Many, One
from tests.protocols.api.fakes import ApiNode

API = Path(__file__).parents[3] / "docs" / "api.md"


def everything(value):
    """All objects within a JSON value."""
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from everything(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from everything(inner)


class DocumentTests(SynchronousTestCase):
    def setUp(self):
        self.document = json.loads(ApiNode().call("GET /openapi.json", key=None).body)
        self.operations = [
            (method.upper(), path, operation)
            for path, item in self.document["paths"].items()
            for method, operation in item.items()
        ]

    def test_what_it_is(self):
        self.assertEqual(self.document["openapi"], "3.1.0")
        self.assertEqual(self.document["info"]["version"], "0.1.0")
        self.assertGreater(len(self.operations), 45)
        names = [operation["operationId"] for _, _, operation in self.operations]
        self.assertEqual(len(names), len(set(names)))

    def test_every_status_is_said_and_has_an_example(self):
        for method, path, operation in self.operations:
            self.assertTrue(operation["summary"])
            self.assertNotIn("default", operation["responses"])
            self.assertIn("500", operation["responses"])
            for status, response in operation["responses"].items():
                if "$ref" in response:
                    response = self.document["components"]["responses"][response["$ref"].rpartition("/")[2]]  # noqa: PLW2901
                self.assertTrue(response["description"], (method, path, status))
                for content in response["content"].values():
                    self.assertTrue(content["examples"], (method, path, status))

    def test_shapes_are_closed(self):
        shapes = self.document["components"]["schemas"]
        self.assertGreater(len(shapes), 30)
        for name, schema in shapes.items():
            self.assertEqual((schema["type"], schema["additionalProperties"]), ("object", False), name)

    def test_every_reference_leads_somewhere(self):
        found = 0
        for one in everything(self.document):
            if "$ref" in one:
                found += 1
                place = self.document
                for part in one["$ref"].removeprefix("#/").split("/"):
                    place = place[part]
        self.assertGreater(found, 200)

    def test_parameters(self):
        for method, path, operation in self.operations:
            given = operation.get("parameters", [])
            named = {one["name"] for one in given if one["in"] == "path"}
            self.assertEqual(named, set(re.findall(r"\{(\w+)\}", path)), (method, path))
            for one in given:
                self.assertNotIn("anyOf", one["schema"])
                self.assertNotIn(None, one["schema"].values())

    def test_examples_are_what_they_say(self):
        schemas = {"components": {"schemas": self.document["components"]["schemas"]}}
        for shape, example in EXAMPLES.items():
            if shape not in {One, Many}:  # their raw values come from bytes alone
                msgspec.convert(example, shape)
            schema = {"$ref": f"#/components/schemas/{shape.__name__}", **schemas}
            jsonschema_rs.Draft202012Validator(schema).validate(example)

    def test_refusals_too(self):
        schemas = {"components": {"schemas": self.document["components"]["schemas"]}}
        validator = jsonschema_rs.Draft202012Validator({"$ref": "#/components/schemas/Refusal", **schemas})
        for status, response in self.document["components"]["responses"].items():
            (content,) = response["content"].values()
            (example,) = content["examples"].values()
            self.assertTrue(validator.is_valid(example["value"]), status)

    def test_people_are_told_of_the_same_routes(self):
        rows = re.findall(r"^\| `(\w+) (/[^`?]*)[^`]*` \|", API.read_text("utf-8"), re.MULTILINE)
        told = {(method, "/api/v1" + path) for method, path in rows}
        self.assertEqual(told, {(method, path) for method, path, _ in self.operations})
        self.assertEqual(len(rows), len(told))

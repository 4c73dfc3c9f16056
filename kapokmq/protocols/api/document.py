"""`GET /api/v1/openapi.json`: the API for programs, made of the routes' declarations and the shapes that read them."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, get_args

import msgspec

from kapokmq.protocols.api.examples import EXAMPLES
from kapokmq.protocols.api.publishing import One
from kapokmq.protocols.api.routes import PREFIX, Ask, Nothing, Operation, Routes
from serena.web.answers import JSON, Answer
from serena.web.guard import Guard
from serena.web.refusals import Fault, Refusal, answered
from serena.web.streams import EVENTS

_REF = "#/components/schemas/{name}"
_READABLE = "^[^\\u0000-\\u001f\\u007f-\\u009f]+$"
_NAME = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": _READABLE}
_CODE = {"type": "string", "pattern": "^[0-9a-f]{40}$"}
_NAMES: Mapping[str, tuple[dict[str, Any], str]] = {
    "topic": (_NAME, "A topic. A slash in it is `%2F`."),
    "group": (_NAME, "A group of the topic."),
    "code": (_CODE, "A message."),
    "number": ({"type": "string", "pattern": "^[0-9]{1,9}$"}, "A connection."),
}
_PATTERN = " Or a pattern: `*` is one level between dots, `>` at the end the rest."
# What the shapes leave to the code that reads them.
_NARROWER: Mapping[tuple[str, str], dict[str, Any]] = {
    (name, field): narrower
    for name in ("Full", "One")
    for field, narrower in (("key", _NAME), ("headers", {"maxProperties": 64}))
}

FAULTS: Mapping[int, tuple[str, str, str]] = {
    400: ("A field is unknown, missing or out of range.", "badRequest", "limit: expected int <= 1000"),
    401: (
        "The key is wrong or missing. `retryAfter`: too often of late.",
        "unauthorized",
        "secretKey: wrong or missing",
    ),
    403: ("A page of another origin, while the key is the default.", "foreignOrigin", "this origin may not ask"),
    404: ("There is no such thing.", "notFound", "topic: there is none of that name"),
    409: ("It can't be done as things are.", "exists", "name: there is such a topic"),
    410: ("What was waited for was deleted.", "gone", "the topic was deleted"),
    413: ("More bytes than the node takes.", "tooBig", "body: more than 3211264 bytes"),
    415: ("The body does not say that it is JSON.", "unsupportedMediaType", "Content-Type: must be application/json"),
    500: ("A bug: the node's log has it.", "internal", "internal error"),
    503: ("Not now: full, paused, stopping, or the disk refuses.", "full", "the node holds as much as it may"),
}


class Document:
    """Hands out what this module is named for."""

    routes = Routes()
    app = routes.app

    def __init__(self, guard: Guard, operations: Iterable[Operation], version: str) -> None:
        self.guard = guard
        self._operations = [*operations, *self.routes.operations]
        self._version = version
        self._answer: Answer | None = None

    @routes.on("GET", "/openapi.json", open=True)
    async def get_document(self, ask: Ask) -> Answer:
        """This document."""
        if self._answer is None:
            self._answer = answered(make_document(self._operations, self._version))
        return self._answer


def make_document(operations: Iterable[Operation], version: str) -> dict[str, Any]:
    """Describe these operations."""
    listed = list(operations)
    paths: dict[str, dict[str, Any]] = {}
    for operation in listed:
        path = PREFIX + re.sub(r"<(\w+)>", r"{\1}", operation.path)
        paths.setdefault(path, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": "KapokMQ", "version": version, "description": "docs/api.md says more."},
        "security": [{"secretKey": []}, {"bearer": []}],
        "paths": paths,
        "components": {
            "schemas": _schemas(listed),
            "responses": {f"Fault{status}": _fault(status) for status in FAULTS},
            "securitySchemes": {
                "secretKey": {"type": "apiKey", "in": "header", "name": "secretKey"},
                "bearer": {"type": "http", "scheme": "bearer"},
            },
        },
    }


def statuses(operation: Operation) -> list[int]:
    """What a route may answer beside what it gives."""
    found = {400, 401, 403, 500, 503, *operation.faults}
    if operation.body:
        found |= {413, 415}
    elif operation.method != "GET":
        found.add(413)
    return sorted(found - {400, 401, 503} if operation.open else found)


def _operation(operation: Operation) -> dict[str, Any]:
    """Describe one."""
    responses: dict[str, Any] = {str(operation.status): _success(operation)}
    responses |= {str(status): {"$ref": f"#/components/responses/Fault{status}"} for status in statuses(operation)}
    said: dict[str, Any] = {"operationId": operation.name, "summary": operation.summary, "responses": responses}
    parameters = [*_path_parameters(operation), *_query_parameters(operation)]
    if parameters:
        said["parameters"] = parameters
    if operation.body:
        said["requestBody"] = _body(operation)
    if operation.open:
        said["security"] = []
    return said


def _success(operation: Operation) -> dict[str, Any]:
    """Describe what it gives."""
    if operation.streams:
        text = {"schema": {"type": "string"}, "examples": {"one": {"value": 'data: {"code": "…"}\n\n'}}}
        return {"description": "Events, until one side ends them.", "content": {EVENTS: text}}
    if operation.gives is None:
        schema: Any = {"type": "object"}
        examples = {"one": {"value": {"openapi": "3.1.0"}}}
    else:
        schema, examples = _one_of(_shapes(operation.gives))
    content = {JSON.partition(";")[0]: {"schema": schema, "examples": examples}}
    return {"description": operation.summary, "content": content}


def _shapes(gives: Any) -> tuple[Any, ...]:
    """The shapes of which an answer is one."""
    return get_args(gives) or (gives,)


def _one_of(shapes: tuple[Any, ...]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The schema of one of some shapes, and an example of each."""
    refs = [{"$ref": _REF.format(name=shape.__name__)} for shape in shapes]
    examples = {shape.__name__: {"value": EXAMPLES[shape]} for shape in shapes}
    return refs[0] if len(refs) == 1 else {"anyOf": refs}, examples


def _body(operation: Operation) -> dict[str, Any]:
    """Describe what it takes."""
    schema, examples = _one_of(operation.body)
    needed = any(field.required for shape in operation.body for field in msgspec.structs.fields(shape))
    return {"required": needed, "content": {"application/json": {"schema": schema, "examples": examples}}}


def _path_parameters(operation: Operation) -> list[dict[str, Any]]:
    """Describe the names in its path."""
    found = []
    for name in re.findall(r"<(\w+)>", operation.path):
        schema, text = _NAMES[name]
        text += _PATTERN if operation.patterns and name == "topic" else ""
        found.append({"name": name, "in": "path", "required": True, "description": text, "schema": schema})
    return found


def _query_parameters(operation: Operation) -> list[dict[str, Any]]:
    """Describe what may stand behind the `?`."""
    if operation.query is Nothing:
        return []
    (schema,) = msgspec.json.schema_components([operation.query])[1].values()
    return [
        {"name": name, "in": "query", "required": False, "schema": _given(field)}
        for name, field in schema["properties"].items()
    ]


def _given(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter's schema: one that may be left out is never null."""
    if "anyOf" in schema:
        (schema,) = (one for one in schema["anyOf"] if one != {"type": "null"})
    return {key: value for key, value in schema.items() if not (key == "default" and value is None)}


def _schemas(operations: list[Operation]) -> dict[str, Any]:
    """All shapes, closed."""
    shapes: list[Any] = [Refusal, Fault, One]
    for operation in operations:
        shapes += operation.body
        if operation.gives is not None:
            shapes += _shapes(operation.gives)
    found = msgspec.json.schema_components(shapes, ref_template=_REF)[1]
    for (name, field), narrower in _NARROWER.items():
        found[name]["properties"][field] |= narrower
    return found


def _fault(status: int) -> dict[str, Any]:
    """Describe a refusal."""
    description, code, message = FAULTS[status]
    value: dict[str, Any] = {"error": {"code": code, "message": message}}
    said: dict[str, Any] = {"description": description}
    if status in {401, 503}:
        if status == 503:  # noqa: PLR2004 -- a status
            value["error"]["retryAfter"] = 1.0
        said["headers"] = {"Retry-After": {"schema": {"type": "string"}, "description": "Seconds."}}
    content = {"schema": {"$ref": _REF.format(name="Refusal")}, "examples": {code: {"value": value}}}
    return said | {"content": {"application/json": content}}

"""Every operation that the OpenAPI document names, asked of a running node with requests made from the document.

No answer is a 5xx or one that the document does not know: status, type, headers and body. The same requests every time.
"""

import json
import socket
from collections import Counter
from http.client import HTTPResponse

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import CheckFunction, not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)
from twisted.trial.unittest import SynchronousTestCase

from kapokmq.protocols.api.leases import LONGEST_WAIT
from tests.integration.broker import start, tell
from tests.integration.wire import Producer

EXAMPLES = 12  # requests an operation, as the document has it, and as many that break it
SECONDS = 10  # that an answer may take
CHECKS: list[CheckFunction] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    unsupported_method,
]
STREAMS = {"watchCounts", "watchTopic", "watchMembers"}
LAST = {"drain"}
TOPIC, GROUP, OTHER = "orders.eu", "billing", "asides"
CAREFUL = {"publish"}  # a topic of any name may be paused by now, which is a 503
# What changes a topic so that others meet 503, or takes it away, has one of its own.
RUDE = {"putTopic", "pauseTopic", "resumeTopic", "deleteTopic", "purgeTopic", "deleteGroup", "putGroup", "pauseGroup"}


class OpenApiTests(SynchronousTestCase):
    def setUp(self):
        self.broker = start(self, CLUSTER_ISCLUSTER=1, CLUSTER_GOSSIPPORT=0)  # so that there are members
        self.base = f"http://127.0.0.1:{self.broker.port}"
        self.headers = {"secretKey": "test"}
        self.seen = Counter()
        document = self.broker.api.get("/api/v1/openapi.json")
        self.assertEqual(document.status, 200)
        self.document = document.json
        for topic in (TOPIC, OTHER):
            self.ask("POST", f"/topics/{topic}/groups", {"name": GROUP, "start": "all", "config": {"maxAttempts": 1}})

    def ask(self, method, path, body=None):
        """One plain request, which must do. Gives the JSON."""
        content = None if body is None else json.dumps(body)
        answer = self.broker.api.ask(method, f"/api/v1{path}", content, **{"Content-Type": "application/json"})
        self.assertLess(answer.status, 300, answer.body)
        return answer.json

    def publish(self, **message):
        """One message. Gives the code."""
        return self.ask("POST", f"/topics/{TOPIC}/messages", {"data": "x"} | message)["codes"][0]

    def dead_letter(self):
        """A message that the group has given up. Gives the code."""
        code, group = self.publish(headers={"a": "b"}), f"/topics/{TOPIC}/groups/{GROUP}"
        while True:
            leased = [one["code"] for one in self.ask("POST", f"{group}/lease", {"max": 1000, "wait": 10})["messages"]]
            self.assertEqual(self.ask("POST", f"{group}/nack", {"codes": leased, "reason": "why"}), {"unknown": []})
            if code in leased:
                return code

    def client(self):
        """A connection. Gives its number."""
        Producer(self, self.broker.port, TOPIC)
        return str(self.ask("GET", "/clients")["clients"][-1]["number"])

    def known(self, operation):
        """Names of what exists, for the path of an operation. Messages and connections are made for it."""
        name, path = operation.definition.raw["operationId"], operation.path
        names = {}
        if "{topic}" in path:
            names["topic"] = OTHER if name in RUDE else TOPIC
        if "{group}" in path:
            names["group"] = GROUP
        if "{number}" in path:
            names["number"] = self.client()
        if "/schedule/{code}" in path:
            names["code"] = self.publish(delay=86_400)
        elif "/dead/{code}" in path:
            names["code"] = self.dead_letter()
        elif "{code}" in path:
            names["code"] = self.publish(headers={"a": "b"})
        return names

    def exercise(self, operation, mode, checks, names):
        """Ask one operation in many ways, always with these names if there are any."""
        more = {"path_parameters": names} if names else {}

        @settings(
            max_examples=EXAMPLES,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(operation.as_strategy(generation_mode=mode, **more))
        def many(case):
            wait = case.body.get("wait") if isinstance(case.body, dict) else None
            if isinstance(wait, int | float) and not isinstance(wait, bool) and 0 <= wait <= LONGEST_WAIT:
                case.body["wait"] = 0  # else it would be waited for
            response = case.call(base_url=self.base, headers=self.headers, timeout=SECONDS)
            self.seen[operation.definition.raw["operationId"], response.status_code] += 1
            case.validate_response(response, checks=checks)

        many()

    def test_every_operation_is_as_documented(self):
        schema = schemathesis.openapi.from_dict(self.document)
        operations = [result.ok() for result in schema.get_all_operations()]
        self.assertGreater(len(operations), 45)
        named = {operation.definition.raw["operationId"]: operation for operation in operations}
        for name in sorted(named.keys() - STREAMS - LAST, key=lambda name: (name in RUDE, "delete" in name, name)):
            operation = named[name]
            known = self.known(operation)
            for names in [known] if name in CAREFUL else [known, {}] if known else [{}]:
                self.exercise(operation, GenerationMode.POSITIVE, CHECKS, names)
            if operation.body or operation.query:
                self.exercise(operation, GenerationMode.NEGATIVE, [*CHECKS, negative_data_rejection], known)
        for name in LAST:
            case = named[name].Case(body={"seconds": 5}, media_type="application/json")
            response = case.call(base_url=self.base, headers=self.headers, timeout=SECONDS)
            case.validate_response(response, checks=CHECKS[:-1])
            self.seen[name, response.status_code] += 1
        asked = {name for name, _ in self.seen}
        self.assertEqual(asked, named.keys() - STREAMS)
        answered = {name for name, status in self.seen if status < 300}
        told = f"{sum(self.seen.values())} requests, {len(asked)} operations, {len(answered)} of them answered 2xx"
        tell(f"OpenAPI: {told}")
        self.assertEqual(asked - answered, set())
        self.assertNotIn("Traceback", self.broker.said())

    def test_streams_begin_as_documented(self):
        for path, wanted in (
            ("events/counts?every=60", b"event: counts\ndata: {"),
            (f"events/topics/{TOPIC}", b'data: {"code":"'),
            ("watch", b'event: snapshot\ndata: {"members":[{"name":"mq:'),
        ):
            with socket.create_connection(("127.0.0.1", self.broker.port), SECONDS) as connection:
                head = f"GET /api/v1/{path} HTTP/1.1\r\nHost: 127.0.0.1\r\nsecretKey: test\r\n\r\n"
                connection.sendall(head.encode())
                response = HTTPResponse(connection)
                response.begin()
                self.assertEqual((response.status, response.headers["Content-Type"]), (200, "text/event-stream"))
                if "topics" in path:
                    self.ask("POST", f"/topics/{TOPIC}/messages", {"data": "passes by"})
                taken = b""
                while wanted not in taken:
                    line = response.readline()
                    self.assertTrue(line)
                    taken += line

"""The API under /api/v1, asked with nothing but the standard library."""

import json
import time
from http.client import HTTPConnection
from typing import NamedTuple
from urllib.parse import quote, urlencode

from tests.integration.http import Api
from tests.integration.wire import PATIENCE


class Fault(NamedTuple):
    """What was answered instead of what was asked for."""

    status: int
    code: str


class ApiV1:
    """A broker's API. Answers are JSON, or a Fault."""

    def __init__(self, broker):
        self._api = Api(broker.port)
        self.port = broker.port

    def ask(self, method, *path, body=None, seconds=20, **query):
        """One request; names of the path are quoted here."""
        target = "/api/v1/" + "/".join(quote(part, safe="") for part in path)
        if query:
            target += "?" + urlencode(query)
        content = None if body is None else json.dumps(body)
        answer = self._api.ask(method, target, content, seconds, **{"Content-Type": "application/json"})
        if answer.status >= 400:
            return Fault(answer.status, answer.json["error"]["code"])
        return answer.json

    def get(self, *path, **query):
        """GET."""
        return self.ask("GET", *path, **query)

    def post(self, *path, **body):
        """POST these fields."""
        return self.ask("POST", *path, body=body)

    def put(self, *path, **body):
        """PUT these fields."""
        return self.ask("PUT", *path, body=body)

    def delete(self, *path):
        """DELETE."""
        return self.ask("DELETE", *path)

    def publish(self, topic, *messages):
        """Publish texts, or messages with options. Gives the codes."""
        batch = [one if isinstance(one, dict) else {"data": one} for one in messages]
        return self.post("topics", topic, "messages", messages=batch)["codes"]

    def state(self, code, group):
        """A message's state in a group."""
        return self.life(code, group)["state"]

    def life(self, code, group):
        """A message's life in a group."""
        return next(one for one in self.get("messages", code)["groups"] if one["group"] == group)


class Events:
    """Server-sent events, read as they come: (name, data), of which the data is read as JSON."""

    def __init__(self, case, port, path):
        self._connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        case.addCleanup(self._connection.close)
        self._connection.request("GET", f"/api/v1/events/{path}", headers={"secretKey": "test"})
        self._answer = self._connection.getresponse()
        assert self._answer.status == 200, self._answer.status
        assert self._answer.getheader("content-type") == "text/event-stream"
        assert self._line().startswith(":"), "it does not say that it has begun"

    def _line(self):
        return self._answer.readline().decode().rstrip("\n")

    def next(self, seconds=PATIENCE):
        """The next event."""
        name, data, deadline = "message", None, time.monotonic() + seconds
        while time.monotonic() < deadline:
            line = self._line()
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data: "):
                data = line.removeprefix("data: ")
            elif not line and data is not None:
                return name, json.loads(data)
        raise AssertionError("no event came")

    def close(self):
        """Go away."""
        self._answer.close()
        self._connection.close()

"""The HTTP face, asked with nothing but the standard library."""

import json
import time
from http.client import HTTPConnection, HTTPException
from typing import NamedTuple
from urllib.parse import urlencode

CONSUMED, WAITING, DELAYED, ANY = 1, -1, 0, 3


class Answer(NamedTuple):
    """What came back; status 0 is nobody there."""

    status: int
    headers: dict
    body: bytes

    @property
    def json(self):
        """The body, read."""
        return json.loads(self.body)


class Api:
    """A node's routes."""

    def __init__(self, port, key="test"):
        self.port = port
        self.key = key

    def ask(self, method, path, body=None, seconds=20, **headers):
        """One request on a connection of its own."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=seconds)
        try:
            connection.request(method, path, body, {"secretKey": self.key} | headers)
            answer = connection.getresponse()
            names = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, names, answer.read())
        except (OSError, HTTPException):
            return Answer(0, {}, b"")
        finally:
            connection.close()

    def get(self, path, **headers):
        """GET."""
        return self.ask("GET", path, **headers)

    def post(self, path, **form):
        """POST a form."""
        body = urlencode(form) if form else None
        return self.ask("POST", path, body, **{"Content-Type": "application/x-www-form-urlencoded"})

    def send(self, topic, data, delay=0):
        """Publish. Gives the answer."""
        return self.post("/Producer/Send", topic=topic, messageData=data, delayTime=delay)

    def message(self, code):
        """One message, or None."""
        answer = self.post("/Console/GetMessage", messageCode=code).json
        return answer["data"] if answer["code"] == 0 else None

    def messages(self, status=ANY, topic="", route="GetMessageList", **more):
        """The messages of the hour around now, newest first."""
        now = time.time()
        start, end = (time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(now + away)) for away in (-1800, 1800))
        form = {"startTime": start, "endTime": end, "status": status, "topic": topic} | more
        return self.post(f"/Console/{route}", **form).json["data"]

    def counts(self):
        """CountMessage."""
        return self.post("/Console/CountMessage").json["data"]

    def figure(self, name):
        """One of the metrics."""
        for line in self.get("/metrics").body.decode().splitlines():
            if line.startswith((f"{name} ", f"{name}{{")):
                return float(line.rpartition(" ")[2])
        raise AssertionError(f"there is no figure {name}")

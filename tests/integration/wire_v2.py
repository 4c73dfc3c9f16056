"""The v2 wire over a raw socket: answers are found by their ids, deliveries by their subscription."""

import json
import time
from collections import defaultdict, deque
from contextlib import suppress

from tests.integration.wire import PATIENCE, Client, Closed, frame

BATCH = 5000  # messages that a publish may hold


class Refused(Exception):
    """The broker said no; `code` and all else are in `answer`."""

    def __init__(self, answer):
        super().__init__(f"{answer['code']}: {answer['message']}")
        self.code = answer["code"]
        self.answer = answer


def op(kind, /, **fields):
    """One frame. A field that is None is left out."""
    return frame(json.dumps({"op": kind} | {key: value for key, value in fields.items() if value is not None}))


class V2(Client):
    """A v2 connection that has been welcomed, unless `key` is None.

    What was read and not yet asked for: `answers` by id, `messages` by subscription, `ended` are errors of
    subscriptions by subscription, `others` all else.
    """

    def __init__(self, case, port, *, key="test", session=None, name=None, **options):
        super().__init__(case, port, "/v2", key=None, headers=("Sec-WebSocket-Protocol: kapokmq.v2",), **options)
        assert self.answer.startswith("HTTP/1.1 101 "), self.answer
        self.answers, self.ended, self.others = {}, {}, []
        self.messages = defaultdict(deque)
        self.frames = 0
        self._last = 0
        if key is not None:
            self.send(op("hello", key=key, session=session, name=name))
            self.until(lambda: self.others, PATIENCE)
            self.welcome = self.others.pop()
            assert self.welcome["op"] == "welcome", self.welcome

    def number(self):
        """An id that was not used."""
        self._last += 1
        return self._last

    # ---- reading

    def read(self, seconds=PATIENCE):
        """Read a frame and sort it in. False where none came in time."""
        found = self.next_frame(seconds)
        if found is None:
            return False
        self.frames += 1
        self._sort(json.loads(found[1]))
        return True

    def _sort(self, said):
        if said["op"] == "deliver":
            self.messages[said["sub"]].extend(said["messages"])
        elif said["op"] in {"ok", "error"} and "id" in said:
            self.answers[said["id"]] = said
        elif said["op"] == "error" and "sub" in said:
            self.ended[said["sub"]] = said
        else:
            self.others.append(said)

    def until(self, wanted, seconds=PATIENCE):
        """Read until that is true."""
        deadline = time.monotonic() + seconds
        while not wanted():
            assert self.read(deadline - time.monotonic()), f"within {seconds:g} s it did not come"

    def pump(self, seconds=0.0):
        """Read what comes in that time, or up to the end of the connection. Says whether it is still open."""
        deadline = time.monotonic() + seconds
        try:
            while self.read(deadline - time.monotonic()):
                pass
        except Closed:
            return False
        return True

    def answered(self, request, seconds=PATIENCE):
        """The answer to a request. Raises Refused."""
        self.until(lambda: request in self.answers, seconds)
        said = self.answers.pop(request)
        if said["op"] == "error":
            raise Refused(said)
        return said

    # ---- ops

    def ask(self, kind, /, seconds=PATIENCE, **fields):
        """Ask, and wait for the answer. Raises Refused."""
        request = fields.setdefault("id", self.number())
        self.send(op(kind, **fields))
        return self.answered(request, seconds)

    def ask_any(self, kind, /, **fields):
        """Ask, and give the answer whatever it is."""
        try:
            return self.ask(kind, **fields)
        except Refused as refused:
            return refused.answer

    def publish(self, topic, *messages, **more):
        """Publish texts, or messages with options; in batches. Gives the codes."""
        codes = []
        for first in range(0, len(messages), BATCH):
            batch = [one if isinstance(one, dict) else {"data": one} for one in messages[first : first + BATCH]]
            codes += self.ask("publish", topic=topic, messages=batch, **more)["codes"]
        return codes

    def subscribe(self, topic, group=None, **more):
        """Subscribe. Gives the subscription."""
        request = self.number()
        self.ask("subscribe", id=request, topic=topic, group=group, **more)
        return request

    def take(self, sub, count, seconds=PATIENCE, *, ack=True):
        """That many messages, acknowledged as they come; and that is stored in the end."""
        deadline, taken, asked = time.monotonic() + seconds, [], []
        while len(taken) < count:
            waiting = self.messages[sub]
            if not waiting:
                assert self.read(deadline - time.monotonic()), f"{len(taken)} of {count} came"
                continue
            got = [waiting.popleft() for _ in range(min(len(waiting), count - len(taken)))]
            taken += got
            if ack:
                asked.append(self.number())
                self.send(op("ack", id=asked[-1], sub=sub, codes=[one["code"] for one in got]))
        for request in asked:
            self.answered(request)
        return taken

    def bodies(self, sub, count, seconds=PATIENCE):
        """The texts of that many messages, acknowledged."""
        return [one["data"] for one in self.take(sub, count, seconds)]

    def rest(self, sub, seconds=0.2):
        """All messages until none comes for so long; acknowledged."""
        taken = []
        with suppress(AssertionError):
            while True:
                taken += self.take(sub, 1, seconds)
        return taken

    def settle(self, kind, sub, *messages, **more):
        """Ack, nack or touch. Gives the indexes of those unknown."""
        return self.ask(kind, sub=sub, codes=[one["code"] for one in messages], **more).get("unknown", [])

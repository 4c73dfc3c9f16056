"""A transcript being followed, step by step (README.md)."""

import json
import time
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, Request, build_opener

from client import Client
from memory import Differs, Memory, short


class Unmet(Exception):
    """The transcript needs what this run does not have."""


class Run:
    """One transcript being followed."""

    def __init__(self, url: str, key: str, patience: float, *, may_drain: bool) -> None:
        self._url = url
        self._patience = patience
        self._may_drain = may_drain
        self._memory = Memory(key)
        self._clients: dict[str, Client] = {}
        self._on = ""

    def follow(self, lines: list[str]) -> None:
        """Carry out all steps. Raises Differs, Unmet."""
        try:
            for number, line in enumerate(lines, 1):
                self._follow(number, line)
        finally:
            for client in self._clients.values():
                client.leave()

    def _follow(self, number: int, line: str) -> None:
        try:
            if line.strip():
                self._step(json.loads(line))
        except Differs as difference:
            raise Differs(f"line {number}: {difference}") from None

    def _step(self, step: dict[str, Any]) -> None:
        self._on = step.get("on", self._on)
        for name in step:
            if name not in {"about", "on", "any order", "header", "body", "status"}:
                getattr(self, f"_{name}")(step)

    def _needs(self, step: dict[str, Any]) -> None:
        if step["needs"] == "drain" and not self._may_drain:
            raise Unmet("ends the broker: say --drain")

    def _connect(self, step: dict[str, Any]) -> None:
        self._on = step["connect"]
        headers = self._memory.filled(step.get("header", {}))
        self._clients[self._on] = Client(self._url, headers, self._patience)

    def _hello(self, step: dict[str, Any]) -> None:
        """Send a hello with these fields and the key, and take the welcome."""
        self._client.send(json.dumps(self._memory.filled({"op": "hello", "key": "$key", **step["hello"]})))
        welcome = self._client.answer()
        if welcome.get("op") != "welcome":
            raise Differs(f"{short(welcome)} instead of a welcome")
        self._memory.limits = welcome["limits"]

    def _send(self, step: dict[str, Any]) -> None:
        for frame in self._memory.frames(step["send"]):
            self._client.send(json.dumps(self._memory.filled(frame)))

    def _text(self, step: dict[str, Any]) -> None:
        self._client.send(step["text"])

    def _binary(self, step: dict[str, Any]) -> None:
        self._client.send(bytes.fromhex(step["binary"]))

    def _expect(self, step: dict[str, Any]) -> None:
        wanted = self._memory.frames(step["expect"])
        given = [self._client.answer() for _ in wanted]
        if step.get("any order"):
            self._memory.match_any_order(wanted, given)
        else:
            for pair in zip(wanted, given, strict=True):
                self._memory.match(*pair)

    def _messages(self, step: dict[str, Any]) -> None:
        sub, wanted = step["messages"]
        given = self._client.messages(sub, len(wanted))
        if step.get("any order"):
            self._memory.match_any_order(wanted, given)
        else:
            self._memory.match(wanted, given, "messages")

    def _count(self, step: dict[str, Any]) -> None:
        """Messages of several connections together: what a group shares."""
        wanted, subs = step["count"]["is"], step["count"]["of"]
        deadline = time.monotonic() + self._patience
        while True:
            counts = [len(self._clients[name].deliveries.get(sub, ())) for name, sub in subs]
            if sum(counts) >= wanted or time.monotonic() > deadline:
                break
            for name, _ in subs:
                self._clients[name].read(0.02)
        if sum(counts) != wanted or min(counts) < step["count"].get("each", 0):
            raise Differs(f"{counts} messages instead of {wanted} together")
        for name, sub in subs:
            self._clients[name].deliveries.pop(sub, None)

    def _silence(self, step: dict[str, Any]) -> None:
        self._client.silent(step["silence"])

    def _wait(self, step: dict[str, Any]) -> None:
        time.sleep(step["wait"])

    def _close(self, step: dict[str, Any]) -> None:
        self._clients.pop(step["close"]).leave()

    def _closed(self, step: dict[str, Any]) -> None:
        code, reason = self._client.end()
        if code != step["closed"]:
            raise Differs(f"closed with {code} {reason!r} instead of {step['closed']}")

    def _http(self, step: dict[str, Any]) -> None:
        """Ask the API for something."""
        method, path = self._memory.filled(step["http"]).split(" ")
        scheme = {"ws": "http", "wss": "https"}[urlsplit(self._url).scheme]
        body = json.dumps(self._memory.filled(step["body"])).encode() if "body" in step else None
        headers = {"secretKey": self._memory.known["$key"], "Content-Type": "application/json"}
        url = f"{scheme}://{urlsplit(self._url).netloc}{path}"
        request = Request(url, body, headers, method=method)  # noqa: S310 -- the scheme is one of ours
        try:
            with build_opener(ProxyHandler({})).open(request, timeout=self._patience) as answer:
                status = answer.status
        except HTTPError as refused:
            status = refused.code
        if status != step.get("status", 200):
            raise Differs(f"{method} {path}: {status}")

    @property
    def _client(self) -> Client:
        return self._clients[self._on]

"""Mails that are sent at a time: scheduled, shown, cancelled, sent sooner.

    python examples/delayed_email.py                                      # over a broker of its own, in memory
    python examples/delayed_email.py --server ws://127.0.0.1:8011 --key test

The broker is the scheduler: a mail is a message that falls due. Instead of SMTP there is `print`.
"""

import argparse
import asyncio
import json
import secrets
import time
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from kapokmq.client import Message
from kapokmq.client.aio import Client, connect
from kapokmq.testing import MemoryNode

TOPIC, GROUP = "example.mails", "smtp"
TOO_LATE, UNKNOWN = 409, 404
HOUR, DAY = 3600.0, 86400.0


class Scheduler:
    """Mails to come. What is scheduled survives this program, and the broker's restart."""

    def __init__(self, mq: Client, server: str, key: str) -> None:
        url = urlsplit(server)
        self._mq = mq
        self._root = f"{'https' if url.scheme == 'wss' else 'http'}://{url.netloc}/api/v1/schedule"
        self._headers = {"secretKey": key, "Content-Type": "application/json"}

    async def send_at(self, when: float, mail: dict[str, str]) -> str:
        """Have a mail sent then (unix seconds), but not more than a day later. Gives its code."""
        return (await self._mq.publish(TOPIC, mail, at=when, expire=DAY)).code

    async def cancel(self, code: str) -> bool:
        """Don't send it. False: it is sent, or about to be."""
        return await self._done("DELETE", f"/{code}")

    async def promote(self, code: str) -> bool:
        """Send it now."""
        return await self._done("POST", f"/{code}/promote")

    async def postpone(self, code: str, when: float) -> bool:
        """Send it at another time."""
        return await self._done("POST", f"/{code}/reschedule", {"at": when})

    async def coming(self) -> list[dict[str, Any]]:
        """The next hundred: `code`, `data`, `dueTime`."""
        found: list[dict[str, Any]] = (await self._ask("GET", f"?topic={TOPIC}"))["messages"]
        return found

    async def _done(self, method: str, path: str, body: object = None) -> bool:
        try:
            await self._ask(method, path, body)
        except HTTPError as no:
            if no.code in {TOO_LATE, UNKNOWN}:
                return False
            raise
        return True

    async def _ask(self, method: str, path: str, body: object = None) -> Any:
        """The broker's HTTP API: see docs/api.md."""
        data = None if body is None else json.dumps(body).encode()
        request = Request(self._root + path, data, self._headers, method=method)

        def ask() -> Any:
            with urlopen(request, timeout=10) as answer:
                return json.load(answer)

        return await asyncio.to_thread(ask)


async def tell(server: str, key: str) -> None:
    """The story."""
    sent: asyncio.Queue[str] = asyncio.Queue()
    async with connect(server, key=key, name="delayed_email.py") as mq:
        scheduler, who, now = Scheduler(mq, server, key), f"{secrets.token_hex(2)}@example.com", time.time()

        @mq.handler(TOPIC, group=GROUP, concurrency=10)
        async def send(message: Message) -> None:
            mail = message.json()
            print(f"to {mail['to']}: {mail['subject']}, {time.time() - now:.1f} s after the start", flush=True)
            if mail["to"] == who:  # on a broker of yours others may have left mails
                sent.put_nowait(mail["subject"])

        codes = {}
        later = {"Welcome": 0, "Did you see that?": 1, "News of the week": HOUR, "Your trial ends": 30 * DAY}
        for subject, seconds in later.items():
            codes[subject] = await scheduler.send_at(now + seconds, {"to": who, "subject": subject})
            print(f"scheduled in {seconds:.0f} s: {subject}")

        trial = codes["Your trial ends"]
        print(f"the trial lasts longer: {await scheduler.postpone(trial, now + 60 * DAY)}")
        print(f"they have paid, so the mail is cancelled: {await scheduler.cancel(trial)}")
        print(f"and again, which is too late: {await scheduler.cancel(trial)}")
        print("to come:", *(one["data"] for one in await scheduler.coming() if who in one["data"]))
        async with asyncio.timeout(30):
            await sent.get()
            await sent.get()
            print(f"the news are sent at once: {await scheduler.promote(codes['News of the week'])}")
            await sent.get()
    print("all mails are sent")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--server", help="ws://host:port of a broker; without it there is one in memory")
    parser.add_argument("--key", default="test", help="its secretKey")
    options = parser.parse_args()
    if options.server:
        asyncio.run(tell(options.server, options.key))
    else:
        with MemoryNode() as node:
            asyncio.run(tell(node.serve(live=True), "test"))

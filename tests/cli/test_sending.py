"""Publishing in batches: how many are under way, what is sent again, what ends it. The client is a script."""

import asyncio
import json
from collections import Counter

import click
from twisted.trial.unittest import SynchronousTestCase

from kapokmq.cli import sending as module
from kapokmq.cli.sending import Terms, sending
from kapokmq.cli.sources import Line
from kapokmq.client import Outgoing, Receipt
from kapokmq.core.client.errors import refused


class Script:
    """A client: each publish gets what `answers` gives for the text of its first message, the next time."""

    def __init__(self, answers=None):
        self.answers = answers or {}
        self.sent = []
        self.times = Counter()
        self.under_way = self.most = 0

    async def publish_written(self, publish):
        texts = [each["data"] for each in json.loads(publish.messages)]
        self.sent.append(texts)
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        for _ in range(2 * module.UNCONFIRMED):  # turns of the loop, in which others may begin
            await asyncio.sleep(0)
        self.under_way -= 1
        answers = self.answers.get(texts[0], [])
        if answers:
            answer = answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer
        return Receipt([f"c-{text}" for text in texts], "fsync")


def lines(*messages):
    """Messages with how far one has come."""
    return [Line(message, far) for far, message in enumerate(messages, 1)]


class SendingTests(SynchronousTestCase):
    def send(self, script, terms, messages):
        async def work():
            async with asyncio.timeout(10), sending(script, terms) as out:
                await out.all(messages)

        asyncio.run(work())
        return terms.tally

    def test_batches_in_order(self):
        script, seen = Script({"c": [Receipt(["x", "y"], "fsync", [1])]}), []
        terms = Terms("t", 2, confirmed=lambda receipt, far: seen.append((receipt.codes, far)))
        tally = self.send(script, terms, lines("a", Outgoing("b", key="k"), "c", "d", "e"))
        self.assertEqual(script.sent, [["a", "b"], ["c", "d"], ["e"]])
        self.assertEqual(seen, [(["c-a", "c-b"], 2), (["x", "y"], 4), (["c-e"], 5)])
        self.assertEqual((tally.stored, tally.duplicates, tally.batches, tally.durable), (4, 1, 3, "fsync"))

    def test_only_so_many_are_under_way(self):
        script = Script()
        self.send(script, Terms("t", 1), lines(*map(str, range(200))))
        self.assertEqual((len(script.sent), script.most), (200, module.UNCONFIRMED))

    def test_batches_are_bounded_in_bytes(self):
        script = Script()
        self.send(script, Terms("t"), lines(*["x" * (600 << 10)] * 3, "y", "z"))
        self.assertEqual([len(each) for each in script.sent], [1, 1, 3])

    def test_what_is_refused_for_the_time_being_is_sent_again(self):
        script = Script({"a": [refused("full", "it is"), refused("paused", "it is", None, 0.001)]})
        tally = self.send(script, Terms("t", 1, patience=5.0), lines("a", "b"))
        self.assertEqual(sorted(script.sent), [["a"], ["a"], ["a"], ["b"]])
        self.assertEqual(tally.stored, 2)

    def test_patience_ends(self):
        script = Script({"a": [refused("full", "it is")] * 50})
        with self.assertRaises(BaseExceptionGroup) as caught:
            self.send(script, Terms("t", 1, patience=0.0), lines("a"))
        self.assertEqual(caught.exception.exceptions[0].code, "full")
        self.assertEqual(len(script.sent), 1)

    def test_what_is_refused_for_good_ends_it_at_once(self):
        script = Script({"3": [refused("tooBig", "it is", 0)]})
        with self.assertRaises(BaseExceptionGroup) as caught:
            self.send(script, Terms("t", 1), lines(*map(str, range(2000))))
        self.assertEqual(caught.exception.exceptions[0].code, "tooBig")
        self.assertLess(len(script.sent), 200)

    def test_what_came_before_a_message_that_is_none_is_stored(self):
        def messages():
            yield from lines("a", "b", "c")
            raise click.UsageError("line 4")

        script, terms = Script(), Terms("t", 2)
        with self.assertRaisesRegex(click.UsageError, "line 4"):
            self.send(script, terms, messages())
        self.assertEqual((script.sent, terms.tally.stored), ([["a", "b"]], 2))
        with self.assertRaisesRegex(click.UsageError, "can't be written"):
            self.send(Script(), Terms("t", 2), lines("\ud800"))

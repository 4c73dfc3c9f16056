"""Where messages come from."""

import asyncio
import io
import threading

import click
from twisted.trial.unittest import SynchronousTestCase

from kapokmq.cli.exits import Unusable
from kapokmq.cli.importing import as_published, batches
from kapokmq.cli.sources import AHEAD, Lines, parse_line, with_common
from kapokmq.client import Outgoing
from kapokmq.storage.original_files import OriginalMessage


class LinesTests(SynchronousTestCase):
    def all(self, content):
        async def read():
            lines, found = Lines(io.BytesIO(content), "x"), []
            async with asyncio.timeout(5):
                while (line := await lines.take()) is not None:
                    found.append(line)
            self.assertTrue(lines.ended)
            return found

        return asyncio.run(read())

    def test_lines_and_how_far_one_is(self):
        self.assertEqual(self.all("a\né\r\n\nlast\r".encode()), [("a", 2), ("é", 6), ("", 7), ("last\r", 12)])
        self.assertEqual([text for text, _ in self.all(b"x" * 200_000 + b"\ny")], ["x" * 200_000, "y"])
        self.assertEqual(self.all(b""), [])
        self.assertEqual(len(self.all(b"x\n" * 3 * AHEAD)), 3 * AHEAD)

    def test_what_is_no_text(self):
        with self.assertRaisesRegex(Unusable, "x: is not UTF-8 at byte 1"):
            self.all(b"ok\na\xff\n")

    def test_who_waits_is_not_held_up(self):
        gate = threading.Event()
        self.addCleanup(gate.set)

        class Slow:
            def __init__(self):
                self.chunks = [b"fir", b"st\nsec"]

            def read(self, _):
                return self.chunks.pop(0) if self.chunks else gate.wait() and b""

        async def read():
            lines = Lines(Slow(), "x")
            async with asyncio.timeout(5):
                self.assertEqual(await lines.take(), ("first", 6))
            self.assertIsNone(lines.take_nowait())
            with self.assertRaises(TimeoutError):
                async with asyncio.timeout(0.01):
                    await lines.take()
            self.assertFalse(lines.ended)

        asyncio.run(read())

    def test_lines_of_json(self):
        self.assertEqual(parse_line('{"data":1,"code":"c","delay":2}', 1, {}, as_json=True), Outgoing("1", delay=2))
        large = '{"n":123456789012345678901234567890,"é":1.0}'
        self.assertEqual(parse_line(f'{{"data":{large}}}', 1, {}, as_json=True), Outgoing(large))
        wrong = ("x", "[]", "{}", '{"data":1,"colour":2}', '{"data":1,"at":1,"delay":1}', '{"data":' + "[" * 100_000)
        for text in wrong:
            with self.assertRaisesRegex(click.UsageError, "^line 7: "):
                parse_line(text, 7, {}, as_json=True)

    def test_a_message_counts_before_what_all_have_in_common(self):
        common = {"delay": 5.0, "headers": {"a": "1", "b": "1"}, "key": "k"}
        message = {"data": "x", "at": 7, "headers": {"b": "2"}}
        whole = {"key": "k", "headers": {"a": "1", "b": "2"}, "data": "x", "at": 7}
        self.assertEqual(with_common(message, common), whole)
        self.assertEqual(with_common({"data": "x"}, {}), {"data": "x"})
        self.assertEqual(parse_line("{}", 1, {"key": "k"}, as_json=False), Outgoing("{}", key="k"))
        self.assertEqual(parse_line("{}", 1, {}, as_json=False), "{}")


class OriginalTests(SynchronousTestCase):
    def message(self, data="x", delay=0):
        return OriginalMessage("c", data, "t", 1000, delay_time=delay)

    def test_a_message_of_the_original(self):
        headers = {"originalCode": "c", "originalCreateTime": "1000"}
        plain = Outgoing("x", key="c", headers=headers)
        self.assertEqual(as_published(self.message()), plain)
        self.assertEqual(as_published(self.message(delay=60)), Outgoing("x", at=1060, key="c", headers=headers))
        self.assertEqual(as_published(self.message(delay=-5)), plain)

    def test_batches_are_bounded(self):
        many = [self.message() for _ in range(1201)]
        self.assertEqual([len(batch) for batch in batches(many)], [500, 500, 201])
        large = [self.message("x" * (600 << 10)) for _ in range(3)]
        self.assertEqual([len(batch) for batch in batches(large)], [1, 1, 1])
        self.assertEqual(list(batches([])), [])

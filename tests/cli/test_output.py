"""What is printed: tables that nothing can break, JSON that anything can read."""

import json

import click
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kapokmq.cli.output import Column, Printer, as_json, plain, shortened, shown, table

COLUMNS = (Column("NAME", lambda row: row["name"]), Column("COUNT", lambda row: row["count"], right=True))


class OutputTests(SynchronousTestCase):
    def test_a_table(self):
        rows = [{"name": "中文", "count": 7}, {"name": "dead", "count": 12345}]
        lines = [click.unstyle(line) for line in table(COLUMNS, rows)]
        self.assertEqual(lines, ["NAME  COUNT", "中文      7", "dead  12345"])
        self.assertNotEqual(table(COLUMNS, rows)[2], lines[2])  # a state has its colour

    def test_values(self):
        for value, text in (
            (None, "-"),
            (True, "yes"),
            ([], "-"),
            ({"a": 1}, '{"a":1}'),
            (86400.0, "86400"),
            (1795288182.667, "1795288182.667"),
            ("a\x1b[2Jb\n", "a\\u001b[2Jb\\u000a"),
            ("\x7f\x9b\u202e", "\\u007f\\u009b\\u202e"),
        ):
            self.assertEqual(shown(value), text)
        self.assertEqual(shortened("x" * 100), "x" * 59 + "…")

    @given(st.text())
    def test_no_text_drives_a_terminal(self, text):
        self.assertTrue(all(letter.isprintable() or ord(letter) > 0x9F for letter in plain(text)))

    @given(st.text(alphabet=st.characters(exclude_categories=())))
    def test_any_text_is_a_line_of_json(self, text):
        line = as_json({"data": text})
        line.encode()
        self.assertEqual(json.loads(line), {"data": text})
        self.assertNotIn("\n", line)

    def test_nobody_at_a_terminal_gets_json(self):
        self.assertEqual([Printer(form).table for form in ("table", "json")], [True, False])

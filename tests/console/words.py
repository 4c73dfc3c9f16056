"""What the pages say, read from view/src/i18n: a test names a text by its key, and follows when its wording changes."""

import re
from functools import cache

from tests.integration.broker import ROOT

_TEXTS = ROOT / "view" / "src" / "i18n"
_TOKEN = re.compile(r"/\*.*?\*/|//[^\n]*|'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|[\w$]+|[{}:,]", re.DOTALL)
_IMPORT = re.compile(r"import (\w+) from '\./(\w+)'")
_ESCAPED = re.compile(r"\\(.)")
_PLAIN = re.compile(r"\{'(.)'\}")  # how vue-i18n has its own signs as text


class Words:
    """The texts of one language."""

    def __init__(self, language):
        place = _TEXTS / language
        pages = dict(_IMPORT.findall((place / "index.ts").read_text("utf-8")))
        self._texts = {name: _object((place / f"{file}.ts").read_text("utf-8")) for name, file in pages.items()}

    def __call__(self, key, **fields):
        """A text, `topics.title`, with its fields."""
        found = self._texts
        for name in key.split("."):
            found = found[name]
        if "count" in fields and " | " in found:  # one, and more
            found = found.split(" | ")[str(fields["count"]) != "1"]
        for name, value in fields.items():
            found = found.replace(f"{{{name}}}", str(value))
        return _PLAIN.sub(r"\1", found)

    def around(self, key):
        """A text that has fields, as a pattern in which those are anything."""
        parts = re.split(r"\{\w+\}", self(key))
        return re.compile(".*?".join(re.escape(part) for part in parts))

    @property
    def pages(self):
        """The names of what keys begin with."""
        return set(self._texts)


@cache
def words(language="en"):
    """The texts of a language: `en` or `zh`."""
    return Words(language)


def _object(source):
    """The object that a file exports: names, texts, and objects of those."""
    begin = source.index("{", source.index("export default"))
    tokens = [token for token in _TOKEN.findall(source, begin) if not token.startswith(("/*", "//"))]
    made, _ = _read(tokens, 1)
    return made


def _read(tokens, at):
    """The object that begins there, and where what follows it does."""
    made = {}
    while tokens[at] != "}":
        name, at = tokens[at].strip("'\""), at + 2
        if tokens[at] == "{":
            made[name], at = _read(tokens, at + 1)
        else:
            made[name], at = _ESCAPED.sub(r"\1", tokens[at][1:-1]), at + 1
        at += tokens[at] == ","
    return made, at + 1

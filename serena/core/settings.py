"""Reads settings strictly: every mistake is found, named with its file and key, and reported with all the others.

A **key** is a path such as `mq.pushCount`, with the kind of value it takes and the default it has when nobody gives it.
A **reader** takes any number of sources one after the other, a later one overriding an earlier one: documents (mappings
of sections, as a YAML file gives them) and environment variables. It does no I/O: both are handed in.

A mistake is one line, `source: key: what is wrong`. Text that was given is never repeated in it, because it may be a
secret that slipped into the wrong place; numbers are.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from types import EllipsisType
from typing import Any

from serena.core.errors import SettingsError
from serena.core.kinds import Kind, UnfitError

NO_VALUE = "has no value; leave the key out for its default"
_NAME_SHOWN = 40  # characters of an unknown key that are repeated
_NUMBER_SHOWN = 10**18  # beyond it a number isn't repeated: Python refuses to print very long ones


@dataclass(frozen=True, slots=True)
class Key:
    """One setting. `default` is as one would write it, None where there is none.

    `older` are names that it had before, which are still read; `unit` is for the documentation.
    """

    path: str
    kind: Kind
    default: Any
    unit: str = ""
    older: tuple[str, ...] = ()


def _variable(path: str) -> str:
    """How a key's environment variable ends: SERVER_TLSKEY for server.tls.key."""
    section, _, name = path.upper().partition(".")
    return f"{section}_{name.replace('.', '')}"


def described(value: object) -> str:
    """What was given, without repeating text."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return str(value)
    if isinstance(value, int):
        return str(value) if abs(value) < _NUMBER_SHOWN else "a number beyond all that"
    names: dict[type, str] = {str: "this text", list: "a list", dict: "a mapping"}
    return names.get(type(value), "a value of another type")


def shown_name(name: object) -> str:
    """An unknown key, fit for one line.

    What stands after a colon is left out: "secretKey:hunter2", a blank forgotten, is a key to YAML.
    """
    if not isinstance(name, str):
        return "(a key that is not text)"
    shown = re.split("[:=]", name, maxsplit=1)[0][:_NAME_SHOWN]
    return "".join(each if each.isprintable() else "?" for each in shown) or "(an empty key)"


def hint(name: str, known: Iterable[str]) -> str:
    """How a mistake goes on that found `name` unknown: with the nearest of the known names, if one is near."""
    spellings = {each.lower(): each for each in known}
    near = get_close_matches(name.lower(), spellings, n=1)
    return f"unknown; did you mean {spellings[near[0]]}?" if near else "unknown"


def refusal(kind: Kind, value: object) -> str:
    """How a mistake goes on that found `value` not to be of its key's kind."""
    return f"must be {kind.allowed}" + ("" if kind.secret else f", not {described(value)}")


class Reader:
    """What is given so far (`given`, by path), where (`sources`, by path), and what is wrong with it (`mistakes`)."""

    def __init__(self, keys: Iterable[Key]) -> None:
        self.keys = {key.path: key for key in keys}
        self.given: dict[str, Any] = {}
        self._defaults = {
            key.path: None if key.default is None else key.kind.read(key.default) for key in self.keys.values()
        }
        self.sources: dict[str, str] = {}
        self.mistakes: list[str] = []
        self.older: list[tuple[str, str, str]] = []  # source, the older name's path, today's path
        self._named: dict[str, dict[str, Key | None]] = {"": {}}  # by section; None is a section within it
        for key in self.keys.values():
            section, _, name = key.path.rpartition(".")
            for each in (name, *key.older):
                self._named.setdefault(section, {})[each] = key
            while section:
                section, _, name = section.rpartition(".")
                self._named.setdefault(section, {})[name] = None

    def document(self, document: object, source: str) -> None:
        """Take a mapping of sections. None, an empty file, gives nothing."""
        if document is not None:
            self._section("", document, source, {})

    def environment(self, environ: Mapping[str, str], prefix: str) -> None:
        """Take the variables that begin with `prefix` and a section of ours."""
        variables, ours = self._variables(prefix)
        seen: dict[str, str] = {}
        for name in sorted(environ):
            if name in variables:
                path, key = variables[name]
                self._value(key, path, key.kind.parse(environ[name]), ("environment", name), seen)
            elif name.startswith(ours):
                self.mistake("environment", shown_name(name), hint(shown_name(name), variables))

    def strangers(self, environ: Mapping[str, str], prefix: str) -> list[str]:
        """The mistakes of a program that has `prefix` for itself: variables that begin with it, and with no section."""
        variables, ours = self._variables(prefix)
        names = [shown_name(name) for name in sorted(environ) if name.startswith(prefix) and not name.startswith(ours)]
        sections = {prefix + key.path.upper(): key.path for key in self.keys.values() if key.kind.section}
        lines = []
        for name in names:
            section = next((path for begin, path in sections.items() if name.startswith(begin)), None)
            wrong = f"only a file can give {section}" if section else hint(name, variables)
            lines.append(f"environment: {name}: {wrong}")
        return lines

    def mistake(self, source: str, name: str, text: str) -> None:
        """Note what is wrong; reading goes on."""
        self.mistakes.append(f"{source}: {name}: {text}")

    def value(self, path: str) -> Any:
        """What was given last for a key, else its default."""
        return self.given.get(path, self._defaults[path])

    def default(self, path: str) -> Any:
        """What a key has that nobody gives."""
        return self._defaults[path]

    def finish(self) -> None:
        """Raise SettingsError if there was any mistake."""
        if self.mistakes:
            raise SettingsError("\n".join(self.mistakes))

    def _variables(self, prefix: str) -> tuple[dict[str, tuple[str, Key]], tuple[str, ...]]:
        """Every variable with its path and key, and how those of a section begin."""
        variables: dict[str, tuple[str, Key]] = {}
        for key in self.keys.values():
            section = key.path.rpartition(".")[0]
            for path in () if key.kind.section else (key.path, *(f"{section}.{name}" for name in key.older)):
                variables[prefix + _variable(path)] = (path, key)
        return variables, tuple({name[: name.index("_", len(prefix)) + 1] for name in variables})

    def _section(self, section: str, given: object, source: str, seen: dict[str, str]) -> None:
        names = self._named[section]
        if not isinstance(given, Mapping):
            self.mistakes.append(f"{source}: {section + ': ' if section else ''}must be a mapping (key: value)")
            return
        for name, value in given.items():
            path = f"{section}.{shown_name(name)}".lstrip(".")
            key: Key | EllipsisType | None = names.get(name, ...) if isinstance(name, str) else ...
            if key is ...:
                self.mistake(source, path, hint(shown_name(name), names))
            elif value is None and (key is None or key.kind.section):
                pass  # a section with all its keys commented out is fine
            elif key is None:
                self._section(path, value, source, seen)
            else:
                self._value(key, path, value, (source, path), seen)

    def _value(self, key: Key, path: str, value: object, where: tuple[str, str], seen: dict[str, str]) -> None:
        source, name = where
        if key.path in seen:
            self.mistake(source, name, f"means the same as {seen[key.path]}: keep one of them")
            return
        seen[key.path] = path
        if value is None:
            self.mistake(source, name, NO_VALUE)
            return
        try:
            self.given[key.path] = key.kind.read(value)
        except UnfitError as error:
            for part, wrong in error.parts:
                self.mistake(source, f"{name}.{part}", wrong)
            if not error.parts:
                self.mistake(source, name, refusal(key.kind, value))
            return
        self.sources[key.path] = source if path == name else f"{source}: {name}"
        if path != key.path:
            self.older.append((source, name, key.path))

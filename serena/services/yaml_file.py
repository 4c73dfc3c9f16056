"""Finds a configuration file and reads it, YAML as it is meant here: plain data, nothing twice, no aliases, no tags.

PyYAML's safe loader lets a key that is given twice pass, makes a date of a key that looks like one, and expands aliases
however often they are nested; ours refuses or takes the text. Values of keys that take text are taken as they are
written, so that a secretKey of 0123 is not the number 83.
"""

import re
from collections.abc import Callable, Collection, Hashable, Sequence
from typing import Any

import yaml

from serena.core.errors import SettingsError
from serena.core.settings import shown_name

MAX_BYTES = 1 << 20
_TIMESTAMP = "tag:yaml.org,2002:timestamp"
_NULL = "tag:yaml.org,2002:null"
_QUOTED = re.compile(r"""(['"])(.*?)\1""", re.DOTALL)
_PUNCTUATION = re.compile("<[a-z ]+>|[][{},:?-]")  # what PyYAML itself has between quotes: '<block end>', ','


def read_file(path: str) -> bytes:
    """The file, or a little more of it than is allowed. Raises OSError."""
    with open(path, "rb") as file:  # noqa: PTH123 -- Path().open() would be the same in more words
        return file.read(MAX_BYTES + 1)


def find(path: str | None, places: Sequence[str], read: Callable[[str], bytes]) -> tuple[str, bytes] | None:
    """The file at `path`, else the first of the places that exists, with its name. Raises SettingsError."""
    for place in places if path is None else (path,):
        try:
            return place, read(place)
        except FileNotFoundError:
            if path is not None:
                raise SettingsError(f"{place}: there is no such file") from None
        except (OSError, ValueError) as error:
            raise SettingsError(f"{place}: can't be read: {getattr(error, 'strerror', None) or error}") from error
    return None


def parse(content: bytes, source: str, text_keys: Collection[str]) -> tuple[object, list[str]]:
    """The one document in a YAML text, and the mistakes that can be passed over. Raises SettingsError on any other.

    Values of `text_keys` are texts as they are written.
    """
    if len(content) > MAX_BYTES:
        raise SettingsError(f"{source}: is longer than {MAX_BYTES} bytes")
    try:
        loader = _Loader(content.decode("utf-8-sig"), source, text_keys)
        return loader.get_single_data(), loader.mistakes
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise SettingsError(f"{source}: line {line}: is not UTF-8") from None
    except yaml.reader.ReaderError as error:
        line = content.decode("utf-8-sig")[: error.position].count("\n") + 1
        raise SettingsError(f"{source}: line {line}: has a character that YAML doesn't allow") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        # What it quotes is what was given, and that may be the key.
        problem = _QUOTED.sub(_hidden, error.problem or error.context or "can't be understood")
        raise SettingsError(f"{source}: line {line}: {problem}") from None
    except RecursionError:
        raise SettingsError(f"{source}: is nested too deeply") from None


def _hidden(quoted: re.Match[str]) -> str:
    return quoted[0] if _PUNCTUATION.fullmatch(quoted[2]) else "something"


def _refused(problem: str, mark: Any) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=mark)


class _Loader(yaml.SafeLoader):
    """The safe loader, less what nobody wants in a configuration."""

    yaml_implicit_resolvers = {  # noqa: RUF012 -- PyYAML's own way to say it
        first: [each for each in resolvers if each[0] != _TIMESTAMP]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def __init__(self, text: str, source: str, text_keys: Collection[str]) -> None:
        super().__init__(text)
        self.mistakes: list[str] = []
        self._source = source
        self._text_keys = text_keys

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event = self.peek_event()
        if isinstance(event, yaml.AliasEvent):
            raise _refused("aliases (*) are not read", event.start_mark)
        if getattr(event, "tag", None) is not None:
            raise _refused("tags (!) are not read", event.start_mark)
        return super().compose_node(parent, index)

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:  # noqa: FBT001, FBT002 -- PyYAML's
        try:
            return super().construct_object(node, deep)
        except ValueError:  # an integer of 5000 digits, or "0x_"
            raise _refused("not a number", node.start_mark) from None

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002
        made: dict[Hashable, Any] = {}
        for key_node, value_node in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, Hashable):
                raise _refused("a list or mapping as a key", key_node.start_mark)
            if key in made:
                line = key_node.start_mark.line + 1
                self.mistakes.append(f"{self._source}: line {line}: {shown_name(key)}: is given twice")
            elif key in self._text_keys and isinstance(value_node, yaml.ScalarNode) and value_node.tag != _NULL:
                made[key] = value_node.value
            else:
                made[key] = self.construct_object(value_node, deep=True)
        return made

"""The node's settings: from a file, and from the environment."""

import os
from collections.abc import Callable, Mapping

from kapokmq.core.setting_keys import ENVIRONMENT, KEYS, TEXT_KEYS, read_settings
from kapokmq.core.settings import BUILT_IN, NodeSettings
from serena.core.settings import Reader
from serena.services.yaml_file import find, parse, read_file

PLACES = ("config/application.yaml", "config/kapokmq.yaml")
"""Where a configuration is looked for when none is named: an original's file, then ours."""
NO_SETTINGS = ("KAPOKMQ_NODE_MODULES",)
"""Variables of ours that are meant for this project's own tests."""


def load(
    path: str | None = None,
    environ: Mapping[str, str] = os.environ,
    read: Callable[[str], bytes] = read_file,
) -> NodeSettings:
    """Settings from the file at `path`, else from the first of PLACES that exists, else the defaults; then `environ`.

    Raises SettingsError with every mistake there is.
    """
    environ = {name: value for name, value in environ.items() if name not in NO_SETTINGS}
    strangers = Reader(KEYS).strangers(environ, ENVIRONMENT)
    found = find(path, PLACES, read)
    if found is None:
        return read_settings(None, BUILT_IN, environ, strangers)
    document, mistakes = parse(found[1], found[0], TEXT_KEYS)
    return read_settings(document, found[0], environ, mistakes + strangers)

"""A registry's settings: from a file, and from the environment."""

import os
from collections.abc import Callable, Mapping

from serena.core.node_settings import BUILT_IN, RegistrySettings
from serena.core.setting_keys import ENVIRONMENT, KEYS, TEXT_KEYS, read_settings
from serena.core.settings import Reader
from serena.services.yaml_file import find, parse, read_file

PLACES = ("config/serena.yaml", "config/application.yaml")
"""Where a configuration is looked for when none is named: ours, then an original's."""


def load(
    path: str | None = None,
    environ: Mapping[str, str] = os.environ,
    read: Callable[[str], bytes] = read_file,
) -> RegistrySettings:
    """Settings from the file at `path`, else from the first of PLACES that exists, else the defaults; then `environ`.

    Raises SettingsError with every mistake there is.
    """
    strangers = Reader(KEYS).strangers(environ, ENVIRONMENT)
    found = find(path, PLACES, read)
    if found is None:
        return read_settings(None, BUILT_IN, environ, strangers)
    document, mistakes = parse(found[1], found[0], TEXT_KEYS)
    return read_settings(document, found[0], environ, mistakes + strangers)

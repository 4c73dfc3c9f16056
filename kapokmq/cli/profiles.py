"""The profile file: brokers by name, so that their addresses and keys need not be typed.

default: {server: "http://127.0.0.1:8011", key: test}
live: {server: "wss://mq.example.com", key: "…", ca: /etc/ssl/own-ca.pem, timeout: 10}
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import click
import msgspec
from msgspec import Meta

from serena.core.errors import SettingsError
from serena.services.yaml_file import find, parse, read_file

DEFAULT = "default"
_TEXT_KEYS = ("key", "server", "ca")  # a key such as 0123 is a number to YAML, and still a key


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a profile may say. `timeout` is in seconds."""

    server: str | None = None
    key: str | None = None
    ca: str | None = None
    timeout: Annotated[float, Meta(gt=0, le=86_400)] | None = None


def place(environ: Mapping[str, str]) -> Path:
    """Where the profile file is: KAPOK_PROFILES, else in the user's folder for configurations."""
    named = environ.get("KAPOK_PROFILES")
    if named:
        return Path(named)
    home = environ.get("XDG_CONFIG_HOME") or Path(environ.get("HOME", "~")).expanduser() / ".config"
    return Path(home) / "kapokmq" / "profiles.yaml"


def read_profiles(path: Path) -> dict[str, Profile]:
    """All profiles of a file, none where it is missing. Raises click.UsageError, which never repeats a value."""
    try:
        found = find(None, [str(path)], read_file)
        if found is None:
            return {}
        document, mistakes = parse(found[1], found[0], _TEXT_KEYS)
    except SettingsError as error:
        raise click.UsageError(str(error)) from error
    if mistakes:
        raise click.UsageError("\n".join(mistakes))
    if not isinstance(document, dict | None):
        raise click.UsageError(f"{path}: must have names of profiles, and what they say")
    return {str(name): _profile(path, str(name), given) for name, given in (document or {}).items()}


def read_profile(name: str | None, environ: Mapping[str, str]) -> Profile:
    """One profile: that of the name, else `default` where there is one. Raises click.UsageError."""
    path = place(environ)
    profiles = read_profiles(path)
    if name is None:
        return profiles.get(DEFAULT, Profile())
    if name not in profiles:
        known = ", ".join(sorted(profiles)) or "none"
        raise click.UsageError(f"{path} has no profile {name!r} (there are: {known})")
    return profiles[name]


def _profile(path: Path, name: str, given: object) -> Profile:
    try:
        return msgspec.convert(given or {}, Profile)
    except msgspec.ValidationError as error:
        raise click.UsageError(f"{path}: {name}: {error}; it may have server, key, ca and timeout") from None

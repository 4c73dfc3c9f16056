"""Whose fault it is, and what the other side is told."""


class SerenaError(Exception):
    """Everything this package and the ones above it raise on purpose."""


class PeerError(SerenaError):
    """The peer broke the rules. Tell it, count it, log who and what without the content.

    `close_code` is what a WebSocket peer is closed with (RFC 6455, section 7.4.1); `status` what an HTTP peer gets. The
    text is shown to the peer: it names the fault and never holds a secret.
    """

    close_code = 1008
    status = 400


class TooBig(PeerError):
    """More bytes than the settings allow."""

    name = "tooBig"
    close_code = 1009
    status = 413


class WrongKey(PeerError):
    """The key does not match."""

    name = "unauthorized"
    close_code = 1008
    status = 401


class MisuseError(SerenaError):
    """We broke our own rules: a bug, so log the traceback."""


class WorldError(SerenaError):
    """Neither the peer nor we are to blame: disk, network, another process. Wait or follow the remedy in the text."""


class SettingsError(SerenaError):
    """Settings that can't be used. The text has a line a mistake, each naming file and key."""

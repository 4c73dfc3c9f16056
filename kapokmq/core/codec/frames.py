"""WebSocket frames as a server sends them (RFC 6455, section 5.2): final, unmasked, never fragmented.

1 byte     0x80 + opcode (1 text, 8 close)
1 byte     length up to 125, or 126, or 127
2, 8 bytes the length, big-endian, where the byte before says 126 or 127
n bytes    the payload
"""

_TEXT = 0x81
_SHORT = 125
_MIDDLE = 0xFFFF
LONGEST_REASON = 123  # bytes: 125 of a control frame less the code


def text_head(length: int) -> bytes:
    """What stands before a text of that many bytes."""
    if length <= _SHORT:
        return bytes((_TEXT, length))
    if length <= _MIDDLE:
        return b"\x81\x7e" + length.to_bytes(2, "big")
    return b"\x81\x7f" + length.to_bytes(8, "big")


def text_frame(payload: bytes) -> bytes:
    """Frame UTF-8 text."""
    return text_head(len(payload)) + payload


def text_frames(*texts: str) -> bytes:
    """Frame each text."""
    return b"".join(text_frame(text.encode()) for text in texts)


def close_payload(code: int | None, reason: str) -> bytes:
    """What a close frame says. A reason that is too long is cut between characters; without a code there is none."""
    if code is None:
        return b""
    cut = reason.encode("utf-8", "replace")[:LONGEST_REASON].decode("utf-8", "ignore")
    return code.to_bytes(2, "big") + cut.encode()


def is_utf8(text: bytes) -> bool:
    """Whether a close reason is what RFC 6455 (5.5.1) wants it to be."""
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True

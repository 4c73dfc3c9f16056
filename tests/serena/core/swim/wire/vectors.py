"""Bytes that real Go processes wrote, and what they mean."""

import json
from pathlib import Path
from typing import Any

from serena.core.swim.messages import (
    Ack,
    Address,
    Alive,
    Dead,
    Entry,
    Err,
    Exchange,
    IndirectPing,
    Message,
    Nack,
    Ping,
    PushPull,
    Source,
    Suspect,
    UserMessage,
)

_FILE = Path(__file__).parents[4] / "vectors" / "memberlist-vectors.json"
ALL = json.loads(_FILE.read_text("utf-8"))
KEYS = {name: bytes.fromhex(key) for name, key in ALL["keys"].items()}
VECTORS = {vector["name"]: vector for vector in ALL["vectors"]}
LIVE = {vector["name"]: vector for vector in ALL["live_captures"]}
TOLERANCE = {vector["name"]: vector for vector in ALL["decoder_tolerance"]}


def octets(name: str) -> bytes:
    """The bytes of a vector or a capture."""
    return bytes.fromhex((VECTORS.get(name) or LIVE[name])["hex"])


def bare(plain: bytes) -> bool:
    """Whether an inner message is neither compressed nor an answer of streams."""
    return plain[0] not in (9, 13)


def message(told: dict[str, Any]) -> Message | Exchange:  # noqa: PLR0911 - a case a type
    """The value that a vector's `decoded` describes."""
    match told["type"]:
        case 0:
            return Ping(told["SeqNo"], told["Node"].encode(), _source(told))
        case 1:
            target = Address(bytes.fromhex(told["Target"]), told["Port"])
            return IndirectPing(told["SeqNo"], told["Node"].encode(), target, told["Nack"], _source(told))
        case 2:
            return Ack(told["SeqNo"], _bytes(told["Payload"]))
        case 3:
            return Suspect(told["Node"].encode(), told["Incarnation"], told["From"].encode())
        case 4:
            return Alive(told["Node"].encode(), told["Incarnation"], *_common(told))
        case 5:
            return Dead(told["Node"].encode(), told["Incarnation"], told["From"].encode())
        case 6:
            entries = [_entry(node) for node in told["nodes"]]
            return PushPull(told["Join"], entries, _bytes(told.get("user")) or b"")
        case 8:
            return UserMessage(bytes.fromhex(told["body"]))
        case 11:
            return Nack(told["SeqNo"])
        case 13:
            return Err(told["Error"])
    raise ValueError(told)


def _entry(node: dict[str, Any]) -> Entry:
    address, meta, versions = _common(node)
    return Entry(node["Name"].encode(), node["Incarnation"], address, node["State"], meta, versions)


def _common(told: dict[str, Any]) -> tuple[Address, bytes | None, bytes]:
    versions = told["Vsn"] or b""
    versions = bytes.fromhex(versions) if isinstance(versions, str) else bytes(versions)
    return Address(bytes.fromhex(told["Addr"]), told["Port"]), _bytes(told["Meta"]), versions


def _bytes(told: str | None) -> bytes | None:
    return None if told is None else bytes.fromhex(told)


def _source(told: dict[str, Any]) -> Source | None:
    if "SourceAddr" not in told:
        return None
    return Source(Address(bytes.fromhex(told["SourceAddr"]), told["SourcePort"]), told["SourceNode"].encode())


def numbers(start: int = 0):
    """A stand-in for random bytes that never repeats itself."""
    count = start

    def nonce(length: int) -> bytes:
        nonlocal count
        count += 1
        return count.to_bytes(length, "big")

    return nonce

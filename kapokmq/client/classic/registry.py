"""How a registry is asked for brokers: ours, or the original's."""

import asyncio
import ssl

from kapokmq.core.client.classic.nodes import Node, read_answer, read_nodes
from kapokmq.core.client.errors import Unreachable, Untrusted
from kapokmq.core.errors import BadMessage
from serena.core.node_name import bracketed

_LONGEST = 4 << 20  # bytes of an answer


class Registry:
    """One registry. `patience` is how many seconds an answer may take."""

    def __init__(
        self, protocol: str, addr: str, port: str | int, key: str, *, tls: ssl.SSLContext, patience: float
    ) -> None:
        self._addr = addr
        self._port = int(port)
        self._tls = tls if protocol == "https" else None
        self._patience = patience
        self.url = f"{protocol}://{bracketed(addr)}:{port}/Registry/GetNodes"
        # HTTP/1.0, so that the answer comes in one piece and ends with the connection.
        self._request = (
            f"POST /Registry/GetNodes HTTP/1.0\r\nHost: {bracketed(addr)}:{port}\r\nsecretKey: {_header(key)}\r\n"
            "Content-Length: 0\r\nConnection: close\r\n\r\n"
        ).encode()

    async def nodes(self) -> list[Node]:
        """The brokers that it knows. Raises WrongKey, Untrusted, Unreachable."""
        try:
            async with asyncio.timeout(self._patience):
                return read_nodes(read_answer(await self._answer()))
        except ssl.SSLCertVerificationError as error:
            raise Untrusted(str(error)) from None
        except (OSError, TimeoutError, UnicodeError, BadMessage) as error:
            raise Unreachable(f"{self.url}: {type(error).__name__}: {error}") from None

    async def _answer(self) -> bytes:
        reader, writer = await asyncio.open_connection(self._addr, self._port, ssl=self._tls)
        try:
            writer.write(self._request)
            answer = b""
            while len(answer) <= _LONGEST and (some := await reader.read(1 << 16)):
                answer += some
        finally:
            writer.close()
        if len(answer) > _LONGEST:
            raise BadMessage("registry: its answer is longer than 4 MiB")
        return answer


def _header(key: str) -> str:
    """A key as a header has it. Raises ValueError for one that no header can carry."""
    if any(ord(mark) < ord(" ") or mark == "\x7f" for mark in key):
        raise ValueError("SecretKey: has control characters")
    return key

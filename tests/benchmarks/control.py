"""Bare asyncio relays of text lines, the controls that p2pchat is measured against."""

from __future__ import annotations

import asyncio
import functools
import itertools
import secrets
import ssl
import tempfile
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from tests.benchmarks.system import HOST

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

ID_BYTES: Final = 24
"""What a line begins with: 16 hex digits drawn by its author, 8 of a counter."""

KEY_BYTES: Final = 64
SIGNATURE_BYTES: Final = 128
"""Hex digits of an Ed25519 key, of a signature."""


class Line(NamedTuple):
    """One received text."""

    text: str


@dataclass(frozen=True, slots=True)
class Variant:
    """What a control does beyond writing plain lines."""

    batched: bool = False
    """Share one write among all lines that are ready, instead of a write for each."""
    encrypted: bool = False
    """TLS 1.3 by the standard library, with a certificate on the accepting side only."""
    signed: bool = False
    """One Ed25519 signature a line, checked by each node before it relays the line."""


class PlainBody:
    """Lines carry their text as it is."""

    def seal(self, text: str) -> bytes:
        """Turn a text into what follows the id."""
        return text.encode()

    def open(self, body: bytes) -> str:
        """Turn what follows the id back into the text."""
        return body.decode()


class SignedBody:
    """Lines carry their author's key, a signature, then the text."""

    def __init__(self) -> None:
        # Only this control needs libsodium; the others must not pay for its import.
        from nacl.signing import SigningKey, VerifyKey  # noqa: PLC0415

        self._signing = SigningKey.generate()
        self._key_hex = bytes(self._signing.verify_key).hex().encode()
        self._checker = functools.lru_cache(maxsize=256)(VerifyKey)

    def seal(self, text: str) -> bytes:
        """Sign a text."""
        raw = text.encode()
        signature = self._signing.sign(raw).signature.hex().encode()
        return b"".join((self._key_hex, signature, raw))

    def open(self, body: bytes) -> str:
        """Check the signature; raises nacl.exceptions.BadSignatureError."""
        key = bytes.fromhex(body[:KEY_BYTES].decode())
        text_at = KEY_BYTES + SIGNATURE_BYTES
        signature = bytes.fromhex(body[KEY_BYTES:text_at].decode())
        return self._checker(key).verify(body[text_at:], signature).decode()


class Control:
    """A node that floods lines, each once, to every connection but the one it came from."""

    def __init__(self, variant: Variant) -> None:
        self._batched = variant.batched
        self._tls = tls_contexts() if variant.encrypted else (None, None)
        self._body = SignedBody() if variant.signed else PlainBody()
        self._links: dict[Link, None] = {}
        # Grows without end, which a program may not: a control only has to be fast.
        self._seen: set[bytes] = set()
        self._arrived: deque[Line] = deque()
        self._waiting = asyncio.Event()
        self._own: list[bytes] = []
        self._prefix = secrets.token_hex(8)
        self._counter = itertools.count()
        self._server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        """Where it listens."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    async def start(self) -> None:
        """Listen on a free port."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._link, HOST, 0, ssl=self._tls[0])

    async def connect(self, port: int) -> None:
        """Connect to another control of the same variant."""
        loop = asyncio.get_running_loop()
        await loop.create_connection(self._link, HOST, port, ssl=self._tls[1])

    def announce(self, text: str) -> bool:
        """Send a text to all connections; a control always takes one more."""
        line = f"{self._prefix}{next(self._counter):08x}".encode() + self._body.seal(text)
        self._seen.add(line[:ID_BYTES])
        if not self._batched:
            self._write([line], None)
            return True
        if not self._own:
            asyncio.get_running_loop().call_soon(self._flush)
        self._own.append(line)
        return True

    async def drain(self) -> None:
        """Wait until no connection is above its high-water mark."""
        for link in list(self._links):
            await link.writable.wait()

    async def messages(self) -> AsyncIterator[Line]:
        """Yield what arrived, for as long as somebody asks."""
        while True:
            while self._arrived:
                yield self._arrived.popleft()
            self._waiting.clear()
            await self._waiting.wait()

    async def stop(self) -> None:
        """Close the port and every connection."""
        if self._server is not None:
            self._server.close()
        for link in list(self._links):
            link.transport.abort()
        await asyncio.sleep(0)

    def attach(self, link: Link) -> None:
        """Relay to a new connection from now on."""
        self._links[link] = None

    def detach(self, link: Link) -> None:
        """Relay to a connection no longer."""
        self._links.pop(link, None)

    def on_lines(self, lines: list[bytes], sender: Link) -> None:
        """Deliver the lines that are new, then pass them on."""
        fresh: list[bytes] = []
        for line in lines:
            line_id = line[:ID_BYTES]
            if line_id in self._seen:
                continue
            self._seen.add(line_id)
            self._arrived.append(Line(self._body.open(line[ID_BYTES:])))
            fresh.append(line)
        if fresh:
            self._waiting.set()
            self._write(fresh, sender)

    def _flush(self) -> None:
        lines, self._own = self._own, []
        self._write(lines, None)

    def _write(self, lines: list[bytes], sender: Link | None) -> None:
        chunks = [b"".join(line + b"\n" for line in lines)] if self._batched else lines
        end = b"" if self._batched else b"\n"
        for chunk in chunks:
            whole = chunk + end
            for link in self._links:
                if link is not sender:
                    link.transport.write(whole)

    def _link(self) -> Link:
        return Link(self)


class Link(asyncio.Protocol):
    """One connection of a control."""

    transport: asyncio.Transport

    def __init__(self, control: Control) -> None:
        self._control = control
        self._rest = b""
        self.writable = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to relay."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.writable.set()
        self._control.attach(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop relaying."""
        self.writable.set()
        self._control.detach(self)

    def data_received(self, data: bytes) -> None:
        """Cut what came into lines."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        self._control.on_lines(lines, self)

    def pause_writing(self) -> None:
        """Note that the other side reads slower than we write."""
        self.writable.clear()

    def resume_writing(self) -> None:
        """Note that it caught up."""
        self.writable.set()


@functools.cache
def tls_contexts() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Make one certificate, then a context for accepting and one for dialling."""
    accepting = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        # The standard library loads a key from a file only.
        path = Path(folder) / "control.pem"
        path.write_bytes(_certificate_with_key())
        accepting.load_cert_chain(path)
    dialling = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    dialling.check_hostname = False
    dialling.verify_mode = ssl.CERT_NONE
    for context in (accepting, dialling):
        context.minimum_version = ssl.TLSVersion.TLSv1_3
    return accepting, dialling


def _certificate_with_key() -> bytes:
    # Only two controls need a certificate, so only these pay for the import.
    from cryptography import x509  # noqa: PLC0415
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ed25519  # noqa: PLC0415

    key = ed25519.Ed25519PrivateKey.generate()
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "control")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, None)
    )
    pem = serialization.Encoding.PEM
    plain = serialization.NoEncryption()
    pem_key = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
    return pem_key + certificate.public_bytes(pem)


CONTROLS: Final[dict[str, Callable[[], Control]]] = {
    "plain": lambda: Control(Variant()),
    "plain-batched": lambda: Control(Variant(batched=True)),
    "tls": lambda: Control(Variant(encrypted=True)),
    "tls-signed": lambda: Control(Variant(encrypted=True, signed=True)),
}
"""Every control by its name in the table."""

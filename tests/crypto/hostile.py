"""Ends of a TLS connection that do what `SecureChannel` never does."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from OpenSSL import SSL

if TYPE_CHECKING:
    from collections.abc import Sequence

PrivateKey = Ed25519PrivateKey | RSAPrivateKey

NAME = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "somebody")])


def make_certificate(
    key: PrivateKey,
    *,
    padding_bytes: int = 0,
    valid_from: int = 2000,
    valid_until: int = 2100,
    issuer: x509.Name = NAME,
    signer: PrivateKey | None = None,
) -> x509.Certificate:
    """Make a certificate of nearly any kind; the years bound its time."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(NAME)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(datetime(valid_from, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(valid_until, 1, 1, tzinfo=UTC))
    )
    if padding_bytes:
        oid = x509.ObjectIdentifier("1.3.6.1.4.1.99999.1")
        padding = x509.UnrecognizedExtension(oid, bytes(padding_bytes))
        builder = builder.add_extension(padding, critical=False)
    signer = signer or key
    return builder.sign(signer, SHA256() if isinstance(signer, RSAPrivateKey) else None)


@dataclass
class HostileEnd:
    """A TLS end that accepts everything, with what it is told to show."""

    dialling: bool
    key: PrivateKey | None = None
    certificates: Sequence[x509.Certificate] = ()
    alpn: Sequence[bytes] = (b"p2pchat",)
    highest: int = SSL.TLS1_3_VERSION
    session: SSL.Session | None = None
    context: SSL.Context | None = None
    connection: SSL.Connection = field(init=False)
    is_secured: bool = False
    error: SSL.Error | None = None
    received: bytes = b""

    def __post_init__(self) -> None:
        self.context = self.context or self._make_context()
        self.connection = SSL.Connection(self.context, None)
        if self.session is not None:
            self.connection.set_session(self.session)
        if self.dialling:
            self.connection.set_connect_state()
        else:
            self.connection.set_accept_state()

    def _make_context(self) -> SSL.Context:
        context = SSL.Context(SSL.TLS_METHOD)
        context.set_max_proto_version(self.highest)
        context.set_verify(SSL.VERIFY_PEER, lambda *_: True)
        if self.key is not None:
            context.use_privatekey(self.key)
            context.use_certificate(self.certificates[0])
            for certificate in self.certificates[1:]:
                context.add_extra_chain_cert(certificate)
        if self.alpn and self.dialling:
            context.set_alpn_protos(list(self.alpn))
        if self.alpn and not self.dialling:
            context.set_alpn_select_callback(lambda _, __: self.alpn[0])
        return context

    def start(self) -> None:
        self._step()

    def receive(self, data: bytes) -> bytes:
        self.connection.bio_write(data)
        self._step()
        return b""

    def _step(self) -> None:
        try:
            if not self.is_secured:
                self.connection.do_handshake()
                self.is_secured = True
            while True:
                self.received += self.connection.recv(65536)
        except SSL.WantReadError:
            pass
        except SSL.Error as error:
            self.error = error

    def take_outgoing(self) -> bytes:
        try:
            return self.connection.bio_read(1 << 20)
        except SSL.WantReadError:
            return b""


class End(Protocol):
    """What both kinds of ends can do."""

    is_secured: bool

    def start(self) -> None: ...

    def receive(self, data: bytes) -> bytes: ...

    def take_outgoing(self) -> bytes: ...


def connect(dialler: End, acceptor: End) -> None:
    """Carry bytes between two ends until neither has any."""
    dialler.start()
    acceptor.start()
    while True:
        to_acceptor, to_dialler = dialler.take_outgoing(), acceptor.take_outgoing()
        if not to_acceptor and not to_dialler:
            return
        if to_acceptor:
            acceptor.receive(to_acceptor)
        if to_dialler:
            dialler.receive(to_dialler)

"""TLS 1.3 between two identities, over memory instead of a socket.

Each side shows a self-signed certificate of its identity key; the other side's id *is* the
key in its certificate. OpenSSL is told to accept nearly any such certificate, because what
it could check (issuers, names, dates) means nothing here: who that key belongs to is decided
by people. What matters is checked in one place after the handshake, in `_check_peer`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from OpenSSL import SSL, crypto

from p2pchat.core.limits import CERTIFICATE_LIMIT_BYTES, HANDSHAKE_LIMIT_BYTES
from p2pchat.core.values import PeerId
from p2pchat.crypto.identity import Identity, is_peer_id
from p2pchat.errors import ChannelBroken, HandshakeFailed

if TYPE_CHECKING:
    from collections.abc import Sequence

ALPN: Final = b"p2pchat"
"""The same for ever: versions are agreed in the first frame."""

EXPORTER_LABEL: Final = b"EXPORTER-p2pchat"
EXPORTED_BYTES: Final = 32

_RECORD_BYTES: Final = 16 * 1024
"""Most plaintext in one TLS record (RFC 8446, section 5.1)."""

_STEP_BYTES: Final = 16 * 1024
"""Most bytes that lie in a memory buffer of OpenSSL.

Such a buffer never shrinks, so this is what each connection costs for its whole life.
"""

_ED25519_KEY_TYPE: Final = 1087
"""OpenSSL's number for it (NID_ED25519)."""

_NEVER_MIND: Final = frozenset((0, 9, 10, 18))
"""X509_V_OK, _ERR_CERT_NOT_YET_VALID, _ERR_CERT_HAS_EXPIRED, _ERR_DEPTH_ZERO_SELF_SIGNED_CERT.

Dates are ignored because a wrong clock must not cut anybody off.
"""

# No expiration date, as RFC 5280 section 4.1.2.5 spells it. A fixed span needs no clock, so
# that one identity has one certificate.
_VALID_FROM: Final = datetime(1970, 1, 1, tzinfo=UTC)
_VALID_UNTIL: Final = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)

_FOREIGN_ERRORS: Final = (
    SSL.Error,
    crypto.Error,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    ValueError,
    TypeError,
)
"""What the libraries raise over bytes of the other side."""


class SecureChannel:
    """One end of an encrypted connection: bytes in, bytes out, no socket.

    After each call of `start`, `receive`, `send` and `close`, a fault included, write what
    `take_outgoing` returns to the network.
    """

    __slots__ = (
        "_connection",
        "_dialling",
        "_exported",
        "_handshake_bytes_left",
        "_outgoing",
        "_peer",
        "is_ended",
        "is_secured",
    )

    is_secured: bool
    """Whether the handshake is done and the other side's key is known.

    A dialler is there half a round trip before the acceptor has looked at its certificate,
    so a refusal may still follow.
    """

    is_ended: bool
    """Whether the other side said that nothing more comes; without it, an end is a loss."""

    def __init__(self, identity: Identity, *, dialling: bool) -> None:
        self._connection = SSL.Connection(_context(identity, dialling=dialling), None)
        self._dialling = dialling
        self._handshake_bytes_left = HANDSHAKE_LIMIT_BYTES
        self._outgoing: list[bytes] = []
        self._peer: PeerId | None = None
        self._exported: bytes | None = None
        self.is_secured = False
        self.is_ended = False
        if dialling:
            self._connection.set_connect_state()
        else:
            self._connection.set_accept_state()

    @property
    def peer(self) -> PeerId:
        """Who is on the other side; only when secured."""
        assert self._peer is not None, "not secured yet"
        return self._peer

    @property
    def exported(self) -> bytes:
        """32 secret bytes that only the two ends of this connection know; only when secured."""
        assert self._exported is not None, "not secured yet"
        return self._exported

    def start(self) -> None:
        """Begin the handshake; the dialler's first bytes are then there to be taken."""
        self._shake_hands()

    def receive(self, data: bytes) -> bytes:
        """Take bytes from the network and return the plaintext that they complete.

        Empty while the handshake lasts. Bytes after the other side's end are ignored.

        Raises:
            HandshakeFailed: The other side is none of ours, or took more than 16 KiB.
            ChannelBroken: It was, but now its bytes are damaged.
        """
        if self.is_secured and 0 < len(data) <= _STEP_BYTES and not self.is_ended:
            self._connection.bio_write(data)  # the common case, without slices
            return self._read()
        plaintext: list[bytes] = []
        rest = memoryview(data)
        while rest and not self.is_ended:
            step = _STEP_BYTES if self.is_secured else min(_STEP_BYTES, self._handshake_bytes_left)
            if not step:
                raise self._overlong()
            self._feed(rest[:step])
            rest = rest[step:]
            if self.is_secured or self._shake_hands():
                plaintext.append(self._read())
        return b"".join(plaintext)

    def send(self, plaintext: bytes) -> None:
        """Encrypt bytes for the other side; only when secured, and before `close`.

        Raises:
            ChannelBroken: The channel failed before.
        """
        assert self.is_secured, "not secured yet"
        try:
            for start in range(0, len(plaintext), _RECORD_BYTES):
                # Never partial: a memory buffer takes a whole record.
                self._connection.send(plaintext[start : start + _RECORD_BYTES])
                self._collect()
        except SSL.Error as error:
            raise ChannelBroken(_reason(error)) from error

    def take_outgoing(self) -> bytes:
        """Return the bytes to write to the network now, and forget them."""
        if len(self._outgoing) == 1:
            return self._outgoing.pop()
        taken = b"".join(self._outgoing)
        self._outgoing.clear()
        return taken

    def close(self) -> None:
        """Tell the other side that nothing more comes; what it still sends can be received.

        A second call does nothing.
        """
        try:
            self._connection.shutdown()
        except SSL.Error:
            # Said before, in mid-handshake or after a fault: nothing to end in good order.
            return
        self._collect()

    @staticmethod
    def _overlong() -> HandshakeFailed:
        return HandshakeFailed(f"not done after {HANDSHAKE_LIMIT_BYTES} bytes")

    def _feed(self, piece: memoryview) -> None:
        if not self.is_secured:
            self._handshake_bytes_left -= len(piece)
        self._connection.bio_write(piece)

    def _shake_hands(self) -> bool:
        try:
            self._connection.do_handshake()
            self._peer = _check_peer(self._connection, dialling=self._dialling)
            self._exported = self._connection.export_keying_material(EXPORTER_LABEL, EXPORTED_BYTES)
        except SSL.WantReadError:
            if self._handshake_bytes_left <= 0:
                raise self._overlong() from None
            return False
        except _FOREIGN_ERRORS as error:
            raise HandshakeFailed(_reason(error)) from error
        finally:
            self._collect()
        self.is_secured = True
        return True

    def _read(self) -> bytes:
        plaintext = b""
        receive = self._connection.recv
        try:
            plaintext = receive(_RECORD_BYTES)
            while True:
                plaintext += receive(_RECORD_BYTES)
        except SSL.WantReadError:
            return plaintext
        except SSL.ZeroReturnError:
            self.is_ended = True
            return plaintext
        except SSL.Error as error:
            self._collect()  # the alert that says why
            raise ChannelBroken(_reason(error)) from error

    def _collect(self) -> None:
        try:
            while True:
                piece = self._connection.bio_read(_STEP_BYTES)
                self._outgoing.append(piece)
                if len(piece) < _STEP_BYTES:
                    return
        except SSL.WantReadError:
            return  # that is how an empty buffer answers


def _check_peer(connection: SSL.Connection, *, dialling: bool) -> PeerId:
    if connection.get_protocol_version() != SSL.TLS1_3_VERSION:
        raise HandshakeFailed("not TLS 1.3")
    if connection.get_alpn_proto_negotiated() != ALPN:
        raise HandshakeFailed("it speaks another protocol over TLS")
    # OpenSSL's chain includes the other side's own certificate at the dialler only.
    own_included = 1 if dialling else 0
    if len(connection.get_peer_cert_chain() or ()) != own_included:
        raise HandshakeFailed("more than one certificate")
    certificate = connection.get_peer_certificate(as_cryptography=True)
    if certificate is None:
        raise HandshakeFailed("no certificate")
    return peer_in(certificate)


def peer_in(certificate: x509.Certificate) -> PeerId:
    """Return whose certificate it is.

    Raises:
        HandshakeFailed: It is above 2 KiB, or its key is none that a peer can have.
        ValueError: The certificate can't be read at all.
    """
    # Imported here because it loads all there is for files of keys, which a start can do without.
    from cryptography.hazmat.primitives.serialization import Encoding  # noqa: PLC0415

    size_bytes = len(certificate.public_bytes(Encoding.DER))
    if size_bytes > CERTIFICATE_LIMIT_BYTES:
        raise HandshakeFailed(
            f"certificate of {size_bytes} bytes, the limit is {CERTIFICATE_LIMIT_BYTES}"
        )
    key = certificate.public_key()
    if not isinstance(key, Ed25519PublicKey):
        raise HandshakeFailed("the certificate's key is not Ed25519")
    raw = key.public_bytes_raw()
    if not is_peer_id(raw):
        raise HandshakeFailed("the certificate's key belongs to nobody")
    return PeerId(raw)


_contexts: Final[WeakKeyDictionary[Identity, dict[bool, SSL.Context]]] = WeakKeyDictionary()
"""Two for each identity in use, because a context costs more than a connection."""


def _context(identity: Identity, *, dialling: bool) -> SSL.Context:
    by_role = _contexts.setdefault(identity, {})
    if dialling not in by_role:
        by_role[dialling] = _make_context(identity, dialling=dialling)
    return by_role[dialling]


def _make_context(identity: Identity, *, dialling: bool) -> SSL.Context:
    key = Ed25519PrivateKey.from_private_bytes(identity.seed)
    context = SSL.Context(SSL.TLS_CLIENT_METHOD if dialling else SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version(SSL.TLS1_3_VERSION)
    context.use_privatekey(key)
    context.use_certificate(_make_certificate(key))
    context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, _accepts)
    # No resumption. Without the option an offered ticket ends the handshake instead of
    # being passed over.
    context.set_options(SSL.OP_NO_TICKET)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    # An idle connection then gives back about 32 KiB.
    context.set_mode(SSL.MODE_RELEASE_BUFFERS)
    if dialling:
        context.set_alpn_protos([ALPN])
    else:
        context.set_alpn_select_callback(_choose_protocol)
    return context


def _make_certificate(key: Ed25519PrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "p2pchat")])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(_VALID_FROM)
        .not_valid_after(_VALID_UNTIL)
        .sign(key, None)
    )


def _accepts(
    connection: SSL.Connection, certificate: crypto.X509, error: int, depth: int, ok: int
) -> bool:
    # Called several times for one certificate. An exception would come out of
    # do_handshake as itself, so there is none.
    try:
        is_ed25519 = certificate.get_pubkey().type() == _ED25519_KEY_TYPE
    except crypto.Error:
        return False
    return depth == 0 and is_ed25519 and error in _NEVER_MIND


def _choose_protocol(
    connection: SSL.Connection, offered: Sequence[bytes]
) -> bytes | SSL._NoOverlappingProtocols:
    return ALPN if ALPN in offered else SSL.NO_OVERLAPPING_PROTOCOLS


def _reason(error: Exception) -> str:
    """Return OpenSSL's own few words, which it gives as (library, function, reason)."""
    match error.args:
        case ([(_, _, str(reason)), *_],) if reason:
            return reason
    return type(error).__name__

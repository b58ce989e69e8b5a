"""A channel opens with nobody who breaks the rules, damaged or forged."""

from __future__ import annotations

import contextlib
from typing import cast

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st
from OpenSSL import SSL, crypto

from p2pchat.core.limits import CERTIFICATE_LIMIT_BYTES, HANDSHAKE_LIMIT_BYTES
from p2pchat.crypto import channel as channel_module
from p2pchat.crypto.channel import SecureChannel, peer_in
from p2pchat.errors import ChannelBroken, HandshakeFailed
from tests.crypto.ends import (
    ALICE,
    BOTH_ROLES,
    KEY,
    OTHER_KEY,
    RSA_KEY,
    channels,
    move,
    secured,
)
from tests.crypto.hostile import HostileEnd, connect, make_certificate


def handshake_fault(*, dialling: bool, hostile: HostileEnd) -> str:
    """Return why a channel in that role refuses the hostile end."""
    channel = SecureChannel(ALICE, dialling=dialling)
    with pytest.raises(HandshakeFailed) as caught:
        connect(*((channel, hostile) if dialling else (hostile, channel)))
    assert not channel.is_secured
    return str(caught.value)


# --- Behind OpenSSL's own checks, should it ever let something through -------------------------


class Lax:
    """What is asked of a connection after its handshake, answered as OpenSSL never should."""

    def __init__(self, version: int = SSL.TLS1_3_VERSION) -> None:
        self._version = version

    def get_protocol_version(self) -> int:
        return self._version

    def get_alpn_proto_negotiated(self) -> bytes:
        return b"p2pchat"

    def get_peer_cert_chain(self) -> None:
        return None

    def get_peer_certificate(self, *, as_cryptography: bool) -> None:
        assert as_cryptography


@pytest.mark.parametrize(
    ("lax", "why"), [(Lax(SSL.TLS1_2_VERSION), "not TLS 1.3"), (Lax(), "no certificate")]
)
def test_what_openssl_lets_through_is_looked_at_again(lax: Lax, why: str) -> None:
    with pytest.raises(HandshakeFailed, match=why):
        channel_module._check_peer(cast("SSL.Connection", lax), dialling=False)


class Unreadable:
    """A certificate whose key can't be read."""

    def get_pubkey(self) -> crypto.PKey:
        raise crypto.Error


def test_a_certificate_whose_key_can_not_be_read_is_not_accepted() -> None:
    nobody = cast("SSL.Connection", None)
    certificate = cast("crypto.X509", Unreadable())

    assert not channel_module._accepts(nobody, certificate, 0, 0, 1)


# --- Refused ----------------------------------------------------------------------------------


@BOTH_ROLES
def test_an_honest_stranger_with_another_program_gets_in(*, dialling: bool) -> None:
    """Shows that the hostile ends below fail for what they do, not for what they are."""
    channel = SecureChannel(ALICE, dialling=dialling)
    stranger = HostileEnd(not dialling, KEY, [make_certificate(KEY)])

    connect(*((channel, stranger) if dialling else (stranger, channel)))

    assert channel.peer == KEY.public_key().public_bytes_raw()
    assert stranger.connection.export_keying_material(b"EXPORTER-p2pchat", 32) == channel.exported


@BOTH_ROLES
@pytest.mark.parametrize("years", [(2090, 2100), (1990, 2000)], ids=["not yet", "no longer"])
def test_a_certificate_of_another_time_is_taken(*, dialling: bool, years: tuple[int, int]) -> None:
    certificate = make_certificate(KEY, valid_from=years[0], valid_until=years[1])
    channel = SecureChannel(ALICE, dialling=dialling)
    stranger = HostileEnd(not dialling, KEY, [certificate])

    connect(*((channel, stranger) if dialling else (stranger, channel)))

    assert channel.is_secured


@BOTH_ROLES
def test_an_rsa_certificate_is_refused(*, dialling: bool) -> None:
    hostile = HostileEnd(not dialling, RSA_KEY, [make_certificate(RSA_KEY)])

    why = handshake_fault(dialling=dialling, hostile=hostile)

    assert "certificate verify failed" in why


@BOTH_ROLES
def test_two_certificates_are_refused(*, dialling: bool) -> None:
    chain = [make_certificate(KEY), make_certificate(OTHER_KEY)]
    hostile = HostileEnd(not dialling, KEY, chain)

    why = handshake_fault(dialling=dialling, hostile=hostile)

    assert "more than one certificate" in why


@BOTH_ROLES
def test_a_certificate_that_somebody_else_signed_is_refused(*, dialling: bool) -> None:
    issuer = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "an authority")])
    certificate = make_certificate(KEY, issuer=issuer, signer=OTHER_KEY)
    hostile = HostileEnd(not dialling, KEY, [certificate])

    why = handshake_fault(dialling=dialling, hostile=hostile)

    assert "certificate verify failed" in why


def test_a_dialler_without_certificate_is_refused() -> None:
    why = handshake_fault(dialling=False, hostile=HostileEnd(True))

    assert "peer did not return a certificate" in why


@BOTH_ROLES
def test_tls_1_2_is_refused(*, dialling: bool) -> None:
    certificates = [make_certificate(KEY)]
    hostile = HostileEnd(not dialling, KEY, certificates, highest=SSL.TLS1_2_VERSION)

    why = handshake_fault(dialling=dialling, hostile=hostile)

    assert "protocol" in why


@BOTH_ROLES
@pytest.mark.parametrize("alpn", [(), (b"h2",)], ids=["none", "another"])
def test_another_protocol_over_tls_is_refused(*, dialling: bool, alpn: tuple[bytes, ...]) -> None:
    hostile = HostileEnd(not dialling, KEY, [make_certificate(KEY)], alpn=alpn)

    why = handshake_fault(dialling=dialling, hostile=hostile)

    assert "another protocol" in why or "bad extension" in why


@BOTH_ROLES
def test_an_oversized_certificate_is_refused(*, dialling: bool) -> None:
    certificate = make_certificate(KEY, padding_bytes=CERTIFICATE_LIMIT_BYTES)
    hostile = HostileEnd(not dialling, KEY, [certificate])

    why = handshake_fault(dialling=dialling, hostile=hostile)

    assert "the limit is 2048" in why


@BOTH_ROLES
def test_a_handshake_above_16_kib_is_refused(*, dialling: bool) -> None:
    certificate = make_certificate(KEY, padding_bytes=HANDSHAKE_LIMIT_BYTES)
    hostile = HostileEnd(not dialling, KEY, [certificate])

    why = handshake_fault(dialling=dialling, hostile=hostile)

    assert "not done after 16384 bytes" in why


def test_the_limit_of_a_handshake_holds_at_every_slice_and_afterwards() -> None:
    channel = SecureChannel(ALICE, dialling=False)
    # A record header that announces 16 KiB of a client's first message, and zeros.
    endless = b"\x16\x03\x01\x40\x00\x01\x00\x3f\xfc\x03\x03" + bytes(HANDSHAKE_LIMIT_BYTES)

    for start in range(0, HANDSHAKE_LIMIT_BYTES - 100, 100):
        channel.receive(endless[start : start + 100])
    with pytest.raises(HandshakeFailed, match="not done after 16384 bytes"):
        channel.receive(bytes(200))

    with pytest.raises(HandshakeFailed):
        channel.receive(b"more")


@BOTH_ROLES
@pytest.mark.parametrize(
    "text", [b"hello, is anybody there?\n", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", bytes(64)]
)
def test_plain_text_is_no_handshake(*, dialling: bool, text: bytes) -> None:
    channel = SecureChannel(ALICE, dialling=dialling)
    channel.start()

    with pytest.raises(HandshakeFailed):
        channel.receive(text)

    assert not channel.is_secured


@BOTH_ROLES
@given(garbage=st.binary(max_size=2000))
def test_garbage_gives_nothing_or_the_one_known_fault(*, dialling: bool, garbage: bytes) -> None:
    channel = SecureChannel(ALICE, dialling=dialling)
    channel.start()

    for _ in range(2):
        with contextlib.suppress(HandshakeFailed):
            assert channel.receive(garbage) == b""

    assert not channel.is_secured


@pytest.mark.threat(13)
@settings(max_examples=50)
@given(st.integers(0, 1 << 20), st.integers(0, 7))
def test_a_changed_bit_in_the_handshake_never_opens_a_channel(place: int, bit: int) -> None:
    dialler, acceptor = channels()
    dialler.start()
    move(dialler, acceptor)
    flight = bytearray(acceptor.take_outgoing())
    # Only what is encrypted: a bit of a plain header may be one that TLS ignores.
    place = 200 + place % (len(flight) - 200)
    flight[place] ^= 1 << bit

    with contextlib.suppress(HandshakeFailed):
        dialler.receive(bytes(flight))
        move(dialler, acceptor)

    assert not acceptor.is_secured


def test_a_damaged_record_breaks_the_channel() -> None:
    dialler, acceptor = secured()
    dialler.send(b"hello")
    record = bytearray(dialler.take_outgoing())
    record[-1] ^= 1

    with pytest.raises(ChannelBroken, match="bad record mac"):
        acceptor.receive(bytes(record))

    with pytest.raises(ChannelBroken):
        dialler.receive(acceptor.take_outgoing())  # the alert: the other side hears of it


def test_a_replayed_record_breaks_the_channel() -> None:
    dialler, acceptor = secured()
    dialler.send(b"hello")
    record = dialler.take_outgoing()
    assert acceptor.receive(record) == b"hello"

    with pytest.raises(ChannelBroken):
        acceptor.receive(record)


def test_a_broken_channel_sends_no_more() -> None:
    dialler, acceptor = secured()
    with pytest.raises(ChannelBroken):
        acceptor.receive(bytes(64))

    with pytest.raises(ChannelBroken):
        acceptor.send(b"hello")
    acceptor.close()

    with pytest.raises(ChannelBroken):
        move(acceptor, dialler)


def test_a_refused_dialler_hears_of_it_from_the_alert() -> None:
    hostile = HostileEnd(True, RSA_KEY, [make_certificate(RSA_KEY)])
    channel = SecureChannel(ALICE, dialling=False)
    with pytest.raises(HandshakeFailed):
        connect(hostile, channel)

    hostile.receive(channel.take_outgoing())

    assert hostile.error is not None
    assert "alert" in str(hostile.error)


def hellos(dialler: HostileEnd, acceptor: SecureChannel) -> tuple[int, int]:
    """Open a connection and return the sizes of the first flights of both sides."""
    dialler.start()
    offer = dialler.take_outgoing()
    acceptor.receive(offer)
    answer = acceptor.take_outgoing()
    dialler.receive(answer)
    acceptor.receive(dialler.take_outgoing())
    dialler.receive(acceptor.take_outgoing())
    return len(offer), len(answer)


def test_an_offered_session_is_passed_over() -> None:
    first = HostileEnd(True, KEY, [make_certificate(KEY)])
    offer, full_answer = hellos(first, SecureChannel(ALICE, dialling=False))
    session = first.connection.get_session()
    second = HostileEnd(True, session=session, context=first.context)
    acceptor = SecureChannel(ALICE, dialling=False)

    longer_offer, answer = hellos(second, acceptor)

    assert longer_offer > offer, "no session was offered"
    assert acceptor.is_secured, "the offer must not end the handshake either"
    assert answer == full_answer, "a resumed handshake has no certificate, so it is shorter"


# --- Certificates -----------------------------------------------------------------------------


def with_key(certificate: x509.Certificate, key: bytes) -> x509.Certificate:
    """Put another key into a certificate; its signature is then wrong, which nobody checks."""
    whole = certificate.public_bytes(Encoding.DER)
    present = KEY.public_key().public_bytes_raw()
    assert whole.count(present) == 1
    return x509.load_der_x509_certificate(whole.replace(present, key))


def test_a_certificate_names_its_peer() -> None:
    assert peer_in(make_certificate(KEY)) == KEY.public_key().public_bytes_raw()


@pytest.mark.parametrize(
    "key",
    [
        (1).to_bytes(32, "little"),
        bytes(32),
        bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
        bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
    ],
    ids=bytes.hex,
)
def test_a_key_that_everybody_can_sign_for_is_nobody(key: bytes) -> None:
    certificate = with_key(make_certificate(KEY), key)

    with pytest.raises(HandshakeFailed, match="belongs to nobody"):
        peer_in(certificate)


def test_a_certificate_of_another_kind_of_key_names_nobody() -> None:
    with pytest.raises(HandshakeFailed, match="not Ed25519"):
        peer_in(make_certificate(RSA_KEY))

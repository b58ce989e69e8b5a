"""A channel opens between two identities, whatever the slices, until one of them ends it."""

from __future__ import annotations

import gc
import weakref
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2pchat.crypto.channel import SecureChannel
from p2pchat.crypto.identity import Identity
from tests.crypto.ends import ALICE, BOB, BOTH_ROLES, channels, move, secured
from tests.crypto.hostile import connect


def cut(data: bytes, places: list[int]) -> list[bytes]:
    ends = sorted({place % (len(data) + 1) for place in places} | {0, len(data)})
    return [data[start:end] for start, end in pairwise(ends)]


# --- The way it should be ---------------------------------------------------------------------


def test_each_side_learns_the_other_and_both_have_the_same_secret() -> None:
    dialler, acceptor = secured()

    assert (dialler.peer, acceptor.peer) == (BOB.peer, ALICE.peer)
    assert dialler.exported == acceptor.exported
    assert len(dialler.exported) == 32


def test_each_connection_has_a_secret_of_its_own() -> None:
    first, _ = secured()
    second, _ = secured()

    assert first.exported != second.exported


def test_one_identity_can_open_a_channel_to_itself() -> None:
    dialler, acceptor = SecureChannel(ALICE, dialling=True), SecureChannel(ALICE, dialling=False)

    connect(dialler, acceptor)

    assert dialler.peer == acceptor.peer == ALICE.peer


def test_before_the_handshake_there_is_neither_peer_nor_secret() -> None:
    channel = SecureChannel(ALICE, dialling=True)

    with pytest.raises(AssertionError):
        _ = channel.peer
    with pytest.raises(AssertionError):
        _ = channel.exported
    with pytest.raises(AssertionError):
        channel.send(b"too early")


def test_the_dialler_speaks_first() -> None:
    dialler, acceptor = channels()

    dialler.start()
    acceptor.start()

    assert dialler.take_outgoing()[0] == 0x16
    assert acceptor.take_outgoing() == b""


def test_a_byte_at_a_time_is_enough() -> None:
    dialler, acceptor = channels()
    dialler.start()

    while not acceptor.is_secured:
        for one, other in ((dialler, acceptor), (acceptor, dialler)):
            for byte in one.take_outgoing():
                assert other.receive(bytes([byte])) == b""
    dialler.send(b"hello")
    got = [acceptor.receive(bytes([byte])) for byte in dialler.take_outgoing()]

    assert b"".join(got) == b"hello"
    assert got[-1] == b"hello"
    assert acceptor.peer == ALICE.peer


slices = st.lists(st.integers(0, 1 << 20), max_size=12)


@settings(max_examples=30)
@given(slices, slices, st.lists(st.binary(max_size=40_000), max_size=4))
def test_slices_do_not_matter(handshake: list[int], later: list[int], texts: list[bytes]) -> None:
    dialler, acceptor = channels()
    dialler.start()

    while not acceptor.is_secured:
        for one, other in ((dialler, acceptor), (acceptor, dialler)):
            for piece in cut(one.take_outgoing(), handshake):
                other.receive(piece)
    for text in texts:
        dialler.send(text)
    got = [acceptor.receive(piece) for piece in cut(dialler.take_outgoing(), later)]

    assert b"".join(got) == b"".join(texts)


def test_words_in_the_same_bytes_as_the_end_of_the_handshake_are_received() -> None:
    dialler, acceptor = channels()
    dialler.start()
    move(dialler, acceptor)
    move(acceptor, dialler)
    text = bytes(range(256)) * 256
    dialler.send(text)

    got = move(dialler, acceptor)  # 64 KiB, above what a handshake may take

    assert acceptor.is_secured
    assert got == text


@pytest.mark.parametrize("size", [1, 16 * 1024, 16 * 1024 + 1, 64 * 1024, 3 * 1024 * 1024 + 7])
def test_any_amount_goes_through_both_ways(size: int) -> None:
    dialler, acceptor = secured()
    text = bytes(n % 251 for n in range(size))

    dialler.send(text)
    acceptor.send(text[::-1])

    assert move(dialler, acceptor) == text
    assert move(acceptor, dialler) == text[::-1]


def test_nothing_to_send_gives_nothing_to_write() -> None:
    dialler, acceptor = secured()

    dialler.send(b"")

    assert dialler.take_outgoing() == b""
    assert acceptor.receive(b"") == b""


def test_plaintext_is_not_on_the_network() -> None:
    dialler, _ = secured()

    dialler.send(b"a secret between us")

    assert b"secret" not in dialler.take_outgoing()


def test_outgoing_bytes_are_handed_out_once_and_in_order() -> None:
    dialler, acceptor = secured()

    dialler.send(b"one ")
    dialler.send(b"two")

    assert move(dialler, acceptor) == b"one two"
    assert dialler.take_outgoing() == b""


# --- Ends -------------------------------------------------------------------------------------


@BOTH_ROLES
def test_each_side_may_end_first_and_still_hear_the_other(*, dialling: bool) -> None:
    ends = secured()
    first, second = ends if dialling else ends[::-1]

    first.send(b"last words")
    first.close()
    heard = move(first, second)
    second.send(b"mine too")
    second.close()
    answered = move(second, first)

    assert (heard, answered) == (b"last words", b"mine too")
    assert first.is_ended
    assert second.is_ended


def test_an_end_is_said_once() -> None:
    dialler, acceptor = secured()
    dialler.close()
    move(dialler, acceptor)
    acceptor.send(b"still here")

    dialler.close()
    nothing = dialler.take_outgoing()

    assert nothing == b""
    assert move(acceptor, dialler) == b"still here"


def test_bytes_behind_the_end_are_ignored() -> None:
    dialler, acceptor = secured()
    dialler.close()
    move(dialler, acceptor)

    assert acceptor.receive(b"garbage") == b""
    assert acceptor.is_ended


def test_a_cut_stream_is_no_end() -> None:
    dialler, acceptor = secured()
    dialler.send(b"half of this is lost")

    got = acceptor.receive(dialler.take_outgoing()[:-1])

    assert got == b""
    assert not acceptor.is_ended


@BOTH_ROLES
def test_closing_in_mid_handshake_is_harmless(*, dialling: bool) -> None:
    channel = SecureChannel(ALICE, dialling=dialling)
    channel.start()

    channel.close()

    assert not channel.is_secured


def test_what_an_identity_keeps_for_tls_goes_with_it() -> None:
    identity = Identity.generate()
    SecureChannel(identity, dialling=True)
    gone = weakref.ref(identity)

    del identity
    gc.collect()

    assert gone() is None

from __future__ import annotations

import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pchat.core.limits import GUEST_LINE_BYTES, TEXT_LIMIT_CHARACTERS
from p2pchat.errors import GuestRefused
from p2pchat.wire.plain_line import LineSplitter, guest_line, looks_like_tls

GREETING = b"hello\n"
CHAT = st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=200)


def heard(pieces: list[bytes]) -> tuple[list[str], bool]:
    """Return the texts, and whether the peer was refused in the end."""
    splitter = LineSplitter()
    texts: list[str] = []
    try:
        for piece in pieces:
            texts += splitter.feed(piece)
        texts += splitter.finish()
    except GuestRefused:
        return texts, True
    return texts, False


def sliced(stream: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({cut % (len(stream) + 1) for cut in cuts} | {0, len(stream)})
    return [stream[begin:end] for begin, end in pairwise(places)]


def bytewise(stream: bytes) -> list[bytes]:
    return [stream[place : place + 1] for place in range(len(stream))]


@given(st.lists(CHAT), st.lists(st.integers(0)))
def test_texts_are_the_same_however_the_stream_is_sliced(lines: list[str], cuts: list[int]) -> None:
    stream = GREETING + "\n".join(lines).encode()

    texts, refused = heard(sliced(stream, cuts))

    assert texts == ["hello", *(line for line in lines if line.strip())]
    assert not refused


# Biased towards what matters, or nearly every example would end at its first byte.
NOISE = st.lists(
    st.sampled_from([b"a", b"\xc3\xa9", b"\xc3", b"\n", b"\r", b"\t", b"\x16", b"\x1b", b"\xff"])
    | st.sampled_from([b"\xff\xfd\x03", b"GET / HTTP/1.1", b"SSH-2.0", b"x" * GUEST_LINE_BYTES])
).map(b"".join)


@given(NOISE | st.binary(), st.lists(st.integers(0)))
def test_garbage_is_refused_or_not_however_it_is_sliced(stream: bytes, cuts: list[int]) -> None:
    wanted, wanted_refused = heard(bytewise(stream))

    texts, refused = heard(sliced(stream, cuts))

    assert refused == wanted_refused
    assert texts == wanted[: len(texts)]
    assert refused or texts == wanted


@given(NOISE)
def test_no_text_holds_a_control_character_but_tab(stream: bytes) -> None:
    texts, _ = heard([stream])

    controls = {c for text in texts for c in text if unicodedata.category(c) == "Cc"}

    assert controls <= {"\t"}
    assert all(text.strip() and len(text) <= TEXT_LIMIT_CHARACTERS for text in texts)


def test_a_carriage_return_at_the_end_belongs_to_the_line_end() -> None:
    assert heard([b"one\r\ntwo\r\r\nthree\r"]) == (["one", "two", "three"], False)


def test_a_carriage_return_within_a_line_is_shown_as_a_blank() -> None:
    assert heard([b"10 %\r20 %\n"]) == (["10 % 20 %"], False)


def test_tabs_and_letters_of_all_scripts_are_chat() -> None:
    assert heard(["a\tb ñ 漢 \u200d\n".encode()]) == (["a\tb ñ 漢 \u200d"], False)


def test_empty_lines_are_left_out() -> None:
    assert heard([b"\n\r\n  \t\nhi\n\n"]) == (["hi"], False)


def test_the_last_line_needs_no_newline() -> None:
    splitter = LineSplitter()

    assert splitter.feed(b"hi") == []
    assert splitter.finish() == ["hi"]
    assert splitter.finish() == []


@pytest.mark.parametrize("bad", [b"caf\xe9\n", b"\x1b[2J\n", b"a\x00b\n", b"\x7f\n", b"\xc2\x9b\n"])
def test_what_is_no_text_is_refused_on_any_line(bad: bytes) -> None:
    assert heard([bad]) == ([], True)
    assert heard([GREETING, bad]) == (["hello"], True)


@pytest.mark.parametrize(
    "first_line",
    [
        b"GET / HTTP/1.1",
        b"get / HTTP/1.1",
        b"\nGET / HTTP/1.1",
        b"GET /only-a-path",
        b"patch /x?y=1 HTTP/1.1",
        b"x-own-method /x HTTP/2.0",
        b"OPTIONS * HTTP/1.1",
        b"CONNECT example.org:443 HTTP/1.1",
        b"GET http://example.org/ HTTP/1.0",
        b"own http://example.org/ HTTP/1.0",
        b"PRI * HTTP/2.0",
        b"HTTP/1.1 400 Bad Request",
        b"SSH-2.0-OpenSSH_9.6",
        b"EHLO example.org",
        b"HELO example.org",
        b"EHLO",
        b"OPTIONS rtsp://127.0.0.1/stream RTSP/1.0",
        b"RTSP/1.0 200 OK",
        b"OPTIONS sip:nm SIP/2.0",
    ],
)
def test_another_protocol_is_refused_by_its_first_line(first_line: bytes) -> None:
    rest = b"\r\nHost: 127.0.0.1\r\n\r\n"

    assert heard([first_line + rest]) == ([], True)
    assert heard(bytewise(first_line + rest)) == ([], True)
    assert heard([first_line]) == ([], True)


@pytest.mark.parametrize(
    "first_line",
    ["I like HTTP/2", "get it?", "SSH-keys are here", "EHLO -> hi there", "HELO all of you", "/me"],
)
def test_chat_that_only_resembles_another_protocol_is_heard(first_line: str) -> None:
    assert heard([first_line.encode() + b"\n"]) == ([first_line], False)


def test_people_may_talk_about_requests_after_their_first_line() -> None:
    texts, refused = heard([b"hello\nGET / HTTP/1.1\nSSH-2.0-x\n"])

    assert texts == ["hello", "GET / HTTP/1.1", "SSH-2.0-x"]
    assert not refused


@pytest.mark.parametrize("negotiation", [b"\xff\xfd\x03", b"\xff\xfb\x18\xff\xfe\x01", b"\xff\xf1"])
def test_what_telnet_negotiates_is_no_part_of_a_line(negotiation: bytes) -> None:
    assert heard([negotiation + b"hi " + negotiation + b"there\r\n"]) == (["hi there"], False)
    assert heard(bytewise(negotiation)) == ([], False)


def test_telnet_does_not_hide_a_request() -> None:
    assert heard([b"\xff\xfd\x03GET / HTTP/1.1\r\n"]) == ([], True)


def test_a_line_of_exactly_the_limit_passes() -> None:
    texts, refused = heard([b"x" * GUEST_LINE_BYTES + b"\n"])

    assert "".join(texts) == "x" * GUEST_LINE_BYTES
    assert not refused


@pytest.mark.parametrize("before", [b"", GREETING])
def test_a_line_that_is_too_long_is_refused_before_its_end(before: bytes) -> None:
    splitter = LineSplitter()
    splitter.feed(before + b"x" * GUEST_LINE_BYTES)

    with pytest.raises(GuestRefused):
        splitter.feed(b"x")


@pytest.mark.parametrize("before", [b"", GREETING])
@pytest.mark.parametrize("end", [b"", b"\n"])
def test_a_line_that_is_too_long_is_refused_in_one_piece(before: bytes, end: bytes) -> None:
    splitter = LineSplitter()

    with pytest.raises(GuestRefused):
        splitter.feed(before + b"x" * (GUEST_LINE_BYTES + 1) + end)


def test_a_line_longer_than_a_text_comes_in_several() -> None:
    texts = LineSplitter(limit_bytes=10_000).feed(b"x" * 9_000 + b"\n")

    assert [len(text) for text in texts] == [4_000, 4_000, 1_000]


def test_blanks_beyond_the_longest_text_are_no_text_of_their_own() -> None:
    assert heard([b"x" * TEXT_LIMIT_CHARACTERS + b"  \n"]) == (["x" * TEXT_LIMIT_CHARACTERS], False)


def test_tls_is_known_by_its_first_byte() -> None:
    assert looks_like_tls(b"\x16\x03\x01")
    assert not looks_like_tls(b"hello")
    assert not looks_like_tls(b"")


def test_tls_from_a_guest_is_refused_without_waiting_for_a_line() -> None:
    with pytest.raises(GuestRefused):
        LineSplitter().feed(b"\x16\x03\x01")


def test_a_message_is_written_as_nick_arrow_text() -> None:
    assert guest_line("alice", "one\ntwo\r\nthree") == b"alice -> one two three\n"


def test_escapes_are_spelled_out_for_guests() -> None:
    line = guest_line("ali\x1bce\n", "\x1b]52;c;aGk=\x07")

    assert line.count(b"\n") == 1
    assert b"\x1b" not in line
    assert b"\x07" not in line


@given(st.text(min_size=1, max_size=24), st.text(max_size=100))
def test_whatever_is_written_another_node_hears_as_one_line(nick: str, text: str) -> None:
    texts, refused = heard([b"hello\n" + guest_line(nick, text)])

    assert len(texts) == 2
    assert " -> " in texts[1]
    assert not refused

"""Tests of line mode."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from p2pchat.core.notices import (
    Around,
    Connected,
    Dialling,
    Direction,
    Disconnected,
    HeardStatus,
    Listening,
    NeighbourStatus,
    NickChanged,
    Notice,
    Path,
    PathStep,
    Peers,
    Received,
    Remark,
    Sent,
    Skipped,
    Trouble,
)
from p2pchat.core.values import (
    GUEST,
    Address,
    Epoch,
    Kind,
    Message,
    PeerId,
    Person,
    short_fingerprint,
)
from p2pchat.ui.commands import MapForm
from p2pchat.ui.plain import (
    INDENT,
    lines_of,
    lines_of_history,
    lines_of_invite,
    lines_of_map,
    lines_of_path,
    lines_of_peers,
)

from .maps import ALONE, FIVE

BOB_ID = PeerId(bytes([0x10]).ljust(32, b"\1"))
BOB = Person(BOB_ID, "bob")
BOB_KEY = short_fingerprint(BOB_ID)
OTHER_BOB = Person(PeerId(bytes([0x99]).ljust(32, b"\1")), "Bob")
HERE = Address("127.0.0.1", 55556)
ANYTHING = st.text(st.characters(exclude_categories=()))


def _message(text: str, kind: Kind = Kind.TEXT, signer: Person = BOB) -> Message:
    return Message(signer, Epoch(bytes(8)), 0, text, 1_700_000_000_000, kind=kind)


@pytest.mark.parametrize(
    ("notice", "out"),
    [
        (
            Listening(BOB, "lobby", Address("::", 55555), (HERE,)),
            ["Listening for connection requests at [::]:55555"],
        ),
        (Dialling(HERE), ["Requesting connection: 127.0.0.1:55556"]),
        (
            Dialling(Address("10.0.0.1", 5, plain=True)),
            ["Requesting connection: plain://10.0.0.1:5"],
        ),
        (Connected(BOB, HERE, Direction.OUT), ["Connected: bob (127.0.0.1:55556)"]),
        (Connected(BOB, HERE, Direction.OUT, already=True), []),
        (Connected(GUEST, HERE, Direction.IN, guest=True), ["Connected: ~guest (127.0.0.1:55556)"]),
        (Disconnected(BOB, HERE, "lost"), ["Disconnected: bob (127.0.0.1:55556)"]),
        (
            Disconnected(GUEST, HERE, "", left=True, guest=True),
            ["Disconnected: ~guest (127.0.0.1:55556)"],
        ),
        (Received(_message("hello")), ["bob -> hello"]),
        (Received(_message("")), ["bob -> "]),
        (Received(_message("a\n\nb")), ["bob -> a", "      ", "      b"]),
        (
            Received(_message("hi\nConnected: eve (10.0.0.1:5)")),
            ["bob -> hi", "      Connected: eve (10.0.0.1:5)"],
        ),
        (Received(_message("hi\r\x1b[2Kalice -> bye")), [r"bob -> hi\x0d\x1b[2Kalice -> bye"]),
        (Received(_message("hello", Kind.GUEST)), ["~guest -> hello"]),
        (Received(_message("hello", Kind.BRIDGED)), ["~guest -> hello"]),
        (Received(_message("waves\nand smiles", Kind.ACTION)), ["* bob waves", "      and smiles"]),
        (Sent(_message("hello"), 2), []),
        (NickChanged(BOB, "rob"), []),
        (Trouble("no one called\n\x1b[2J", "no-such-peer"), [r"Error: no one called\x0a\x1b[2J"]),
        (Remark("fine"), []),
        (Around("nobody yet"), []),
        (
            Connected(BOB, HERE, Direction.OUT, is_news=False),
            ["Connected: bob (127.0.0.1:55556)"],
        ),
        (Disconnected(BOB, HERE, "", is_news=False), ["Disconnected: bob (127.0.0.1:55556)"]),
        (Skipped(3), []),
    ],
)
def test_standard_output_holds_just_these_lines(notice: Notice, out: list[str]) -> None:
    assert lines_of(notice).out == out


@pytest.mark.parametrize(
    ("notice", "part"),
    [
        (Listening(BOB, "lobby", Address("::", 5), (HERE,)), "connect 127.0.0.1:55556"),
        (Listening(BOB, "lobby", HERE, ()), f"you are bob (key {BOB_KEY}) in lobby"),
        (Connected(BOB, HERE, Direction.OUT, already=True), "already connected to bob"),
        (Disconnected(BOB, HERE, "too\nslow"), r"bob is gone: too\x0aslow"),
        (NickChanged(BOB, "r\x1bob"), r"r\x1bob is now bob"),
        (Remark("fine\n"), r"fine\x0a"),
        (Around("2 people\n"), r"2 people\x0a"),
        (Skipped(3), "3 lines skipped"),
    ],
)
def test_narration_goes_to_standard_error(notice: Notice, part: str) -> None:
    assert any(part in line for line in lines_of(notice).err)


@pytest.mark.parametrize(
    "notice",
    [
        Dialling(HERE),
        Connected(BOB, HERE, Direction.IN),
        Disconnected(BOB, HERE, "said goodbye", left=True),
        Received(_message("hello")),
        Sent(_message("hello"), 0),
        Trouble("no", "bad-input"),
    ],
)
def test_what_standard_output_says_is_not_said_again(notice: Notice) -> None:
    assert lines_of(notice).err == []


@given(ANYTHING, ANYTHING, st.sampled_from(list(Kind)))
def test_whatever_comes_from_outside_each_line_is_one_line(
    nick: str, text: str, kind: Kind
) -> None:
    person = Person(BOB.id, nick)
    address = Address(text, 5)
    notices: list[Notice] = [
        Received(_message(text, kind, person)),
        Connected(person, address, Direction.IN),
        Disconnected(person, address, text),
        Dialling(address),
        NickChanged(person, text),
        Trouble(text, "bad-input"),
        Remark(text),
        Listening(person, text, address, (address,)),
    ]

    lines = [line for notice in notices for group in lines_of(notice) for line in group]

    for line in lines:
        assert len(f"{line}x".splitlines()) == 1
        assert not any(unicodedata.category(character) == "Cc" for character in line)


@given(ANYTHING, ANYTHING)
@example("", "the end of a line that was pasted\n")
def test_only_the_first_line_of_a_text_begins_at_the_margin(nick: str, text: str) -> None:
    first, *more = lines_of(Received(_message(text, signer=Person(BOB.id, f"x{nick}")))).out

    assert first.startswith("x")
    assert len(more) == text.removesuffix("\n").count("\n")
    assert all(line.startswith(INDENT) for line in more)


def _neighbour(person: Person, rtt_ms: float | None = 1.25) -> NeighbourStatus:
    return NeighbourStatus(person, HERE, Direction.OUT, rtt_ms, heard_s=3.2, connected_s=200)


def test_peers_are_one_labelled_line_each() -> None:
    carol = Person(PeerId(bytes(32)), "carol")
    peers = Peers((_neighbour(BOB),), (HeardStatus(carol, 2, 7300.0),))

    lines = lines_of_peers(peers, lambda peer: peer == BOB.id)

    assert lines == [
        "name bob  address 127.0.0.1:55556  connection out  for 3 min  kept as beside  rtt 1.2 ms"
        f"  heard 3 s ago  key {BOB_KEY}  verified",
        "name carol  hops 2  heard 2 h ago  key 0000-0000  not verified",
    ]


def test_two_people_with_one_nick_are_told_apart_in_the_list() -> None:
    lines = lines_of_peers(Peers((_neighbour(BOB),), (HeardStatus(OTHER_BOB, 2, 1.0),)))

    assert lines[0].startswith("name bob#")
    assert lines[1].startswith("name Bob#")


def test_a_guest_without_measurement_is_listed_as_what_it_is() -> None:
    (line,) = lines_of_peers(Peers((_neighbour(GUEST, None),), ()))

    assert "name ~guest" in line
    assert "rtt unknown" in line
    assert line.endswith("key none (unverified guest)")


def test_the_history_is_in_the_form_in_which_messages_are_printed() -> None:
    messages = [_message("hello\nthere"), _message("waves", Kind.ACTION), _message("", Kind.GUEST)]

    lines = lines_of_history(messages)

    assert lines == ["bob -> hello", f"{INDENT}there", "* bob waves", "~guest -> "]


def test_an_empty_history_says_so() -> None:
    assert lines_of_history([]) == ["nobody has said anything yet"]


def test_an_empty_list_says_so() -> None:
    assert lines_of_peers(Peers((), ())) == ["no one is connected"]


def test_a_map_is_indented_or_text_for_other_programs() -> None:
    assert lines_of_map(FIVE, MapForm.TREE)[:3] == [
        "you",
        "  bob",
        "  carol, also connected to bob",
    ]
    assert lines_of_map(FIVE, MapForm.MERMAID)[0] == "graph LR"
    assert lines_of_map(FIVE, MapForm.DOT)[-1] == "}"
    assert lines_of_map(ALONE, MapForm.TREE) == ["no one is connected"]


def test_people_on_a_way_are_told_apart() -> None:
    path = Path((PathStep(OTHER_BOB, 0), PathStep(BOB, 0)), is_complete=True, rtt_ms=1.0)

    (line,) = lines_of_path(path, BOB)

    assert line.startswith("bob#")
    assert "via Bob#" in line
    assert lines_of_path(path, _message("hi"))[2].endswith(": wrote it")


def test_an_invite_is_a_line_below_its_picture() -> None:
    assert lines_of_invite("p2pchat://x", "█▀\n▄█", "a note") == [
        "█▀",
        "▄█",
        "p2pchat://x",
        "a note",
    ]
    assert lines_of_invite("p2pchat://x", None, "") == ["p2pchat://x"]

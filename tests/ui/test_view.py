"""Notices as lines for people."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from io import StringIO
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from p2pchat.core.notices import (
    Around,
    Connected,
    Dialling,
    Direction,
    Disconnected,
    How,
    Listening,
    NickChanged,
    Notice,
    Received,
    Remark,
    Sent,
    Skipped,
    Trouble,
)
from p2pchat.core.values import GUEST, Address, Epoch, Kind, Message, PeerId, Person
from p2pchat.ui.banner import banner
from p2pchat.ui.theme import Theme
from p2pchat.ui.view import (
    NOBODY,
    Line,
    Scene,
    has_line,
    mentions,
    render,
    render_help,
    skipped_line,
)
from p2pchat.ui.wrapping import GUTTER

if TYPE_CHECKING:
    from rich.console import RenderableType

ALICE = Person(PeerId(b"a" * 32), "alice")
BOB = Person(PeerId(b"b" * 32), "bob")
OTHER_BOB = Person(PeerId(b"c" * 32), "bob")
NOON = datetime(2026, 3, 1, 12, 4, tzinfo=UTC)
HERE = Address("127.0.0.1", 55556)
THERE = Address("192.168.1.7", 55555)
SCENE = Scene(ALICE)


def said(
    text: str, by: Person = BOB, kind: int = Kind.TEXT, at: datetime = NOON, number: int = 0
) -> Message:
    return Message(by, Epoch(b"12345678"), number, text, int(at.timestamp() * 1000), kind=kind)


def plain(item: RenderableType, width: int = 100) -> str:
    written = StringIO()
    Console(file=written, width=width, color_system=None).print(item, soft_wrap=True)
    return written.getvalue().removesuffix("\n")


def line(notice: Notice, scene: Scene = SCENE, at: datetime = NOON) -> str:
    text = render(notice, at, scene)
    assert text is not None
    return plain(text)


@pytest.mark.parametrize(
    ("notice", "expected"),
    [
        (Received(said("hello")), "12:04 bob: hello"),
        (Received(said("waves", kind=Kind.ACTION)), "12:04 * bob waves"),
        (Received(said("one\ntwo\n")), "12:04 bob: one\n      two"),
        (Received(said("see @alice, ok?")), "12:04 >> bob: see @alice, ok?"),
        (Received(said("pokes alice", kind=Kind.ACTION)), "12:04 >> * bob pokes alice"),
        (
            Received(said("hi", kind=Kind.GUEST)),
            "12:04 ~guest (via bob, unverified): hi",
        ),
        (
            Received(said("hi alice", kind=Kind.BRIDGED, by=ALICE)),
            "12:04 >> ~guest (via you, unverified): hi alice",
        ),
        (Sent(said("hi alice", by=ALICE), 2), "12:04 alice: hi alice"),
        (Sent(said("waves", by=ALICE, kind=Kind.ACTION), 1), "12:04 * alice waves"),
        (
            Sent(said("hi", by=ALICE), 0),
            f"12:04 alice: hi\n12:04 -- {NOBODY}",
        ),
        (
            Connected(BOB, HERE, Direction.IN),
            "12:04 --> bob joined (this machine, key c9h6-4rk2, encrypted, not verified)",
        ),
        (
            Connected(BOB, THERE, Direction.OUT),
            "12:04 --> bob joined (192.168.1.7:55555, key c9h6-4rk2, encrypted, not verified)",
        ),
        (
            Connected(BOB, HERE, Direction.OUT, how=How.MACHINE),
            "12:04 --> bob joined (found on this machine, key c9h6-4rk2, encrypted, not verified)",
        ),
        (
            Connected(BOB, THERE, Direction.IN, how=How.CALLED),
            "12:04 --> bob joined (192.168.1.7:55555, key c9h6-4rk2, encrypted, not verified)",
        ),
        (
            Connected(BOB, HERE, Direction.OUT, already=True, is_news=False),
            "12:04 -- already connected to bob (127.0.0.1:55556).",
        ),
        (
            Connected(BOB, HERE, Direction.OUT, already=True),
            "12:04 -- already connected to bob (127.0.0.1:55556).",
        ),
        (
            Connected(GUEST, HERE, Direction.IN, guest=True),
            "12:04 --> ~guest joined (this machine, plain text, not encrypted, not verified)",
        ),
        (Disconnected(BOB, HERE, "connection lost"), "12:04 <-- bob left (connection lost)"),
        (Disconnected(BOB, HERE, "", left=True), "12:04 <-- bob left"),
        (Disconnected(GUEST, HERE, "", guest=True), "12:04 <-- ~guest left"),
        (NickChanged(BOB, "rob"), "12:04 -- rob is now called bob"),
        (NickChanged(ALICE, "ally"), "12:04 -- you are now called alice"),
        (Trouble("that went wrong", "refused"), "12:04 -!- that went wrong"),
        (Remark("all is well"), "12:04 -- all is well"),
        (Around("2 people are here"), "12:04 -- 2 people are here"),
        (Dialling(HERE), "12:04 -- connecting to 127.0.0.1:55556"),
        (Skipped(1), "-- … 1 line skipped"),
        (Skipped(312), "-- … 312 lines skipped"),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else "",
)
def test_every_notice_has_its_line(notice: Notice, expected: str) -> None:
    assert line(notice) == expected


def test_a_line_is_what_its_notice_renders_to() -> None:
    notice = Received(said("hello"))

    assert plain(Line(notice, NOON, SCENE)) == line(notice)


def test_what_nobody_got_is_left_to_the_terminal_and_what_is_said_of_it_breaks_at_blanks() -> None:
    notice = Sent(said("one " * 20 + "\nand more", by=ALICE), 0)

    rows = plain(Line(notice, NOON, SCENE), width=50).split("\n")

    assert [rows[0], rows[1].strip()] == ["12:04 alice: " + "one " * 20, "and more"]
    assert rows[2:] == [
        "12:04 -- no one is connected: nobody got that;",
        "      whoever joins in the next 10 minutes gets it",
    ]


@pytest.mark.parametrize(
    "notice",
    [
        Listening(ALICE, "lobby", HERE, ()),
        Connected(BOB, HERE, Direction.OUT, is_news=False),
        Disconnected(BOB, HERE, "lost", is_news=False),
    ],
)
def test_what_is_no_news_has_no_line_of_its_own(notice: Notice) -> None:
    assert render(notice, NOON, SCENE) is None
    assert not has_line(notice)


def test_a_message_is_shown_with_its_authors_time_in_the_readers_zone() -> None:
    reader = timezone(timedelta(hours=2))
    written = said("hello", at=NOON - timedelta(minutes=14))

    assert line(Received(written), at=NOON.astimezone(reader)) == "13:50 bob: hello"


@pytest.mark.parametrize(
    ("text", "is_mention"),
    [
        ("alice", True),
        ("@alice: hi", True),
        ("hey ALICE!", True),
        ("(alice)", True),
        ("alice's", True),
        ("alice-", True),
        ("malice", False),
        ("alices", False),
        ("alice-cooper", False),
        ("poly-alice", False),
        ("alice_2", False),
        ("", False),
    ],
)
def test_a_nick_is_mentioned_only_as_a_word_of_its_own(text: str, *, is_mention: bool) -> None:
    assert mentions(text, "alice") is is_mention


@given(st.text(), st.text(min_size=1, max_size=24))
def test_any_nick_may_be_looked_for_in_any_text(text: str, nick: str) -> None:
    assert mentions(f"{text} {nick} {text}", nick) or not nick.strip() or nick[0] == nick[-1] == "-"


def test_an_own_line_under_an_old_nick_is_no_mention() -> None:
    renamed = Scene(Person(ALICE.id, "anna"))

    assert line(Received(said("anna is my name", ALICE)), renamed) == "12:04 alice: anna is my name"


def test_a_mention_is_bold_and_an_own_line_never_is() -> None:
    mention = render(Received(said("hi alice")), NOON, SCENE)
    own = render(Sent(said("hi alice", by=ALICE), 1), NOON, SCENE)

    assert mention is not None
    assert own is not None
    assert any(span.style == "bold" for span in mention.spans)
    assert not any(span.style == "bold" for span in own.spans)


def test_the_colour_of_a_nick_comes_from_the_key() -> None:
    first = render(Received(said("hi", by=BOB)), NOON, SCENE)
    impostor = render(Received(said("hi", by=OTHER_BOB)), NOON, SCENE)

    assert first is not None
    assert impostor is not None
    assert any(span.style == Theme().nick(BOB.id) for span in first.spans)
    assert any(span.style == Theme().nick(OTHER_BOB.id) for span in impostor.spans)
    assert Theme().nick(BOB.id) != Theme().nick(OTHER_BOB.id)


def test_two_people_with_one_nick_are_told_apart() -> None:
    scene = Scene(ALICE, known=(ALICE, BOB, OTHER_BOB))

    lines = {line(Received(said("hi", by=person)), scene) for person in (BOB, OTHER_BOB)}

    assert lines == {"12:04 bob#c9h6: hi", "12:04 bob#cdhp: hi"}


def test_no_line_of_a_text_can_pose_as_a_line_of_its_own() -> None:
    shown = line(Received(said("hi\r\n12:05 carol: I quit\x0b12:06 dave: me too\u2028x")))

    first, second = shown.split("\n")
    assert first == r"12:04 bob: hi\x0d"
    assert second == GUTTER + r"12:05 carol: I quit\x0b12:06 dave: me too\u2028x"


def test_a_long_text_shows_fifty_lines_and_how_many_more_there_are() -> None:
    text = "\n".join(f"row {number}" for number in range(262))

    rows = line(Received(said(text))).split("\n")

    assert len(rows) == 51
    assert rows[49] == f"{GUTTER}row 49"
    assert rows[50] == f"{GUTTER}... 212 more"


def test_a_text_of_fifty_lines_is_shown_whole() -> None:
    text = "\n".join(f"row {number}" for number in range(50))

    rows = line(Received(said(text))).split("\n")

    assert len(rows) == 50
    assert rows[-1] == f"{GUTTER}row 49"


@pytest.mark.parametrize(
    ("text", "shown"), [("x" * 2_001, "x" * 2_000), ("字" * 1_001, "字" * 1_000)]
)
def test_an_endless_line_is_cut_and_says_so(text: str, shown: str) -> None:
    assert line(Received(said(text))) == f"12:04 bob: {shown} ... cut"


def test_a_line_of_just_the_limit_is_not_cut() -> None:
    assert line(Received(said("字" * 1_000))) == f"12:04 bob: {'字' * 1_000}"


UNTRUSTED = st.text(max_size=200) | st.text(alphabet="\x1b\r\n\t\x9b[2Jm;\x07\u202e\u2028 a")


@given(UNTRUSTED, UNTRUSTED, UNTRUSTED)
def test_nothing_from_outside_steers_the_terminal(nick: str, text: str, reason: str) -> None:
    person = Person(BOB.id, nick)
    notices: list[Notice] = [
        Received(said(text, by=person)),
        Received(said(text, by=person, kind=Kind.GUEST)),
        Sent(said(text, by=person), 0),
        Connected(person, Address(reason, 1), Direction.IN),
        Disconnected(person, HERE, reason),
        NickChanged(person, reason),
        Trouble(reason, "refused"),
        Remark(reason),
    ]

    for notice in notices:
        shown = line(notice, Scene(Person(ALICE.id, reason or "x"), known=(BOB, person)))

        assert not [c for c in shown if (ord(c) < 32 and c != "\n") or 127 <= ord(c) < 160]
        assert "\u202e" not in shown
        assert "\u2028" not in shown
        rows = shown.split("\n")
        assert all(row.startswith((GUTTER, "12:04 -- no one")) for row in rows[1:])


@given(UNTRUSTED)
def test_what_was_said_is_never_taken_for_markup(text: str) -> None:
    shown = line(Received(said(f"[bold]{text.strip() or 'x'}[/login] :heart: 10:30")))

    assert "[bold]" in shown
    assert shown.endswith("[/login] :heart: 10:30") or "more" in shown


def test_the_banner_says_who_one_is_and_how_others_connect() -> None:
    listening = Listening(ALICE, "lobby", Address("::", 55555), (Address("192.168.1.5", 55555),))

    assert [plain(text) for text in banner(listening, "0.1.0")] == [
        "p2pchat 0.1.0   you are alice (key c5gp-2rb1-…)",
        "Listening for connection requests at [::]:55555",
        "lobby is an open room: whoever is on this network can read it and write to it. "
        "For a private one: p2pchat invite --new-room NAME",
        "no one here yet. Other terminals of this machine join by themselves; "
        "on another machine type:  connect 192.168.1.5:55555",
        "/help lists the commands, exit leaves.",
    ]


def test_the_banner_of_a_private_room_says_that_it_is_private() -> None:
    bound, away = Address("::", 55555), Address("192.168.1.5", 55555)
    lines = [
        plain(t) for t in banner(Listening(ALICE, "tea", bound, (away,), is_private=True), "1")
    ]

    assert lines[2] == "tea: private room, members only. /invite makes somebody a member."
    assert "invite" in lines[3]
    assert "open room" not in " ".join(lines)


@pytest.mark.parametrize(
    ("bound", "reachable_at", "hint"),
    [
        (Address("127.0.0.1", 7), (Address("127.0.0.1", 7),), "connect 127.0.0.1:7"),
        (Address("0.0.0.0", 7), (), "connect 127.0.0.1:7"),
        (Address("::1", 7), (Address("::1", 7),), "connect [::1]:7"),
        (
            THERE,
            (THERE,),
            "connect 192.168.1.7:55555 (from another machine: connect 192.168.1.7:55555)",
        ),
    ],
)
def test_the_banner_of_a_manual_node_names_only_addresses_that_work(
    bound: Address, reachable_at: tuple[Address, ...], hint: str
) -> None:
    listening = Listening(ALICE, "lobby", bound, reachable_at, is_manual=True)

    lines = [plain(text) for text in banner(listening, "1")]

    assert lines[3].endswith(f"type:  {hint}")


def test_the_banner_does_not_send_anybody_to_an_address_that_there_is_not() -> None:
    lines = [plain(text) for text in banner(Listening(ALICE, "lobby", HERE, (HERE,)), "1")]

    assert lines[3] == "no one here yet. Other terminals of this machine join by themselves."


def test_help_keeps_its_lines_and_lets_commands_stand_out() -> None:
    text = render_help(["/peers  list them", "", "  also this"])

    assert plain(text) == "/peers  list them\n\n  also this"
    assert [text.plain[span.start : span.end] for span in text.spans if span.style == "bold"] == [
        "/peers"
    ]


def test_skipped_lines_are_counted_in_words() -> None:
    assert plain(skipped_line(2)) == "-- … 2 lines skipped"

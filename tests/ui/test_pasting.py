"""Long texts in the editor."""

from __future__ import annotations

from p2pchat.core import limits
from p2pchat.ui.commands import Say, SetBack, ShowPeers, Write
from p2pchat.ui.pasting import Pasting, commands_of
from tests.ui.desk import Desk, desk

LINES = "".join(f"line {number}\n" for number in range(1_000))


def test_a_long_text_is_asked_about_once_and_then_goes() -> None:
    pasting = Pasting()

    question = pasting.question(LINES)

    assert question == "3 messages, at once: Enter again sends, Ctrl+C drops"
    assert pasting.question(LINES) is None


def test_another_long_text_is_asked_about_again() -> None:
    pasting = Pasting()
    pasting.question(LINES)

    assert pasting.question(LINES + "more") is not None
    assert pasting.question("short") is None
    assert pasting.question(LINES) is not None


def test_what_takes_a_while_says_how_long_and_a_private_room_does_not_make_anybody_wait() -> None:
    pasting = Pasting()
    text = "x" * (2 * limits.AUTHOR_BYTES)

    slow = pasting.question(text)
    pasting.is_private = True
    fast = pasting.question(text + "y")

    assert slow is not None
    assert fast is not None
    assert ", about " in slow
    assert ", at once:" in fast


def test_only_what_goes_to_everybody_is_cut() -> None:
    assert Pasting().question("@bob " + LINES) is None
    assert [type(command) for command in commands_of("@bob " + LINES)] == [Write]
    assert Pasting().question("/peers") is None
    assert list(commands_of("/peers")) == [ShowPeers()]


def test_a_long_text_with_an_invite_in_it_is_refused_whole() -> None:
    text = LINES + "p2pchat://lAGlbG9i"

    assert Pasting().question(text) is None
    assert [type(command) for command in commands_of(text)] == [SetBack]


def test_the_pieces_are_the_text() -> None:
    commands = list(commands_of(LINES + "end"))

    assert all(isinstance(command, Say) for command in commands)
    assert "".join(each.text for each in commands if isinstance(each, Say)) == LINES + "end"


def toolbar_of(d: Desk) -> str:
    return "".join(fragment[1] for fragment in d.terminal._toolbar_text())


async def test_the_text_stays_in_the_editor_until_it_is_confirmed() -> None:
    pasted = "\x1b[200~" + LINES.replace("\n", "\r") + "\x1b[201~"
    async with desk(question=Pasting().question) as d:
        d.keys.send_text(pasted + "\r")
        await d.until(lambda: "Enter again sends" in toolbar_of(d))
        editor = d.terminal._session.default_buffer
        assert editor.text == LINES
        assert toolbar_of(d) == " 3 messages, at once: Enter again sends, Ctrl+C drops"

        d.keys.send_text("\r")
        assert await d.line() == LINES
        assert editor.text == ""


async def test_what_is_dropped_is_not_sent() -> None:
    pasted = "\x1b[200~" + LINES.replace("\n", "\r") + "\x1b[201~"
    async with desk(question=Pasting().question) as d:
        d.keys.send_text(pasted + "\r")
        await d.until(lambda: "Enter again sends" in toolbar_of(d))
        d.keys.send_text("\x03")
        await d.until(lambda: toolbar_of(d).startswith(" lobby"))
        d.keys.send_text("hello\r")

        assert await d.line() == "hello"

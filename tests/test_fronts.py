"""Which face the program has, and what each makes of a notice."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

import pytest

from p2pchat import fronts, pipe_fronts
from p2pchat.core.notices import (
    Connected,
    Direction,
    Disconnected,
    Finding,
    Health,
    Listening,
    MapPerson,
    NetworkMap,
    Notice,
    Path,
    PathStep,
    Peers,
    Received,
    Remark,
    Trouble,
)
from p2pchat.core.values import Address, Epoch, Message, PeerId, Person
from p2pchat.fronts import LinearFront, TerminalFront, chosen
from p2pchat.pipe_fronts import JsonFront, LineFront, PipeFront
from p2pchat.stdio import StandardOutput
from p2pchat.ui.commands import MapForm, NotYet, Say, SetBack
from p2pchat.ui.model import Toolbar
from tests.deadline import DEADLINE_S
from tests.ui.desk import desk

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

ANN = Person(PeerId(b"a" * 32), "ann")
BOB = Person(PeerId(b"b" * 32), "bob")
HERE = Address("127.0.0.1", 55555)
LISTENING = Listening(ANN, "lobby", Address("::", 55555), (HERE,))
CONNECTED = Connected(BOB, HERE, Direction.OUT)


def said(number: int, *, earlier: bool = False, by: Person = BOB) -> Message:
    return Message(by, Epoch(bytes(8)), number, f"line {number}", 0, earlier=earlier)


class Somewhere:
    """What a front may ask."""

    me = ANN
    known: tuple[Person, ...] = (BOB,)
    named: tuple[Person, ...] = (BOB, ANN)
    toolbar = Toolbar("lobby", 1, 55555)
    known_addresses: Sequence[str] = ()
    stale_s: float | None = None

    def is_verified(self, peer: PeerId) -> bool:
        return peer == BOB.id


class Stream:
    def __init__(self, *, is_terminal: bool) -> None:
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        return self._is_terminal


@pytest.mark.parametrize(
    ("stdin", "stdout", "asked", "face"),
    [
        (True, True, {}, TerminalFront),
        (True, True, {"plain_text": True}, LinearFront),
        (True, True, {"is_dumb": True}, LinearFront),
        (True, False, {}, LineFront),
        (False, True, {}, LineFront),
        (False, False, {"plain_text": True, "is_dumb": True}, LineFront),
        (True, True, {"json": True}, JsonFront),
        (False, False, {"json": True}, JsonFront),
    ],
)
def test_the_face_follows_from_what_input_and_output_are(
    monkeypatch: pytest.MonkeyPatch,
    stdin: bool,
    stdout: bool,
    asked: dict[str, bool],
    face: type[object],
) -> None:
    monkeypatch.setattr(sys, "stdin", Stream(is_terminal=stdin))
    monkeypatch.setattr(sys, "stdout", Stream(is_terminal=stdout))
    flags: dict[str, Any] = {"json": False, "plain_text": False, "is_dumb": False, **asked}

    front = chosen(Somewhere(), color="off", is_quiet=False, **flags)()

    assert type(front) is face


class Written:
    """What a front has written, once it is over."""

    out = ""
    err = ""


@asynccontextmanager
async def written_by(front: PipeFront, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Written]:
    pipes = {1: os.pipe(), 2: os.pipe()}
    monkeypatch.setattr(
        pipe_fronts, "StandardOutput", lambda descriptor=1: StandardOutput(pipes[descriptor][1])
    )
    written = Written()
    async with asyncio.timeout(DEADLINE_S):
        async with front:
            yield written
    for descriptor, (reader, writer) in pipes.items():
        os.close(writer)
        with open(reader) as stream:  # noqa: PTH123, ASYNC230 - a pipe that has ended
            setattr(written, "out" if descriptor == 1 else "err", stream.read())


async def test_line_mode_prints_the_contract_and_narrates_beside_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    front = LineFront()
    async with written_by(front, monkeypatch) as written:
        for notice in (LISTENING, CONNECTED, Remark("quietly"), Trouble("aloud", "refused")):
            front.show(notice)
        front.refuse(SetBack("no", "bad-input", "x"), None)
        front.refuse(NotYet("/map"), None)

    assert written.out.splitlines() == [
        "Listening for connection requests at [::]:55555",
        "Connected: bob (127.0.0.1:55555)",
        "Error: aloud",
        "Error: no",
        f"Error: {NotYet('/map').text}",
    ]
    assert "quietly" in written.err
    assert "you are ann" in written.err


async def test_quiet_leaves_the_narration_out(monkeypatch: pytest.MonkeyPatch) -> None:
    front = LineFront(is_quiet=True)
    async with written_by(front, monkeypatch) as written:
        front.show(LISTENING)
        front.show(Remark("quietly"))
        front.show_help(None, None)
        front.show_peers(Peers((), ()), None)

    assert written.err == ""
    assert len(written.out.splitlines()) == 1


async def test_json_prints_objects_and_a_bye(monkeypatch: pytest.MonkeyPatch) -> None:
    front = JsonFront()
    async with written_by(front, monkeypatch) as written:
        front.show(LISTENING)
        front.show(CONNECTED, "mine")
        front.show(Remark("quietly"))
        front.refuse(SetBack("no", "bad-input", "x"), "this")
        front.refuse(NotYet("/map"), "that")
        front.show_peers(Peers((), ()), "who")
        front.show_help(None, "help")

    objects = [json.loads(line) for line in written.out.splitlines()]
    assert [(found["type"], found.get("ref")) for found in objects] == [
        ("ready", None),
        ("connected", "mine"),
        ("error", "this"),
        ("error", "that"),
        ("result", "who"),
        ("result", "help"),
        ("bye", None),
    ]
    assert [found["code"] for found in objects[2:4]] == ["bad-input", "not-yet"]
    assert written.err == "quietly\n"


async def test_linear_text_prints_the_lines_of_the_terminal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    front = LinearFront(Somewhere(), "off")
    async with written_by(front, monkeypatch) as written:
        front.show(LISTENING)
        front.show(CONNECTED)
        front.refuse(SetBack("no", "bad-input", "x"), None)

    assert "--> bob joined (" in written.out
    assert written.out.splitlines()[-1] == "-!- no"
    assert "\x1b" not in written.out


async def test_every_face_answers_history_with_ones_own_messages_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    messages = [said(1), said(2, by=ANN)]
    line, json_lines, linear = LineFront(), JsonFront(), LinearFront(Somewhere(), "off")
    async with written_by(line, monkeypatch) as of_line:
        line.show_history(messages, None)
    async with written_by(json_lines, monkeypatch) as of_json:
        json_lines.show_history(messages, "r")
    async with written_by(linear, monkeypatch) as of_linear:
        linear.show_history(messages, None)
        linear.show_history([], None)

    assert (of_line.out, of_line.err) == ("", "bob -> line 1\nann -> line 2\n")
    result = json.loads(of_json.out.splitlines()[0])
    assert (result["type"], result["command"], result["ref"]) == ("result", "history", "r")
    assert [found["text"] for found in result["data"]] == ["line 1", "line 2"]
    assert without_times(of_linear.out) == [
        "bob: line 1", "ann: line 2", "-- nobody has said anything yet",
    ]  # fmt: skip


def without_times(out: str) -> list[str]:
    return [line[len("12:34 ") :] for line in out.splitlines()]


@asynccontextmanager
async def linear_with_backlog(
    monkeypatch: pytest.MonkeyPatch, gather_s: float
) -> AsyncIterator[tuple[LinearFront, Written]]:
    """Give linear text that was shown 60 earlier messages a moment ago."""
    monkeypatch.setattr(fronts, "GATHER_S", gather_s)
    front = LinearFront(Somewhere(), "off")
    async with written_by(front, monkeypatch) as written:
        for number in range(60):
            front.show(Received(said(number, earlier=True)))
        yield front, written


BACKLOG_SHOWN = [
    "-- … 10 more, /history 60",
    *(f"(earlier) bob: line {number}" for number in range(10, 60)),
]


async def test_what_was_held_back_stands_before_whatever_is_shown_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with linear_with_backlog(monkeypatch, gather_s=1_000) as (front, written):
        front.show(Received(said(60)))
        front.show(Received(said(61, earlier=True)))
        front.refuse(SetBack("no", "bad-input", "x"), None)

    assert without_times(written.out)[:-1] == [
        *BACKLOG_SHOWN,
        "bob: line 60",
        "(earlier) bob: line 61",
    ]
    assert written.out.splitlines()[-1] == "-!- no"


async def test_what_is_held_back_at_the_end_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    async with linear_with_backlog(monkeypatch, gather_s=1_000) as (_, written):
        pass

    assert without_times(written.out) == BACKLOG_SHOWN


async def test_earlier_messages_are_shown_by_themselves_when_no_more_come(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with linear_with_backlog(monkeypatch, gather_s=0.01) as (front, written):
        printed: asyncio.Queue[str] = asyncio.Queue(100)
        monkeypatch.setattr(front._output, "write", printed.put_nowait)

        lines = [await printed.get() for _ in BACKLOG_SHOWN]

    assert without_times("".join(lines)) == BACKLOG_SHOWN
    assert written.out == ""


@pytest.mark.parametrize("face", [LineFront, JsonFront])
async def test_programs_get_every_earlier_message_at_once(
    monkeypatch: pytest.MonkeyPatch, face: type[LineFront | JsonFront]
) -> None:
    front = face()
    async with written_by(front, monkeypatch) as written:
        for number in range(60):
            front.show(Received(said(number, earlier=True)))

    texts = [f"line {number}" for number in range(60)]
    assert all(text in line for text, line in zip(texts, written.out.splitlines(), strict=False))
    assert "more" not in written.out


async def test_the_lines_of_the_input_become_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = os.pipe()
    os.write(writer, b"hello\n")
    os.close(writer)
    front = LineFront()
    monkeypatch.setattr(front._input, "_descriptor", reader)

    async with asyncio.timeout(DEADLINE_S):
        requests = [request async for request in front.requests()]
    os.close(reader)

    assert [request.command for request in requests] == [Say("hello")]


async def test_a_hurried_front_does_not_wait_for_its_reader(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pipe_fronts, "HURRY_S", 0.01)
    reader, writer = os.pipe()
    monkeypatch.setattr(pipe_fronts, "StandardOutput", lambda _=1: StandardOutput(writer))
    front = LineFront()
    try:
        async with asyncio.timeout(DEADLINE_S), front:
            front.show(Trouble("x" * 1_000_000, "refused"))
            front.hurry()
    finally:
        with suppress(OSError):
            os.close(reader)  # wakes the thread that writes


MAP = NetworkMap(ANN, (MapPerson(ANN, True),), (), (), is_complete=True)
WAY = Path((PathStep(BOB, 0),), is_complete=True, rtt_ms=1.0)
FOUND = (Finding("port", Health.GOOD, "open"),)


def ask_everything(front: PipeFront | TerminalFront) -> None:
    assert isinstance(front, LineFront | JsonFront | LinearFront | TerminalFront)
    front.show_map(MAP, MapForm.TREE, "1")
    front.show_path(WAY, BOB, "2")
    front.show_doctor(FOUND, "3")
    front.show_invite("p2pchat://x", None, "a note", "4")


async def test_every_face_answers_what_joining_can_be_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    line, json_lines, linear = LineFront(), JsonFront(), LinearFront(Somewhere(), "off")
    async with written_by(line, monkeypatch) as of_line:
        ask_everything(line)
    async with written_by(json_lines, monkeypatch) as of_json:
        ask_everything(json_lines)
    async with written_by(linear, monkeypatch) as of_linear:
        ask_everything(linear)

    answers = [
        "no one is connected", "bob: 1.0 ms directly, as a neighbour", "[ok] port   open",
        "p2pchat://x", "a note",
    ]  # fmt: skip
    assert (of_line.out, of_line.err.splitlines()) == ("", answers)
    assert [json.loads(text).get("command") for text in of_json.out.splitlines()[:-1]] == [
        "map", "ping", "doctor", "invite",
    ]  # fmt: skip
    shown = of_linear.out.splitlines()
    assert shown[0] == answers[0]
    assert shown[1].endswith(f"-- {answers[1]}")
    assert shown[2:] == answers[2:]


async def test_the_terminal_answers_what_joining_can_be_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with desk() as at:
        front = TerminalFront(Somewhere(), "off")
        monkeypatch.setattr(front._screen, "_terminal", at.terminal)
        ask_everything(front)
        front.show(Connected(BOB, HERE, Direction.OUT, is_news=False))
        await at.until(lambda: "a note" in at.paper.raw)

    assert at.paper.printed[0] == "-- no one is connected"
    assert at.paper.printed[1].endswith("-- bob: 1.0 ms directly, as a neighbour")
    assert at.paper.printed[2:] == ["[ok] port   open", "p2pchat://x", "-- a note"]


async def test_what_is_no_news_is_told_to_programs_only(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Notice] = [
        Connected(BOB, HERE, Direction.OUT, is_news=False),
        Disconnected(BOB, HERE, "", left=True, is_news=False),
    ]
    line, linear = LineFront(), LinearFront(Somewhere(), "off")
    async with written_by(line, monkeypatch) as of_line:
        for notice in told:
            line.show(notice)
    async with written_by(linear, monkeypatch) as of_linear:
        for notice in told:
            linear.show(notice)

    assert [text.split()[0] for text in of_line.out.splitlines()] == ["Connected:", "Disconnected:"]
    assert of_linear.out == ""

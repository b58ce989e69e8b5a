"""Messages to one person, as each face shows them."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pchat.core.notices import (
    Direct,
    DirectArrived,
    DirectGivenUp,
    DirectReceipt,
    DirectSent,
    DirectWaits,
    Joined,
    Left,
    Notice,
    Remark,
)
from p2pchat.core.values import Kind, PeerId, Person
from p2pchat.ui import ndjson, ndjson_people, plain
from p2pchat.ui.lateness import UNDER_WAY_LIMIT, Lateness
from p2pchat.ui.names import name_alone
from p2pchat.ui.people import AboutPerson, Marked, SafetyNumber, Whois
from p2pchat.ui.theme import ColourMode, Theme
from p2pchat.ui.view import Scene, has_line, render
from p2pchat.ui.words import DirectNotice, of_those_left
from p2pchat.ui.wrapping import GUTTER

ANN = Person(PeerId(b"a" * 32), "ann")
BOB = Person(PeerId(b"b" * 32), "bob")
BOB_JSON = {"id": b"b".hex() * 32, "nick": "bob"}
CID = Person(PeerId(b"d" * 32), "cid")
OTHER_BOB = Person(PeerId(b"c" * 32), "bob")
AT = datetime(2026, 3, 4, 12, 6, tzinfo=UTC)
AT_MS = int(AT.timestamp() * 1000)
SCENE = Scene(ANN, Theme(ColourMode.OFF), (BOB,))
ID = "0" * 32

LINES: list[tuple[Notice, str | None]] = [
    (DirectWaits(ID, BOB), "-!- not delivered to bob yet; it stays in the outbox and goes when "
     "bob is back"),
    (DirectGivenUp(ID, BOB), "-!- your message to bob waited for 7 days in vain and is given up"),
    (DirectReceipt(ID, BOB), None),
    (Joined(BOB, CID, 2), "--> bob joined via cid (2 hops)"),
    (Left(BOB), "<-- bob left"),
]  # fmt: skip


def direct(text: str = "hi", *, kind: Kind = Kind.TEXT, time_ms: int = AT_MS) -> Direct:
    return Direct(ID, BOB, time_ms, kind, text)


def shown(notice: Notice, scene: Scene = SCENE) -> str | None:
    text = render(notice, AT, scene)
    return None if text is None else text.plain


# --- The terminal -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("notice", "line"),
    [
        (DirectArrived(direct("a\nb")), f"12:06 [dm] bob -> you: a\n{GUTTER}b"),
        (DirectSent(direct()), "12:06 [dm] you -> bob: hi"),
        (DirectArrived(direct(kind=Kind.ACTION)), "12:06 [dm] bob -> you: * hi"),
        (
            DirectArrived(direct(time_ms=AT_MS - 86_400_000)),
            "12:06 [dm] (written 2026-03-03) bob -> you: hi",
        ),
        (DirectArrived(direct(time_ms=2**63)), "12:06 [dm] bob -> you: hi"),
    ],
)
def test_a_direct_message_says_from_whom_to_whom_and_when(notice: Notice, line: str) -> None:
    assert shown(notice) == line


@pytest.mark.parametrize(("notice", "line"), LINES)
def test_what_becomes_of_it_is_told_only_where_that_is_news(
    notice: Notice, line: str | None
) -> None:
    assert shown(notice) == (None if line is None else f"12:06 {line}")
    assert has_line(notice) is (line is not None)


def test_two_people_of_one_nick_are_told_apart_in_direct_messages() -> None:
    scene = Scene(ANN, known=(BOB, OTHER_BOB))

    assert "bob#" in (shown(DirectArrived(direct()), scene) or "")
    assert "bob#" in (shown(DirectWaits(ID, BOB), scene) or "")


@given(st.text(), st.text(max_size=24))
def test_no_direct_text_can_pose_as_a_line_of_its_own(text: str, nick: str) -> None:
    hostile = Direct(ID, Person(BOB.id, nick), AT_MS, Kind.TEXT, text)

    first, *more = (shown(DirectArrived(hostile)) or "").split("\n")

    assert first.startswith("12:06 [dm] ")
    assert all(line.startswith(GUTTER) for line in more)
    assert "\x1b" not in "".join([first, *more])


# --- Line mode and NDJSON ---------------------------------------------------------------------


def test_line_mode_prints_what_arrives_and_narrates_the_rest() -> None:
    arrived = plain.lines_of(DirectArrived(direct("a\n\x1b[2J")))

    assert arrived == (["(direct) bob -> a", rf"{plain.INDENT}\x1b[2J"], [])
    assert plain.lines_of(DirectSent(direct())) == ([], [])
    for notice, line in LINES:
        expected = [] if line is None else [line.split(" ", 1)[1]]
        assert plain.lines_of(notice) == ([], expected)


def test_json_names_each_step_and_the_ref_comes_back_in_sent() -> None:
    notices: list[Notice] = [DirectArrived(direct()), DirectSent(direct(kind=Kind.ACTION))]
    notices += [notice for notice, _ in LINES]

    found = [json.loads(line) for notice in notices for line in ndjson.encode(notice, AT, "r")]

    dm, sent, waiting, given_up, receipt, join, leave = found
    head = {"v": 1, "ts": "2026-03-04T12:06:00.000Z"}
    assert dm == head | {
        "type": "dm", "from": BOB_JSON, "id": ID, "text": "hi",
        "time": "2026-03-04T12:06:00.000Z",
    }  # fmt: skip
    assert sent == head | {
        "type": "sent", "to": BOB_JSON, "id": ID, "text": "hi", "action": True, "ref": "r",
    }  # fmt: skip
    assert waiting == head | {"type": "waiting", "id": ID, "to": BOB_JSON}
    assert receipt == head | {"type": "receipt", "id": ID, "to": BOB_JSON}
    assert (given_up["type"], given_up["code"], given_up["to"]) == ("error", "timeout", BOB_JSON)
    assert (join["type"], join["who"], join["hops"]) == ("join", BOB_JSON, 2)
    assert (leave["type"], leave["who"]) == ("leave", BOB_JSON)


def test_json_has_no_time_for_a_number_that_is_none() -> None:
    (line,) = ndjson.encode(DirectArrived(direct(time_ms=2**63)), AT)

    assert json.loads(line)["time"] is None


def test_json_answers_about_people_are_facts() -> None:
    answers: list[AboutPerson] = [
        Whois(BOB, first_seen_ms=AT_MS, version=1),
        SafetyNumber(BOB, ANN, "1 2", is_verified=True),
        Marked(BOB, "block", is_verified=False, is_blocked=True, is_new=True),
    ]

    found = [json.loads(ndjson_people.encode_about(told, AT, "r")) for told in answers]

    assert [one["command"] for one in found] == ["whois", "verify", "block"]
    assert all(one["data"]["who"] == BOB_JSON and one["ref"] == "r" for one in found)
    assert found[0]["data"]["first_seen"] == "2026-03-04T12:06:00.000Z"
    assert found[0]["data"]["way"] is None
    assert found[1]["data"]["number"] == "1 2"
    assert found[2]["data"]["blocked"] is True


# --- Lateness ---------------------------------------------------------------------------------


def told(lateness: Lateness, *notices: DirectNotice) -> list[Notice | None]:
    return [lateness.told(notice, name_alone) for notice in notices]


def test_the_receipt_of_a_message_under_way_is_not_told() -> None:
    sent, receipt = DirectSent(direct()), DirectReceipt(ID, BOB)

    assert told(Lateness(), sent, receipt) == [sent, None]


def test_the_receipt_of_a_message_that_waited_is_told_once() -> None:
    steps = (DirectSent(direct()), DirectWaits(ID, BOB), DirectReceipt(ID, BOB))

    *before, last = told(Lateness(), *steps)

    assert before == list(steps[:2])
    assert last == Remark("bob has your message now")


def test_the_receipt_of_a_message_of_an_earlier_run_is_told() -> None:
    assert told(Lateness(), DirectReceipt(ID, BOB)) == [Remark("bob has your message now")]


def test_what_is_remembered_of_messages_under_way_is_bounded() -> None:
    lateness = Lateness()
    for number in range(UNDER_WAY_LIMIT + 1):
        lateness.told(DirectSent(Direct(str(number), BOB, 0, Kind.TEXT, "")), name_alone)

    first, last = told(lateness, DirectReceipt("0", BOB), DirectReceipt("1", BOB))

    assert isinstance(first, Remark)
    assert last is None


@pytest.mark.parametrize("count", [1, 2])
def test_whoever_leaves_is_told_what_becomes_of_what_waits(count: int) -> None:
    assert of_those_left(count, is_kept=True).startswith(f"{count} direct message")
    assert "lost" in of_those_left(count, is_kept=False)

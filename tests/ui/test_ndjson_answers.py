"""The `--json` form of map, ways, doctor and invite."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from hypothesis import given

from p2pchat.core.attendance import Attendance, Attendee
from p2pchat.core.notices import Finding, Health, NetworkMap, Path, PathStep, WeakPlace
from p2pchat.core.values import Person
from p2pchat.ui.commands import MapForm
from p2pchat.ui.ndjson_answers import (
    encode_attendance,
    encode_findings,
    encode_invitation,
    encode_map,
    encode_path,
)

from .maps import ANN, BOB, CAROL, edge, known, map_of, maps, said

TS = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
TWO = map_of(known(ANN, BOB), [edge(ANN, BOB, is_mutual=False)], [WeakPlace(BOB, (ANN,))])


def of(person: Person) -> dict[str, object]:
    assert person.id is not None
    return {"id": person.id.hex(), "nick": person.nick}


def data_of(line: str, command: str) -> Any:
    found = json.loads(line)
    assert line.isascii()
    assert (found["type"], found["command"], found["ref"]) == ("result", command, "r")
    return found["data"]


def test_an_attendance_says_who_answered_and_how_many_there_may_be() -> None:
    found = Attendance((Attendee(BOB, 1),), (CAROL,), 3100, blocked=1)
    line = encode_attendance(found, TS, "r", lambda peer: peer == BOB.id)

    assert data_of(line, "who") == {
        "answered": [{"who": of(BOB), "verified": True, "hops": 1}],
        "silent": [{"who": of(CAROL), "verified": False}],
        "blocked": 1,
        "estimate": 3100,
        "exact": False,
    }


def test_a_map_is_people_and_edges() -> None:
    assert data_of(encode_map(TWO, MapForm.TREE, TS, "r"), "map") == {
        "me": of(ANN),
        "people": [
            {"who": of(ANN), "answered": True, "hidden": False},
            {"who": of(BOB), "answered": True, "hidden": False},
        ],
        "edges": [{"one": of(ANN)["id"], "other": of(BOB)["id"], "mutual": False}],
        "weak": [{"who": of(BOB), "cut_off": [of(ANN)]}],
        "complete": True,
    }


def test_a_drawing_comes_along_when_it_was_asked_for() -> None:
    mermaid = data_of(encode_map(TWO, MapForm.MERMAID, TS, "r"), "map")
    dot = data_of(encode_map(TWO, MapForm.DOT, TS, "r"), "map")

    assert mermaid["mermaid"].startswith("graph LR\n")
    assert dot["dot"].startswith("graph p2pchat {\n")


@given(maps())
def test_nicks_are_exact_on_one_line(found: NetworkMap) -> None:
    line = encode_map(found, MapForm.DOT, TS, "r")

    assert "\n" not in line
    assert len(data_of(line, "map")["people"]) == len(found.people)


def test_the_way_of_a_message_has_the_delays_that_were_told() -> None:
    message = said("hello", time_ms=1_000_000)
    steps = (PathStep(CAROL, 999_990), PathStep(None, 0), PathStep(BOB, 1_000_000))

    line = encode_path(Path(steps, True, 12.34567), message, TS, "r")

    assert data_of(line, "trace") == {
        "message": message.id,
        "from": of(BOB),
        "steps": [
            {"who": of(CAROL), "delay_ms": -10},
            {"who": None, "delay_ms": None},
            {"who": of(BOB), "delay_ms": 0},
        ],
        "complete": True,
        "rtt_ms": 12.346,
    }


def test_the_way_to_somebody_has_its_people() -> None:
    steps = (PathStep(CAROL, 0), PathStep(BOB, 0))

    assert data_of(encode_path(Path(steps, False, None), BOB, TS, "r"), "ping") == {
        "who": of(BOB), "steps": [of(CAROL), of(BOB)], "complete": False, "rtt_ms": None,
    }  # fmt: skip


def test_findings_have_their_health_in_a_word() -> None:
    findings = [Finding("port", health, "text", "advice") for health in Health]

    told = data_of(encode_findings(findings, TS, "r"), "doctor")

    assert [found["health"] for found in told] == ["ok", "unsure", "bad"]
    assert told[0] == {"what": "port", "health": "ok", "text": "text", "advice": "advice"}


def test_an_invite_is_its_url() -> None:
    told = data_of(encode_invitation("p2pchat://x", "note", TS, "r"), "invite")

    assert told == {"url": "p2pchat://x", "note": "note"}

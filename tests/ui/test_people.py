"""What is said of somebody."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pchat.core.notices import Direction, HeardStatus, NeighbourStatus
from p2pchat.core.values import Address, PeerId, Person, fingerprint
from p2pchat.sanitize import visible_line
from p2pchat.ui.names import labels, name_alone, naming_among
from p2pchat.ui.people import UNKNOWN_TIME, Marked, SafetyNumber, Whois, lines_about, spoken_time

ANN = Person(PeerId(b"a" * 32), "ann")
BOB = Person(PeerId(b"b" * 32), "bob")
OTHER_BOB = Person(PeerId(b"c" * 32), "Bob")
AT = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
AT_MS = int(AT.timestamp() * 1000)
HERE = Address("127.0.0.1", 55556)
NUMBER = " ".join(f"{group:05}" for group in range(12))


def test_whois_tells_the_whole_key_since_when_and_by_which_way() -> None:
    way = NeighbourStatus(BOB, HERE, Direction.OUT, 1.234, 0.0, 60.0)
    told = Whois(BOB, False, AT_MS, AT_MS, AT_MS, None, "robert", way, 1)

    assert lines_about(told, name_alone, AT) == [
        "this is known of bob:",
        f"key: {fingerprint(BOB.id or PeerId(b''))}",
        "known since: 2026-03-04 12:00",
        "last heard: 2026-03-04 12:00",
        "was called: robert",
        "here: yes, as a neighbour at 127.0.0.1:55556, 1.2 ms away",
        "protocol: 1",
        "verified: since 2026-03-04 12:00",
    ]


def test_whois_of_others_says_what_is_not_so_as_well() -> None:
    absent = lines_about(Whois(BOB, blocked_ms=AT_MS), name_alone, AT)
    far = lines_about(Whois(BOB, way=HeardStatus(BOB, 3, 1.0)), name_alone, AT)

    assert absent[2:] == [
        "here: no",
        "verified: no; /verify bob tells how",
        "blocked: since 2026-03-04 12:00; /unblock bob ends it",
    ]
    assert "here: yes, over 3 hops" in far
    assert lines_about(Whois(ANN, is_me=True), name_alone, AT)[0] == "ann is you"


def test_a_safety_number_stands_in_lines_of_four_groups_with_what_to_do() -> None:
    lines = lines_about(SafetyNumber(BOB, ANN, NUMBER, is_verified=False), name_alone, AT)

    assert lines[1:4] == [
        "  00000 00001 00002 00003",
        "  00004 00005 00006 00007",
        "  00008 00009 00010 00011",
    ]
    assert "/verify ann" in lines[4]
    assert "/verify bob yes" in lines[5]
    verified = lines_about(SafetyNumber(BOB, ANN, NUMBER, is_verified=True), name_alone, AT)
    assert verified == [*lines, "bob is verified; /verify bob no ends that"]


@pytest.mark.parametrize(
    ("command", "marks", "line"),
    [
        ("verify", (True, False, True), "is verified now"),
        ("verify", (True, False, False), "is verified already"),
        ("verify", (False, False, True), "is not verified any more"),
        ("verify", (False, False, False), "is not verified"),
        ("block", (False, True, True), "is blocked: nothing"),
        ("block", (False, True, False), "is blocked already"),
        ("unblock", (False, False, True), "is not blocked any more"),
        ("unblock", (False, False, False), "is not blocked"),
    ],
)
def test_a_mark_is_confirmed_in_one_line(
    command: str, marks: tuple[bool, bool, bool], line: str
) -> None:
    (said,) = lines_about(Marked(BOB, command, *marks), name_alone, AT)

    assert said.startswith(f"bob {line}")


@given(st.integers(), st.text(max_size=24), st.text(max_size=24))
def test_whatever_a_stranger_calls_himself_the_answer_is_clean(
    wall_ms: int, nick: str, former: str
) -> None:
    person = Person(BOB.id, nick)
    told = Whois(person, False, wall_ms, wall_ms, wall_ms, wall_ms, former)

    for line in lines_about(told, naming_among((person, ANN)), AT):
        assert visible_line(line) == line


def test_a_number_that_is_no_time_is_said_to_be_unknown() -> None:
    assert spoken_time(2**63, AT) == UNKNOWN_TIME


def test_labels_tell_apart_those_who_look_alike_and_no_others() -> None:
    bob, ann, other = labels((BOB, ANN, OTHER_BOB))

    assert ann == "ann"
    assert bob.startswith("bob#")
    assert other.startswith("Bob#")


PAIRS = st.tuples(st.binary(min_size=32, max_size=32), st.sampled_from(["bob", "BOB", "ann"]))


@given(st.lists(PAIRS, unique_by=lambda pair: pair[0], max_size=8))
def test_labels_are_what_each_would_be_called_among_all(pairs: list[tuple[bytes, str]]) -> None:
    people = [Person(PeerId(key), nick) for key, nick in pairs]

    found = labels(people)

    assert [visible_line(one) for one in found] == [naming_among(people)(one) for one in people]
    assert len(set(found)) == len(people)

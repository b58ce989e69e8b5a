from __future__ import annotations

from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pchat.core.guests import GUEST_NICK, GuestLine, Guests, line_of
from p2pchat.core.limits import (
    GUEST_BURST_LINES,
    GUEST_ECHO_LINES,
    GUEST_ECHO_S,
    GUEST_LINES_PER_S,
    GUEST_WAITING_LINES,
    GUESTS_LIMIT,
)
from p2pchat.core.values import PASSING, ConnectionId, Kind

ANN = ConnectionId(1)
BEN = ConnectionId(2)
CEM = ConnectionId(3)


def with_peers(*accepted: ConnectionId, dialled: tuple[ConnectionId, ...] = ()) -> Guests:
    guests = Guests()
    for connection in accepted:
        guests.join(connection, dialled=False, now=0.0)
    for connection in dialled:
        guests.join(connection, dialled=True, now=0.0)
    return guests


def hear_burst(guests: Guests, connection: ConnectionId, now: float = 0.0) -> None:
    for number in range(GUEST_BURST_LINES):
        assert guests.hear(connection, f"burst {number}", now)


def release_all(guests: Guests) -> list[tuple[float, str]]:
    released = []
    while (now := guests.next_deadline()) is not None:
        lines = guests.release(now)
        assert lines, "a deadline that releases nothing would spin"
        released += [(now, line.text) for line in lines]
    return released


# --- Whom to hear -----------------------------------------------------------------------------


def test_a_line_of_an_accepted_guest_is_announced_at_once() -> None:
    guests = with_peers(ANN)

    line = guests.hear(ANN, "hello", 0.0)

    assert line == GuestLine(ANN, "hello", Kind.GUEST)
    assert guests.next_deadline() is None


def test_a_line_of_a_dialled_peer_is_bridged() -> None:
    guests = with_peers(dialled=(ANN,))

    assert guests.hear(ANN, "hello", 0.0) == GuestLine(ANN, "hello", Kind.BRIDGED)


def test_a_line_that_was_a_guests_elsewhere_is_bridged() -> None:
    guests = with_peers(ANN)
    line = line_of(GUEST_NICK, "alice -> hi")

    assert guests.hear(ANN, line, 0.0) == GuestLine(ANN, line, Kind.BRIDGED)


def test_nobody_is_heard_who_is_not_here() -> None:
    guests = with_peers(ANN)
    guests.leave(ANN)
    guests.leave(ANN)

    assert guests.hear(ANN, "hello", 0.0) is None
    assert guests.hear(BEN, "hello", 0.0) is None
    assert guests.next_deadline() is None


def test_nobody_is_heard_who_has_left_even_while_its_lines_wait() -> None:
    guests = with_peers(ANN)
    hear_burst(guests, ANN)
    guests.hear(ANN, "last words", 0.0)
    guests.leave(ANN)

    guests.hear(ANN, "too late", 0.0)

    assert release_all(guests) == [(1.0, "last words")]


def test_lines_that_are_due_together_come_in_the_order_of_their_connections() -> None:
    guests = with_peers(CEM, ANN, BEN)
    for connection in (CEM, ANN, BEN):
        hear_burst(guests, connection)
        guests.hear(connection, "more", 0.0)

    released = guests.release(1.0)

    assert [line.connection for line in released] == [ANN, BEN, CEM]


def test_a_line_above_the_rate_waits_until_its_time() -> None:
    guests = with_peers(ANN)
    hear_burst(guests, ANN)

    at_once = guests.hear(ANN, "one more", 0.0)
    deadline = guests.next_deadline()
    too_early = guests.release(0.5)
    in_time = guests.release(1.0)

    assert at_once is None
    assert deadline == 1.0
    assert too_early == []
    assert in_time == [GuestLine(ANN, "one more", Kind.GUEST)]
    assert guests.next_deadline() is None


def test_a_line_never_overtakes_one_that_waits() -> None:
    guests = with_peers(ANN)
    hear_burst(guests, ANN)
    guests.hear(ANN, "first", 0.0)

    overtaking = guests.hear(ANN, "second", 100.0)

    assert overtaking is None
    assert [line.text for line in guests.release(100.0)] == ["first", "second"]


def test_a_loud_guest_does_not_hold_up_another() -> None:
    guests = with_peers(ANN, BEN)
    hear_burst(guests, ANN)
    guests.hear(ANN, "more", 0.0)

    assert guests.hear(BEN, "hello", 0.0) == GuestLine(BEN, "hello", Kind.GUEST)


def test_what_finds_no_place_to_wait_is_dropped_and_counted() -> None:
    guests = with_peers(ANN)
    hear_burst(guests, ANN)

    for number in range(GUEST_WAITING_LINES):
        assert not guests.is_behind(ANN)
        guests.hear(ANN, str(number), 0.0)
    is_behind = guests.is_behind(ANN)
    guests.hear(ANN, "lost", 0.0)

    assert is_behind
    assert guests.dropped_lines == 1
    released = [text for _, text in release_all(guests)]
    assert released == [str(number) for number in range(GUEST_WAITING_LINES)]
    assert not guests.is_behind(ANN)


EIGHTHS = st.integers(0, 40).map(lambda eighths: eighths / 8)


@given(st.lists(st.tuples(EIGHTHS, st.integers(1, 30)), max_size=20))
def test_no_guest_is_announced_faster_than_its_rate(pauses: list[tuple[float, int]]) -> None:
    guests = with_peers(ANN)
    names = count()
    now, heard, announced = 0.0, 0, list[tuple[float, int]]()

    for pause_s, lines in pauses:
        now += pause_s
        while (deadline := guests.next_deadline()) is not None and deadline <= now:
            announced += [(deadline, int(line.text)) for line in guests.release(deadline)]
        for _ in range(lines):
            heard += 1
            if line := guests.hear(ANN, str(next(names)), now):
                announced.append((now, int(line.text)))
    announced += [(at, int(text)) for at, text in release_all(guests)]

    assert len(announced) + guests.dropped_lines == heard
    assert announced == sorted(announced)
    for first, (begin, _) in enumerate(announced):
        for last, (end, _) in enumerate(announced[first:], first):
            most = GUEST_BURST_LINES + GUEST_LINES_PER_S * (end - begin)
            assert last - first + 1 <= most


# --- Coming and going -------------------------------------------------------------------------


def test_only_accepted_guests_take_a_place() -> None:
    guests = Guests()

    for number in range(GUESTS_LIMIT):
        assert not guests.is_full
        guests.join(ConnectionId(number), dialled=False, now=0.0)
        guests.join(ConnectionId(100 + number), dialled=True, now=0.0)

    assert guests.is_full
    guests.leave(ConnectionId(0))
    assert not guests.is_full


def test_what_a_guest_said_before_it_left_is_still_announced() -> None:
    guests = with_peers(ANN)
    hear_burst(guests, ANN)
    guests.hear(ANN, "last words", 0.0)

    guests.leave(ANN)

    assert release_all(guests) == [(1.0, "last words")]


def test_a_guest_that_left_keeps_its_place_while_its_lines_wait() -> None:
    guests = with_peers(*map(ConnectionId, range(GUESTS_LIMIT)))
    hear_burst(guests, ANN)
    guests.hear(ANN, "last words", 0.0)
    guests.leave(ANN)

    full_before = guests.is_full
    audience = guests.audience(Kind.TEXT, earlier=False, source=None)
    guests.release(1.0)

    assert full_before
    assert ANN not in audience
    assert not guests.is_full


# --- Whom to write to -------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Kind.TEXT, Kind.ACTION])
def test_messages_of_the_room_are_written_to_every_plain_peer(kind: Kind) -> None:
    guests = with_peers(CEM, ANN, dialled=(BEN,))

    assert guests.audience(kind, earlier=False, source=None) == (ANN, BEN, CEM)


def test_a_guests_line_is_written_to_all_but_that_guest() -> None:
    guests = with_peers(CEM, ANN, dialled=(BEN,))

    assert guests.audience(Kind.GUEST, earlier=False, source=ANN) == (BEN, CEM)
    assert guests.audience(Kind.GUEST, earlier=False, source=None) == (ANN, BEN, CEM)


def test_bridged_lines_are_written_to_nobody() -> None:
    guests = with_peers(ANN, dialled=(BEN,))

    assert guests.audience(Kind.BRIDGED, earlier=False, source=None) == ()
    assert guests.audience(Kind.BRIDGED, earlier=False, source=BEN) == ()


@pytest.mark.parametrize("kind", [Kind.TEXT, Kind.ACTION, Kind.GUEST])
def test_earlier_messages_are_written_to_nobody(kind: Kind) -> None:
    guests = with_peers(ANN)

    assert guests.audience(kind, earlier=True, source=None) == ()


def test_passing_and_unknown_kinds_are_written_to_nobody() -> None:
    guests = with_peers(ANN)

    assert guests.audience(PASSING, earlier=False, source=None) == ()
    assert guests.audience(7, earlier=False, source=None) == ()


# --- Echoes -----------------------------------------------------------------------------------

WRITTEN = line_of("bob", "ok")


@pytest.mark.parametrize("prefix", ["", "~guest -> ", "[12:01] ", "> ", "relay:", "\t"])
def test_an_echo_is_dropped_whatever_stands_before_it(prefix: str) -> None:
    guests = with_peers(ANN, BEN)
    guests.wrote(WRITTEN, 0.0)

    assert guests.hear(ANN, f"{prefix}{WRITTEN} ", 1.0) is None
    assert guests.hear(BEN, f"{prefix}{WRITTEN}", 1.0) is None
    assert guests.next_deadline() is None


def test_an_echo_from_a_dialled_peer_is_dropped() -> None:
    guests = with_peers(dialled=(ANN,))
    guests.wrote(WRITTEN, 0.0)

    assert guests.hear(ANN, WRITTEN, 1.0) is None


def test_echoes_do_not_use_up_a_guests_rate() -> None:
    guests = with_peers(ANN)
    guests.wrote(WRITTEN, 0.0)

    for _ in range(100):
        guests.hear(ANN, WRITTEN, 0.0)

    hear_burst(guests, ANN)


@pytest.mark.parametrize("line", ["ok", "that is ok", "jimbob -> ok", "jim-bob -> ok", "bob -> no"])
def test_an_honest_line_with_a_like_end_is_no_echo(line: str) -> None:
    guests = with_peers(ANN)
    guests.wrote(WRITTEN, 0.0)

    assert guests.hear(ANN, line, 1.0) == GuestLine(ANN, line, Kind.GUEST)


def test_a_line_without_a_nick_is_not_remembered() -> None:
    guests = with_peers(ANN)
    guests.wrote("ok", 0.0)
    guests.wrote("", 0.0)

    assert guests.hear(ANN, "that is ok", 0.0)


def test_an_echo_is_known_for_thirty_seconds() -> None:
    guests = with_peers(ANN)
    guests.wrote(WRITTEN, 0.0)

    before = guests.hear(ANN, WRITTEN, GUEST_ECHO_S - 0.1)
    after = guests.hear(ANN, WRITTEN, GUEST_ECHO_S)

    assert before is None
    assert after == GuestLine(ANN, WRITTEN, Kind.GUEST)


def test_a_line_that_waited_while_its_copy_was_written_is_an_echo_too() -> None:
    guests = with_peers(ANN)
    hear_burst(guests, ANN)
    guests.hear(ANN, WRITTEN, 0.0)
    guests.hear(ANN, "next", 0.0)

    guests.wrote(WRITTEN, 0.5)

    assert guests.release(1.0) == [GuestLine(ANN, "next", Kind.GUEST)]


def test_the_echo_of_a_cleaned_line_is_known() -> None:
    guests = with_peers(ANN)
    line = line_of("bob", "two\nlines \x1b[2J")
    guests.wrote(line, 0.0)

    assert "\n" not in line
    assert guests.hear(ANN, line, 0.0) is None


@given(st.lists(st.text(max_size=40), max_size=30))
def test_the_memory_of_written_lines_is_bounded(texts: list[str]) -> None:
    guests = with_peers(ANN)

    for number in range(GUEST_ECHO_LINES):
        guests.wrote(line_of("bob", str(number)), 0.0)
    for text in texts:
        guests.wrote(line_of("bob", text), 1.0)
    guests.wrote(line_of("bob", "x" * 100_000), 1.0)

    assert len(guests._written) == GUEST_ECHO_LINES
    assert all(guests.hear(ANN, line_of("bob", text), 1.0) is None for text in texts)
    assert sum(len(line) for _, line in guests._written) < 100_000

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pchat.core import limits
from p2pchat.core.admission import Admission, has_room_for, is_loopback, is_private
from p2pchat.core.session import Session, State
from p2pchat.core.values import ConnectionId, PeerId
from tests.core.support import session_of

PUBLIC, OTHER_PUBLIC = "8.8.8.8", "9.9.9.9"
PRIVATE = "192.168.1.2"


def public(number: int) -> str:
    return f"8.8.{number >> 8}.{number & 255}"


# --- Places for newcomers ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ip", "limit"),
    [
        (PUBLIC, limits.OPENING_PER_PUBLIC_ADDRESS),
        (PRIVATE, limits.OPENING_PER_PRIVATE_ADDRESS),
        ("::1", limits.OPENING_PER_PRIVATE_ADDRESS),
        ("fe80::1%eth0", limits.OPENING_PER_PRIVATE_ADDRESS),
    ],
)
def test_one_address_above_its_share_pushes_out_its_own_oldest(ip: str, limit: int) -> None:
    admission = Admission()
    for number in range(limit):
        assert admission.admit(ConnectionId(number), ip) is None

    assert admission.admit(ConnectionId(100), ip) == 0
    assert admission.admit(ConnectionId(101), ip) == 1
    assert admission.admit(ConnectionId(102), OTHER_PUBLIC) is None


@pytest.mark.threat(1)
def test_when_all_places_are_taken_the_fullest_address_gives_one() -> None:
    admission = Admission()
    for number in range(limits.OPENING_LIMIT - 3):
        admission.admit(ConnectionId(number), public(number))
    for number in (90, 91, 92):
        admission.admit(ConnectionId(number), PRIVATE)

    assert admission.admit(ConnectionId(100), OTHER_PUBLIC) == 90


def test_a_place_that_is_given_back_is_free_again() -> None:
    admission = Admission()
    for number in range(limits.OPENING_PER_PUBLIC_ADDRESS):
        admission.admit(ConnectionId(number), PUBLIC)

    admission.settle(ConnectionId(2))
    admission.settle(ConnectionId(2))

    assert admission.admit(ConnectionId(100), PUBLIC) is None


@given(st.lists(st.integers(0, 40), max_size=200))
def test_never_more_wait_than_there_are_places(addresses: list[int]) -> None:
    admission = Admission()
    waiting: set[int] = set()

    for number, address in enumerate(addresses):
        victim = admission.admit(ConnectionId(number), public(address))
        waiting.add(number)
        if victim is not None:
            waiting.remove(victim)

        assert len(waiting) <= limits.OPENING_LIMIT
        assert number in waiting


# --- Places for members -----------------------------------------------------------------------


def members(count: int, state: State = State.OPEN) -> list[Session]:
    return [
        session_of(PeerId(number.to_bytes(32, "big")), connection=number, state=state)
        for number in range(1, count + 1)
    ]


def newcomer(number: int) -> Session:
    return session_of(PeerId(number.to_bytes(32, "big")), connection=1_000, state=State.WELCOMING)


def test_there_is_room_up_to_the_limit() -> None:
    stranger = newcomer(999)

    assert has_room_for(stranger, [*members(limits.CONNECTIONS_LIMIT - 1), stranger])
    assert not has_room_for(stranger, [*members(limits.CONNECTIONS_LIMIT), stranger])


@pytest.mark.parametrize("state", [State.SECURING, State.GREETING, State.PROVING, State.CLOSED])
def test_who_has_not_proved_anything_takes_no_place(state: State) -> None:
    assert has_room_for(newcomer(999), members(limits.CONNECTIONS_LIMIT, state))


def test_a_member_may_come_again_though_all_places_are_taken() -> None:
    assert has_room_for(newcomer(5), members(limits.CONNECTIONS_LIMIT))


def test_a_member_may_not_come_again_and_again() -> None:
    same = [session_of(newcomer(5).peer or PeerId(b""), connection=n) for n in range(4)]

    assert has_room_for(newcomer(5), same[: limits.CONNECTIONS_PER_PEER - 1])
    assert not has_room_for(newcomer(5), same[: limits.CONNECTIONS_PER_PEER])


# --- Forgeries --------------------------------------------------------------------------------


@pytest.mark.threat(30)
def test_an_address_with_several_forgeries_is_banned_for_its_time() -> None:
    admission = Admission()
    for second in range(limits.FORGERIES_LIMIT):
        assert not admission.is_banned(PUBLIC, float(second))
        admission.note_forgery(PUBLIC, float(second))

    banned_at = limits.FORGERIES_LIMIT - 1
    assert admission.is_banned(PUBLIC, banned_at + limits.FORGERIES_BAN_S - 0.1)
    assert not admission.is_banned(PUBLIC, banned_at + limits.FORGERIES_BAN_S)
    assert not admission.is_banned(OTHER_PUBLIC, banned_at)


def test_forgeries_that_are_far_apart_are_no_reason() -> None:
    admission = Admission()

    for number in range(10):
        now = number * limits.FORGERIES_WINDOW_S
        admission.note_forgery(PUBLIC, now)
        assert not admission.is_banned(PUBLIC, now)


@pytest.mark.parametrize("ip", ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
def test_this_machine_is_never_banned(ip: str) -> None:
    admission = Admission()

    for _ in range(100):
        admission.note_forgery(ip, 0.0)

    assert not admission.is_banned(ip, 0.0)


def test_a_crowd_of_offenders_is_remembered_up_to_a_bound() -> None:
    admission = Admission()

    for number in range(3_000):
        for _ in range(limits.FORGERIES_LIMIT):
            admission.note_forgery(public(number), 0.0)

    assert admission.is_banned(public(2_999), 1.0)
    assert not admission.is_banned(public(0), 1.0)
    assert sum(admission.is_banned(public(number), 1.0) for number in range(3_000)) <= 1_024


@pytest.mark.parametrize(
    ("ip", "private", "loopback"),
    [
        ("127.0.0.1", True, True),
        ("::1", True, True),
        ("::ffff:127.0.0.1", True, True),
        ("10.1.2.3", True, False),
        ("fe80::1%eth0", True, False),
        ("8.8.8.8", False, False),
        ("2606:4700::1111", False, False),
    ],
)
def test_addresses_are_told_apart(ip: str, *, private: bool, loopback: bool) -> None:
    assert is_private(ip) is private
    assert is_loopback(ip) is loopback

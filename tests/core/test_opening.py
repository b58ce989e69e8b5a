from __future__ import annotations

import pytest

from p2pchat.core import limits
from p2pchat.core.events import (
    Close,
    Closing,
    ConnectionSecured,
    Failed,
    Opened,
    Published,
    Tell,
    Tick,
)
from p2pchat.core.frames import Hello, Proof, Refusal, Welcome
from p2pchat.core.notices import Connected, Direction, Remark
from p2pchat.core.session import RefusalReason
from p2pchat.core.values import Epoch
from p2pchat.errors import (
    ConnectionEnded,
    DialFailed,
    KeyMismatch,
    NotP2PChat,
    OwnAddress,
    PeerBusy,
    SameIdentity,
    VersionMismatch,
    WrongRoom,
)
from p2pchat.sim.credentials import sim_peer_id
from tests.core.support import EPOCH, OneCore, closed, of, sent

IN, OUT = Direction.IN, Direction.OUT
OUR_EPOCH = Epoch(b"our-epoc")


# --- The way through --------------------------------------------------------------------------


@pytest.mark.parametrize("direction", [IN, OUT])
def test_both_sides_greet_at_once(direction: Direction) -> None:
    subject = OneCore()
    connection, nothing = subject.start(direction)

    effects = subject.feed(
        ConnectionSecured(connection, sim_peer_id("bob"), subject.exported(connection))
    )

    assert nothing == []
    assert sent(effects, connection) == [
        Hello(1, 1, ("map", "path", "direct", "who"), bytes(OUR_EPOCH))
    ]


def test_the_dialler_proves_first_and_tells_its_name_last() -> None:
    subject = OneCore()
    connection = subject.secure(direction=OUT)

    on_hello = subject.greet(connection)
    on_proof = subject.prove(connection)
    on_welcome = subject.welcome(connection)

    assert [type(frame) for frame in sent(on_hello, connection)] == [Proof]
    assert [type(frame) for frame in sent(on_proof, connection)] == [Welcome]
    assert [opened.already for opened in of(on_welcome, Opened)] == [False]
    assert [type(tell.notice) for tell in of(on_welcome, Tell)] == [Connected]


def test_the_acceptor_shows_proof_and_name_only_after_a_valid_proof() -> None:
    subject = OneCore()
    connection = subject.secure(direction=IN)

    on_hello = subject.greet(connection)
    on_proof = subject.prove(connection)

    assert sent(on_hello, connection) == []
    assert [type(frame) for frame in sent(on_proof, connection)] == [Proof, Welcome]


@pytest.mark.parametrize("direction", [IN, OUT])
def test_a_connection_counts_from_the_others_welcome_on(direction: Direction) -> None:
    subject = OneCore()
    connection = subject.secure(direction=direction)
    subject.greet(connection)
    subject.prove(connection)
    before = subject.core.neighbour_count

    subject.welcome(connection)

    assert before == 0
    assert subject.core.neighbours == {sim_peer_id("bob"): connection}


# --- Refusals ---------------------------------------------------------------------------------


def test_a_wrong_proof_is_refused_aloud_without_showing_ours() -> None:
    subject = OneCore()
    connection = subject.secure(direction=IN)
    subject.greet(connection)

    effects = subject.prove(connection, room="elsewhere")

    assert sent(effects, connection) == [Refusal(RefusalReason.WRONG_ROOM.value)]
    assert closed(effects) == [connection]
    (tell,) = of(effects, Tell)
    assert isinstance(tell.notice, Remark)
    assert "another room" in tell.notice.text


def test_a_proof_cannot_be_echoed() -> None:
    subject = OneCore()
    connection = subject.secure(direction=OUT)
    (ours,) = sent(subject.greet(connection), connection)
    assert isinstance(ours, Proof)

    effects = subject.frame(connection, ours)

    assert sent(effects, connection) == [Refusal(RefusalReason.WRONG_ROOM.value)]


@pytest.mark.parametrize(
    ("lowest", "highest", "is_taken"),
    [(1, 1, True), (0, 65_535, True), (2, 9, False), (0, 0, False)],
)
def test_a_common_version_is_needed(lowest: int, highest: int, *, is_taken: bool) -> None:
    subject = OneCore()
    connection = subject.secure(direction=OUT)

    effects = subject.frame(connection, Hello(lowest, highest, (), bytes(EPOCH)))

    errors = [type(failed.error) for failed in of(effects, Failed)]
    assert errors == ([] if is_taken else [VersionMismatch])
    assert [type(frame) for frame in sent(effects, connection)] == [Proof if is_taken else Refusal]


@pytest.mark.parametrize(
    ("epoch", "error"), [(OUR_EPOCH, OwnAddress), (Epoch(b"a-copy!!"), SameIdentity)]
)
def test_our_own_key_is_ourselves_or_a_copy(epoch: Epoch, error: type[DialFailed]) -> None:
    subject = OneCore()
    connection = subject.secure("alice", OUT)

    effects = subject.greet(connection, epoch)

    assert [type(failed.error) for failed in of(effects, Failed)] == [error]
    assert closed(effects) == [connection]


@pytest.mark.parametrize(("attempt", "whom"), [(0, "the invite names"), (7, "was known there")])
def test_another_key_than_the_expected_one_ends_the_dial_at_once(attempt: int, whom: str) -> None:
    subject = OneCore()
    connection, _ = subject.start(OUT, expected=sim_peer_id("bob"), attempt=attempt)

    effects = subject.feed(ConnectionSecured(connection, sim_peer_id("eve"), b""))

    (failed,) = of(effects, Failed)
    assert isinstance(failed.error, KeyMismatch)
    assert f" is not who {whom}: expected key " in str(failed.error)
    assert [close.how for close in of(effects, Close)] == [Closing.AT_ONCE]
    assert sent(effects, connection) == []


def test_the_expected_key_is_greeted() -> None:
    subject = OneCore()
    connection, _ = subject.start(OUT, expected=sim_peer_id("bob"))

    effects = subject.feed(ConnectionSecured(connection, sim_peer_id("bob"), b""))

    assert [type(frame) for frame in sent(effects, connection)] == [Hello]


@pytest.mark.parametrize(
    ("reason", "error"),
    [
        (RefusalReason.VERSION.value, VersionMismatch),
        (RefusalReason.WRONG_ROOM.value, WrongRoom),
        (RefusalReason.OWN_SELF.value, OwnAddress),
        (RefusalReason.SAME_IDENTITY.value, SameIdentity),
        (RefusalReason.BUSY.value, PeerBusy),
        (RefusalReason.DUPLICATE.value, ConnectionEnded),
        (200, ConnectionEnded),
    ],
)
def test_the_dialler_learns_why_it_was_refused(reason: int, error: type[DialFailed]) -> None:
    subject = OneCore()
    connection = subject.secure(direction=OUT)

    effects = subject.frame(connection, Refusal(reason))

    assert [type(failed.error) for failed in of(effects, Failed)] == [error]
    assert closed(effects) == [connection]
    assert of(effects, Tell) == [], "who dialled gets the error, not a line besides"


def test_after_a_refusal_nothing_more_is_handled() -> None:
    subject = OneCore()
    connection = subject.secure(direction=IN)
    subject.greet(connection)
    subject.prove(connection, room="elsewhere")

    assert subject.prove(connection) == []
    assert subject.core.neighbour_count == 0


def test_remarks_about_strangers_do_not_fill_the_screen() -> None:
    subject = OneCore()
    remarks = 0
    for number in range(50):
        connection = subject.secure(direction=IN, ip=f"10.0.0.{number}")
        subject.greet(connection)
        remarks += len(of(subject.prove(connection, room="elsewhere"), Tell))
        subject.wait(1.0)

    assert 4 <= remarks <= 6


def test_a_stranger_who_knocks_again_and_again_is_told_of_once_in_ten_minutes() -> None:
    subject = OneCore()
    remarks = []
    for _ in range(60):
        connection = subject.secure(direction=IN)
        subject.greet(connection)
        remarks.append(len(of(subject.prove(connection, room="elsewhere"), Tell)))
        subject.wait(15.0)

    assert sum(remarks) == 2
    assert remarks[0] == 1


def test_strangers_from_everywhere_take_a_bounded_memory() -> None:
    subject = OneCore()
    for number in range(200):
        connection = subject.secure(direction=IN, ip=f"10.0.1.{number}")
        subject.greet(connection)
        subject.prove(connection, room="elsewhere")
        subject.wait(11.0)

    assert len(subject.core._connections._opening._remarked) <= 64


def test_a_full_node_says_so() -> None:
    subject = OneCore()
    for number in range(limits.CONNECTIONS_LIMIT):
        subject.open(f"peer {number}", ip=f"10.0.0.{number}")
    connection = subject.secure("stranger")
    subject.greet(connection)

    effects = subject.prove(connection)

    assert sent(effects, connection) == [Refusal(RefusalReason.BUSY.value)]


# --- Out of turn, out of time -----------------------------------------------------------------


def test_frames_out_of_turn_end_the_opening() -> None:
    subject = OneCore()
    connection = subject.secure(direction=IN)

    effects = subject.welcome(connection)

    assert [close.how for close in of(effects, Close)] == [Closing.AT_ONCE]


@pytest.mark.parametrize(
    ("is_secured", "words"), [(False, "no TLS in 10 s"), (True, "its opening stalled")]
)
def test_an_opening_has_to_be_over_in_its_time(words: str, *, is_secured: bool) -> None:
    subject = OneCore()
    connection = subject.secure(direction=OUT) if is_secured else subject.start(OUT)[0]

    early = subject.wait(limits.OPENING_TIMEOUT_S - 0.1)
    late = subject.wait(0.2)

    assert early == []
    (failed,) = of(late, Failed)
    assert isinstance(failed.error, NotP2PChat)
    assert words in str(failed.error)
    assert closed(late) == [connection]


def test_its_time_is_over_with_the_tick_of_an_own_message_as_well() -> None:
    subject = OneCore()
    connection, _ = subject.start(OUT)
    subject.core.announce("hi")
    subject.now += limits.OPENING_TIMEOUT_S

    effects = subject.feed(Tick())

    assert len(of(effects, Published)) == 1
    assert closed(effects) == [connection]


def test_an_open_connection_outlives_the_time_of_its_opening() -> None:
    subject = OneCore()
    subject.open()

    effects = subject.wait(limits.OPENING_TIMEOUT_S + 1.0)

    assert closed(effects) == []
    assert subject.core.neighbour_count == 1

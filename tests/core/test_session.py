from __future__ import annotations

from typing import get_args

import pytest

from p2pchat.core.events import ConnectionSecured, ConnectionStarted, Leave
from p2pchat.core.frames import (
    Carry,
    Goodbye,
    GoodbyeSeen,
    Hello,
    Incoming,
    Ping,
    Pong,
    Proof,
    Refusal,
    Skipped,
    Welcome,
)
from p2pchat.core.notices import Direction
from p2pchat.core.session import TABLE, Input, RefusalReason, Session, State
from p2pchat.core.values import Address, ConnectionId
from p2pchat.errors import FrameUnexpected
from tests.core.states_page import PAGE, states_page

# A second statement of the protocol, made by hand: what happens in the life of a connection.
LIFE: dict[tuple[State, Input], State] = {
    (State.SECURING, ConnectionSecured): State.GREETING,
    (State.GREETING, Hello): State.PROVING,
    (State.PROVING, Proof): State.WELCOMING,
    (State.WELCOMING, Welcome): State.OPEN,
    (State.OPEN, Leave): State.LEAVING,
    (State.OPEN, Goodbye): State.PARTING,
    (State.LEAVING, Goodbye): State.LEAVING,
    (State.LEAVING, GoodbyeSeen): State.CLOSED,
}
FRAMES: tuple[type[Incoming], ...] = get_args(Incoming)
INPUTS: tuple[Input, ...] = (*FRAMES, ConnectionSecured, Leave)
ABOUT_THE_CONNECTION = (Hello, Proof, Welcome, Refusal, Goodbye, GoodbyeSeen)
# A frame that the codec reads and no machine speaks yet is a fault wherever it comes.
TALK = tuple(
    frame for frame in FRAMES if frame not in ABOUT_THE_CONNECTION and (State.OPEN, frame) in TABLE
)


def expected(state: State, happened: Input) -> State | None:
    if happened in TALK:
        return state if state in (State.OPEN, State.LEAVING) else None
    if happened is Refusal:
        return None if state in (State.SECURING, State.CLOSED) else State.CLOSED
    return LIFE.get((state, happened))


def session_in(state: State, direction: Direction = Direction.IN) -> Session:
    started = ConnectionStarted(
        ConnectionId(1), Address("192.0.2.1", 55555), "192.0.2.1", direction
    )
    session = Session(started, now=5.0)
    session.state = state
    return session


@pytest.mark.parametrize("happened", INPUTS, ids=lambda happened: happened.__name__)
@pytest.mark.parametrize("state", State, ids=lambda state: state.value)
def test_every_input_in_every_state_is_a_step_or_a_fault(state: State, happened: Input) -> None:
    session = session_in(state)
    following = expected(state, happened)

    if following is None:
        with pytest.raises(FrameUnexpected, match=f"{happened.__name__} while {state.value}"):
            session.advance(happened)
    else:
        assert session.advance(happened) is following

    assert session.state is (state if following is None else following)


def test_the_table_has_no_step_that_nothing_can_take() -> None:
    assert {happened for _, happened in TABLE} <= set(INPUTS)
    assert {Carry, Ping, Pong, Skipped} <= set(TALK)
    assert {state for state, _ in TABLE} == set(State) - {State.CLOSED}


def test_every_state_can_be_reached_and_left() -> None:
    reached = {State.SECURING}
    for _ in State:
        reached |= {following for (state, _), following in TABLE.items() if state in reached}

    assert reached == set(State)


@pytest.mark.parametrize("state", State, ids=lambda state: state.value)
def test_a_connection_takes_a_place_from_its_proof_to_its_end(state: State) -> None:
    session = session_in(state)

    assert session.is_opening == (
        state in (State.SECURING, State.GREETING, State.PROVING, State.WELCOMING)
    )
    assert session.is_admitted == (
        state in (State.WELCOMING, State.OPEN, State.LEAVING, State.PARTING)
    )


def test_a_new_session_knows_what_the_shell_knew() -> None:
    session = session_in(State.SECURING, Direction.OUT)

    assert session.is_dialled
    assert not session_in(State.SECURING).is_dialled
    assert (session.started_at, session.opened_at) == (5.0, 5.0)
    assert (session.peer, session.person, session.epoch, session.hello) == (None,) * 4


def test_every_reason_of_a_refusal_has_words_of_its_own() -> None:
    words = [reason.words for reason in RefusalReason]

    assert len(set(words)) == len(words)
    assert all(words)


def test_the_page_of_states_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == states_page(), "run python -m tests.core.states_page"

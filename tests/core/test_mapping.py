from __future__ import annotations

from random import Random

import pytest

from p2pchat.core import limits
from p2pchat.core.events import Effect, Send
from p2pchat.core.mapping import MAP_BURST, Mapping
from p2pchat.core.mesh_frames import MapAnswer, MapAsk, SignedStatement
from p2pchat.core.values import ConnectionId, Person
from p2pchat.sim.codec import MemoCodec
from p2pchat.sim.credentials import sim_peer_id
from tests.core.asking_network import (
    WALL_MS,
    Signatures,
    mapping_of,
    person,
    statement,
)
from tests.core.map_network import answered, open_, seen

ANN, BEN, CEM = ConnectionId(1), ConnectionId(2), ConnectionId(3)
TOKEN = b"t" * 16


def answers(effects: list[Effect]) -> list[tuple[ConnectionId, SignedStatement]]:
    """Whom which statements go to."""
    return [
        (effect.connections[0], one)
        for effect in effects
        if isinstance(effect, Send) and isinstance(effect.frame, MapAnswer)
        for one in effect.frame.statements
    ]


def asks(effects: list[Effect]) -> list[Send]:
    return [e for e in effects if isinstance(e, Send) and isinstance(e.frame, MapAsk)]


def speaker(one: SignedStatement) -> bytes:
    return MemoCodec().decode_statement(one.signed).speaker


def node_with(*names: str, signatures: Signatures | None = None) -> Mapping:
    node = mapping_of("me", signatures)
    for number, name in enumerate(names, start=1):
        open_(node, ConnectionId(number), person(name))
    return node


def asked_for(node: Mapping, now: float = 0.0) -> bytes:
    """Let our user look at the map; the token of his request."""
    (send,) = node.ask(now)
    assert isinstance(send, Send)
    assert isinstance(send.frame, MapAsk)
    return send.frame.token


# --- The asker --------------------------------------------------------------------------------


def test_without_neighbours_the_map_is_done_at_once() -> None:
    node = mapping_of("me")

    assert node.is_done
    assert node.ask(0.0) == []
    assert node.is_done
    assert node.result(0.0).people[0].person == person("me")


def test_only_neighbours_of_that_ability_are_asked() -> None:
    node = node_with("ann")
    node.on_open(BEN, person("ben"), ("lz4",))

    (send,) = node.ask(0.0)

    assert isinstance(send, Send)
    assert send.connections == (ANN,)


def test_a_look_under_way_is_not_begun_again() -> None:
    node = node_with("ann")
    asked_for(node)

    assert not node.is_done
    assert node.next_deadline() == limits.MAP_ANSWER_S
    assert node.ask(1.0) == []


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(statement("ann", "me", signer="ben"), id="a forged one"),
        pytest.param(statement("ann", "me", room="attic"), id="one of another room"),
        pytest.param(statement("ann", "me", time_ms=WALL_MS - 601_000), id="an old one"),
        pytest.param(statement("ann", "me", time_ms=WALL_MS + 601_000), id="one of the future"),
        pytest.param(SignedStatement(bytes(64), b"nonsense"), id="nonsense"),
    ],
)
def test_a_wrong_statement_counts_for_nothing(wrong: SignedStatement) -> None:
    node = node_with("ann")
    token = asked_for(node)

    assert node.on_frame(ANN, MapAnswer(token, (wrong,)), 0.1, WALL_MS) == []

    assert answered(node.result(0.2)) == {"me"}
    assert not node.is_done


def test_nobody_speaks_for_us() -> None:
    node = node_with("ann")
    token = asked_for(node)

    node.on_frame(ANN, MapAnswer(token, (statement("me", "ann", "x"),)), 0.1, WALL_MS)

    assert seen(node.result(0.2)) == {"me", "ann"}


def test_answers_count_from_who_was_asked_only() -> None:
    node = node_with("ann")
    token = asked_for(node)
    open_(node, BEN, person("ben"))
    word = (statement("ann", "me"),)

    node.on_frame(BEN, MapAnswer(token, word), 0.1, WALL_MS)
    node.on_frame(ANN, MapAnswer(TOKEN, word), 0.1, WALL_MS)
    node.on_frame(CEM, MapAnswer(token, word), 0.1, WALL_MS)

    assert answered(node.result(0.2)) == {"me"}


def test_ten_thousand_statements_cost_no_more_than_a_map_and_hide_nobody() -> None:
    signatures = Signatures(sim_peer_id("me"))
    node = node_with("ann", "ben", signatures=signatures)
    token = asked_for(node)
    invented = [f"x{number}" for number in range(10_000)]

    for start in range(0, len(invented), limits.LIST_LIMIT):
        some = tuple(statement(x, "ann") for x in invented[start : start + limits.LIST_LIMIT])
        node.on_frame(ANN, MapAnswer(token, some), 0.1, WALL_MS)
    node.on_frame(BEN, MapAnswer(token, (statement("ben", "me", "cem"),)), 0.2, WALL_MS)
    node.on_frame(BEN, MapAnswer(token, (statement("cem", "ben"),)), 0.2, WALL_MS)
    node.on_time(limits.MAP_ANSWER_S)

    assert signatures.verified == limits.MAP_NODES + 2
    assert {"ben", "cem"} <= answered(node.result(limits.MAP_ANSWER_S))
    assert len(node.result(limits.MAP_ANSWER_S).people) <= limits.MAP_NODES
    assert all(holding.count <= holding.limit for holding in node.holdings())


def test_what_comes_too_late_changes_nothing_that_was_drawn() -> None:
    node = node_with("ann")
    token = asked_for(node)
    node.on_time(limits.MAP_ANSWER_S)
    drawn = node.result(4.0)

    node.on_frame(ANN, MapAnswer(token, (statement("ann", "me", "x"),)), 5.0, WALL_MS)

    assert node.result(6.0) == drawn


# --- Those who answer -------------------------------------------------------------------------


def test_a_request_is_answered_with_our_neighbours_and_handed_on_to_the_others() -> None:
    node = node_with("ann", "ben", "cem")

    effects = node.on_frame(ANN, MapAsk(TOKEN, 3), 0.0, WALL_MS)

    ((to, own),) = answers(effects)
    assert to == ANN
    header = MemoCodec().decode_statement(own.signed)
    assert {one.nick for one in header.neighbours} == {"ann", "ben", "cem"}
    assert header.time_ms == WALL_MS
    assert asks(effects) == [Send((BEN, CEM), MapAsk(TOKEN, 2))]


def test_the_last_hop_asks_nobody() -> None:
    node = node_with("ann", "ben")

    assert asks(node.on_frame(ANN, MapAsk(TOKEN, 1), 0.0, WALL_MS)) == []


def test_statements_go_back_the_way_that_the_request_came() -> None:
    node = node_with("ann", "ben")
    node.on_frame(ANN, MapAsk(TOKEN, 3), 0.0, WALL_MS)
    word = statement("cem", "ben")

    first = node.on_frame(BEN, MapAnswer(TOKEN, (word,)), 0.1, WALL_MS)
    again = node.on_frame(BEN, MapAnswer(TOKEN, (word,)), 0.2, WALL_MS)

    assert answers(first) == [(ANN, word)]
    assert again == []


def test_a_forged_statement_is_not_handed_on() -> None:
    node = node_with("ann", "ben")
    node.on_frame(ANN, MapAsk(TOKEN, 3), 0.0, WALL_MS)
    forged = statement("cem", "ben", signer="ben")

    assert node.on_frame(BEN, MapAnswer(TOKEN, (forged,)), 0.1, WALL_MS) == []


def test_a_relay_hands_on_no_more_than_a_map_holds() -> None:
    node = node_with("ann", "ben", "cem")
    node.on_frame(ANN, MapAsk(TOKEN, 3), 0.0, WALL_MS)
    many = [statement(f"x{number}", "ben") for number in range(300)]

    handed = [
        one
        for place, word in enumerate(many)
        for one in answers(
            node.on_frame((BEN, CEM)[place % 2], MapAnswer(TOKEN, (word,)), 0.1, WALL_MS)
        )
    ]

    assert len(handed) == limits.MAP_NODES - 1  # besides its own one


def test_a_token_is_answered_once() -> None:
    node = node_with("ann", "ben")
    first = node.on_frame(ANN, MapAsk(TOKEN, 2), 0.0, WALL_MS)

    assert first != []
    assert node.on_frame(ANN, MapAsk(TOKEN, 2), 0.1, WALL_MS) == []
    assert node.on_frame(BEN, MapAsk(TOKEN, 1), 0.1, WALL_MS) == []


def test_a_token_that_comes_again_with_more_depth_goes_further_and_is_not_answered_again() -> None:
    node = node_with("ann", "ben", "cem")
    node.on_frame(ANN, MapAsk(TOKEN, 1), 0.0, WALL_MS)

    deeper = node.on_frame(BEN, MapAsk(TOKEN, 3), 0.1, WALL_MS)
    again = node.on_frame(BEN, MapAsk(TOKEN, 3), 0.2, WALL_MS)

    assert deeper == [Send((CEM,), MapAsk(TOKEN, 2))]
    assert again == []


def test_our_own_request_that_comes_round_is_not_answered() -> None:
    node = node_with("ann", "ben")
    token = asked_for(node)

    assert node.on_frame(ANN, MapAsk(token, 2), 0.1, WALL_MS) == []


def test_who_asks_too_often_is_not_answered_and_no_one_is_dropped() -> None:
    node = node_with("ann", "ben")
    chance = Random(1)

    answered_at = [
        second
        for second in range(100)
        if node.on_frame(ANN, MapAsk(chance.randbytes(16), 3), float(second), WALL_MS)
    ]

    assert answered_at[:MAP_BURST] == list(range(MAP_BURST))
    assert len(answered_at) <= MAP_BURST + 100 / limits.MAP_EVERY_S
    assert node.on_frame(BEN, MapAsk(chance.randbytes(16), 3), 100.0, WALL_MS) != []


def test_a_statement_is_signed_anew_after_a_change_or_when_it_is_old() -> None:
    signatures = Signatures(sim_peer_id("me"))
    node = node_with("ann", "ben", signatures=signatures)

    def ask(number: int, now: float) -> int:
        node.on_frame(ConnectionId(number % 2 + 1), MapAsk(bytes([number] * 16), 1), now, WALL_MS)
        return signatures.signed

    assert [ask(1, 0.0), ask(2, 1.0)] == [1, 1]
    open_(node, CEM, person("cem"))
    assert [ask(3, 2.0), ask(4, 3.0)] == [2, 2]
    node.rename("other")
    assert ask(5, 13.0) == 3
    assert ask(6, 13.0 + limits.MAP_CACHE_S) == 4


def test_the_longest_statement_fits() -> None:
    node = mapping_of("me")
    for number in range(1, limits.CONNECTIONS_LIMIT + 1):
        nick = "\U0001f600" * limits.NICK_LIMIT_CHARACTERS
        open_(node, ConnectionId(number), Person(sim_peer_id(str(number)), nick))

    ((_, own),) = answers(node.on_frame(ANN, MapAsk(TOKEN, 1), 0.0, WALL_MS))

    assert len(own.signed) <= limits.MAP_STATEMENT_BYTES
    header = MemoCodec().decode_statement(own.signed)
    assert len(header.neighbours) == limits.CONNECTIONS_LIMIT


def test_long_answers_are_cut_into_frames() -> None:
    node = node_with("ann", "ben")
    node.on_frame(ANN, MapAsk(TOKEN, 3), 0.0, WALL_MS)
    names = [f"a-nick-of-24-characters{n % 10}" for n in range(60)]
    words = tuple(statement(f"x{number}", *names) for number in range(12))

    effects = node.on_frame(BEN, MapAnswer(TOKEN, words), 0.1, WALL_MS)

    assert len(effects) > 1
    assert [one for _, one in answers(effects)] == list(words)
    for effect in effects:
        assert isinstance(effect, Send)
        assert isinstance(effect.frame, MapAnswer)
        size = sum(len(one.signed) for one in effect.frame.statements)
        assert size <= limits.BULK_FRAME_BYTES


def test_strangers_and_closed_connections_get_nothing() -> None:
    node = node_with("ann", "ben")
    node.on_frame(ANN, MapAsk(TOKEN, 3), 0.0, WALL_MS)
    node.on_closed(ANN)

    assert node.on_frame(CEM, MapAsk(bytes(16), 3), 0.1, WALL_MS) == []
    assert node.on_frame(ANN, MapAsk(bytes(16), 3), 0.1, WALL_MS) == []
    assert node.on_frame(BEN, MapAnswer(TOKEN, (statement("ben", "me"),)), 0.1, WALL_MS) == []


def test_requests_are_forgotten_after_a_while() -> None:
    node = node_with("ann", "ben")
    node.on_frame(ANN, MapAsk(TOKEN, 3), 0.0, WALL_MS)

    late = node.on_frame(BEN, MapAnswer(TOKEN, (statement("ben", "me"),)), limits.WALK_S, WALL_MS)

    assert late == []
    assert all(holding.count == 0 for holding in node.holdings())

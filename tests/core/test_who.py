from __future__ import annotations

from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from p2pchat.core import limits
from p2pchat.core.attendance import Attendee, attendance
from p2pchat.core.envelopes import Envelope
from p2pchat.core.events import Effect, Send
from p2pchat.core.frames import Carry
from p2pchat.core.mesh_frames import WhoAnswer, WhoAnswers
from p2pchat.core.values import ConnectionId, EnvelopeId, Person
from p2pchat.core.who import EVERYBODY, WHO_QUERY, WhoQuery, mark_of, size_of
from p2pchat.errors import FrameMalformed
from p2pchat.sim.credentials import sim_peer_id
from p2pchat.wire.codec import encode
from tests.core.asking_network import WALL_MS
from tests.core.who_network import CODEC, WhoNode, answer, invented
from tests.effort import EFFORT

ANN, BEN, CEM = ConnectionId(1), ConnectionId(2), ConnectionId(3)
NOW = 100.0


def node_with(*connections: ConnectionId, name: str = "me", blocked: str = "") -> WhoNode:
    node = WhoNode(name, blocked=(blocked,) if blocked else ())
    for connection in connections:
        node.on_open(connection)
    return node


def question(by: str = "asker", share: int = EVERYBODY, now: float = NOW) -> Envelope:
    """What somebody asks; another one for each moment."""
    asker = node_with(ANN, name=by)
    body = CODEC.encode_who(WhoQuery(share))
    nonce = round(now * 1000).to_bytes(16, "big")
    _, effects = asker._flood(WHO_QUERY, body, nonce, None, now, WALL_MS)
    [(_, carry)] = sent(effects)
    assert isinstance(carry, Carry)
    header = CODEC.decode_header(carry.signed)
    return Envelope(EnvelopeId(carry.id), header, carry.signature, carry.signed)


def sent(effects: list[Effect]) -> list[tuple[ConnectionId, object]]:
    return [
        (connection, effect.frame)
        for effect in effects
        if isinstance(effect, Send)
        for connection in effect.connections
    ]


def answers_in(effects: list[Effect]) -> list[WhoAnswer]:
    frames = [frame for _, frame in sent(effects) if isinstance(frame, WhoAnswers)]
    return [answer for frame in frames for answer in frame.answers]


def nicks(effects: list[Effect]) -> list[str]:
    return [each.nick for each in answers_in(effects)]


# --- Answering ------------------------------------------------------------------------------------


def test_who_has_nobody_to_wait_for_answers_at_once() -> None:
    node, asked = node_with(ANN), question()

    effects = node.who.on_query(asked, ANN, NOW)

    assert sent(effects) == [(ANN, WhoAnswers(asked.id, (answer(asked.id, "me"),)))]
    assert node.who.next_deadline() is None


def test_a_relay_waits_for_company_and_counts_a_hop() -> None:
    node, asked = node_with(ANN, BEN), question()

    assert node.who.on_query(asked, ANN, NOW) == []
    assert node.who.on_answers(BEN, WhoAnswers(asked.id, (answer(asked.id, "dan"),)), NOW) == []
    assert node.who.next_deadline() == NOW + limits.WHO_JOIN_S
    [frame] = [frame for _, frame in sent(node.who.on_time(NOW + limits.WHO_JOIN_S))]

    assert isinstance(frame, WhoAnswers)
    assert [(each.nick, each.hops) for each in frame.answers] == [("me", 0), ("dan", 1)]
    assert node.who.next_deadline() is None


def test_a_share_is_chosen_by_marks_that_everybody_can_check() -> None:
    asked = question(share=EVERYBODY // 4)
    names = [f"n{number}" for number in range(200)]

    answering = [name for name in names if node_with(ANN, name=name).who.on_query(asked, ANN, NOW)]

    below = [n for n in names if mark_of(asked.id, sim_peer_id(n)) < EVERYBODY // 4]
    assert answering == below
    assert 25 < len(answering) < 75


def test_ten_questions_a_second_cost_one_answer_in_ten_seconds() -> None:
    node = node_with(ANN, BEN)
    answered = []

    for tenth in range(300):
        now = NOW + tenth / 10
        effects = node.who.on_query(question("stranger", now=now), ANN, now)
        answered += answers_in(effects + node.who.on_time(now))

    assert len(answered) == 3


def test_nothing_of_a_second_question_is_handed_on() -> None:
    node, second = node_with(ANN, BEN), question("other", now=NOW + 1)
    node.who.on_query(question(), ANN, NOW)
    node.who.on_time(NOW + limits.WHO_JOIN_S)

    node.who.on_query(second, ANN, NOW + 1)
    node.who.on_answers(BEN, WhoAnswers(second.id, (answer(second.id, "dan"),)), NOW + 1)

    assert node.who.next_deadline() is None


def test_a_neighbour_that_does_not_know_the_question_gets_no_answer() -> None:
    node = node_with(BEN)
    node.on_open(ANN, ())

    assert node.who.on_query(question(), ANN, NOW) == []
    assert node.who.next_deadline() is None


def test_somebody_blocked_gets_no_answer_and_does_not_use_the_turn_up() -> None:
    node, asked = node_with(ANN, blocked="asker"), question("friend")

    assert node.who.on_query(question("asker"), ANN, NOW) == []
    assert nicks(node.who.on_query(asked, ANN, NOW)) == ["me"]


def test_what_is_no_question_is_a_fault() -> None:
    asked = question()
    broken = replace(asked, header=replace(asked.header, body=b"\x91\x00"))

    with pytest.raises(FrameMalformed):
        node_with(ANN).who.on_query(broken, ANN, NOW)


# --- Handing on -----------------------------------------------------------------------------------


def test_answers_along_an_unknown_way_or_from_its_wrong_end_are_dropped() -> None:
    node, asked, other = node_with(ANN, BEN), question(), question("other")
    node.who.on_query(asked, ANN, NOW)
    node.who.on_time(NOW + limits.WHO_JOIN_S)

    node.who.on_answers(BEN, WhoAnswers(other.id, (answer(other.id, "dan"),)), NOW)
    node.who.on_answers(ANN, WhoAnswers(asked.id, (answer(asked.id, "dan"),)), NOW)
    node.who.on_answers(CEM, WhoAnswers(asked.id, (answer(asked.id, "dan"),)), NOW)
    late = NOW + limits.WHO_EVERY_S
    node.who.on_answers(BEN, WhoAnswers(asked.id, (answer(asked.id, "dan"),)), late)

    assert node.who.next_deadline() is None


def test_a_way_whose_end_is_gone_leads_nowhere() -> None:
    node, asked = node_with(ANN, BEN), question()
    node.who.on_query(asked, ANN, NOW)
    node.on_closed(ANN)

    assert node.who.on_time(NOW + limits.WHO_JOIN_S) == []


def relayed(node: WhoNode, asked: Envelope, given: list[WhoAnswer]) -> list[WhoAnswer]:
    """What a relay hands on of all this."""
    effects = node.who.on_query(asked, ANN, NOW)
    for start in range(0, len(given), limits.LIST_LIMIT):
        part = tuple(given[start : start + limits.LIST_LIMIT])
        effects += node.who.on_answers(BEN, WhoAnswers(asked.id, part), NOW)
    return answers_in(effects + node.who.on_time(NOW + limits.WHO_JOIN_S))


def test_few_are_handed_on_whole() -> None:
    asked = question()
    few = list(islice(invented(asked.id, EVERYBODY), limits.WHO_WHOLE - 1))

    handed = relayed(node_with(ANN, BEN), asked, few)

    assert len(handed) == limits.WHO_WHOLE
    assert {each.halvings for each in handed} == {0}


@pytest.mark.parametrize("people", [300, 1_000, 3_000])
def test_many_are_thinned_out_and_still_stand_for_all(people: int) -> None:
    asked = question()
    many = list(islice(invented(asked.id, EVERYBODY), people))

    handed = relayed(node_with(ANN, BEN), asked, many)

    assert sum(2**each.halvings for each in handed) == pytest.approx(people + 1, rel=0.35)
    assert len(handed) <= limits.WHO_WHOLE + limits.WHO_HALVED * limits.WHO_HALVINGS
    assert all(mark_of(asked.id, sim_peer_id(e.nick)) < EVERYBODY >> e.halvings for e in handed)


def test_a_liar_with_ten_thousand_answers_stays_within_the_bytes_of_one_connection() -> None:
    # The longest nicks, and marks so low that no halving leaves one out.
    asked = question()
    share = EVERYBODY >> limits.WHO_HALVINGS
    some = list(islice(invented(asked.id, share), 300))
    liars = [replace(each, nick="\U0001f9a6" * 24) for each in some] * 34

    handed = relayed(node_with(ANN, BEN), asked, liars)

    assert sum(size_of(each) for each in handed) <= limits.WHO_LIMIT_BYTES
    assert len(handed) < 170


# --- Asking ---------------------------------------------------------------------------------------


def asked_by(node: WhoNode, *known: str) -> EnvelopeId:
    effects = node.who.ask([sim_peer_id(name) for name in known], NOW, WALL_MS)
    [carry] = {frame for _, frame in sent(effects) if isinstance(frame, Carry)}
    return EnvelopeId(carry.id)


def test_an_asker_counts_whoever_answered_with_his_distance() -> None:
    node = node_with(ANN, BEN)
    query = asked_by(node)

    node.who.on_answers(ANN, WhoAnswers(query, (answer(query, "ann"),)), NOW)
    behind = replace(answer(query, "dan"), hops=2)
    node.who.on_answers(BEN, WhoAnswers(query, (behind,)), NOW)

    assert [(e.person.nick, e.hops) for e in node.who.answered] == [("ann", 1), ("dan", 3)]
    assert node.who.estimate == 2


def test_what_is_forged_counts_for_nothing() -> None:
    node = node_with(ANN)
    query = asked_by(node)
    other = question("other").id
    forged = (
        answer(query, "ben", signer="liar"),
        replace(answer(query, "ben"), nick="cem"),
        answer(other, "ben"),
        answer(query, "me"),
    )

    node.who.on_answers(ANN, WhoAnswers(query, forged), NOW)
    twice = (answer(query, "dan"), answer(query, "dan"))
    node.who.on_answers(ANN, WhoAnswers(query, twice), NOW)

    assert [each.person.nick for each in node.who.answered] == ["dan"]
    assert node.who.estimate == 1


def test_nobody_stands_for_more_than_his_mark_allows() -> None:
    node = node_with(ANN)
    query = asked_by(node)
    high = next(
        each
        for each in invented(query, EVERYBODY)
        if mark_of(query, sim_peer_id(each.nick)) >= EVERYBODY // 2
    )

    node.who.on_answers(ANN, WhoAnswers(query, (replace(high, halvings=1),)), NOW)

    assert node.who.answered == ()


def test_a_bad_nick_is_replaced_by_the_one_that_follows_from_the_key() -> None:
    node = node_with(ANN)
    query = asked_by(node)

    node.who.on_answers(ANN, WhoAnswers(query, (answer(query, "dan", nick="a b\x1b["),)), NOW)

    [found] = node.who.answered
    assert "\x1b" not in found.person.nick
    assert " " not in found.person.nick


def test_one_neighbour_can_bring_only_so_much_and_all_only_so_many() -> None:
    connections = [ConnectionId(number) for number in range(1, 9)]
    node = node_with(*connections)
    query = asked_by(node)

    for connection in connections:
        liars = invented(query, EVERYBODY, prefix=f"of{connection}-")
        for _ in range(10_000 // 64):
            part = WhoAnswers(query, tuple(islice(liars, 64)))
            node.who.on_answers(connection, part, NOW)
            if connection == connections[0] and len(node.who.answered) > 250:
                break  # it has had its share; the rest costs this test time only

    assert len(node.who.answered) == limits.WHO_KEPT
    first = [e for e in node.who.answered if e.person.nick.startswith("of1-")]
    assert len(first) * 107 <= limits.WHO_LIMIT_BYTES


def test_the_asker_is_done_when_everybody_known_has_answered_and_it_is_quiet() -> None:
    node = node_with(ANN, BEN)
    query = asked_by(node, "ann", "ben")
    assert node.who.next_deadline() == NOW + limits.WHO_ANSWER_S

    node.who.on_answers(ANN, WhoAnswers(query, (answer(query, "ann"),)), NOW)
    assert node.who.next_deadline() == NOW + limits.WHO_ANSWER_S
    node.who.on_answers(BEN, WhoAnswers(query, (answer(query, "ben"),)), NOW + 0.1)
    quiet_at = node.who.next_deadline()

    assert quiet_at == NOW + 0.1 + limits.WHO_QUIET_S
    node.who.on_time(quiet_at)
    assert node.who.is_done
    node.who.on_answers(BEN, WhoAnswers(query, (answer(query, "late"),)), quiet_at)
    assert len(node.who.answered) == 2


def test_who_has_nobody_to_ask_does_not_wait() -> None:
    node = node_with()

    node.who.ask([], NOW, WALL_MS)

    assert node.who.is_done
    assert node.who.answered == ()


def test_asking_again_too_soon_says_how_long_to_wait() -> None:
    node = node_with(ANN)
    assert node.who.wait_s(NOW) == 0

    asked_by(node)

    assert node.who.wait_s(NOW + 3) == limits.WHO_EVERY_S - 3
    assert node.who.ask([], NOW + 3, WALL_MS) == []
    assert node.who.wait_s(NOW + limits.WHO_EVERY_S) == 0


def test_asking_right_after_somebody_else_is_too_soon_as_well() -> None:
    node = node_with(ANN, BEN)

    node.who.on_query(question(), ANN, NOW)

    assert node.who.wait_s(NOW + 4) == limits.WHO_EVERY_S - 4


def test_a_large_room_is_asked_by_a_share_and_a_small_one_whole() -> None:
    def share_of(known: int) -> int:
        node = node_with(ANN)
        effects = node.who.ask([sim_peer_id(f"n{i}") for i in range(known)], NOW, WALL_MS)
        [(_, carry)] = sent(effects)
        assert isinstance(carry, Carry)
        return CODEC.decode_who(CODEC.decode_header(carry.signed).body).share

    assert share_of(0) == share_of(99) == share_of(limits.WHO_AIM) == EVERYBODY
    assert share_of(1024) == EVERYBODY // 4


@settings(max_examples=EFFORT.property_examples, deadline=None)
@given(st.lists(st.text(max_size=limits.NICK_LIMIT_CHARACTERS), max_size=64))
def test_a_frame_of_answers_is_never_longer_than_is_counted(given_nicks: list[str]) -> None:
    query = question().id
    answers = tuple(replace(answer(query, "dan"), nick=nick, hops=255) for nick in given_nicks)
    if answers:
        counted = 32 + sum(map(size_of, answers))
        assert 4 + len(encode(WhoAnswers(query, answers))) <= counted


# --- What is shown --------------------------------------------------------------------------------


def test_the_nearest_come_first_and_blocked_people_are_counted_only() -> None:
    ann, ben, cem, dan = (Person(sim_peer_id(name), name) for name in ("ann", "ben", "cem", "dan"))
    answered = (Attendee(ann, 2), Attendee(ben, 3), Attendee(cem, 1))
    is_blocked = {cem.id}.__contains__

    result = attendance(answered, 3, (ann, dan), {sim_peer_id("ben")}, is_blocked)

    # Ben is a neighbour, though his answer came over others.
    assert [(each.person.nick, each.hops) for each in result.answered] == [("ben", 1), ("ann", 2)]
    assert result.silent == (dan,)
    assert (result.blocked, result.estimate, result.is_exact) == (1, 3, True)

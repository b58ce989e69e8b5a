"""Who is here, asked in simulated networks."""

from __future__ import annotations

from itertools import islice, pairwise

import pytest

from p2pchat.core import limits
from p2pchat.core.events import Effect, Send
from p2pchat.core.frames import Carry
from p2pchat.core.mesh_frames import WhoAnswers
from p2pchat.core.values import ConnectionId, EnvelopeId
from p2pchat.core.who import EVERYBODY
from p2pchat.sim.credentials import sim_peer_id
from tests.core.who_network import WhoNetwork, WhoNode, invented, random_edges


@pytest.mark.parametrize("seed", range(5))
def test_of_60_everybody_is_shown(seed: int) -> None:
    network = WhoNetwork(*random_edges(60, 5, seed), seed=seed)

    network.ask("n0000")

    assert network.answered("n0000") == [f"n{number:04}" for number in range(1, 60)]
    assert network.nodes["n0000"].who.estimate == 59


def test_in_a_chain_the_far_end_is_heard_over_all_hops() -> None:
    network = WhoNetwork(*pairwise("abcdefg"))

    network.ask("a")

    hops = {each.person.nick: each.hops for each in network.nodes["a"].who.answered}
    assert hops == {"b": 1, "c": 2, "d": 3, "e": 4, "f": 5, "g": 6}


def test_all_behind_one_neighbour_are_shown_while_they_are_few() -> None:
    star = [("hub", f"n{number}") for number in range(90)]
    network = WhoNetwork(("asker", "hub"), *star)

    network.ask("asker")

    assert len(network.answered("asker")) == 91


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("known", [0, 1_000])
def test_1000_people_are_counted_within_a_fifth_and_within_32_kib_a_connection(
    seed: int, known: int
) -> None:
    # Known to nobody, all answer, and relays leave some out; else a share of them answers.
    network = WhoNetwork(*random_edges(1_000, 5, seed), seed=seed)
    others = frozenset(sim_peer_id(f"n{number:04}") for number in range(1, known))

    network.ask("n0000", others)

    who = network.nodes["n0000"].who
    assert who.estimate == pytest.approx(999, rel=0.2)
    assert len(who.answered) > 100
    assert max(network.answer_bytes().values()) <= limits.WHO_LIMIT_BYTES
    assert network.now - 100.0 <= limits.WHO_ANSWER_S


def test_the_second_question_asks_as_many_as_the_first_one_found() -> None:
    network = WhoNetwork(*random_edges(1_000, 5, 7), seed=7)
    known = frozenset(sim_peer_id(f"n{number:04}") for number in range(1, 120))
    network.ask("n0000", known)
    first = len(network.answered("n0000"))
    network.now += limits.WHO_EVERY_S

    network.ask("n0000", known)

    who = network.nodes["n0000"].who
    assert who.estimate == pytest.approx(999, rel=0.2)
    assert len(who.answered) < min(first, 1.3 * limits.WHO_AIM)


def test_two_who_ask_at_once_share_the_room_and_later_each_sees_all() -> None:
    network = WhoNetwork(*random_edges(60, 5, 3), seed=3)
    for name in ("n0000", "n0030"):
        node = network.nodes[name]
        network.perform(name, node.who.ask((), network.now, 0))
    while not all(network.nodes[name].who.is_done for name in ("n0000", "n0030")):
        network.step()
    answered = [*network.answered("n0000"), *network.answered("n0030")]
    # Each node took part in one of the two, and nobody in both.
    assert len(answered) == len(set(answered)) <= 60

    network.now += limits.WHO_EVERY_S
    network.ask("n0030")

    assert len(network.answered("n0030")) == 59


class Liar(WhoNode):
    """Answers each question with ten thousand people whom no halving leaves out."""

    def on_frame(self, connection: ConnectionId, frame: object, now: float) -> list[Effect]:
        assert isinstance(frame, Carry)
        query = EnvelopeId(frame.id)
        fakes = list(islice(invented(query, EVERYBODY >> limits.WHO_HALVINGS), 400)) * 25
        parts = (tuple(fakes[start : start + 64]) for start in range(0, len(fakes), 64))
        return [Send((connection,), WhoAnswers(query, part)) for part in parts]


def test_a_liar_fills_no_more_than_its_own_connection() -> None:
    # The asker has two neighbours; behind one of them a liar sits.
    edges = [("asker", "good"), ("asker", "bad")]
    edges += [("good", f"g{number}") for number in range(20)]
    edges += [("bad", f"b{number}") for number in range(20)]
    network = WhoNetwork(*edges)
    network.nodes["liar"] = Liar("liar")
    network.connect("bad", "liar")

    network.ask("asker")

    answered = network.answered("asker")
    assert {f"g{number}" for number in range(20)} <= set(answered)
    assert network.answer_bytes()["bad", "asker"] <= limits.WHO_LIMIT_BYTES
    assert len(answered) < 400

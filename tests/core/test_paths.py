from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2pchat.core import limits
from p2pchat.core.events import Effect, Send
from p2pchat.core.mesh_frames import PathAnswer, PathAsk, PathHop
from p2pchat.core.notices import Path, PathStep
from p2pchat.core.paths import Paths
from p2pchat.core.trails import Arrivals, Trails
from p2pchat.core.values import ConnectionId, EnvelopeId, PeerId, Person
from p2pchat.sim.credentials import sim_peer_id
from tests.core.asking_network import ABILITIES, WALL_MS, AskingNetwork, person
from tests.effort import EFFORT

ANN, BEN, CEM = ConnectionId(1), ConnectionId(2), ConnectionId(3)
TOKEN = b"t" * 16
SAID = EnvelopeId(b"e" * 16)
NO_ANSWER = Path((), is_complete=False, rtt_ms=None)


class PathNode(Paths):
    """One with its memory of what came from where."""

    def __init__(self, name: str, *, is_hidden: bool = False) -> None:
        self.arrivals, self.trails = Arrivals(), Trails()
        chance = Random(name)
        super().__init__(person(name), self.arrivals, self.trails, chance, is_hidden=is_hidden)


def handle(node: PathNode, connection: ConnectionId, frame: object, now: float) -> list[Effect]:
    assert isinstance(frame, PathAsk | PathAnswer)
    return node.on_frame(connection, frame, now)


def open_(node: PathNode, connection: ConnectionId, far: Person) -> None:
    assert far.id is not None
    node.on_open(connection, far.id, ABILITIES)


class PathNetwork(AskingNetwork[PathNode]):
    def __init__(self, *edges: str, hidden: str = "") -> None:
        super().__init__(handle, open_)
        for name in sorted(set("".join(edges))):
            self.nodes[name] = PathNode(name, is_hidden=name in hidden)
        for edge in edges:
            self.connect(edge[0], edge[1])

    def say(self, *way: str) -> None:
        """Let the first say something that goes that way."""
        self.nodes[way[0]].arrivals.note(SAID, None, WALL_MS)
        for place, (one, other) in enumerate(pairwise(way), start=1):
            node, connection = self.nodes[other], self.connection(other, one)
            node.arrivals.note(SAID, connection, WALL_MS + 50 * place)
            node.trails.note(peer(way[0]), connection, self.now)

    def ask(self, name: str, target: bytes) -> Path | None:
        node = self.nodes[name]
        token, effects = node.ask(target, self.now)
        self.perform(name, effects)
        self.run()
        deadline = node.next_deadline()
        if deadline is not None:
            self.now = deadline
            node.on_time(self.now)
        return node.result(token, self.now)


def peer(name: str) -> PeerId:
    return sim_peer_id(name)


def chain(names: str) -> list[str]:
    return ["".join(pair) for pair in pairwise(names)]


def nicks(path: Path | None) -> list[str | None]:
    assert path is not None
    return [step.person.nick if step.person else None for step in path.steps]


def node_with(*names: str) -> PathNode:
    node = PathNode("me")
    for number, name in enumerate(names, start=1):
        open_(node, ConnectionId(number), person(name))
    return node


def hop(name: str, wall_ms: int = 0) -> PathHop:
    return PathHop(peer(name), name, wall_ms)


# --- Networks ---------------------------------------------------------------------------------


def test_a_trace_goes_back_to_the_author_along_the_very_way() -> None:
    network = PathNetwork(*chain("abcdef"), "fa")
    network.say("a", "b", "c", "d", "e", "f")

    path = network.ask("f", SAID)

    assert path is not None
    assert nicks(path) == ["e", "d", "c", "b", "a"]
    assert [step.wall_ms - WALL_MS for step in path.steps] == [200, 150, 100, 50, 0]
    assert path.is_complete
    assert path.rtt_ms == pytest.approx(10 * 50)


def test_a_ping_follows_the_trail_of_a_peer() -> None:
    network = PathNetwork(*chain("abcd"))
    network.say("a", "b", "c", "d")

    path = network.ask("d", peer("a"))

    assert path is not None
    assert nicks(path) == ["c", "b", "a"]
    assert path.is_complete
    assert {step.wall_ms for step in path.steps} == {0}


def test_a_neighbour_is_pinged_directly_whatever_its_trail() -> None:
    network = PathNetwork("ab", "bc", "ca")
    network.say("a", "b", "c")

    assert nicks(network.ask("c", peer("a"))) == ["a"]


def test_a_way_ends_where_the_next_step_is_gone() -> None:
    network = PathNetwork(*chain("abcd"))
    network.say("a", "b", "c", "d")
    network.disconnect("a", "b")

    path = network.ask("d", SAID)

    assert path is not None
    assert nicks(path) == ["c", "b"]
    assert not path.is_complete
    assert path.rtt_ms is not None


def test_who_hides_tells_when_and_not_who() -> None:
    network = PathNetwork(*chain("abc"), hidden="b")
    network.say("a", "b", "c")

    path = network.ask("c", SAID)

    assert path is not None
    assert path.steps == (PathStep(None, WALL_MS + 50), PathStep(person("a"), WALL_MS))
    assert path.is_complete


def test_behind_a_silent_relay_there_is_no_answer() -> None:
    network = PathNetwork(*chain("abcd"))
    network.say("a", "b", "c", "d")
    network.silent.add("b")

    assert network.ask("d", SAID) == NO_ANSWER


def test_trails_that_form_a_ring_end_the_question() -> None:
    network = PathNetwork("ab", "bc", "ca", "cd")
    for one, other in ("ab", "bc", "ca"):
        network.nodes[one].trails.note(peer("x"), network.connection(one, other), network.now)
    network.nodes["d"].trails.note(peer("x"), network.connection("d", "c"), network.now)

    path = network.ask("d", peer("x"))

    assert path is not None
    assert nicks(path) == ["c", "a", "b", "c"]
    assert not path.is_complete


@settings(max_examples=EFFORT.property_examples, deadline=None)
@given(st.lists(st.sampled_from("bcdefgh"), min_size=1, max_size=7, unique=True), st.booleans())
def test_a_way_comes_back_as_it_went(others: list[str], is_trace: bool) -> None:
    way = ["a", *others]
    network = PathNetwork(*("".join(pair) for pair in pairwise(way)))
    network.say(*way)

    path = network.ask(way[-1], SAID if is_trace else peer("a"))

    assert path is not None
    assert path.is_complete
    assert nicks(path) == way[-2::-1]
    assert not any(node._ways for node in network.nodes.values())


# --- The asker --------------------------------------------------------------------------------


def test_the_way_of_an_own_envelope_has_no_steps() -> None:
    node = node_with("ann")
    node.arrivals.note(SAID, None, WALL_MS)

    token, effects = node.ask(SAID, 0.0)

    assert effects == []
    assert node.result(token, 0.0) == Path((), is_complete=True, rtt_ms=None)
    assert node.next_deadline() is None


@pytest.mark.parametrize("target", [SAID, peer("x"), b"x" * 20], ids=["envelope", "peer", "odd"])
def test_without_a_way_the_answer_is_there_at_once(target: bytes) -> None:
    node = node_with("ann")

    token, effects = node.ask(target, 0.0)

    assert effects == []
    assert node.result(token, 0.0) == NO_ANSWER


def test_a_neighbour_without_the_ability_is_not_asked() -> None:
    node = PathNode("me")
    node.on_open(ANN, peer("ann"), ("map",))

    token, effects = node.ask(peer("ann"), 0.0)

    assert effects == []
    assert node.result(token, 0.0) == NO_ANSWER


def test_a_cold_trail_is_not_followed() -> None:
    node = node_with("ann")
    node.trails.note(peer("x"), ANN, 0.0)

    assert node.ask(peer("x"), limits.TRAIL_S - 1)[1] != []
    assert node.ask(peer("x"), limits.TRAIL_S)[1] == []


def test_an_answer_counts_once_in_time_and_from_who_was_asked() -> None:
    node = node_with("ann", "ben")
    token, effects = node.ask(peer("ann"), 0.0)
    good = PathAnswer(token, True, (hop("ann"),))

    node.on_frame(BEN, good, 0.1)
    node.on_frame(ANN, PathAnswer(TOKEN, True, (hop("ann"),)), 0.1)
    before = node.result(token, 0.1)
    node.on_frame(ANN, good, 0.25)
    node.on_frame(ANN, PathAnswer(token, False, ()), 0.3)

    assert effects == [Send((ANN,), PathAsk(token, peer("ann")))]
    assert before is None
    assert node.result(token, 9.0) == Path((PathStep(person("ann"), 0),), True, 250.0)


def test_who_does_not_answer_in_time_has_not_answered() -> None:
    node = node_with("ann")
    token, _ = node.ask(peer("ann"), 1.0)
    assert node.next_deadline() == 1.0 + limits.PATH_ANSWER_S

    node.on_time(1.0 + limits.PATH_ANSWER_S)
    node.on_frame(ANN, PathAnswer(token, True, (hop("ann"),)), 1.1 + limits.PATH_ANSWER_S)

    assert node.next_deadline() is None
    assert node.result(token, 7.0) == NO_ANSWER


@pytest.mark.parametrize(
    "hops",
    [
        pytest.param((), id="nobody"),
        pytest.param((hop("x"),), id="somebody else first"),
        pytest.param((hop("ann"), hop("y")), id="somebody else last"),
    ],
)
def test_a_way_that_cannot_be_whole_is_not_taken_for_it(hops: tuple[PathHop, ...]) -> None:
    node = node_with("ann")
    node.trails.note(peer("x"), ANN, 0.0)
    token, _ = node.ask(peer("x"), 0.0)

    node.on_frame(ANN, PathAnswer(token, True, hops), 0.1)

    path = node.result(token, 0.1)
    assert path is not None
    assert not path.is_complete


def test_a_key_that_is_none_and_a_nick_against_the_rules_are_not_shown() -> None:
    node = node_with("ann")
    token, _ = node.ask(peer("ann"), 0.0)
    hops = (PathHop(peer("ann"), "\x1b[2J", 0), PathHop(b"short", "evil", 0))

    node.on_frame(ANN, PathAnswer(token, False, hops), 0.1)

    path = node.result(token, 0.1)
    assert path is not None
    assert path.steps[0].person not in (None, Person(peer("ann"), "\x1b[2J"))
    assert path.steps[1].person is None


# --- Relays -----------------------------------------------------------------------------------


def test_a_relay_puts_itself_in_front_of_an_answer() -> None:
    node = node_with("ann", "ben")
    node.arrivals.note(SAID, BEN, 70)
    ask = PathAsk(TOKEN, SAID)

    there = node.on_frame(ANN, ask, 0.0)
    back = node.on_frame(BEN, PathAnswer(TOKEN, True, (hop("ben", 7),)), 0.1)
    again = node.on_frame(BEN, PathAnswer(TOKEN, True, (hop("ben", 7),)), 0.2)

    assert there == [Send((BEN,), ask)]
    assert back == [Send((ANN,), PathAnswer(TOKEN, True, (hop("me", 70), hop("ben", 7))))]
    assert again == []


def test_a_relay_takes_the_answer_of_who_was_asked_only_and_in_time() -> None:
    node = node_with("ann", "ben", "cem")
    node.arrivals.note(SAID, BEN, 70)
    node.on_frame(ANN, PathAsk(TOKEN, SAID), 0.0)
    answer = PathAnswer(TOKEN, True, (hop("ben"),))

    assert node.on_frame(CEM, answer, 0.1) == []
    assert node.on_frame(BEN, answer, limits.PATH_ANSWER_S) == []


def test_a_token_that_comes_again_does_not_turn_the_first_answer_away() -> None:
    node = node_with("ann", "ben", "cem")
    node.arrivals.note(SAID, BEN, 70)
    node.on_frame(ANN, PathAsk(TOKEN, SAID), 0.0)

    replayed = node.on_frame(CEM, PathAsk(TOKEN, SAID), 0.1)
    (answer,) = node.on_frame(BEN, PathAnswer(TOKEN, True, (hop("ben"),)), 0.2)

    assert replayed == [Send((CEM,), PathAnswer(TOKEN, False, (hop("me", 70),)))]
    assert isinstance(answer, Send)
    assert answer.connections == (ANN,)


def test_a_question_is_not_sent_back_where_it_came_from() -> None:
    node = node_with("ann")
    node.arrivals.note(SAID, ANN, 70)

    effects = node.on_frame(ANN, PathAsk(TOKEN, SAID), 0.0)

    assert effects == [Send((ANN,), PathAnswer(TOKEN, False, (hop("me", 70),)))]


def test_a_way_that_is_too_long_is_cut_and_not_called_whole() -> None:
    node = node_with("ann", "ben")
    node.arrivals.note(SAID, BEN, 70)
    node.on_frame(ANN, PathAsk(TOKEN, SAID), 0.0)
    invented = tuple(hop(f"x{number}") for number in range(limits.LIST_LIMIT))

    (effect,) = node.on_frame(BEN, PathAnswer(TOKEN, True, invented), 0.1)

    assert isinstance(effect, Send)
    assert isinstance(effect.frame, PathAnswer)
    assert len(effect.frame.hops) == limits.LIST_LIMIT
    assert effect.frame.hops[0] == hop("me", 70)
    assert not effect.frame.is_complete


def test_who_asks_too_much_is_not_answered() -> None:
    node = node_with("ann", "ben")
    chance = Random(1)

    def ask(connection: ConnectionId, now: float) -> bool:
        return node.on_frame(connection, PathAsk(chance.randbytes(16), peer("me")), now) != []

    assert sum(ask(ANN, 0.0) for _ in range(1_000)) == limits.PATHS_BURST
    assert sum(ask(ANN, 1.0) for _ in range(1_000)) == limits.PATHS_PER_S
    assert ask(BEN, 1.0)


def test_strangers_and_closed_connections_get_nothing() -> None:
    node = node_with("ann", "ben")
    node.arrivals.note(SAID, BEN, 70)
    node.on_frame(ANN, PathAsk(TOKEN, SAID), 0.0)
    node.on_closed(ANN)

    assert node.on_frame(CEM, PathAsk(bytes(16), peer("me")), 0.1) == []
    assert node.on_frame(BEN, PathAnswer(TOKEN, True, (hop("ben"),)), 0.1) == []


def test_what_is_remembered_is_bounded() -> None:
    node, chance = PathNode("me"), Random(1)
    for number in range(1, 101):
        open_(node, ConnectionId(number), person(str(number)))
    node.arrivals.note(SAID, ConnectionId(100), 70)

    for number in range(1, 100):
        for _ in range(limits.PATHS_BURST):
            node.on_frame(ConnectionId(number), PathAsk(chance.randbytes(16), SAID), 0.0)
        node.ask(peer("1"), 0.0)

    assert [holding.count for holding in node.holdings()] == [limits.PATHS_LIMIT]

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from p2pchat.core import limits
from p2pchat.core.mesh_frames import MapAsk
from tests.core.asking_network import person
from tests.core.map_network import MapNetwork, answered, chain, seen
from tests.effort import EFFORT

# --- What is seen ---------------------------------------------------------------------------------


def test_a_chain_is_seen_three_hops_deep_and_one_further_by_name() -> None:
    network = MapNetwork(*chain("abcdef"))

    result = network.look("a")

    assert answered(result) == {"a", "b", "c", "d"}
    assert seen(result) == set("abcde")
    assert not result.is_complete


def test_a_small_network_is_complete_before_the_time_is_over() -> None:
    network = MapNetwork(*chain("abcd"))

    network.perform("a", network.nodes["a"].ask(network.now))
    network.run()

    assert network.nodes["a"].is_done
    assert network.nodes["a"].next_deadline() is None
    result = network.nodes["a"].result(network.now)
    assert result.is_complete
    assert all(edge.is_mutual for edge in result.edges)
    assert [place.person.nick for place in result.weak] == ["b", "c"]


def test_a_ring_is_seen_from_both_sides() -> None:
    network = MapNetwork(*chain("abcdef"), "fa")

    result = network.look("a")

    assert result.is_complete
    assert seen(result) == set("abcdef")
    assert result.weak == ()


def test_a_star_asks_each_ray_once() -> None:
    network = MapNetwork(*(f"h{name}" for name in "abcdefg"))

    result = network.look("a")

    assert result.is_complete
    assert len(result.people) == 8
    asked = [(one, far) for one, far, frame in network.sent if isinstance(frame, MapAsk)]
    assert len(asked) == len(set(asked)) == 7


def test_who_hides_is_shown_without_neighbours_and_leads_nowhere() -> None:
    network = MapNetwork(*chain("abcd"), hidden="b")

    result = network.look("a")

    assert seen(result) == {"a", "b"}
    assert result.people[1].is_hidden
    assert not result.is_complete
    assert not any(one == "b" and isinstance(f, MapAsk) for one, _, f in network.sent)


def test_behind_a_silent_relay_nothing_is_seen_and_the_others_are_still_shown() -> None:
    network = MapNetwork("ab", "bc", "ad", "de")
    network.silent.add("b")

    result = network.look("a")

    assert answered(result) == {"a", "d", "e"}
    assert seen(result) == {"a", "b", "d", "e"}
    assert not result.is_complete


def test_who_has_gone_is_no_longer_on_the_map() -> None:
    network = MapNetwork(*chain("abcd"))
    network.look("a")
    network.disconnect("b", "c")
    network.now += 1

    result = network.look("a")

    assert seen(result) == {"a", "b"}
    assert result.is_complete


def test_others_may_look_right_after_us() -> None:
    network = MapNetwork(*chain("abcd"), "da")

    assert all(network.look(name).is_complete for name in "abcd")
    assert all(network.look(name).is_complete for name in "abcd")


def test_what_was_heard_lately_is_not_asked_for_again() -> None:
    network = MapNetwork(*chain("abcde"))
    network.look("a")
    network.sent.clear()

    network.perform("a", network.nodes["a"].ask(network.now))
    network.run()

    assert network.nodes["a"].is_done
    assert [(o, far) for o, far, f in network.sent if isinstance(f, MapAsk)] == [("a", "b")]


@settings(max_examples=EFFORT.property_examples, deadline=None)
@given(
    st.sets(st.sampled_from([a + b for a in "abcdefgh" for b in "abcdefgh" if a < b])), st.data()
)
def test_in_whatever_order_frames_arrive_everybody_within_three_hops_answers(
    edges: set[str], data: st.DataObject
) -> None:
    seed = data.draw(st.integers(0, 1000))
    network = MapNetwork(*sorted({*edges, "ab"}), seed=seed)
    around = {name: {f for o, f in network._connections if o == name} for name in network.nodes}
    ring, near = {"a"}, {"a"}
    for _ in range(limits.MAP_DEPTH):
        ring = {far for name in ring for far in around[name]} - near
        near |= ring

    result = network.look("a")

    assert answered(result) == near
    for node in network.nodes.values():
        assert all(holding.count <= holding.limit for holding in node.holdings())


# --- Mending ----------------------------------------------------------------------------------


def test_somebody_behind_the_worst_weak_place_is_named_once_in_a_while() -> None:
    network = MapNetwork(*chain("abcd"))
    node, result = network.nodes["a"], network.look("a")

    first = node.weak_target(result, 10.0)
    soon = node.weak_target(result, 10.0 + limits.MAP_REPAIR_EVERY_S - 1)
    later = node.weak_target(result, 10.0 + limits.MAP_REPAIR_EVERY_S)

    assert first in {person("c").id, person("d").id}
    assert soon is None
    assert later is not None


def test_where_nobody_holds_the_network_together_alone_nothing_is_mended() -> None:
    network = MapNetwork("ab", "bc", "ca")

    assert network.nodes["a"].weak_target(network.look("a"), 10.0) is None

"""The overlay behaves as sockets and hosts do."""

from __future__ import annotations

import gc
import pickle
import weakref

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2pchat.core import limits
from p2pchat.core.mesh_frames import SignedRecord
from p2pchat.core.records import Scope, netgroup
from p2pchat.sim.overlay import PORT, SILENCE_S, Overlay, public_host
from p2pchat.sim.overlay_nodes import Fate, OverlayNode
from tests.effort import EFFORT
from tests.sim.overlay_support import broken_bounds, grown, join


def pair() -> tuple[Overlay, OverlayNode, OverlayNode]:
    """Two neighbours; the second dialled the first."""
    overlay = Overlay(1)
    alice, bob = overlay.add("alice"), overlay.add("bob")
    overlay.introduce(bob, alice)
    overlay.run(2.0)
    return overlay, alice, bob


def state(overlay: Overlay) -> list[object]:
    return [overlay.now, overlay.events, overlay.graph()]


def test_who_knows_somebody_gets_connected_to_him() -> None:
    overlay, alice, bob = pair()

    assert overlay.graph() == [[1], [0]]
    assert [link.peer for link in alice.membership.view.members] == [bob.peer]
    assert [link.is_dialled for link in bob.membership.view.members] == [True]


def test_the_same_seed_gives_the_same_network() -> None:
    runs = []
    for _ in range(2):
        overlay = Overlay(7)
        join(overlay, 40, 0.1)
        overlay.run(120)
        runs.append(state(overlay))

    assert runs[0] == runs[1]


def test_a_pickled_network_goes_on_as_the_original_does() -> None:
    overlay = grown(3, 40)
    copy = pickle.loads(pickle.dumps(overlay))

    overlay.run(120)
    copy.run(120)

    assert state(copy) == state(overlay)


def test_a_network_that_has_ended_leaves_memory_at_once() -> None:
    overlay = grown(3, 40)
    watch = weakref.ref(overlay.nodes[0].membership)

    overlay.end()
    gc.disable()
    del overlay
    is_gone = watch() is None
    gc.enable()

    assert is_gone


def test_a_dead_process_is_noticed_at_once() -> None:
    overlay, alice, bob = pair()

    overlay.kill([alice], Fate.DIED)
    overlay.run(0.1)

    assert bob.wires == {}
    assert len(bob.membership.view) == 0


def test_a_vanished_host_is_noticed_after_its_silence() -> None:
    overlay, alice, bob = pair()

    overlay.kill([alice], Fate.VANISHED)
    overlay.run(SILENCE_S[0] - 0.1)
    before = len(bob.wires)
    overlay.run(SILENCE_S[1] - SILENCE_S[0] + 0.2)

    assert (before, len(bob.wires)) == (1, 0)


@pytest.mark.parametrize(
    ("fate", "wait_s"), [(Fate.DIED, 0.2), (Fate.VANISHED, limits.DIAL_TIMEOUT_S + 0.1)]
)
def test_a_dial_of_who_is_gone_fails_when_sockets_would(fate: Fate, wait_s: float) -> None:
    overlay = Overlay(1)
    alice, bob = overlay.add(), overlay.add()
    overlay.kill([alice], fate)

    overlay.introduce(bob, alice)
    known = bob.membership.passive.get(alice.peer)
    before = known.failures if known is not None else None
    overlay.run(wait_s)

    assert before == 0
    assert known is not None
    assert known.failures == 1


def test_who_sits_behind_a_nat_can_dial_and_not_be_dialled() -> None:
    overlay = Overlay(1)
    alice, bob = overlay.add(), overlay.add()
    overlay.hide(alice, knows_it=False)

    overlay.introduce(bob, alice)
    overlay.run(10)
    dialled = overlay.graph()
    overlay.introduce(alice, bob)
    overlay.run(1)

    assert dialled == [[], []]
    assert overlay.graph() == [[1], [0]]


def test_who_leaves_has_said_so() -> None:
    overlay, alice, bob = pair()

    overlay.leave(alice)
    overlay.run(0.1)

    assert bob.wires == {}
    known = bob.membership.passive.get(alice.peer)
    assert known is not None
    assert known.failures == 1, "nobody dials who has left at once"


def test_who_starts_again_dials_whom_his_book_names() -> None:
    overlay = Overlay(1, has_books=True)
    alice, bob = overlay.add("alice"), overlay.add("bob")
    overlay.introduce(bob, alice)
    overlay.run(2.0)

    overlay.leave(bob)
    again = overlay.restart(bob)
    overlay.run(2.0)

    assert (again.peer, again.address) == (bob.peer, bob.address)
    assert [link.peer for link in again.membership.view.members] == [alice.peer]


def test_nothing_passes_a_split_and_both_ends_notice() -> None:
    overlay, alice, bob = pair()

    overlay.split([alice])
    overlay.run(SILENCE_S[1] + 0.1)

    assert overlay.graph() == [[], []]
    assert alice.wires == bob.wires == {}


def test_a_split_that_heals_in_time_breaks_nothing() -> None:
    overlay, alice, _ = pair()
    before = dict(alice.wires)

    overlay.split([alice])
    overlay.run(SILENCE_S[0] - 1)
    overlay.heal()
    overlay.run(SILENCE_S[1])

    assert alice.wires == before


@settings(max_examples=EFFORT.property_examples, deadline=None)
@given(st.integers(0, 2**32), st.floats(0, 0.4))
def test_crossing_dials_leave_one_connection_that_both_have_in_their_views(
    seed: int, later_s: float
) -> None:
    overlay = Overlay(seed)
    alice, bob = overlay.add(), overlay.add()

    overlay.introduce(alice, bob)
    overlay.run(later_s)
    overlay.introduce(bob, alice)
    overlay.run(3 + limits.DRAIN_S + limits.LEAVE_TIMEOUT_S)

    assert overlay.graph() == [[1], [0]]
    assert alice.wires == bob.wires
    assert len(alice.wires) == 1
    assert [len(node.membership.view.members) for node in (alice, bob)] == [1, 1]
    dials = [len(node.membership._filling.budget) for node in (alice, bob)]
    assert dials == [0, 0], "each dial was settled"
    assert broken_bounds(overlay) == []


def test_a_record_is_read_once_and_a_forged_one_never() -> None:
    overlay, alice, bob = pair()
    record = alice.membership.desk.own(Scope.PUBLIC, overlay.wall_ms)
    forged = SignedRecord(bytes(64), record.signed)

    desk = bob.membership.desk
    read = [desk.read(one, Scope.PUBLIC, overlay.wall_ms) for one in (record, record, forged)]

    assert read[0] is read[1]
    assert read[0] is not None
    assert read[2] is None
    assert alice.membership.desk.read(record, Scope.PUBLIC, overlay.wall_ms) is None, "his own"


def test_nodes_have_public_addresses_in_many_networks() -> None:
    hosts = [public_host(index) for index in range(10_000)]

    assert len(set(hosts)) == 10_000
    assert len({netgroup(host) for host in hosts}) == 1_024
    assert None not in {netgroup(host) for host in hosts}
    assert 1024 <= PORT <= 65_535

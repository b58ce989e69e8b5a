"""Each invariant has to be able to fail, or the runs that keep it prove nothing."""

from __future__ import annotations

import msgspec
import pytest

from p2pchat.core.envelopes import Envelope
from p2pchat.core.events import Deliver, FrameReceived, Send, Tell, Tick
from p2pchat.core.frames import Carry
from p2pchat.core.holdings import Holding
from p2pchat.core.notices import Gap
from p2pchat.core.values import ConnectionId, EnvelopeId, Person
from p2pchat.sim.invariants import Invariants
from p2pchat.sim.network import SimNetwork
from p2pchat.sim.node import SimNode
from p2pchat.wire.codec import Codec
from tests.sim.support import craft, pair, watched


@pytest.fixture
def watched_pair() -> tuple[SimNetwork, Invariants, SimNode, SimNode]:
    network, invariants = watched()
    alice, bob = pair(network)
    network.run(1.0)
    invariants.check_rest(network)
    return network, invariants, alice, bob


Pair = tuple[SimNetwork, Invariants, SimNode, SimNode]


def delivery_of(frame: Carry, author: SimNode) -> Deliver:
    header = Codec().decode_header(frame.signed)
    envelope = Envelope(EnvelopeId(frame.id), header, frame.signature, frame.signed)
    return Deliver(Person(author.peer, author.name), envelope, ("crafted",), 1)


def test_1_a_message_shown_twice_is_noticed(watched_pair: Pair) -> None:
    _, invariants, alice, bob = watched_pair
    effect = delivery_of(craft(alice), alice)

    with pytest.raises(AssertionError, match=r"^1: bob"):
        invariants.on_step(bob, Tick(), [effect, effect], 2.0)


def test_2_a_shown_forgery_is_noticed(watched_pair: Pair) -> None:
    _, invariants, alice, bob = watched_pair
    forged = msgspec.structs.replace(craft(alice), signature=bytes(64))

    with pytest.raises(AssertionError, match=r"^2: bob"):
        invariants.on_step(bob, Tick(), [delivery_of(forged, alice)], 2.0)


def test_2_a_wrong_signer_is_noticed(watched_pair: Pair) -> None:
    _, invariants, alice, bob = watched_pair

    with pytest.raises(AssertionError, match=r"^2: bob"):
        invariants.on_step(bob, Tick(), [delivery_of(craft(alice), bob)], 2.0)


def test_3_a_table_above_its_bound_is_noticed(
    watched_pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    network, invariants, alice, _ = watched_pair
    monkeypatch.setattr(alice.core, "holdings", lambda: (Holding("crumbs", 2, 1),))

    with pytest.raises(AssertionError, match=r"^3: alice holds 2 crumbs"):
        invariants.check_rest(network)


def test_6_a_missing_message_is_noticed(watched_pair: Pair) -> None:
    network, invariants, alice, _ = watched_pair
    network.announce(alice, "on its way")

    with pytest.raises(AssertionError, match=r"^6: bob misses 1"):
        invariants.check_rest(network, everything_arrived=True)


def test_6_what_repair_left_out_is_noticed(watched_pair: Pair) -> None:
    network, invariants, alice, _ = watched_pair
    network.announce(alice, "on its way")

    with pytest.raises(AssertionError, match=r"^6: 1 messages are missing, such as at bob"):
        invariants.check_rest(network, is_repaired=True)


def test_7_sending_twice_on_a_link_is_noticed(watched_pair: Pair) -> None:
    _, invariants, alice, bob = watched_pair
    (connection,) = alice.ends
    send = Send((connection,), craft(bob))

    with pytest.raises(AssertionError, match=r"^7: alice sends an envelope twice"):
        invariants.on_step(alice, Tick(), [send, send], 2.0)


def test_7_sending_back_is_noticed(watched_pair: Pair) -> None:
    _, invariants, alice, bob = watched_pair
    (connection,) = alice.ends
    frame = craft(bob)
    event = FrameReceived(connection, frame)
    alice.core.handle(event, 2.0)

    with pytest.raises(AssertionError, match=r"^7: alice sends an envelope back"):
        invariants.on_step(alice, event, [Send((connection,), frame)], 2.0)


def test_7_what_was_lost_for_a_rate_and_came_from_elsewhere_may_go_there(
    watched_pair: Pair,
) -> None:
    _, invariants, alice, bob = watched_pair
    (connection,) = alice.ends
    frame = craft(bob)

    invariants.on_step(alice, FrameReceived(connection, frame), [], 2.0)

    invariants.on_step(alice, Tick(), [Send((connection,), frame)], 2.0)


def test_8_a_timer_in_the_past_is_noticed(watched_pair: Pair) -> None:
    _, invariants, alice, _ = watched_pair
    deadline = alice.core.next_deadline()
    assert deadline is not None

    with pytest.raises(AssertionError, match=r"^8: alice"):
        invariants.on_step(alice, Tick(), [], deadline + 1.0)


def test_8_a_timer_that_rings_for_ever_is_noticed(
    watched_pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, invariants, alice, _ = watched_pair
    monkeypatch.setattr(alice.core, "next_deadline", lambda: 2.0)

    for _ in range(16):
        invariants.on_step(alice, Tick(), [], 2.0)
    with pytest.raises(AssertionError, match=r"^8: alice has a timer that rings for ever"):
        invariants.on_step(alice, Tick(), [], 2.0)


def test_9_a_message_shown_behind_a_later_one_is_noticed(watched_pair: Pair) -> None:
    _, invariants, alice, bob = watched_pair
    first, second, third = (delivery_of(craft(alice, number=n), alice) for n in (0, 1, 2))

    with pytest.raises(AssertionError, match=r"^9: bob shows number 1 behind number 2"):
        invariants.on_step(bob, Tick(), [first, third, second], 2.0)


def test_9_a_message_may_come_late_where_its_gap_was_told(watched_pair: Pair) -> None:
    _, invariants, alice, bob = watched_pair
    first, second, third = (delivery_of(craft(alice, number=n), alice) for n in (0, 1, 2))
    told = Tell(Gap(Person(alice.peer, alice.name), 1))

    invariants.on_step(bob, Tick(), [first, told, third, second], 2.0)


def test_5_two_connections_of_one_pair_are_noticed_at_rest() -> None:
    network, invariants = watched()
    alice, bob = pair(network)
    network.connect(alice, bob)
    network.run_until_quiet()

    with pytest.raises(AssertionError, match=r"^5: .* two connections"):
        invariants.check_rest(network)


def test_4_a_neighbour_without_a_link_is_noticed(watched_pair: Pair) -> None:
    network, invariants, alice, _ = watched_pair
    alice.ends.pop(ConnectionId(1))

    with pytest.raises(AssertionError, match=r"^4: alice"):
        invariants.check_rest(network)


def test_4_a_one_sided_neighbour_is_noticed(
    watched_pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    network, invariants, _, bob = watched_pair
    monkeypatch.setattr(type(bob.core), "neighbours", property(lambda core: one_sided(core, bob)))

    with pytest.raises(AssertionError, match=r"^4: alice has the neighbour bob"):
        invariants.check_rest(network)


def one_sided(core: object, forgetful: SimNode) -> dict[object, object]:
    if core is forgetful.core:
        return {}
    return core._connections.neighbours.by_peer()  # type: ignore[attr-defined,no-any-return]

"""Hearsay: what is believed of others' addresses, and what is said of them to whom."""

from __future__ import annotations

import pytest

from p2pchat.core import limits
from p2pchat.core.hearsay import known_from
from p2pchat.core.mesh_frames import Introduce, PassedRecord, Shuffle, ShuffleAnswer
from p2pchat.core.passive_view import Known
from p2pchat.core.records import UNDIALLABLE
from p2pchat.core.values import PeerId
from p2pchat.sim.credentials import sim_peer_id
from p2pchat.wire.codec import Codec
from tests.core.mesh import OneView, frames, known_of, passed, record_of, signed
from tests.core.mesh import header_of as header

TOKEN = bytes(16)


def sample_for(view: OneView, name: str, *, ip: str) -> tuple[PassedRecord, ...]:
    """What somebody who asks by a shuffle learns."""
    link, _ = view.open(name, ip=ip)
    asked = Shuffle(
        name.encode().ljust(16), 0, record_of(name, f"{ip}:55555"), tuple(passed_many(7))
    )
    (answer,) = frames(view.frame(link, asked), ShuffleAnswer)
    return answer.records


def passed_many(count: int) -> list[PassedRecord]:
    return [passed(f"heard{n}", "10.5.5.5:55555") for n in range(count)]


def owners(records: tuple[PassedRecord, ...]) -> set[PeerId]:
    return {PeerId(Codec().decode_record(record.signed).peer) for record in records}


def test_a_neighbour_may_introduce_only_himself() -> None:
    view = OneView()
    bob, _ = view.open("bob")

    view.frame(bob, Introduce(record_of("cid")))
    assert bob.record is None
    view.frame(bob, Introduce(signed(header("bob"), by="cid")))
    assert bob.record is None
    view.frame(bob, Introduce(record_of("bob")))
    assert bob.record is not None


def test_private_addresses_are_not_told_to_public_peers() -> None:
    view = OneView()
    view.introduced("near", ip="10.1.1.1")
    view.introduced("far", ip="8.8.8.8")
    view.membership.passive.put(known_of("shy", "10.2.2.2"))

    told_far = sample_for(view, "asker", ip="9.9.9.9")
    told_near = sample_for(view, "friend", ip="10.7.7.7")

    assert owners(told_far) == {sim_peer_id("far")}
    assert owners(told_near) >= {sim_peer_id("near"), sim_peer_id("far"), sim_peer_id("shy")}


def test_public_peers_are_not_believed_about_private_addresses() -> None:
    view = OneView()
    far, _ = view.open("far", ip="8.8.8.8")

    view.frame(far, Shuffle(TOKEN, 0, record_of("far"), (passed("shy", "10.2.2.2:55555"),)))

    assert sim_peer_id("shy") not in view.membership.passive


def test_nobody_is_told_of_himself_of_us_or_of_who_cannot_be_dialled() -> None:
    view = OneView()
    hidden, _ = view.open("hidden")
    view.frame(hidden, Introduce(record_of("hidden", flags=UNDIALLABLE)))

    learnt = sample_for(view, "asker", ip="10.7.7.7")

    assert owners(learnt) == set()


@pytest.mark.threat(8)
def test_what_was_only_heard_of_is_never_passed_on_as_if_we_had_dialled_it() -> None:
    view = OneView()
    bob, _ = view.open("bob")
    view.frame(bob, Shuffle(TOKEN, 0, record_of("bob"), tuple(passed_many(4))))
    called = view.introduced("called")
    reached = view.introduced("reached", is_dialled=True)

    told = sample_for(view, "asker", ip="10.7.7.7")

    times = {Codec().decode_record(record.signed).peer: record.passed for record in told}
    assert times.pop(reached.peer) == 0
    assert times.pop(called.peer) == 1
    assert set(times.values()) == {1}


def test_what_was_passed_on_twice_stays_here() -> None:
    view = OneView()
    bob, _ = view.open("bob")
    twice = passed("heard", times=limits.RECORD_PASSED_LIMIT)

    view.frame(bob, Shuffle(TOKEN, 0, record_of("bob"), (twice,)))

    assert sim_peer_id("heard") in view.membership.passive
    assert sim_peer_id("heard") not in owners(sample_for(view, "asker", ip="10.7.7.7"))


def test_one_neighbour_cannot_have_us_read_records_without_end() -> None:
    view = OneView()
    bob, _ = view.open("bob")

    for number in range(250):
        records = tuple(passed(f"n{number}-{n}") for n in range(8))
        token = number.to_bytes(16, "big")
        view.frame(bob, Shuffle(token, 0, record_of("bob"), records))

    from_samples = [owner for owner, _ in view.heard if owner != bob.peer]
    assert len(from_samples) == 64


def test_whoever_is_gone_is_remembered_where_it_is_known_how_to_reach_him() -> None:
    view = OneView()
    called, _ = view.open("called")
    introduced = view.introduced("introduced")
    reached, _ = view.open("reached", is_dialled=True)
    reached.refusals = 3

    assert known_from(called, 5.0) is None
    from_record, from_dial = known_from(introduced, 5.0), known_from(reached, 5.0)
    assert isinstance(from_record, Known)
    assert isinstance(from_dial, Known)
    assert (from_record.dialled_at, from_dial.dialled_at) == (None, 5.0)
    assert from_dial.addresses == (reached.address,)
    assert from_dial.refusals == 3

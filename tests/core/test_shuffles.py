"""Shuffles: samples are swapped at the end of a random walk, and only those asked for."""

from __future__ import annotations

from p2pchat.core import limits
from p2pchat.core.active_view import Link
from p2pchat.core.events import Dial
from p2pchat.core.mesh_frames import Join, Shuffle, ShuffleAnswer
from p2pchat.core.records import Scope
from p2pchat.sim.credentials import sim_peer_id
from p2pchat.wire.codec import Codec
from tests.core.mesh import OneView, frames, passed, record_of, told

TOKEN = b"t" * 16


def neighbours(view: OneView, *ips: str) -> list[Link]:
    links = [view.open(f"n{n}", ip=ip)[0] for n, ip in enumerate(ips)]
    for link in links:
        link.is_in_view, link.is_asked = True, False
    return links


def shuffle(name: str, steps: int, *records: str, token: bytes = TOKEN) -> Shuffle:
    sample = tuple(passed(heard) for heard in records)
    return Shuffle(token, steps, record_of(name), sample)


def own_shuffle(view: OneView) -> Shuffle:
    """Wait for the next one that alice begins."""
    (begun,) = frames(view.wait(limits.SHUFFLE_EVERY_S * 1.2), Shuffle)[-1:]
    return begun


def test_a_sample_that_walks_goes_one_step_further_and_never_back() -> None:
    view = OneView()
    bob, cid = neighbours(view, "10.1.0.2", "10.1.0.3")

    moves = view.frame(bob, shuffle("origin", limits.WALK_STEPS, "heard"))

    (further,) = told(moves, cid)
    assert isinstance(further, Shuffle)
    assert further.steps == limits.WALK_STEPS - 1
    assert told(moves, bob) == []
    assert sim_peer_id("heard") not in view.membership.passive, "who passes it on learns nothing"


def test_no_sample_walks_further_than_we_let_our_own() -> None:
    view = OneView()
    bob, cid = neighbours(view, "10.1.0.2", "10.1.0.3")

    (further,) = told(view.frame(bob, shuffle("origin", limits.WALK_LIMIT_STEPS)), cid)

    assert isinstance(further, Shuffle)
    assert further.steps == limits.WALK_STEPS - 1


def test_at_its_end_it_is_swapped_for_as_many_records() -> None:
    view = OneView()
    bob, cid = neighbours(view, "10.1.0.2", "10.1.0.3")
    for link in (bob, cid):
        link.record = view.desk.read(record_of(f"n{link.connection - 1}"), Scope(0), 1)

    moves = view.frame(bob, shuffle("origin", 0, "heard"))

    (answer,) = frames(moves, ShuffleAnswer)
    assert answer.token == TOKEN
    assert len(answer.records) <= 2
    assert sim_peer_id("heard") in view.membership.passive
    assert sim_peer_id("origin") in view.membership.passive


def test_a_sample_that_comes_again_is_dropped() -> None:
    view = OneView()
    bob, cid = neighbours(view, "10.1.0.2", "10.1.0.3")
    view.frame(bob, shuffle("origin", 0))

    assert view.frame(bob, shuffle("origin", 0)) == []
    assert view.frame(cid, shuffle("origin", 3)) == []


def test_a_private_sample_does_not_go_on_to_a_public_peer() -> None:
    view = OneView()
    near, far = neighbours(view, "10.1.0.2", "8.8.8.8")

    moves = view.frame(near, shuffle("origin", limits.WALK_STEPS, "heard"))

    assert told(moves, far) == []
    assert len(frames(moves, ShuffleAnswer)) == 1, "it ends here instead"


def test_an_answer_is_cleared_of_private_addresses_where_it_goes_back_to_a_public_peer() -> None:
    view = OneView()
    far, near = neighbours(view, "8.8.8.8", "10.1.0.2")
    moves = view.frame(far, Shuffle(TOKEN, 3, record_of("origin", "9.9.9.9:55555"), ()))
    assert told(moves, near), "it has gone on"

    private, public = passed("shy", "10.2.2.2:55555"), passed("open", "9.9.9.9:55555")
    back = told(view.frame(near, ShuffleAnswer(TOKEN, (private, public))), far)

    assert back == [ShuffleAnswer(TOKEN, (public,))]


def test_one_answer_goes_back_for_one_sample() -> None:
    view = OneView()
    bob, cid = neighbours(view, "10.1.0.2", "10.1.0.3")
    view.frame(bob, shuffle("origin", 3))
    answer = ShuffleAnswer(TOKEN, (passed("heard"),))

    assert told(view.frame(cid, answer), bob) == [answer]
    assert view.frame(cid, answer) == []


def test_an_answer_that_nobody_asked_for_teaches_nothing() -> None:
    view = OneView()
    (bob,) = neighbours(view, "10.1.0.2")

    assert view.frame(bob, ShuffleAnswer(TOKEN, (passed("heard"),))) == []
    assert sim_peer_id("heard") not in view.membership.passive
    assert view.heard == []


def test_the_answer_to_an_own_sample_counts_once_and_from_where_it_was_sent() -> None:
    view = OneView()
    bob, cid = neighbours(view, "10.1.0.2", "10.1.0.3")
    begun = own_shuffle(view)
    assert Codec().decode_record(begun.record.signed).peer == sim_peer_id("alice")

    for link in (bob, cid):
        for turn in range(2):
            name = f"heard{link.connection}-{turn}"
            view.frame(link, ShuffleAnswer(begun.token, (passed(name),)))

    learnt = {owner for owner, _ in view.heard}
    assert learnt in ({sim_peer_id("heard1-0")}, {sim_peer_id("heard2-0")})


def test_a_sample_that_comes_back_to_who_began_it_teaches_him_nothing_of_himself() -> None:
    view = OneView()
    bob, _ = neighbours(view, "10.1.0.2", "10.1.0.3")
    begun = own_shuffle(view)

    view.frame(bob, Shuffle(begun.token, 0, begun.record, begun.records))

    assert sim_peer_id("alice") not in view.membership.passive


def test_whoever_gets_to_be_known_is_dialled_while_somebody_is_lacking_and_not_otherwise() -> None:
    dialled = []
    for count in (limits.ACTIVE_AIM - 1, limits.ACTIVE_AIM):
        view = OneView()
        links = [view.introduced(f"n{number}") for number in range(count)]
        for link in links:
            view.frame(link, Join(False))
        for link in links[: limits.ACTIVE_DIALLED_AIM]:
            link.is_dialled = True

        moves = view.frame(links[0], shuffle("origin", 0, "heard"))

        assert sim_peer_id("heard") in view.membership.passive
        dialled.append({move.expected for move in moves if isinstance(move, Dial)})

    assert dialled[0] <= {sim_peer_id("origin"), sim_peer_id("heard")}
    assert (len(dialled[0]), dialled[1]) == (1, set())

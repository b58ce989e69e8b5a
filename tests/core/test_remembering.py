"""What of the life of neighbours goes into the address book, and comes out of it."""

from __future__ import annotations

import random

import pytest

from p2pchat.core import limits
from p2pchat.core.active_view import ActiveView, Link
from p2pchat.core.address_book import AddressBook
from p2pchat.core.filling import Attempt, Purpose
from p2pchat.core.notices import How
from p2pchat.core.remembering import Remembering
from p2pchat.core.values import Address, ConnectionId
from tests.core.book_support import WALL_MS, peer_id, public_ip, record_of

ME = peer_id("alice")


def new_remembering() -> Remembering:
    rng = random.Random(1)
    remembering = Remembering(AddressBook(rng), ME, rng)
    remembering.wall_ms = WALL_MS
    return remembering


def link(number: int, *, is_dialled: bool = True, takes_part: bool = True) -> Link:
    return Link(
        peer_id(number),
        ConnectionId(number),
        is_dialled,
        Address(public_ip(number, 1), 55555),
        float(number),
        How.MESH,
        takes_part=takes_part,
    )


def test_whom_we_dialled_is_written_down_and_nobody_else() -> None:
    remembering = new_remembering()

    remembering.note_open(link(1))
    remembering.note_open(link(2, is_dialled=False))
    remembering.note_open(link(3, takes_part=False))

    (known,) = remembering.candidates(9, ActiveView(random.Random(1)))
    assert (known.peer, known.addresses) == (peer_id(1), (link(1).address,))
    assert known.how is How.BOOK


def test_neighbours_and_this_node_are_not_looked_up() -> None:
    remembering = new_remembering()
    view = ActiveView(random.Random(1))
    view.put(link(1))
    for number in (1, 2):
        remembering.note_open(link(number))
    remembering.note_record(record_of("alice", public_ip(3, 1)), peer_id(1))

    assert [known.peer for known in remembering.candidates(9, view)] == [peer_id(2)]


def test_the_oldest_of_our_dials_are_the_first_of_the_next_start() -> None:
    remembering = new_remembering()
    view = ActiveView(random.Random(1))
    strangers = [link(number, is_dialled=False) for number in range(3)]
    own = [link(number) for number in range(3, 9)]
    for one in (*strangers, *own):
        view.put(one)
        remembering.note_open(one)

    remembering.note_view(view, 9.0)

    first = remembering.candidates(9, ActiveView(random.Random(1)))[: limits.ANCHORS]
    assert [known.peer for known in first] == [peer_id(3), peer_id(4)]


@pytest.mark.threat(7)
def test_whoever_insisted_is_dialled_last_after_the_next_start_and_is_no_anchor() -> None:
    remembering = new_remembering()
    view = ActiveView(random.Random(1))
    for number in range(6):
        view.put(link(number))
        remembering.note_open(link(number))
    for number in (0, 1):
        for _ in range(limits.INSISTENT_JOINS):
            view.note_join(link(number), 9.0)

    remembering.note_view(view, 9.0)
    again = ActiveView(random.Random(1))
    remembering.begin(again, 5.0)

    found = [known.peer for known in remembering.candidates(9, again)]
    assert set(found[:4]) == {peer_id(number) for number in range(2, 6)}
    assert set(found[4:]) == {peer_id(0), peer_id(1)}
    assert again.is_insistent(link(0), 5.0)
    assert not again.is_insistent(link(2), 5.0)


def test_a_dial_that_failed_counts_against_the_peer_that_it_was_for() -> None:
    remembering = new_remembering()
    remembering.note_open(link(1))
    remembering.book.take_changed()

    remembering.note_failure(None)
    remembering.note_failure(Attempt(Purpose.PLACE, None, How.LAN, ()))
    was_changed = remembering.book.is_changed
    remembering.note_failure(Attempt(Purpose.PLACE, peer_id(1), How.MESH, ()))

    assert not was_changed
    assert remembering.book.is_changed

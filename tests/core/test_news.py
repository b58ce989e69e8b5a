"""News: who is told of, once it is clear what he is here for."""

from __future__ import annotations

import random

from p2pchat.core.active_view import ActiveView, Link
from p2pchat.core.changes import Departed, Parting
from p2pchat.core.events import Effect, Tell
from p2pchat.core.news import News
from p2pchat.core.notices import Connected, Disconnected, How
from p2pchat.core.people import People
from p2pchat.core.session import Session
from p2pchat.sim.credentials import sim_peer_id
from tests.core.support import of, session_of

BOB = sim_peer_id("bob")


class OneNews:
    """The news of a node that has one neighbour, bob."""

    def __init__(self, *, takes_part: bool = True) -> None:
        self.people = People()
        self.news = News(self.people)
        self.view = ActiveView(random.Random(1))
        self.session: Session = session_of(BOB)
        self.session.person, _ = self.people.meet(BOB, "bob", 1, 0.0)
        address, connection = self.session.address, self.session.connection
        self.link = Link(BOB, connection, False, address, 0.0, How.CALLED, takes_part=takes_part)
        self.view.put(self.link)
        self.news.arrived(self.session, self.link)

    def told(self) -> int:
        return len(self.news.take(self.view))

    def leaves(
        self,
        parting: Parting = Parting.THEIRS,
        *,
        is_released: bool = False,
        is_redialled: bool = False,
    ) -> list[Effect]:
        gone = Departed(self.session, "left", parting)
        return self.news.departed(gone, is_released=is_released, is_redialled=is_redialled)

    @property
    def is_around(self) -> bool:
        return self.people.is_around(BOB, 1.0)


def test_who_is_here_for_a_moment_is_told_of_neither_coming_nor_going() -> None:
    one = OneNews()

    assert one.told() == 0
    assert one.leaves() == []
    assert one.is_around, "his visit is over, that is all"


def test_who_gets_a_place_is_told_of_once() -> None:
    one = OneNews()

    one.link.is_in_view = True

    assert [one.told() for _ in range(3)] == [1, 0, 0]


def test_who_is_pinned_by_either_side_or_under_manual_is_told_of_at_once() -> None:
    ours, theirs, manual = OneNews(), OneNews(), OneNews(takes_part=False)
    ours.link.is_pinned = theirs.link.is_pinned_there = True

    assert [one.told() for one in (ours, theirs, manual)] == [1, 1, 1]


def test_who_left_is_news_and_gone_from_the_people_around() -> None:
    one = OneNews()
    one.link.is_in_view = True
    (connected,) = of(one.news.take(one.view), Tell)

    (tell,) = of(one.leaves(), Tell)

    assert isinstance(connected.notice, Connected)
    assert isinstance(tell.notice, Disconnected)
    assert (tell.notice.left, tell.notice.is_news) == (True, True)
    assert not one.is_around
    assert one.leaves() == [], "nobody goes twice"


def test_who_gave_the_place_to_another_has_not_left() -> None:
    one = OneNews()
    one.link.is_in_view = True
    one.told()

    (tell,) = of(one.leaves(is_released=True), Tell)

    assert isinstance(tell.notice, Disconnected)
    assert (tell.notice.left, tell.notice.is_news) == (False, False)
    assert tell.notice.reason == "its place went to another"
    assert one.is_around


def test_who_was_lost_counts_no_more_until_he_is_heard_again() -> None:
    one = OneNews()
    one.link.is_in_view = True
    one.told()

    (tell,) = of(one.leaves(Parting.NOBODYS, is_redialled=True), Tell)

    assert isinstance(tell.notice, Disconnected)
    assert (tell.notice.left, tell.notice.is_news) == (False, True)
    assert not one.is_around
    one.people.meet(BOB, "bob", 2, 0.5)
    assert one.is_around


def test_who_was_lost_on_a_visit_counts_no_more_either() -> None:
    one = OneNews()

    assert one.leaves(Parting.NOBODYS) == []
    assert not one.is_around


def test_whom_we_leave_is_as_present_as_before() -> None:
    one = OneNews()
    one.link.is_in_view = True
    one.told()

    one.leaves(Parting.OURS)

    assert one.is_around


def test_whoever_leaves_himself_is_told_of_nobody() -> None:
    one = OneNews()
    one.link.is_in_view = True
    one.told()

    one.news.end()

    assert one.leaves() == []

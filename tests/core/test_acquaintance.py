"""Who is met is remembered, and what is odd about his name is told once."""

from __future__ import annotations

from p2pchat.core.acquaintance import SAVE_AFTER_S, Acquaintance
from p2pchat.core.contacts import Contacts
from p2pchat.core.events import Effect, SaveContacts, Tell
from p2pchat.core.notices import Remark
from p2pchat.core.values import Person
from p2pchat.sim.credentials import sim_peer_id

NOW = 100.0
WALL_MS = 1_700_000_000_000

ME = Person(sim_peer_id("me"), "me")
FRANK = Person(sim_peer_id("frank"), "frank")
OTHER_FRANK = Person(sim_peer_id("mallory"), "frank")


def remarks(effects: list[Effect]) -> list[str]:
    notices = [effect.notice for effect in effects if isinstance(effect, Tell)]
    return [notice.text for notice in notices if isinstance(notice, Remark)]


def test_who_is_met_is_written_down_a_little_later() -> None:
    subject = Acquaintance(Contacts(), ME)
    assert subject.next_deadline() is None

    assert subject.on_met([FRANK], NOW, WALL_MS) == []

    assert subject.next_deadline() == NOW + SAVE_AFTER_S
    assert subject.on_time(NOW + SAVE_AFTER_S - 0.1) == []
    assert subject.on_time(NOW + SAVE_AFTER_S) == [SaveContacts()]
    assert subject.next_deadline() is None


def test_what_we_said_in_an_earlier_run_makes_us_no_acquaintance_of_ours() -> None:
    contacts = Contacts()
    subject = Acquaintance(contacts, ME)

    assert subject.on_met([ME], NOW, WALL_MS) == []

    assert subject.next_deadline() is None
    assert list(contacts.everybody()) == []


def test_more_people_do_not_put_the_writing_off() -> None:
    subject = Acquaintance(Contacts(), ME)
    subject.on_met([FRANK], NOW, WALL_MS)

    subject.on_met([Person(sim_peer_id("ann"), "ann")], NOW + 4.0, WALL_MS)

    assert subject.next_deadline() == NOW + SAVE_AFTER_S


def test_a_guest_is_nobody_to_remember() -> None:
    contacts = Contacts()

    assert Acquaintance(contacts, ME).on_met([Person(None, "nobody")], NOW, WALL_MS) == []
    assert len(contacts) == 0


def test_two_people_of_one_nick_are_told_apart_once() -> None:
    subject = Acquaintance(Contacts(), ME)
    subject.on_met([FRANK], NOW, WALL_MS)

    (remark,) = remarks(subject.on_met([OTHER_FRANK], NOW, WALL_MS))

    assert "look alike" in remark
    assert remark.count("frank#") == 2
    assert remarks(subject.on_met([OTHER_FRANK, FRANK], NOW, WALL_MS)) == []


def test_the_nick_of_a_verified_person_still_means_him() -> None:
    contacts = Contacts()
    subject = Acquaintance(contacts, ME)
    contacts.verify(FRANK, WALL_MS)

    (remark,) = remarks(subject.on_met([OTHER_FRANK], NOW, WALL_MS))

    assert "somebody new also calls himself frank" in remark
    assert "@frank still means him" in remark


def test_a_new_nick_of_a_verified_person_is_told_and_one_of_others_is_not() -> None:
    contacts = Contacts()
    subject = Acquaintance(contacts, ME)
    contacts.verify(FRANK, WALL_MS)
    stranger = sim_peer_id("ann")
    subject.on_met([Person(stranger, "ann")], NOW, WALL_MS)

    told = subject.on_met([Person(FRANK.id, "francis"), Person(stranger, "anna")], NOW, WALL_MS)

    assert remarks(told) == ["your verified frank is now called francis: the same key"]


def test_of_blocked_people_nothing_is_told() -> None:
    contacts = Contacts()
    subject = Acquaintance(contacts, ME)
    subject.on_met([FRANK], NOW, WALL_MS)
    contacts.block(OTHER_FRANK, WALL_MS)

    assert remarks(subject.on_met([OTHER_FRANK], NOW, WALL_MS)) == []


def test_a_nick_that_looks_like_ours_is_told_of_once_with_both_keys() -> None:
    subject = Acquaintance(Contacts(), ME)
    mallory = Person(sim_peer_id("mallory"), "m\u0435")  # a Cyrillic letter
    told = [remarks(subject.on_met([mallory], NOW, WALL_MS)) for _ in range(3)]

    assert [len(texts) for texts in told] == [1, 0, 0]
    (text,) = told[0]
    assert text.startswith("m\u0435#")
    assert " has a nick that looks like yours; you are me#" in text


def test_who_renames_himself_is_compared_anew() -> None:
    subject = Acquaintance(Contacts(), ME)
    subject.on_met([FRANK], NOW, WALL_MS)

    subject.rename("Frank")

    assert len(remarks(subject.on_met([FRANK], NOW, WALL_MS))) == 1

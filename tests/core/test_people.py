from __future__ import annotations

from p2pchat.core.limits import KNOWN_S
from p2pchat.core.people import PEOPLE_LIMIT, People
from p2pchat.core.values import PeerId, Person
from p2pchat.nicks import default_nick
from p2pchat.sim.credentials import sim_peer_id

BOB = sim_peer_id("bob")
CEM = sim_peer_id("cem")


def test_somebody_is_known_by_the_latest_nick() -> None:
    people = People()

    first = people.meet(BOB, "bob", 1, 0.0)
    again = people.meet(BOB, "bob", 1, 1.0)
    renamed = people.meet(BOB, "robert", 1, 2.0)

    assert first == again == (Person(BOB, "bob"), None)
    assert renamed == (Person(BOB, "robert"), "bob")
    assert people.person(BOB) == Person(BOB, "robert")
    assert people.person(CEM) is None


def test_a_nick_that_breaks_the_rules_is_replaced_by_the_one_from_the_key() -> None:
    people = People()

    person, old = people.meet(BOB, "\x1b[31m", 1, 0.0)

    assert person == people.stranger(BOB) == Person(BOB, default_nick(BOB))
    assert old is None


def test_one_bad_nick_after_another_is_no_change_of_nick() -> None:
    people = People()
    people.meet(BOB, "@bob", 1, 0.0)

    assert people.meet(BOB, "#bob", 1, 1.0) == (Person(BOB, default_nick(BOB)), None)


def test_others_are_listed_latest_first_with_distance_and_silence() -> None:
    people = People()
    people.meet(BOB, "bob", 3, 0.0)
    people.meet(CEM, "cem", 1, 5.0)
    people.meet(BOB, "bob", 2, 8.0)

    heard = people.heard(10.0, frozenset())

    assert [(h.person.nick, h.hops, h.heard_s) for h in heard] == [("bob", 2, 2.0), ("cem", 1, 5.0)]
    assert [h.person.nick for h in people.heard(10.0, frozenset({BOB}))] == ["cem"]


def test_who_was_silent_for_long_is_not_around_any_more() -> None:
    people = People()
    people.meet(BOB, "bob", 1, 0.0)
    people.meet(CEM, "cem", 1, 1.0)

    assert people.known(KNOWN_S) == (CEM, BOB)
    assert people.known(KNOWN_S + 0.5) == (CEM,)
    assert people.known_count(KNOWN_S + 2.0) == 0


def test_what_comes_by_repair_was_said_when_it_was_said() -> None:
    people = People()

    people.meet(BOB, "bob", 1, 1_000.0, age_s=500.0)

    assert people.is_around(BOB, 1_000.0)
    assert people.heard(1_000.0, frozenset())[0].heard_s == 500.0
    assert not people.is_around(BOB, 1_101.0)


def test_nothing_that_comes_by_repair_brings_somebody_back_or_makes_him_older() -> None:
    people = People()
    people.meet(BOB, "bob", 1, 990.0)
    people.meet(CEM, "cem", 1, 990.0)
    people.part(BOB)

    for peer, nick in ((BOB, "bob"), (CEM, "cem")):
        people.meet(peer, nick, 1, 1_000.0, age_s=500.0)

    assert people.known(1_000.0) == (CEM,)
    assert people.heard(1_000.0, frozenset())[0].heard_s == 10.0
    people.meet(BOB, "bob", 1, 1_001.0)
    assert set(people.known(1_001.0)) == {BOB, CEM}


def test_an_older_message_that_comes_by_repair_does_not_give_anybody_his_old_nick_back() -> None:
    people = People()
    people.meet(BOB, "robert", 1, 1_000.0)

    assert people.meet(BOB, "bob", 1, 1_001.0, age_s=60.0) == (Person(BOB, "bob"), None)

    assert people.person(BOB) == Person(BOB, "robert")
    assert people.meet(BOB, "robert", 1, 1_002.0) == (Person(BOB, "robert"), None)


def test_beyond_the_limit_whoever_was_silent_longest_is_forgotten() -> None:
    people = People()
    keys = [PeerId(number.to_bytes(32, "big")) for number in range(PEOPLE_LIMIT + 1)]
    for number, key in enumerate(keys[:-1]):
        people.meet(key, "somebody", 1, float(number))
    people.meet(keys[0], "somebody", 1, 1e6)

    people.meet(keys[-1], "newcomer", 1, 1e6)

    assert len(people) == PEOPLE_LIMIT
    assert people.person(keys[0]) is not None
    assert people.person(keys[1]) is None

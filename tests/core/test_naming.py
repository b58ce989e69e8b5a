"""Names that are typed: exactly one person is meant, or nobody is."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2pchat.core.contacts import Contacts
from p2pchat.core.naming import Ambiguous, Found, Unknown, explain, resolve
from p2pchat.core.values import GUEST, PeerId, Person, fingerprint
from p2pchat.lookalikes import looks_like
from p2pchat.nicks import comparable
from p2pchat.sanitize import visible_line
from tests.effort import EFFORT

WALL_MS = 1_700_000_000_000


def key(number: int) -> PeerId:
    return PeerId(bytes((number,)) * 32)


def digits(person: Person, count: int = 4) -> str:
    assert person.id is not None
    return fingerprint(person.id).replace("-", "")[:count]


BOB, ANN = Person(key(0x10), "bob"), Person(key(0x20), "ann")
OTHER_BOB = Person(key(0x99), "Bob")
FALSE_BOB = Person(key(0x77), "b\u043eb")
NOBODY = Contacts()


def knowing(*people: Person, verified: tuple[Person, ...] = ()) -> Contacts:
    contacts = Contacts()
    for person in people:
        assert person.id is not None
        contacts.meet(person.id, person.nick, WALL_MS)
    for person in verified:
        contacts.verify(person, WALL_MS)
    return contacts


@pytest.mark.parametrize(
    "name",
    [
        "bob",
        "BOB",
        "\uff42ob",
        f"bob#{digits(BOB)}",
        f"Bob#{digits(BOB, 9).upper()}",
        f"bob#{fingerprint(PeerId(bytes((0x10,)) * 32))}",
        "10" * 32,
    ],
)
def test_one_person_is_found_by_nick_fingerprint_or_key(name: str) -> None:
    assert resolve(name, [ANN, BOB, GUEST], NOBODY) == Found(BOB)


def test_somebody_seen_before_is_found_though_he_is_not_here() -> None:
    assert resolve("bob", [ANN], knowing(BOB)) == Found(BOB)


def test_who_is_here_is_called_as_he_calls_himself_now() -> None:
    assert resolve("carl", [Person(BOB.id, "carl")], knowing(BOB)) == Found(Person(BOB.id, "carl"))


def test_two_people_of_one_nick_are_ambiguous() -> None:
    found = resolve("bob", [BOB, OTHER_BOB], NOBODY)

    labels = (f"bob#{digits(BOB)}", f"Bob#{digits(OTHER_BOB)}")
    assert found == Ambiguous((BOB, OTHER_BOB), labels)
    assert explain("bob", found) == f"two people are called bob. Use @{labels[0]} or @{labels[1]}."


def test_somebody_seen_before_makes_a_nick_ambiguous_too() -> None:
    assert isinstance(resolve("bob", [OTHER_BOB], knowing(BOB)), Ambiguous)


def test_the_only_verified_one_is_meant() -> None:
    contacts = knowing(BOB, OTHER_BOB, FALSE_BOB, verified=(BOB,))

    assert resolve("bob", [OTHER_BOB, FALSE_BOB], contacts) == Found(BOB)


def test_two_verified_ones_are_ambiguous() -> None:
    contacts = knowing(verified=(BOB, OTHER_BOB))

    assert isinstance(resolve("bob", [], contacts), Ambiguous)


def test_who_only_looks_as_if_he_were_called_so_makes_it_ambiguous() -> None:
    assert isinstance(resolve("bob", [BOB, FALSE_BOB], NOBODY), Ambiguous)


@pytest.mark.threat(12)
@pytest.mark.parametrize("verified", [(), (FALSE_BOB,)])
def test_who_only_looks_as_if_he_were_called_so_is_never_meant(
    verified: tuple[Person, ...],
) -> None:
    found = resolve("bob", [FALSE_BOB], knowing(verified=verified))

    assert found == Unknown(f"b\u043eb#{digits(FALSE_BOB)}")


def test_a_verified_look_alike_does_not_win_over_who_is_called_so() -> None:
    assert isinstance(resolve("bob", [BOB], knowing(verified=(FALSE_BOB,))), Ambiguous)


def test_a_typing_error_gets_a_suggestion() -> None:
    found = resolve("bbo", [BOB, ANN], NOBODY)

    assert found == Unknown("bob")
    assert explain("bbo", found) == 'no one called "bbo". Did you mean bob?'


def test_a_former_nick_suggests_the_one_of_now() -> None:
    contacts = knowing(BOB, Person(BOB.id, "zed"))

    assert resolve("bob", [], contacts) == Unknown("zed")


@pytest.mark.parametrize(
    "name", ["", "xyz", "#", "bob#", "\u202e", "ff" * 32, "1 " * 32, "x" * 999]
)
def test_nobody_is_nobody(name: str) -> None:
    found = resolve(name, [ANN, GUEST], NOBODY)

    assert found == Unknown(None)
    assert len(explain(name, found)) < 80


def test_too_few_or_other_digits_are_not_enough() -> None:
    suggestion = Unknown(f"bob#{digits(BOB)}")

    assert resolve(f"bob#{digits(BOB, 3)}", [BOB], NOBODY) == suggestion
    assert resolve("bob#zzzz", [BOB], NOBODY) == suggestion
    assert resolve(f"carl#{digits(BOB)}", [BOB, ANN], NOBODY) == suggestion


def test_the_letters_that_crockford_has_no_use_for_are_read_as_digits() -> None:
    nil = Person(PeerId(bytes(32)), "nil")

    assert resolve("nil#OoOO", [nil], NOBODY) == Found(nil)


def test_keys_that_begin_alike_need_more_digits() -> None:
    one = Person(PeerId(bytes((1, 2, 3, 0)).ljust(32, b"\0")), "bob")
    other = Person(PeerId(bytes((1, 2, 3, 64)).ljust(32, b"\0")), "bob")

    found = resolve(f"bob#{digits(one)}", [one, other], NOBODY)

    assert isinstance(found, Ambiguous)
    assert [resolve(each, [one, other], NOBODY) for each in found.labels] == [
        Found(one),
        Found(other),
    ]


def test_of_thousands_with_one_nick_some_are_shown() -> None:
    people = [Person(PeerId(number.to_bytes(32, "little")), "bob") for number in range(1, 2001)]

    found = resolve("bob", people, NOBODY)

    assert not isinstance(found, Found)
    text = explain("bob", found)
    assert text.startswith("2,000 people are called bob. Use @bob#")
    assert len(text) < 200


nicks = st.sampled_from(["bob", "Bob", "b\u043eb", "b0b", "IAN", "ian", "lan", "ann"])
crowds = st.lists(
    st.builds(Person, st.integers(0, 9).map(key), nicks), max_size=8, unique_by=lambda p: p.id
)


@settings(max_examples=EFFORT.property_examples)
@given(nicks, crowds, crowds, st.integers(0, 255))
def test_it_never_guesses_and_every_label_leads_to_its_person(
    name: str, here: list[Person], before: list[Person], mask: int
) -> None:
    contacts = knowing(*before, verified=tuple(p for n, p in enumerate(before) if mask >> n & 1))
    found = resolve(name, here, contacts)

    people = {contact.peer: contact.person for contact in contacts.everybody()}
    people |= {person.id: person for person in here if person.id is not None}
    alike = [person for person in people.values() if looks_like(person.nick, name)]
    match found:
        case Found(person):
            assert comparable(person.nick) == comparable(name)
            rivals = [p.id for p in alike if p.id and p != person]
            assert not rivals or (person.id and contacts.is_verified(person.id))
            assert not any(contacts.is_verified(p.id) for p in alike if p.id and p != person)
        case Ambiguous(persons, labels):
            assert set(persons) == set(alike)
            for person, each in zip(persons, labels, strict=False):
                assert resolve(each, here, contacts) == Found(person)
        case Unknown(suggestion):
            assert not any(comparable(p.nick) == comparable(name) for p in alike)
            assert suggestion is None or not isinstance(
                resolve(suggestion, here, contacts), Unknown
            )


@settings(max_examples=EFFORT.property_examples)
@given(st.text(st.characters(exclude_categories=()), max_size=80), crowds)
def test_whatever_is_typed_gets_an_answer(name: str, here: list[Person]) -> None:
    found = resolve(name, here, NOBODY)

    if not isinstance(found, Found):
        text = explain(name, found)
        assert visible_line(text) == text

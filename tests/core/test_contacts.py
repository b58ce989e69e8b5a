"""Contacts: nicks pinned to keys, likenesses told once, nobody important forgotten."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from p2pchat.core.contact_entries import (
    BLOCKED_LIMIT,
    CONTACTS_LIMIT,
    VERIFIED_LIMIT,
    Contact,
    ContactsState,
)
from p2pchat.core.contacts import TOLD_LIMIT, Contacts, FirstSeen, LooksLike, Renamed
from p2pchat.core.values import GUEST, PeerId, Person
from p2pchat.nicks import check_nick, default_nick
from tests.effort import EFFORT

WALL_MS = 1_700_000_000_000
HOUR_MS = 3_600_000


def key(number: int) -> PeerId:
    return PeerId(number.to_bytes(32, "big"))


BOB, OTHER, THIRD = Person(key(1), "bob"), Person(key(2), "b\u043eb"), Person(key(3), "BOB")


def met(*people: Person) -> Contacts:
    contacts = Contacts()
    for number, person in enumerate(people):
        meet(contacts, person, number)
    return contacts


def meet(contacts: Contacts, person: Person, later_ms: int = 0) -> tuple[object, ...]:
    assert person.id is not None
    return contacts.meet(person.id, person.nick, WALL_MS + later_ms)


def restored(contacts: Contacts) -> Contacts:
    fresh = Contacts()
    fresh.restore(contacts.snapshot(), WALL_MS + 1_000_000)
    return fresh


def test_somebody_new_is_told_once() -> None:
    contacts = Contacts()

    assert meet(contacts, BOB) == (FirstSeen(),)
    assert meet(contacts, BOB, 5) == ()
    assert contacts.contact(key(1)) == Contact(key(1), "bob", WALL_MS, WALL_MS + 5)


def test_another_nick_is_told_with_the_old_one_which_is_kept() -> None:
    contacts = met(BOB)
    contacts.verify(BOB, WALL_MS)

    news = contacts.meet(key(1), "carl", WALL_MS)
    again = contacts.meet(key(1), "carl", WALL_MS)

    assert news == (Renamed("bob", was_verified=True),)
    assert again == ()
    contact = contacts.contact(key(1))
    assert contact is not None
    assert (contact.nick, contact.former_nick) == ("carl", "bob")


def test_a_nick_that_breaks_the_rules_gives_way_to_the_one_from_the_key() -> None:
    contacts = Contacts()

    news = [contacts.meet(key(1), "bo\u200bb\n", WALL_MS) for _ in range(2)]

    assert news == [(FirstSeen(),), ()]
    contact = contacts.contact(key(1))
    assert contact is not None
    assert contact.nick == default_nick(key(1))


@pytest.mark.threat(12)
def test_who_looks_like_somebody_met_before_is_told_once_in_a_run() -> None:
    contacts = met(BOB)

    news = [meet(contacts, OTHER), meet(contacts, OTHER), meet(contacts, BOB)]

    assert news == [(FirstSeen(), LooksLike(BOB, is_other_verified=False)), (), ()]
    assert meet(restored(contacts), OTHER) == (LooksLike(BOB, is_other_verified=False),)
    assert meet(restored(contacts), BOB) == ()


def test_who_renames_himself_to_somebody_elses_nick_is_told() -> None:
    contacts = met(BOB, Person(key(2), "ann"))

    news = meet(contacts, OTHER)

    assert news == (Renamed("ann", was_verified=False), LooksLike(BOB, is_other_verified=False))


def test_the_verified_one_is_named_and_never_told_to_look_like_a_stranger() -> None:
    contacts = met(THIRD, BOB)
    contacts.verify(BOB, WALL_MS)

    first, verified, new = (meet(contacts, person) for person in (THIRD, BOB, OTHER))

    assert first == (LooksLike(BOB, is_other_verified=True),)
    assert verified == ()
    assert new == (FirstSeen(), LooksLike(BOB, is_other_verified=True))


def test_of_blocked_people_nothing_is_told() -> None:
    contacts = met(BOB)
    contacts.block(OTHER, WALL_MS)

    assert meet(contacts, OTHER) == ()
    assert contacts.meet(key(2), "bill", WALL_MS) == ()
    assert contacts.unblock(key(2))
    assert contacts.meet(key(2), "carl", WALL_MS) == (Renamed("bill", was_verified=False),)


def test_marks_are_set_and_taken_off() -> None:
    contacts = Contacts()

    assert contacts.verify(BOB, WALL_MS) is None
    assert contacts.verify(BOB, WALL_MS + 1) is None
    assert contacts.block(OTHER, WALL_MS) is None
    assert contacts.is_verified(key(1))
    assert contacts.is_blocked(key(2))
    assert not contacts.is_blocked(key(1))
    assert contacts.contact(key(1)) == Contact(key(1), "bob", WALL_MS, WALL_MS, WALL_MS)
    assert contacts.unverify(key(1))
    assert contacts.unblock(key(2))
    assert not contacts.unverify(key(1))
    assert not contacts.unblock(key(2))
    assert len(contacts) == 2


def test_a_guest_has_no_key_to_verify_or_block() -> None:
    contacts = Contacts()

    assert "no key" in str(contacts.verify(GUEST, WALL_MS))
    assert "no key" in str(contacts.block(GUEST, WALL_MS))
    assert len(contacts) == 0


def test_more_marks_than_the_limit_are_refused_aloud() -> None:
    contacts = Contacts()
    for number in range(VERIFIED_LIMIT):
        assert contacts.verify(Person(key(number), "v"), WALL_MS) is None
    for number in range(BLOCKED_LIMIT):
        assert contacts.block(Person(key(5_000 + number), "b"), WALL_MS) is None

    assert "1,024 people are verified" in str(contacts.verify(Person(key(9_999), "v"), WALL_MS))
    assert "1,024 people are blocked" in str(contacts.block(Person(key(9_999), "b"), WALL_MS))
    assert not contacts.is_verified(key(9_999))
    assert not contacts.is_blocked(key(9_999))


def test_who_was_not_seen_longest_is_forgotten_first_and_the_marked_never() -> None:
    contacts = met(*(Person(key(number), f"n{number}") for number in range(CONTACTS_LIMIT)))
    contacts.verify(Person(key(0), "n0"), WALL_MS)
    contacts.block(Person(key(1), "n1"), WALL_MS)
    contacts.meet(key(2), "n2", WALL_MS + 10_000)

    for number in range(10_000, 10_000 + CONTACTS_LIMIT - 3):
        contacts.meet(key(number), f"n{number}", WALL_MS + 20_000)

    assert len(contacts) == CONTACTS_LIMIT
    assert [contacts.contact(key(number)) is not None for number in range(4)] == [
        True,
        True,
        True,
        False,
    ]
    assert contacts.meet(key(3), "n3", WALL_MS + 30_000) == (FirstSeen(),)
    assert contacts.contact(key(2)) is None
    assert restored(contacts).snapshot() == contacts.snapshot()


def test_everybody_of_one_nick_costs_bounded_memory() -> None:
    contacts = Contacts()
    for number in range(TOLD_LIMIT + 10):
        contacts.meet(key(number), "bob", WALL_MS + number)

    assert all(holding.count <= holding.limit for holding in contacts.holdings())


def test_only_what_is_worth_writing_counts_as_a_change() -> None:
    contacts = met(BOB)
    started_ms = WALL_MS // HOUR_MS * HOUR_MS + HOUR_MS

    changes = [contacts.take_changed()]
    for later_ms in (0, 1, HOUR_MS - 1, HOUR_MS):
        contacts.meet(key(1), "bob", started_ms + later_ms)
        changes.append(contacts.take_changed())
    contacts.verify(BOB, WALL_MS)

    assert changes == [True, True, False, False, True]
    assert contacts.is_changed


def test_a_clock_set_back_makes_nobody_seen_longer_ago() -> None:
    contacts = met(BOB)

    meet(contacts, BOB, -10 * HOUR_MS)

    contact = contacts.contact(key(1))
    assert contact is not None
    assert contact.last_seen_ms == WALL_MS


def test_what_cannot_be_is_not_restored() -> None:
    good = Contact(key(1), "bob", WALL_MS - 5, WALL_MS - 1)
    state = ContactsState(
        (
            good,
            replace(good, nick="twice"),
            Contact(PeerId(b"short"), "ann", 1, 2),
            Contact(key(2), "bo\u200bb", 1, 2),
            Contact(key(3), "", 1, 2),
            Contact(key(4), "ann", 9 * WALL_MS, -7, 9 * WALL_MS, -1, "a b"),
        )
    )
    contacts = Contacts()

    contacts.restore(state, WALL_MS)

    assert contacts.contact(key(1)) == good
    assert contacts.contact(key(4)) == Contact(key(4), "ann", 0, 0, WALL_MS, 0, None)
    assert len(contacts) == 2
    assert contacts.is_changed


def test_too_much_is_restored_within_the_limits_the_latest_first() -> None:
    everybody = [
        Contact(key(number), "bob", number, number, *mark)
        for number, mark in enumerate([(1,)] * 1100 + [(None, 1)] * 1100 + [()] * 4000)
    ]
    contacts = Contacts()

    contacts.restore(ContactsState(tuple(everybody)), WALL_MS)

    verified = [each.peer for each in contacts.everybody() if each.verified_ms is not None]
    assert len(contacts) == CONTACTS_LIMIT
    assert verified == [key(number) for number in range(76, 1100)]
    assert sum(contacts.is_blocked(each.peer) for each in contacts.everybody()) == BLOCKED_LIMIT
    assert contacts.contact(key(6199)) is not None
    assert contacts.contact(key(2200)) is None


times = st.integers(-(2**70), 2**70)
contact_values = st.builds(
    Contact,
    st.binary(max_size=40).map(PeerId) | st.integers(0, 3).map(key),
    st.text(max_size=26) | st.sampled_from(["bob", "ann"]),
    times,
    times,
    st.none() | times,
    st.none() | times,
    st.none() | st.text(max_size=26),
)


@settings(max_examples=EFFORT.property_examples)
@given(st.lists(contact_values, max_size=8))
def test_whatever_is_restored_is_sound(values: list[Contact]) -> None:
    contacts = Contacts()
    contacts.restore(ContactsState(tuple(values)), WALL_MS)

    for contact in contacts.everybody():
        assert len(contact.peer) == 32
        assert check_nick(contact.nick) == contact.nick
        assert 0 <= contact.first_seen_ms <= contact.last_seen_ms <= WALL_MS
    again = Contacts()
    again.restore(contacts.snapshot(), WALL_MS)
    assert again.snapshot() == contacts.snapshot()
    assert not again.is_changed


steps = st.tuples(
    st.sampled_from(["meet", "verify", "unverify", "block", "unblock"]),
    st.integers(0, 4),
    st.sampled_from(["bob", "Bob", "b\u043eb", "IAN", "lan", "x" * 30]),
)


@settings(max_examples=EFFORT.property_examples)
@given(st.lists(steps, max_size=30))
def test_a_pair_is_told_once_and_never_of_the_verified_against_a_stranger(
    done: list[tuple[str, int, str]],
) -> None:
    contacts, told = Contacts(), []
    for step, number, nick in done:
        peer, person = key(number), Person(key(number), default_nick(key(number)))
        match step:
            case "meet":
                likenesses = [
                    news
                    for news in contacts.meet(peer, nick, WALL_MS)
                    if isinstance(news, LooksLike)
                ]
                told += [(peer, news.other.id) for news in likenesses]
                if contacts.is_verified(peer):
                    assert all(news.is_other_verified for news in likenesses)
            case "verify":
                contacts.verify(person, WALL_MS)
            case "block":
                contacts.block(person, WALL_MS)
            case "unverify":
                contacts.unverify(peer)
            case _:
                contacts.unblock(peer)

    assert len(told) == len(set(told))
    assert all(one != other for one, other in told)
    assert restored(contacts).snapshot() == contacts.snapshot()

"""Whom the user can mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from p2pchat.company import Company
from p2pchat.core.contacts import Contacts
from p2pchat.core.limits import KNOWN_S
from p2pchat.core.notices import (
    Connected,
    Direction,
    Disconnected,
    HeardStatus,
    Joined,
    Left,
    NickChanged,
    Notice,
    Peers,
    Received,
)
from p2pchat.core.values import Address, PeerId, Person
from tests.nodes import address_of, line_of, node, notice_of, until

if TYPE_CHECKING:
    from pathlib import Path

    from p2pchat import Node


async def test_who_has_gone_is_still_known_but_not_around(tmp_path: Path) -> None:
    async with node("ann", ephemeral=False, folder=tmp_path) as ann:
        company = Company(ann)
        assert not company.known
        async with node("bob") as bob:
            who = Person(bob.id, "bob")
            await ann.connect(address_of(bob))
            await until(lambda: bob.neighbour_count == 1)
            company.note(await notice_of(Connected, ann))
            assert company.people == company.known == (who,)
        company.note(await notice_of(Disconnected, ann))
        await until(lambda: not ann.neighbour_count)

        assert not company.people
        assert company.known == (who,)
        assert company.person(bob.id) == who
        assert company.person(PeerId(b"x" * 32)) is None


async def test_an_old_acquaintance_who_speaks_is_around_again(tmp_path: Path) -> None:
    async with (
        line_of("bob", "cid") as (bob, cid),
        node("ann", ephemeral=False, folder=tmp_path) as ann,
    ):
        ann.contacts.meet(bob.id, "bob", 0)
        company = Company(ann)
        await ann.connect(address_of(cid))
        company.note(await notice_of(Connected, ann))
        assert [person.nick for person in company.known] == ["cid", "bob"]
        bob.announce("still here")
        company.note(await notice_of(Received, ann))

        assert {person.nick for person in company.people} == {"bob", "cid"}


class Silence:
    """A node through which somebody was heard a while ago."""

    def __init__(self) -> None:
        self.heard_s = KNOWN_S - 0.05
        self.contacts = Contacts()

    def peers(self) -> Peers:
        """Whoever was heard in the last KNOWN_S."""
        bob = HeardStatus(Person(PeerId(b"b" * 32), "bob"), 2, self.heard_s)
        return Peers((), (bob,) if self.heard_s <= KNOWN_S else ())


async def test_who_was_silent_for_long_counts_no_more_though_nothing_was_told_of_it() -> None:
    silent = Silence()
    company = Company(cast("Node", silent))
    assert [person.nick for person in company.people] == ["bob"]
    assert company.stale_s is not None
    assert company.stale_s <= 0.05

    silent.heard_s = KNOWN_S + 1
    await until(lambda: not company.people)

    assert company.stale_s is None


async def test_the_coming_and_going_of_somebody_blocked_is_hidden() -> None:
    async with node("ann") as ann:
        bob, cid = Person(PeerId(b"b" * 32), "bob"), Person(PeerId(b"c" * 32), "cid")
        ann.contacts.block(bob, 0)
        company = Company(ann)
        here = Address("127.0.0.1", 1)

        def told_of(who: Person) -> list[Notice]:
            return [
                Connected(who, here, Direction.IN),
                Disconnected(who, here, "left", left=True),
                Joined(who, cid, 2),
                Left(who),
                NickChanged(who, "somebody"),
            ]

        assert all(company.is_hidden(notice) for notice in told_of(bob))
        assert not any(company.is_hidden(notice) for notice in told_of(cid))
        # What the user asked for himself is answered.
        assert not company.is_hidden(Connected(bob, here, Direction.OUT, already=True))


async def test_only_whom_the_user_verified_counts_as_verified() -> None:
    async with node("ann") as ann:
        bob = Person(PeerId(b"b" * 32), "bob")
        assert not Company(ann).is_verified(PeerId(b"b" * 32))
        ann.contacts.verify(bob, 0)

        assert Company(ann).is_verified(PeerId(b"b" * 32))

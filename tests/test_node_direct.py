"""Messages to one person between whole nodes of this process, with real keys and files."""

from __future__ import annotations

import errno
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from p2pchat import Node
from p2pchat.core.direct import WrittenToOneself
from p2pchat.core.limits import TEXT_LIMIT_CHARACTERS
from p2pchat.core.notices import (
    DirectArrived,
    DirectReceipt,
    DirectSent,
    DirectWaits,
    Received,
    Trouble,
)
from p2pchat.core.outbox import OUTBOX_PER_RECIPIENT, OutboxFull
from p2pchat.core.values import Person
from p2pchat.errors import TextTooLong
from p2pchat.sim.credentials import sim_peer_id
from tests.nodes import address_of, line_of, node, notice_of, reading, until
from tests.store.failing_disk import failing_disk

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

SECRET = bytes(range(32))


def person(of: Node) -> Person:
    return Person(of.id, of.nick)


async def arrives(text: str, at: Node) -> DirectArrived:
    """Wait until a message to one person is shown, and check that no other one was before it."""
    arrived: DirectArrived = await notice_of(DirectArrived, at)
    assert arrived.message.text == text
    return arrived


@asynccontextmanager
async def kept(nick: str, folder: Path, **settings: Any) -> AsyncIterator[Node]:
    """A node whose profile outlives it."""
    profile = {"ephemeral": False, "profile": nick, "folder": folder}
    async with node(nick, **profile, **settings) as one:
        yield one


async def test_a_message_passes_others_who_can_not_see_it() -> None:
    async with line_of("ann", "bob", "cid", "dot") as (ann, bob, cid, dot):
        name = ann.write(person(dot), "for you \N{BELL} alone")

        arrived = await arrives("for you \N{BELL} alone", dot)
        receipt: DirectReceipt = await notice_of(DirectReceipt, ann)

        assert (arrived.message.person.id, arrived.message.person.nick) == (ann.id, "ann")
        assert (receipt.id, receipt.to.id, arrived.message.id) == (name, dot.id, name)
        assert ann.waiting_count == 0
        for relay in (bob, cid):
            assert not any(isinstance(told, DirectArrived) for told in relay._notices._told)


async def test_its_author_hears_that_it_was_shown_when_it_was_shown() -> None:
    async with line_of("ann", "bob") as (ann, bob), aclosing(bob.notices()) as shown_by_bob:
        ann.write(person(bob), "half read")
        async for notice in shown_by_bob:
            if isinstance(notice, DirectArrived):
                break
        bob.announce("still reading")
        await notice_of(Received, ann)  # what bob said after it has come, a receipt has not
        assert ann.waiting_count == 1

        bob.announce("next one")
        await anext(shown_by_bob)
        await notice_of(DirectReceipt, ann)

        assert ann.waiting_count == 0


async def test_what_is_sent_is_shown_as_sent() -> None:
    async with line_of("ann", "bob") as (ann, bob):
        name = ann.write(person(bob), "waves", action=True)

        sent: DirectSent = await notice_of(DirectSent, ann)

        assert (sent.message.id, sent.message.text, sent.message.person.id) == (
            name,
            "waves",
            bob.id,
        )
        arrived = await arrives("waves", bob)
        assert arrived.message.kind == sent.message.kind


async def test_a_private_room_has_messages_to_one_person_too() -> None:
    async with (
        node("ann", room="den", secret=SECRET) as ann,
        node("bob", room="den", secret=SECRET) as bob,
        node("cid", room="den", secret=SECRET) as cid,
    ):
        await bob.connect(address_of(ann))
        await cid.connect(address_of(bob))
        await until(lambda: bob.neighbour_count == 2)

        ann.write(person(cid), "between us")

        await arrives("between us", cid)


async def test_the_longest_text_arrives_and_a_longer_one_is_refused() -> None:
    async with line_of("ann", "bob", "cid") as (ann, _, cid):
        longest = "\N{GRINNING FACE}" * TEXT_LIMIT_CHARACTERS
        with pytest.raises(TextTooLong):
            ann.write(person(cid), longest + "x")
        assert ann.waiting_count == 0

        ann.write(person(cid), longest)

        await arrives(longest, cid)


async def test_nobody_writes_to_himself() -> None:
    async with node("ann") as ann:
        with pytest.raises(WrittenToOneself):
            ann.write(person(ann), "dear me")

        assert ann.waiting_count == 0


async def test_a_full_outbox_refuses_aloud_and_the_node_goes_on() -> None:
    stranger = Person(sim_peer_id("nobody"), "nobody")
    async with line_of("ann", "bob") as (ann, bob):
        for number in range(OUTBOX_PER_RECIPIENT):
            ann.write(stranger, str(number))
        with pytest.raises(OutboxFull):
            ann.write(stranger, "one too many")

        ann.write(person(bob), "still there")

        await arrives("still there", bob)


async def test_somebody_blocked_is_not_shown_and_gets_no_receipt() -> None:
    async with line_of("ann", "bob") as (ann, bob):
        bob.contacts.block(person(ann), 0)
        ann.write(person(bob), "are you there?")

        await notice_of(DirectWaits, ann)

        assert ann.waiting_count == 1
        assert not any(isinstance(told, DirectArrived) for told in bob._notices._told)


async def test_several_messages_at_once_arrive_in_order() -> None:
    async with line_of("ann", "bob") as (ann, bob):
        for number in range(16):
            ann.write(person(bob), str(number))

        for number in range(16):
            await arrives(str(number), bob)
        await until(lambda: ann.waiting_count == 0)


async def test_a_message_waits_on_the_disk_through_the_restarts_of_both(tmp_path: Path) -> None:
    async with kept("bob", tmp_path) as bob:
        recipient = person(bob)
    async with kept("ann", tmp_path) as ann:
        name = ann.write(recipient, "while you were away")
        assert ann.waiting_count == 1

    async with kept("ann", tmp_path) as ann, kept("bob", tmp_path) as bob:
        assert ann.waiting_count == 1
        await ann.connect(address_of(bob))

        arrived = await arrives("while you were away", bob)

        assert arrived.message.id == name
        await until(lambda: ann.waiting_count == 0)
    async with kept("ann", tmp_path) as ann:
        assert ann.waiting_count == 0


@pytest.mark.threat(21)
async def test_a_full_disk_is_told_in_one_line_and_nothing_is_lost(tmp_path: Path) -> None:
    async with kept("bob", tmp_path) as bob, kept("ann", tmp_path) as ann:
        with failing_disk("write", errno.ENOSPC):
            ann.write(person(bob), "one")
            ann.write(person(bob), "two")
        trouble: Trouble = await notice_of(Trouble, ann)
        assert "\n" not in trouble.text
        assert "in memory only" in trouble.text

        await bob.connect(address_of(ann))

        await arrives("one", bob)
        await arrives("two", bob)
        await until(lambda: ann.waiting_count == 0)


@pytest.mark.threat(21)
async def test_what_a_full_disk_refused_is_written_when_there_is_room_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("p2pchat.node_life.RETRY_S", 0.01)
    nobody = Person(sim_peer_id("nobody"), "nobody")
    async with kept("ann", tmp_path) as ann:
        with failing_disk("write", errno.ENOSPC):
            ann.write(nobody, "one")
            refused: Trouble = await notice_of(Trouble, ann)

        written: Trouble = await notice_of(Trouble, ann)

        assert "in memory only, and lost" in refused.text
        assert "takes the outbox again" in written.text
        assert len(list((tmp_path / "ann" / "outbox").iterdir())) == 1


async def test_a_recipient_with_a_full_disk_shows_it_once_and_answers_later(
    tmp_path: Path,
) -> None:
    async with kept("bob", tmp_path) as bob, node("ann") as ann:
        await bob.connect(address_of(ann))
        with failing_disk("fsync", errno.ENOSPC):
            ann.write(person(bob), "once")
            await arrives("once", bob)
            await notice_of(Trouble, bob)
            assert ann.waiting_count == 1

        async with reading(bob):
            await until(lambda: ann.waiting_count == 0)

        assert len(bob.people.delivered) == 1

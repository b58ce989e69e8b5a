"""The node that programs embed: messages and connections."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from p2pchat.core import limits
from p2pchat.core.notices import Connected, Disconnected, NickChanged, Received
from p2pchat.errors import (
    AnnounceOverflow,
    BadAddress,
    HungUp,
    NobodyListening,
    OwnAddress,
    TextTooLong,
    WrongRoom,
)
from tests.deadline import DEADLINE_S
from tests.effort import EFFORT
from tests.nodes import (
    address_of,
    connections_of,
    line_of,
    node,
    nothing_is_reported,
    notice_of,
    take,
    until,
)
from tests.ports import held_port

if TYPE_CHECKING:
    from pathlib import Path

    from p2pchat import Node

__all__ = ["nothing_is_reported"]

pytestmark = pytest.mark.usefixtures("nothing_is_reported")


# --- Messages ---------------------------------------------------------------------------------


async def test_a_message_is_the_same_at_its_author_and_everywhere_else() -> None:
    async with line_of("ann", "bob", "cid") as (ann, bob, cid):
        announced = cid.announce("hello")

        (near,), (far,) = await take(1, bob), await take(1, ann)

        assert near.id == far.id == announced
        assert near.text == far.text == "hello"
        assert near.author == far.author
        assert (far.author.id, far.author.nick) == (cid.id, "cid")
        assert (near.hops, far.hops) == (1, 2)
        assert near.time == far.time
        assert not far.guest


async def test_messages_come_in_the_order_in_which_they_were_announced_and_once() -> None:
    async with line_of("ann", "bob", "cid") as (ann, bob, cid):
        await bob.connect(address_of(cid))  # a neighbour already: makes no difference
        expected = []
        for number in range(EFFORT.flood_texts):
            expected.append(ann.announce(str(number)))
            if number % 100 == 0:
                await asyncio.sleep(0)

        heard = await take(EFFORT.flood_texts, cid)
        cid.announce("the end")
        (end,) = await take(1, ann)

        assert [message.id for message in heard] == expected
        assert [message.text for message in heard] == [str(n) for n in range(EFFORT.flood_texts)]
        assert end.text == "the end"


async def test_the_same_text_twice_is_two_messages() -> None:
    async with line_of("ann", "bob") as (ann, bob):
        ids = [bob.announce("ok"), bob.announce("ok")]

        heard = await take(2, ann)

        assert [message.id for message in heard] == ids
        assert ids[0] != ids[1]


async def test_in_a_ring_everybody_hears_everything_once() -> None:
    nicks = ("ann", "bob", "cid", "dot")
    async with line_of(*nicks) as nodes:
        await nodes[0].connect(address_of(nodes[3]))
        for one in nodes:
            for number in range(20):
                one.announce(f"{one.nick} {number}")

        heard = [await take(60, one) for one in nodes]
        nodes[0].announce("the end")
        ends = [await take(1, one) for one in nodes[1:]]

        for one, messages in zip(nodes, heard, strict=True):
            texts = [message.text for message in messages]
            assert sorted(texts) == sorted(
                f"{nick} {number}" for nick in nicks if nick != one.nick for number in range(20)
            )
            for nick in nicks:
                own = [text for text in texts if text.startswith(nick)]
                assert own == sorted(own, key=lambda text: int(text.split()[1]))
        assert [end[0].text for end in ends] == ["the end"] * 3


async def test_drain_returns_when_everything_was_handed_over() -> None:
    async with line_of("ann", "bob") as (ann, bob):
        for number in range(5_000):
            bob.announce(f"{number} {'x' * 100}")

        await bob.drain()

        assert bob._core.waiting_texts == 0
        assert len(await take(5_000, ann)) == 5_000


async def test_more_than_may_wait_overflows_and_nothing_is_sent_twice_or_lost() -> None:
    async with line_of("ann", "bob", secret=bytes(16)) as (ann, bob):
        announced = announce_until_overflow(bob)
        await bob.drain()
        bob.announce("the end")
        heard = await take(announced + 1, ann)

        assert announced * 1_000 > limits.ANNOUNCEMENTS_LIMIT_BYTES * 0.9
        assert [message.text.split()[0] for message in heard[:-1]] == [
            str(number) for number in range(announced)
        ]
        assert heard[-1].text == "the end"


def announce_until_overflow(speaker: Node) -> int:
    """Announce texts of a kilobyte until no more are taken; return how many were."""
    for announced in range(limits.ANNOUNCEMENTS_LIMIT_TEXTS):
        try:
            speaker.announce(f"{announced} {'x' * 1_000}")
        except AnnounceOverflow:
            return announced
    raise AssertionError("more than fits was taken")


@pytest.mark.parametrize(
    "text",
    ["x" * (limits.TEXT_LIMIT_CHARACTERS + 1), "🦦" * (limits.TEXT_LIMIT_CHARACTERS + 1)],
    ids=["characters", "bytes"],
)
async def test_a_text_that_is_too_long_is_refused_and_nothing_of_it_is_sent(text: str) -> None:
    async with line_of("ann", "bob") as (ann, bob):
        with pytest.raises(TextTooLong):
            bob.announce(text)
        bob.announce(text[:-1])

        (heard,) = await take(1, ann)

        assert heard.text == text[:-1]


async def test_what_is_announced_to_nobody_is_no_error() -> None:
    async with node() as ann:
        first = ann.announce("to nobody")
        await ann.drain()

        assert len(first) == 32
        assert ann.announce("again") != first


async def test_where_it_listened_can_be_told_after_it_stopped() -> None:
    async with node() as ann:
        port, addresses = ann.port, ann.addresses

    assert (ann.port, ann.addresses) == (port, addresses)


async def test_messages_end_when_the_node_stops() -> None:
    async with node() as ann:
        messages = ann.messages()

    assert [message async for message in messages] == []


async def test_an_action_and_a_new_nick_arrive_as_such() -> None:
    async with line_of("ann", "bob") as (ann, bob):
        bob.rename("robert")
        bob.announce("waves", action=True)

        (heard,) = await take(1, ann)

        assert heard.action
        assert heard.author.nick == bob.nick == "robert"


async def test_a_new_nick_is_told_to_who_is_near_and_far_without_a_message() -> None:
    async with line_of("ann", "bob", "cid") as (ann, bob, cid):
        cid.announce("hello")
        for listener in (ann, bob):
            await notice_of(Received, listener)

        cid.rename("cyd")

        for listener in (ann, bob):
            changed = await notice_of(NickChanged, listener)
            assert (changed.who.id, changed.who.nick, changed.old) == (cid.id, "cyd", "cid")


# --- Connections ------------------------------------------------------------------------------


async def test_who_hangs_up_without_a_word_is_dialled_once_more() -> None:
    dials = []

    def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        dials.append(writer)
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    async with node("ann") as ann, server:
        with pytest.raises(HungUp, match="without a word"):
            await ann.connect(f"127.0.0.1:{server.sockets[0].getsockname()[1]}")

    assert len(dials) == 2


async def test_a_dial_returns_who_is_there() -> None:
    async with node("ann") as ann, node("bob") as bob:
        opened = await bob.connect(address_of(ann))
        again = await bob.connect(address_of(ann))

        assert (opened.person.id, opened.person.nick) == (ann.id, "ann")
        assert (opened.already, again.already) == (False, True)
        await until(lambda: ann.neighbour_count == bob.neighbour_count == 1)


async def test_a_dial_that_leads_nowhere_says_why() -> None:
    with held_port() as port:
        async with node("ann") as ann, node("bob", room="elsewhere") as bob:
            with pytest.raises(NobodyListening):
                await ann.connect(f"127.0.0.1:{port}")
            with pytest.raises(OwnAddress):
                await ann.connect(address_of(ann))
            with pytest.raises(WrongRoom):
                await ann.connect(address_of(bob))
            with pytest.raises(BadAddress):
                await ann.connect("nowhere")


async def test_two_nodes_whose_dials_cross_have_one_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each pair is new, because it matters who has the lower id."""
    monkeypatch.setattr(limits, "DIAL_TIMEOUT_S", DEADLINE_S)  # twenty nodes share this loop

    async def cross() -> None:
        async with node("ann") as ann, node("bob") as bob:
            async with asyncio.TaskGroup() as dials:
                dials.create_task(ann.connect(address_of(bob)))
                dials.create_task(bob.connect(address_of(ann)))
            announced = [ann.announce("from ann"), bob.announce("from bob")]
            heard = [*await take(1, bob), *await take(1, ann)]

            assert [message.id for message in heard] == announced
            assert ann.neighbour_count == bob.neighbour_count == 1
            # The other connection is only read out, and then ended by whoever dialled it.
            await until(lambda: len(connections_of(ann)) == len(connections_of(bob)) == 1)

    for _ in range(0, EFFORT.crossing_dials, 10):
        async with asyncio.timeout(DEADLINE_S), asyncio.TaskGroup() as rounds:
            for _ in range(10):
                rounds.create_task(cross())


async def test_a_peer_that_comes_back_after_a_crash_is_connected_again(tmp_path: Path) -> None:
    async with node("ann") as ann:
        async with node("bob", ephemeral=False, folder=tmp_path) as bob:
            first_id = bob.id
            await bob.connect(address_of(ann))
            await notice_of(Connected, ann)
            for connection in connections_of(bob):
                connection.abort("as by a crash")
            gone = await notice_of(Disconnected, ann)

        async with node("bob", ephemeral=False, folder=tmp_path) as bob:
            await bob.connect(address_of(ann))
            bob.announce("back again")
            (heard,) = await take(1, ann)

            assert not gone.left
            assert bob.id == first_id
            assert heard.author.id == first_id
            assert ann.neighbour_count == 1


async def test_who_leaves_is_told_to_its_neighbours_with_a_goodbye() -> None:
    async with node("ann") as ann:
        async with node("bob") as bob:
            await bob.connect(address_of(ann))
            confirmed = await bob.leave()
        gone = await notice_of(Disconnected, ann)

        assert confirmed == 1
        assert gone.left
        assert gone.person.nick == "bob"


async def test_what_was_announced_last_arrives_before_the_goodbye() -> None:
    async with node("ann") as ann:
        async with node("bob") as bob:
            await bob.connect(address_of(ann))
            for number in range(3_000):
                bob.announce(f"{number} {'x' * 300}")
        heard = await take(3_000, ann)

        assert [message.text.split()[0] for message in heard] == [str(n) for n in range(3_000)]


@pytest.mark.threat(18)
async def test_a_neighbour_that_reads_nothing_is_dropped_and_holds_nobody_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "STALLED_S", 1.0)
    async with line_of("ann", "bob", "cid", secret=bytes(16)) as (ann, bob, cid):
        (stalled,) = connections_of(ann)
        stream: Any = stalled._stream
        stream.transport.pause_reading()
        sent = 0
        while bob.neighbour_count == 2:
            for _ in range(20):
                cid.announce(f"{sent} {'x' * 3_000}")
                sent += 1
            await cid.drain()
            await asyncio.sleep(0)

        gone = await notice_of(Disconnected, bob)
        cid.announce("the end")
        while (message := (await take(1, bob))[0]).text != "the end":
            pass  # what came before

        assert gone.person.nick == "ann"
        assert "too slow" in gone.reason
        assert message.author.nick == "cid"

"""What the user asks about one person, with real nodes around."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest

from p2pchat import personal
from p2pchat.core.notices import (
    DirectArrived,
    DirectReceipt,
    DirectSent,
    DirectWaits,
    Remark,
)
from p2pchat.core.outbox import OutboxFull
from p2pchat.core.safety import safety_number
from p2pchat.core.values import Person, fingerprint
from p2pchat.ui.commands import SetBack
from p2pchat.ui.people import Marked, SafetyNumber, Whois
from tests.nodes import address_of, line_of, node, notice_of, reading, until
from tests.stage import FakeFront, stage

if TYPE_CHECKING:
    from pathlib import Path


def refusals(front: FakeFront) -> list[tuple[str, str]]:
    """Code and line of everything that was refused."""
    return [(back.code, back.line) for back, _ in front.refused if isinstance(back, SetBack)]


def said(front: FakeFront) -> list[str]:
    return [remark.text for remark in front.of_kind(Remark)]


# --- Writing ----------------------------------------------------------------------------------


async def test_a_direct_message_reaches_that_person_alone_and_is_confirmed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with line_of("bob", "cid") as (bob, cid), stage(monkeypatch, address_of(cid)) as s:
        await until(lambda: s.ann.neighbour_count == 1)
        bob.announce("here I am")
        await until(lambda: any("here I" in repr(notice) for notice, _ in s.front.shown))
        s.front.say("@bob psst\nand more", "mine")
        arrived = await notice_of(DirectArrived, bob)
        await until(lambda: bool(s.front.of_kind(DirectReceipt)))

        assert (arrived.message.person, arrived.message.text) == (
            Person(s.ann.id, "ann"),
            "psst\nand more",
        )
        ((sent, ref),) = [(n, ref) for n, ref in s.front.shown if isinstance(n, DirectSent)]
        assert (ref, sent.message.id) == ("mine", arrived.message.id)
        assert s.front.of_kind(DirectReceipt)[0].id == sent.message.id
        assert s.ann.waiting_count == 0


async def test_a_reply_goes_to_whoever_wrote_last(monkeypatch: pytest.MonkeyPatch) -> None:
    async with AsyncExitStack() as stack:
        bob, cid = [await stack.enter_async_context(node(nick)) for nick in ("bob", "cid")]
        s = await stack.enter_async_context(stage(monkeypatch, address_of(bob), address_of(cid)))
        await until(lambda: s.ann.neighbour_count == 2)
        s.front.say("/reply to whom?")
        await until(lambda: bool(s.front.refused))
        bob.write(Person(s.ann.id, "ann"), "hello")
        await until(lambda: bool(s.front.of_kind(DirectArrived)))
        s.front.say("/r hello bob")
        s.front.say("/msg cid hello cid")
        s.front.say("/r once more")
        await until(lambda: len(s.front.of_kind(DirectSent)) == 3)

        sent = [n.message for n in s.front.of_kind(DirectSent)]
        assert [(m.person.nick, m.text) for m in sent] == [
            ("bob", "hello bob"),
            ("cid", "hello cid"),
            ("cid", "once more"),
        ]
        assert refusals(s.front) == [("no-such-peer", "/reply to whom?")]


@pytest.mark.parametrize("is_interactive", [False, True])
async def test_a_name_that_means_nobody_or_several_sends_nothing(
    monkeypatch: pytest.MonkeyPatch, is_interactive: bool
) -> None:
    async with AsyncExitStack() as stack:
        bobs = [await stack.enter_async_context(node("bob")) for _ in range(2)]
        addresses = map(address_of, bobs)
        s = await stack.enter_async_context(
            stage(monkeypatch, *addresses, is_interactive=is_interactive)
        )
        await until(lambda: s.ann.neighbour_count == 2)
        lines = ["@bbo hi", "@bob hi", "@ann hi", "@~guest hi", "/msg bob hi\nthere"]
        for line in lines:
            s.front.say(line)
        await until(lambda: len(s.front.refused) == len(lines))

        codes = ["no-such-peer", "ambiguous", "self", "no-such-peer", "ambiguous"]
        assert refusals(s.front) == list(zip(codes, lines, strict=True))
        texts = [back.text for back, _ in s.front.refused]
        end = "Your line is back in the editor; nothing was sent."
        assert all(text.endswith(end if is_interactive else "Nothing was sent.") for text in texts)
        assert texts[0].startswith('no one called "bbo".')
        assert texts[1].startswith("two people are called bob. Use @bob#")
        assert texts[2].startswith("that is you.")
        assert texts[3].startswith("guests have no key")
        assert s.front.of_kind(DirectSent) == []
        assert s.ann.waiting_count == 0


async def test_a_suffix_or_a_whole_key_names_one_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    async with AsyncExitStack() as stack:
        bobs = [await stack.enter_async_context(node("bob")) for _ in range(2)]
        await stack.enter_async_context(reading(*bobs))
        s = await stack.enter_async_context(stage(monkeypatch, *map(address_of, bobs)))
        await until(lambda: s.ann.neighbour_count == 2)
        digits = fingerprint(bobs[0].id).replace("-", "")[:8]
        s.front.say(f"@bob#{digits} first")
        s.front.say(f"@{bobs[1].id.hex()} second")
        await until(lambda: len(s.front.of_kind(DirectReceipt)) == 2)

        assert [n.message.person.id for n in s.front.of_kind(DirectSent)] == [b.id for b in bobs]


async def test_what_the_node_refuses_is_given_back_with_its_code(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with node("bob") as bob, stage(monkeypatch, address_of(bob)) as s:
        await until(lambda: s.ann.neighbour_count == 1)
        s.front.say("@bob " + "x" * 5_000)
        await until(lambda: len(s.front.refused) == 1)

        def full(*_: object) -> str:
            raise OutboxFull(100, "messages for that person")

        monkeypatch.setattr(s.ann, "write", full)
        s.front.say("@bob hi", "that")
        await until(lambda: len(s.front.refused) == 2)

        assert [code for code, _ in refusals(s.front)] == ["too-long", "busy"]
        assert s.front.refused[1][1] == "that"


async def test_at_the_end_of_a_pipe_a_message_that_was_confirmed_counts_as_delivered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with node("bob") as bob, reading(bob), stage(monkeypatch, address_of(bob)) as s:
        s.front.say("@bob hello")
        s.front.end()

        assert await s.code == 0
        assert len(s.front.of_kind(DirectReceipt)) == 1
        assert said(s.front) == []


@pytest.mark.parametrize(("is_ephemeral", "code"), [(False, 0), (True, 1)])
async def test_at_the_end_of_a_pipe_a_message_is_safe_only_where_there_is_an_outbox(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, is_ephemeral: bool, code: int
) -> None:
    monkeypatch.setattr(personal, "RECEIPTS_S", 0.05)
    of_node = {"ephemeral": is_ephemeral, "folder": tmp_path}
    async with stage(monkeypatch, of_node=of_node) as s:
        async with node("bob") as bob:
            s.front.say(f"connect {address_of(bob)}")
            await until(lambda: s.ann.neighbour_count == 1)
        await until(lambda: not s.ann.neighbour_count)
        s.front.say("@bob are you back?")
        s.front.end()

        assert await s.code == code
        assert len(said(s.front)) == 1
        assert said(s.front)[0].startswith("1 direct message is not delivered")


async def test_who_is_not_there_is_told_of_and_gets_it_when_he_is_back(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    of_bob = {"ephemeral": False, "folder": tmp_path}
    async with stage(monkeypatch, is_interactive=True) as s:
        async with node("bob", **of_bob) as bob:
            s.front.say(f"connect {address_of(bob)}")
            await until(lambda: s.ann.neighbour_count == 1)
        await until(lambda: not s.ann.neighbour_count)
        s.front.say("@bob are you back?")
        await until(lambda: bool(s.front.of_kind(DirectWaits)))
        assert s.ann.waiting_count == 1
        async with node("bob", **of_bob) as bob:
            s.front.say(f"connect {address_of(bob)}")
            arrived = await notice_of(DirectArrived, bob)
            await until(lambda: bool(s.front.of_kind(DirectReceipt)))

        assert arrived.message.text == "are you back?"
        assert s.ann.waiting_count == 0


# --- Trust ------------------------------------------------------------------------------------


async def test_whois_tells_key_way_and_since_when(monkeypatch: pytest.MonkeyPatch) -> None:
    async with line_of("bob", "cid") as (bob, cid), stage(monkeypatch, address_of(cid)) as s:
        await until(lambda: s.ann.neighbour_count == 1)
        bob.announce("here I am")
        await until(lambda: any("here I" in repr(notice) for notice, _ in s.front.shown))
        for who in ("cid", "bob", "ann", "dora"):
            s.front.say(f"/whois {who}", who)
        await until(lambda: len(s.front.about) == 3 and bool(s.front.refused))

        (near, ref), (far, _), (me, _) = s.front.about
        assert isinstance(near, Whois)
        assert isinstance(far, Whois)
        assert (near.person.id, ref, near.version) == (cid.id, "cid", 1)
        assert near.way is not None
        assert near.first_seen_ms is not None
        assert (far.person.id, far.version, getattr(far.way, "hops", 0)) == (bob.id, None, 2)
        assert me == Whois(Person(s.ann.id, "ann"), is_me=True)
        assert refusals(s.front) == [("no-such-peer", "/whois dora")]


async def test_verify_shows_the_number_marks_and_takes_the_mark_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with node("bob") as bob, stage(monkeypatch, address_of(bob)) as s:
        await until(lambda: s.ann.neighbour_count == 1)
        for answer in ("", " yes", " yes", " no", " no"):
            s.front.say(f"/verify bob{answer}")
        await until(lambda: len(s.front.about) == 5)

        shown, *marks = [told for told, _ in s.front.about]
        assert isinstance(shown, SafetyNumber)
        assert shown.number == safety_number(bob.id, s.ann.id)
        assert not shown.is_verified
        expected = [(True, True), (True, False), (False, True), (False, False)]
        assert [(m.is_verified, m.is_new) for m in marks if isinstance(m, Marked)] == expected
        assert not s.ann.contacts.is_verified(bob.id)


async def test_the_verified_one_of_two_is_meant_by_the_nick_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with AsyncExitStack() as stack:
        bobs = [await stack.enter_async_context(node("bob")) for _ in range(2)]
        s = await stack.enter_async_context(stage(monkeypatch, *map(address_of, bobs)))
        await until(lambda: s.ann.neighbour_count == 2)
        s.front.say(f"/verify {bobs[1].id.hex()} yes")
        s.front.say("@bob hello")
        await until(lambda: bool(s.front.of_kind(DirectSent)))

        assert s.front.of_kind(DirectSent)[0].message.person.id == bobs[1].id


async def test_whoever_is_blocked_is_not_heard_nor_written_to_until_that_ends(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    of_node = {"ephemeral": False, "folder": tmp_path}
    async with node("bob") as bob, stage(monkeypatch, address_of(bob), of_node=of_node) as s:
        await until(lambda: s.ann.neighbour_count == 1)
        for line in ("/block bob", "/block bob", "@bob hi", "/unblock bob", "/unblock bob"):
            s.front.say(line)
        await until(lambda: len(s.front.about) == 4)

        marks = [
            (t.command, t.is_blocked, t.is_new) for t, _ in s.front.about if isinstance(t, Marked)
        ]
        assert marks == [
            ("block", True, True),
            ("block", True, False),
            ("unblock", False, True),
            ("unblock", False, False),
        ]
        assert refusals(s.front) == [("bad-input", "@bob hi")]
        assert "/unblock bob" in s.front.refused[0][0].text
        assert s.front.of_kind(DirectSent) == []


async def test_a_guest_can_be_neither_verified_nor_blocked(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as s:
        s.front.say("/verify ~guest yes")
        s.front.say("/block ~guest")
        s.front.say("/block ann")
        await until(lambda: len(s.front.refused) == 3)

        texts = [back.text for back, _ in s.front.refused]
        assert texts[0].startswith("guests have no key")
        assert "--guests off" in texts[1]
        assert texts[2] == "that is you."

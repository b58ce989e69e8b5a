"""The program put together: what it asks of its node, and when it ends how."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest

from p2pchat.core.notices import Connected, NickChanged, Sent, Trouble
from p2pchat.errors import AnnounceOverflow, TerminalGone
from p2pchat.ui.commands import SetBack
from tests.nodes import address_of, node, take, until
from tests.stage import stage

if TYPE_CHECKING:
    from p2pchat.core.values import MessageId


async def test_the_end_of_the_input_ends_it_with_0(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as s:
        s.front.end()

        assert await s.code == 0


async def test_words_that_nobody_confirmed_end_it_with_1(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as s:
        s.front.say("hello")
        s.front.end()

        assert await s.code == 1


async def test_words_that_a_neighbour_confirmed_end_it_with_0(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with node("bob") as bob, stage(monkeypatch, address_of(bob)) as s:
        s.front.say("hello")
        s.front.end()

        assert await s.code == 0
        assert [message.text for message in await take(1, bob)] == ["hello"]


async def test_exit_ends_it_with_0_whatever_was_confirmed(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as s:
        s.front.say("hello")
        s.front.say("exit")

        assert await s.code == 0


async def test_with_stay_the_end_of_the_input_is_not_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with node("bob") as bob, stage(monkeypatch, address_of(bob), stay=True) as s:
        s.front.end()
        bob.announce("are you there?")
        await until(lambda: any("there?" in repr(notice) for notice, _ in s.front.shown))
        assert not s.code.done()

        s.front.broken.set()

        assert await s.code == 0


async def test_a_terminal_that_is_gone_ends_it_with_129(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch, is_interactive=True) as s:
        s.front.end(TerminalGone)

        assert await s.code == 129


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
@pytest.mark.parametrize(
    ("number", "is_interactive", "code"),
    [
        (signal.SIGTERM, False, 143),
        (signal.SIGINT, False, 130),
        (signal.SIGINT, True, 0),
        (getattr(signal, "SIGHUP", None), True, 129),
    ],
)
async def test_a_signal_ends_it_with_its_code_and_handlers_are_as_before(
    monkeypatch: pytest.MonkeyPatch, number: int, is_interactive: bool, code: int
) -> None:
    before = signal.getsignal(number)
    async with stage(monkeypatch, is_interactive=is_interactive) as s:
        await until(lambda: bool(s.front.shown))
        os.kill(os.getpid(), number)

        assert await s.code == code
        assert s.front.was_hurried
    assert signal.getsignal(number) == before


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
async def test_a_signal_that_was_ignored_stays_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        async with stage(monkeypatch) as s:
            await until(lambda: bool(s.front.shown))
            os.kill(os.getpid(), signal.SIGHUP)
            s.front.end()

            assert await s.code == 0
    finally:
        signal.signal(signal.SIGHUP, before)


# --- What is asked ----------------------------------------------------------------------------


@pytest.mark.parametrize(("is_interactive", "neighbours"), [(False, 1), (True, 0)])
async def test_a_line_waits_for_the_dial_before_it_unless_somebody_types(
    monkeypatch: pytest.MonkeyPatch, is_interactive: bool, neighbours: int
) -> None:
    async with node("bob") as bob, stage(monkeypatch, is_interactive=is_interactive) as s:
        s.front.say(f"connect {address_of(bob)}")
        s.front.say("hello")
        await until(lambda: bool(s.front.of_kind(Sent)))

        assert s.front.of_kind(Sent)[0].neighbours == neighbours


async def test_refs_come_back_with_what_they_caused(monkeypatch: pytest.MonkeyPatch) -> None:
    async with node("bob") as bob, stage(monkeypatch) as s:
        s.front.say(f"connect {address_of(bob)}", "dial")
        s.front.say(f"connect {address_of(bob)}", "again")
        s.front.say("connect 127.0.0.1:1", "closed")
        s.front.say("hello", "text")
        s.front.say("/nick anna", "name")
        s.front.say("/map", "map")
        s.front.say("/nonsense", "what")
        await until(lambda: len(s.front.refused) == 1)
        await until(lambda: len([ref for _, ref in s.front.shown if ref]) == 5)

        found = {ref: type(notice).__name__ for notice, ref in s.front.shown if ref}
        assert found == {
            "dial": "Connected",
            "again": "Connected",
            "closed": "Trouble",
            "text": "Sent",
            "name": "NickChanged",
        }
        assert [ref for _, _, ref in s.front.maps] == ["map"]
        assert [ref for _, ref in s.front.refused] == ["what"]
        assert [c.already for c in s.front.of_kind(Connected)] == [False, True]


async def test_who_is_to_be_disconnected_is_named_or_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with AsyncExitStack() as stack:
        bobs = [await stack.enter_async_context(node("bob")) for _ in range(2)]
        carol = await stack.enter_async_context(node("carol"))
        others = [address_of(other) for other in (*bobs, carol)]
        s = await stack.enter_async_context(stage(monkeypatch, *others))
        await until(lambda: s.ann.neighbour_count == 3)

        s.front.say("/disconnect bob", "both")
        s.front.say("/disconnect carl", "nobody")
        await until(lambda: len(s.front.refused) == 2)
        s.front.say("/disconnect carol")
        await until(lambda: s.ann.neighbour_count == 2)
        s.front.say(f"/disconnect {others[0]}")
        await until(lambda: s.ann.neighbour_count == 1)
        s.front.say(f"/disconnect {bobs[1].id.hex()}")
        await until(lambda: s.ann.neighbour_count == 0)

        (both, _), (nobody, _) = s.front.refused
        assert isinstance(both, SetBack)
        assert isinstance(nobody, SetBack)
        assert (both.code, nobody.code) == ("ambiguous", "no-such-peer")
        assert both.text.startswith("two people are called bob. Use bob#")
        assert nobody.text.endswith("Did you mean carol?")
        assert (both.line, nobody.line) == ("/disconnect bob", "/disconnect carl")


async def test_an_input_that_is_too_fast_waits_instead_of_failing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with stage(monkeypatch) as s:
        announce, is_full = s.ann.announce, True

        def overflowing(text: str, *, action: bool = False) -> MessageId:
            nonlocal is_full
            if is_full:
                is_full = False
                raise AnnounceOverflow
            return announce(text, action=action)

        monkeypatch.setattr(s.ann, "announce", overflowing)
        s.front.say("much")
        await until(lambda: any("much" in repr(notice) for notice, _ in s.front.shown))

        assert s.front.of_kind(Trouble) == []
        assert s.front.refused == []


async def test_history_holds_what_everybody_said_in_the_order_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with node("bob") as bob, stage(monkeypatch, address_of(bob)) as s:
        s.front.say("/history", "none")
        await until(lambda: bool(s.ann.neighbour_count and s.front.histories))
        bob.announce("from bob")
        await until(lambda: any("from bob" in repr(notice) for notice, _ in s.front.shown))
        for line in ("one", "two", "/history", "/history 2"):
            s.front.say(line, line)
        await until(lambda: len(s.front.histories) == 3)

        assert s.front.histories == [
            ([], "none"),
            (["from bob", "one", "two"], "/history"),
            (["one", "two"], "/history 2"),
        ]


async def test_history_forgets_the_oldest_of_more_than_a_thousand(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with stage(monkeypatch) as s:
        for number in range(1_001):
            s.ann.announce(str(number))
        await until(lambda: len(s.front.of_kind(Sent)) == 1_001)
        s.front.say("/history 1000")
        await until(lambda: bool(s.front.histories))

        assert s.front.histories[0][0] == [str(number) for number in range(1, 1_001)]


async def test_a_new_nick_is_shown_and_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as s:
        s.front.say("/nick anna")
        await until(lambda: bool(s.front.of_kind(NickChanged)))

        assert s.ann.nick == "anna"
        assert s.front.of_kind(NickChanged)[0].old == "ann"

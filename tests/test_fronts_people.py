"""What each face makes of messages to one person, and of what is known of people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from p2pchat import fronts
from p2pchat.core.notices import (
    Connected,
    Direct,
    DirectArrived,
    Direction,
    DirectReceipt,
    DirectSent,
    DirectWaits,
    Received,
)
from p2pchat.core.values import Kind, PeerId, Person, fingerprint
from p2pchat.fronts import LinearFront, TerminalFront
from p2pchat.pipe_fronts import JsonFront, LineFront
from p2pchat.ui.model import Toolbar
from p2pchat.ui.people import Marked, Whois
from tests.test_fronts import BOB, CONNECTED, HERE, Somewhere, said, written_by
from tests.ui.desk import desk

if TYPE_CHECKING:
    import pytest

    from p2pchat.core.notices import Notice

CID = Person(PeerId(b"c" * 32), "cid")


async def test_every_face_tells_of_a_late_receipt_once_and_of_others_never(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    late, at_once = (
        Direct("0" * 32, BOB, 0, Kind.TEXT, "a"),
        Direct("1" * 32, BOB, 0, Kind.TEXT, "b"),
    )
    notices: list[Notice] = [
        DirectSent(late),
        DirectWaits(late.id, BOB),
        DirectReceipt(late.id, BOB),
    ]
    notices += [DirectSent(at_once), DirectReceipt(at_once.id, BOB)]
    line, linear = LineFront(), LinearFront(Somewhere(), "off")
    for front in (line, linear):
        async with written_by(front, monkeypatch) as written:
            for notice in notices:
                front.show(notice)

        told = written.out + written.err
        assert told.count("not delivered to bob yet") == 1
        assert told.count("bob has your message now") == 1
        assert (written.out == "") is (front is line)


async def test_every_face_answers_what_is_known_of_somebody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    line, json_lines, linear = LineFront(), JsonFront(), LinearFront(Somewhere(), "off")
    for front in (line, json_lines, linear):
        async with written_by(front, monkeypatch) as written:
            front.show_about(Whois(BOB), "r")

        assert fingerprint(PeerId(b"b" * 32)) in written.out + written.err
        assert (written.out == "") is (front is line)


async def test_a_verified_neighbour_is_said_to_be_one_in_every_face(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    linear = LinearFront(Somewhere(), "off")
    async with written_by(linear, monkeypatch) as of_linear:
        linear.show(CONNECTED)
        linear.show(Connected(CID, HERE, Direction.OUT))

    bob, cid = of_linear.out.splitlines()
    assert bob.endswith("encrypted, verified)")
    assert cid.endswith("encrypted, not verified)")


async def test_the_terminal_rings_for_a_direct_message_and_not_for_the_own_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with desk() as at:
        front = TerminalFront(Somewhere(), "off")
        monkeypatch.setattr(front._screen, "_terminal", at.terminal)
        front.show(DirectSent(Direct("0" * 32, BOB, 0, Kind.TEXT, "mine")))
        assert at.paper.bells == 0
        front.show(DirectArrived(Direct("1" * 32, BOB, 0, Kind.TEXT, "his")))
        front.show_about(
            Marked(BOB, "verify", is_verified=True, is_blocked=False, is_new=True), None
        )
        await at.until(lambda: "verified now" in at.paper.raw)

    assert at.paper.bells == 1
    assert at.paper.printed[1].endswith("bob -> you: his")


async def test_the_toolbar_is_looked_at_again_when_somebody_has_been_silent_too_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fronts, "_STALE_SLACK_S", 0.0)
    somewhere = Somewhere()
    somewhere.stale_s = 0.01
    async with desk() as at:
        front = TerminalFront(somewhere, "off")
        monkeypatch.setattr(front._screen, "_terminal", at.terminal)
        front.refresh()
        somewhere.toolbar, somewhere.stale_s = Toolbar("lobby", 0, 55555), None

        await at.until(lambda: at.terminal._toolbar == somewhere.toolbar)

    assert front._stale_timer is None


async def test_whoever_calls_himself_as_we_do_is_shown_with_his_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    impostor = Person(PeerId(b"m" * 32), "\u0430nn")  # with a Cyrillic letter
    somewhere = Somewhere()
    somewhere.known = (impostor,)
    somewhere.named = (impostor, somewhere.me)
    front = LinearFront(somewhere, "off")
    async with written_by(front, monkeypatch) as written:
        front.show(Received(said(1, by=impostor)))

    assert "\u0430nn#" in written.out

"""Answers of commands that ask the network, as a front gets them."""

from __future__ import annotations

import re
from contextlib import AsyncExitStack

import pytest

from p2pchat.core.invites import Invite, InvitePlace
from p2pchat.core.notices import Around, Connected, DirectReceipt, Sent, Trouble
from p2pchat.core.values import Address, Message, Person
from p2pchat.ui.commands import MapForm, SetBack
from p2pchat.wire.invite import decode_invite, encode_invite
from tests.nodes import address_of, line_of, node, reading, until
from tests.stage import FakeFront, stage


def set_back(front: FakeFront) -> SetBack:
    """The one thing that was refused."""
    ((refused, _),) = front.refused
    assert isinstance(refused, SetBack)
    return refused


# --- Maps and ways ----------------------------------------------------------------------------


async def test_the_map_shows_everybody_within_three_hops_in_the_form_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with line_of("bob", "cid") as (bob, cid), stage(monkeypatch, address_of(cid)) as s:
        await until(lambda: s.ann.neighbour_count == 1)
        s.front.say("/map --mermaid", "map")
        await until(lambda: bool(s.front.maps))

        ((found, form, ref),) = s.front.maps
        assert (form, ref) == (MapForm.MERMAID, "map")
        assert [one.person.id for one in found.people] == [s.ann.id, cid.id, bob.id]
        assert found.is_complete
        assert [place.person.id for place in found.weak] == [cid.id]


async def test_everybody_who_answers_is_shown_and_can_be_written_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with (
        line_of("bob", "cid") as (bob, cid),
        reading(bob),
        stage(monkeypatch, address_of(cid)) as s,
    ):
        await until(lambda: s.ann.neighbour_count == 1)
        s.front.say("/who", "all")
        await until(lambda: bool(s.front.attendances))

        ((found, ref),) = s.front.attendances
        assert ref == "all"
        assert [(e.person, e.hops) for e in found.answered] == [
            (Person(cid.id, "cid"), 1),
            (Person(bob.id, "bob"), 2),
        ]
        assert found.is_exact
        s.front.say("@bob psst")
        await until(lambda: bool(s.front.of_kind(DirectReceipt)))


async def test_asking_who_is_here_too_soon_says_when(monkeypatch: pytest.MonkeyPatch) -> None:
    async with node("bob") as bob, stage(monkeypatch, address_of(bob)) as s:
        await until(lambda: s.ann.neighbour_count == 1)
        s.front.say("/who")
        await until(lambda: bool(s.front.attendances))
        s.front.say("/who", "again")
        await until(lambda: bool(s.front.refused))

        refused = set_back(s.front)
        assert refused.code == "busy"
        assert re.search(r"Again in \d+ s", refused.text)
        assert len(s.front.attendances) == 1


async def test_a_message_is_traced_to_its_author(monkeypatch: pytest.MonkeyPatch) -> None:
    async with line_of("bob", "cid") as (bob, cid), stage(monkeypatch, address_of(cid)) as s:
        bob.announce("from afar")
        await until(lambda: any("afar" in repr(notice) for notice, _ in s.front.shown))
        s.front.say("/trace", "way")
        await until(lambda: bool(s.front.paths))

        ((path, about, ref),) = s.front.paths
        assert ref == "way"
        assert "from afar" in repr(about)
        assert [step.person.id for step in path.steps if step.person] == [cid.id, bob.id]
        assert path.is_complete
        assert all(step.wall_ms > 0 for step in path.steps)


async def test_what_cannot_be_traced_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as s:
        s.front.say("/trace", "way")
        await until(lambda: bool(s.front.refused))

        assert set_back(s.front).code == "bad-input"
        assert s.front.refused[0][1] == "way"
        assert s.front.paths == []


async def test_an_own_message_has_a_way_of_no_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as s:
        s.front.say("mine")
        await until(lambda: bool(s.front.of_kind(Sent)))
        s.front.say("/trace")
        await until(lambda: bool(s.front.paths or s.front.refused))

        ((path, _, _),) = s.front.paths
        assert path.steps == ()
        assert path.is_complete


async def test_without_a_number_the_last_message_of_others_is_traced(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with node("bob") as bob, stage(monkeypatch, address_of(bob)) as s:
        bob.announce("theirs")
        await until(lambda: any("theirs" in repr(notice) for notice, _ in s.front.shown))
        s.front.say("mine")
        await until(lambda: bool(s.front.of_kind(Sent)))
        s.front.say("/trace")
        s.front.say("/trace 1")
        await until(lambda: len(s.front.paths) == 2)

        texts = sorted(about.text for _, about, _ in s.front.paths if isinstance(about, Message))
        assert texts == ["mine", "theirs"]


async def test_a_ping_measures_the_way_to_somebody(monkeypatch: pytest.MonkeyPatch) -> None:
    async with line_of("bob", "cid") as (bob, cid), stage(monkeypatch, address_of(cid)) as s:
        await until(lambda: s.ann.neighbour_count == 1)
        bob.announce("here I am")
        await until(lambda: any("here" in repr(notice) for notice, _ in s.front.shown))
        for who in ("cid", "bob"):
            s.front.say(f"/ping {who}", who)
        await until(lambda: len(s.front.paths) == 2)

        near, far = s.front.paths
        assert (near[1], near[2]) == (Person(cid.id, "cid"), "cid")
        assert (far[1], far[2]) == (Person(bob.id, "bob"), "bob")
        assert [len(path.steps) for path, _, _ in s.front.paths] == [1, 2]
        assert all(path.is_complete and path.rtt_ms is not None for path, _, _ in s.front.paths)


async def test_who_is_to_be_pinged_is_never_guessed(monkeypatch: pytest.MonkeyPatch) -> None:
    async with AsyncExitStack() as stack:
        bobs = [await stack.enter_async_context(node("bob")) for _ in range(2)]
        s = await stack.enter_async_context(stage(monkeypatch, *map(address_of, bobs)))
        await until(lambda: s.ann.neighbour_count == 2)

        s.front.say("/ping bob")
        s.front.say("/ping bib")
        await until(lambda: len(s.front.refused) == 2)

        codes = [refused.code for refused, _ in s.front.refused if isinstance(refused, SetBack)]
        assert codes == ["ambiguous", "no-such-peer"]
        assert s.front.paths == []


async def test_the_doctor_answers_with_findings(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as s:
        s.front.say("/doctor", "health")
        await until(lambda: bool(s.front.findings))

        ((findings, ref),) = s.front.findings
        assert ref == "health"
        assert "port" in {finding.what for finding in findings}


# --- Joining and inviting ---------------------------------------------------------------------


async def test_a_bare_connect_under_manual_says_why_nobody_comes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with stage(monkeypatch) as s:
        s.front.say("connect", "look")
        await until(lambda: len(s.front.of_kind(Around)) == 2)

        first, then = s.front.of_kind(Around)
        assert first.text.startswith("looking")
        assert "--manual" in then.text
        assert ("look", first) in [(ref, notice) for notice, ref in s.front.shown]


async def test_an_invite_of_this_room_leads_to_whom_it_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with node("bob") as bob, stage(monkeypatch) as s:
        place = InvitePlace(bob.id, (Address("127.0.0.1", bob.port),))
        url = encode_invite(Invite(bob.room, None, (place,)))

        s.front.say(f"connect {url}", "join")
        await until(lambda: bool(s.front.of_kind(Connected)))

        ((connected, ref),) = [
            (notice, ref) for notice, ref in s.front.shown if isinstance(notice, Connected)
        ]
        assert (connected.person.id, ref) == (bob.id, "join")


async def test_an_invite_of_another_room_is_refused_and_nobody_is_dialled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with node("bob", room="tea") as bob, stage(monkeypatch) as s:
        place = InvitePlace(bob.id, (Address("127.0.0.1", bob.port),))
        url = encode_invite(Invite("tea", None, (place,)))

        s.front.say(f"connect {url}", "join")
        await until(lambda: bool(s.front.of_kind(Trouble)))

        (trouble,) = s.front.of_kind(Trouble)
        assert "for the room tea; this is lobby" in trouble.text
        assert s.ann.neighbour_count == bob.neighbour_count == 0


async def test_an_invite_names_this_node_and_comes_with_a_picture_where_that_is_wanted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with stage(monkeypatch) as s:
        s.front.say("/invite", "plain")
        s.front.say("/invite qr", "drawn")
        await until(lambda: len(s.front.invites) == 2)

        (url, no_picture, _, _), (same_url, picture, _, ref) = s.front.invites
        assert no_picture is None
        assert picture
        assert (same_url, ref) == (url, "drawn")
        invite = decode_invite(url)
        assert invite.room == "lobby"
        assert invite.places[0].peer == s.ann.id

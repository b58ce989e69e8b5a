"""Programs on three machines of one LAN, which consists of network namespaces."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import pytest

from p2pchat.core.limits import CROSSING_S
from tests.e2e import virtual_lan

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.e2e.processes import JsonProgram, Programs
    from tests.e2e.virtual_lan import LanHost

pytestmark = pytest.mark.skipif(bool(virtual_lan.why_not()), reason=virtual_lan.why_not())

BACK_S: Final = 15.0
"""Until somebody whose address has changed is a neighbour again."""


@pytest.fixture
def hosts() -> Iterator[list[LanHost]]:
    with virtual_lan.virtual_lan(3) as made:
        yield made


def meets(one: JsonProgram, nick: str, *hows: str) -> None:
    """Wait until that person is there; where both find each other at once, either's dial counts."""

    def has_met() -> bool:
        found = [o for o in one.of_type("connected") if o["peer"]["nick"] == nick]
        return any(o["how"] in hows for o in found)

    one.wait_until(has_met, f"{nick} {hows}")


def times_met(one: JsonProgram, nick: str) -> int:
    return sum(o["peer"]["nick"] == nick for o in one.of_type("connected"))


def hears(one: JsonProgram, text: str) -> None:
    one.wait_for_object("message", text=text)


def test_a_first_run_tells_who_is_there_and_joins_when_told(
    programs: Programs, hosts: list[LanHost]
) -> None:
    ann, bob = (
        virtual_lan.start(programs, host, nick, "--lan")
        for host, nick in zip(hosts, ("ann", "bob"), strict=False)
    )
    ann.wait_for_object("connected")
    cid = virtual_lan.start(programs, hosts[2], "cid")

    told = cid.wait_for_error("2 people are in lobby")

    assert told == "2 people are in lobby on this network. Type connect to join"
    assert cid.of_type("connected") == []

    cid.say("connect")

    cid.wait_for_object("connected", direction="out", how="lan")
    cid.request("send", text="here I am")
    hears(ann, "here I am")
    hears(bob, "here I am")


def test_two_first_runs_know_nothing_of_each_other_until_one_of_them_says_connect(
    programs: Programs, hosts: list[LanHost]
) -> None:
    ann = virtual_lan.start(programs, hosts[0], "ann")
    bob = virtual_lan.start(programs, hosts[1], "bob")

    ann.say("connect")

    told = bob.wait_for_error(" in lobby on this network")
    assert told == "1 person is in lobby on this network. Type connect to join"
    ann.wait_for_error("nobody was found")
    assert ann.of_type("connected") == bob.of_type("connected") == []

    bob.say("connect")

    meets(bob, "ann", "lan", "called")


def test_who_said_connect_once_joins_by_himself_at_the_next_start(
    programs: Programs, hosts: list[LanHost]
) -> None:
    ann = virtual_lan.start(programs, hosts[0], "ann", "--lan")
    first = virtual_lan.start(programs, hosts[1], "bob")
    first.wait_for_error("Type connect to join")
    first.say("connect")
    meets(first, "ann", "lan", "called")
    assert first.leave() == 0
    # Somebody new, so that it is not the address book that leads there.
    ann.close()
    cid = virtual_lan.start(programs, hosts[2], "cid", "--lan")

    second = virtual_lan.start(programs, hosts[1], "bob")

    second.wait_for_object("connected")
    cid.wait_for_object("connected")
    assert second.leave() == 0
    assert not any("Type connect" in line for line in second.err)


def test_the_address_book_leads_to_who_was_met_on_the_lan_and_no_further(
    programs: Programs, hosts: list[LanHost]
) -> None:
    """Who came by a typed address has not consented to anything else."""
    ann = virtual_lan.start(programs, hosts[0], "ann")
    first = virtual_lan.start(programs, hosts[1], "bob")
    first.request("connect", address=f"{hosts[0].ip}:{ann.port}")
    meets(first, "ann", "typed")
    assert first.leave() == 0
    cid = virtual_lan.start(programs, hosts[2], "cid", "--lan")

    second = virtual_lan.start(programs, hosts[1], "bob")

    meets(second, "ann", "book")
    second.wait_for_error("1 person is in lobby on this network. Type connect to join")
    assert second.leave() == cid.leave() == 0
    assert not any(o["how"] == "lan" for o in second.of_type("connected"))
    assert cid.of_type("connected") == []


def test_whose_address_changes_is_back_soon_and_has_missed_nothing(
    programs: Programs, hosts: list[LanHost]
) -> None:
    ann, bob, cid = (
        virtual_lan.start(programs, host, nick, "--lan")
        for host, nick in zip(hosts, ("ann", "bob", "cid"), strict=True)
    )
    for one in (ann, bob, cid):
        one.wait_until(lambda p=one: len(p.of_type("connected")) >= 2, "a triangle")  # type: ignore[misc]
    time.sleep(CROSSING_S)  # younger connections are taken for dials that cross

    began_s = time.monotonic()
    hosts[1].do("ip addr add 10.77.0.99/24 dev eth0")
    hosts[1].do(f"ip addr del {hosts[1].ip}/24 dev eth0")
    hosts[1].do("ip addr replace 10.77.0.99/24 dev eth0")
    ann.request("send", text="are you there?")
    hears(bob, "are you there?")
    bob.request("send", text="I have moved")
    hears(ann, "I have moved")
    hears(cid, "I have moved")

    assert time.monotonic() - began_s < BACK_S
    # He gave both of them up, and they take him back into their views.
    for nick in ("ann", "cid"):
        bob.wait_until(lambda n=nick: times_met(bob, n) >= 2, f"{nick} again")  # type: ignore[misc]


def test_who_is_unplugged_for_a_while_is_back_and_hears_what_was_said(
    programs: Programs, hosts: list[LanHost]
) -> None:
    ann, bob, cid = (
        virtual_lan.start(programs, host, nick, "--lan")
        for host, nick in zip(hosts, ("ann", "bob", "cid"), strict=True)
    )
    for one in (ann, bob, cid):
        one.wait_until(lambda p=one: len(p.of_type("connected")) >= 2, "a triangle")  # type: ignore[misc]

    hosts[1].do("ip link set eth0 down")
    ann.request("send", text="while you were away")
    hears(cid, "while you were away")
    hosts[1].do("ip link set eth0 up")
    began_s = time.monotonic()

    hears(bob, "while you were away")
    assert time.monotonic() - began_s < BACK_S


# --- Private rooms ----------------------------------------------------------------------------


def secret_file(folder: Path, secret: str) -> list[str]:
    file = folder / "secret"
    file.write_text(secret)
    file.chmod(0o600)
    return ["-r", "tea", "--secret-file", str(file)]


def test_members_of_a_private_room_find_each_other_and_others_see_another_room(
    programs: Programs, hosts: list[LanHost], tmp_path: Path
) -> None:
    flags = secret_file(tmp_path, "key:00112233445566778899aabbccddeeff")
    ann = virtual_lan.start(programs, hosts[0], "ann", "--lan", *flags)
    bob = virtual_lan.start(programs, hosts[1], "bob", "--lan", *flags)
    meets(ann, "bob", "lan", "called")
    meets(bob, "ann", "lan", "called")
    cid = virtual_lan.start(programs, hosts[2], "cid", "-r", "tea")

    cid.say("connect")

    assert cid.wait_for_error("nobody is in tea here") == (
        "nobody is in tea here, but 2 people are in another room: see --room"
    )
    assert cid.of_type("connected") == []


def test_a_room_of_a_passphrase_is_not_to_be_seen_at_all(
    programs: Programs, hosts: list[LanHost], tmp_path: Path
) -> None:
    flags = secret_file(tmp_path, "seven green roofs under one slow moon")
    virtual_lan.start(programs, hosts[0], "ann", "--lan", *flags)
    virtual_lan.start(programs, hosts[1], "bob", "--lan")
    cid = virtual_lan.start(programs, hosts[2], "cid", "-r", "elsewhere")

    cid.say("connect")

    assert "1 person is in another room" in cid.wait_for_error("nobody is in elsewhere")

"""A ring of real processes whose members are cut off and joined again at random."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from typing import Final

import pytest

from tests.e2e.processes import JsonProgram, Programs, wait_until

MEMBERS: Final = 8


def ring_of(programs: Programs) -> list[JsonProgram]:
    members = [programs.json("--manual", "--nick", f"n{i}") for i in range(MEMBERS)]
    for member, following in zip(members, [*members[1:], members[0]], strict=True):
        member.connect(following)
    return members


def cut(members: list[JsonProgram], place: int) -> None:
    member = members[place]
    before = len(member.of_type("disconnected"))
    member.request("command", line=f"/disconnect n{(place + 1) % MEMBERS}")
    wait_until(lambda: len(member.of_type("disconnected")) > before, "the cut")


def join(members: list[JsonProgram], place: int) -> None:
    member = members[place]
    before = len(member.of_type("connected"))
    member.request("connect", address=members[(place + 1) % MEMBERS].address)
    wait_until(lambda: len(member.of_type("connected")) > before, "the joining")


def everybody_speaks(members: list[JsonProgram], turn: int) -> None:
    for member in members:
        member.request("send", text=str(turn))


def check_all_arrived(members: list[JsonProgram], turns: int) -> None:
    expected = turns * (MEMBERS - 1)
    for member in members:
        wait_until(lambda m=member: len(m.of_type("message")) >= expected, "all messages")  # type: ignore[misc]
        heard = member.of_type("message")
        assert max(Counter(message["id"] for message in heard).values()) == 1
        assert len(heard) == expected
        by_author: dict[str, list[int]] = defaultdict(list)
        for message in heard:
            by_author[message["from"]["id"]].append(int(message["text"]))
        assert all(texts == list(range(turns)) for texts in by_author.values())


def play(programs: Programs, turns: int) -> None:
    chance = random.Random(turns)
    members = ring_of(programs)
    for turn in range(turns):
        places = chance.sample(range(MEMBERS), chance.choice([1, 2, 3]))
        for place in places:
            cut(members, place)
        everybody_speaks(members, turn)
        for place in places:
            join(members, place)
    check_all_arrived(members, turns)


def test_a_ring_cut_and_joined_at_random_loses_nothing_and_keeps_order(programs: Programs) -> None:
    play(programs, 8)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_it_still_does_after_two_hundred_cuts(programs: Programs) -> None:
    play(programs, 200)

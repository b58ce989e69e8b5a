"""`/who` among real processes."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.e2e.processes import JsonProgram, Programs


def chain(programs: Programs) -> list[JsonProgram]:
    """Start ann, ben and cat; ben has dialled ann, and cat has dialled ben."""
    people = [programs.json("--nick", nick, "--manual") for nick in ("ann", "ben", "cat")]
    for one, other in pairwise(people):
        assert one.port
        other.connect(one)
        one.wait_for_object("connected")
    return people


def test_three_in_a_chain_see_each_other_with_their_distances(programs: Programs) -> None:
    ann, _, cat = chain(programs)
    cat.request("send", text="hello")
    ann.wait_for_object("message")  # so the way is open from end to end

    ann.request("command", line="/who", ref="w")
    data = ann.wait_for_object("result")["data"]

    assert [(one["who"]["nick"], one["hops"]) for one in data["answered"]] == [
        ("ben", 1),
        ("cat", 2),
    ]
    assert (data["silent"], data["estimate"], data["exact"]) == ([], 2, True)

    cat.request("command", line="/who", ref="too soon")
    error = cat.wait_for_object("error")
    assert (error["code"], error["ref"]) == ("busy", "too soon")

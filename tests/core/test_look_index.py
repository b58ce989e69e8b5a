"""The index of looks: whoever came first to a look is found at once."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from p2pchat.core.look_index import LookIndex
from p2pchat.core.values import PeerId
from p2pchat.lookalikes import looks_like
from tests.effort import EFFORT

NICKS = st.sampled_from(["bob", "Bob", "b\u043eb", "IAN", "ian", "lan", "ann"])


def key(number: int) -> PeerId:
    return PeerId(bytes((number,)) * 32)


def test_who_came_first_is_found_and_he_himself_looks_like_nobody() -> None:
    index = LookIndex()
    index.put(key(1), "bob")
    index.put(key(2), "b\u043eb")

    assert index.earlier(key(2), "b\u043eb") == key(1)
    assert index.earlier(key(3), "BOB") == key(1)
    assert index.earlier(key(1), "bob") is None
    assert index.earlier(key(1), "ann") is None


def test_another_nick_of_the_same_look_keeps_the_place() -> None:
    index = LookIndex()
    index.put(key(1), "bob")
    index.put(key(2), "bob")

    index.put(key(1), "Bob")

    assert index.earlier(key(2), "bob") == key(1)


@settings(max_examples=EFFORT.property_examples)
@given(st.lists(st.tuples(st.integers(0, 5), st.none() | NICKS), max_size=30), NICKS)
def test_it_finds_what_comparing_everybody_finds(
    steps: list[tuple[int, str | None]], asked: str
) -> None:
    index, nicks = LookIndex(), dict[PeerId, str]()
    for number, nick in steps:
        if nick is None:
            index.discard(key(number))
            nicks.pop(key(number), None)
        else:
            index.put(key(number), nick)
            nicks[key(number)] = nick

    alike = {peer for peer, nick in nicks.items() if looks_like(nick, asked)}
    assert index.alike(asked) == alike
    assert (index.earlier(key(9), asked) is None) == (not alike)
    assert len(index) == len(nicks)
    for peer in nicks:
        index.discard(peer)
    assert index.alike(asked) == set()

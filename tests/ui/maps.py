"""People and maps for the tests of what is shown of them."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import strategies as st

from p2pchat.core.notices import MapEdge, MapPerson, NetworkMap, WeakPlace
from p2pchat.core.values import Epoch, Message, PeerId, Person

ANYTHING = st.text(st.characters(exclude_categories=()), max_size=30)
"""What a nick may be before anybody has looked at it."""


def person(nick: str, number: int) -> Person:
    return Person(PeerId(bytes([number]) * 32), nick)


ANN, BOB, CAROL, DAVE, ERIN = (
    person(nick, number) for number, nick in enumerate(("ann", "bob", "carol", "dave", "erin"), 1)
)


def edge(one: Person, other: Person, *, is_mutual: bool = True) -> MapEdge:
    assert one.id is not None
    assert other.id is not None
    low, high = sorted((one.id, other.id))
    return MapEdge(low, high, is_mutual)


def known(*people: Person) -> tuple[MapPerson, ...]:
    return tuple(MapPerson(somebody, has_answered=True) for somebody in people)


def map_of(
    people: Iterable[MapPerson],
    edges: Iterable[MapEdge],
    weak: Iterable[WeakPlace] = (),
    *,
    is_complete: bool = True,
) -> NetworkMap:
    people = tuple(people)
    return NetworkMap(people[0].person, people, tuple(edges), tuple(weak), is_complete)


def said(text: str, by: Person = BOB, number: int = 0, time_ms: int = 1_000_000) -> Message:
    return Message(by, Epoch(bytes(8)), number, text, time_ms)


FIVE = map_of(
    known(ANN, BOB, CAROL, DAVE, ERIN),
    [edge(ANN, BOB), edge(ANN, CAROL), edge(BOB, CAROL), edge(CAROL, DAVE), edge(DAVE, ERIN)],
    [WeakPlace(CAROL, (DAVE, ERIN))],
)
"""Ann sees bob and carol; behind carol is dave, behind him erin."""

ALONE = map_of(known(ANN), [])


@st.composite
def maps(draw: st.DrawFn) -> NetworkMap:
    """Maps with any nicks and any edges, some of them of people who are not on the map."""
    nicks = draw(st.lists(ANYTHING, min_size=1, max_size=8))
    people = [person(nick, number) for number, nick in enumerate(nicks)]
    others = st.sampled_from([*people, person("stranger", 99)])
    pairs = draw(st.lists(st.tuples(others, others, st.booleans()), max_size=20))
    on_it = [MapPerson(p, draw(st.booleans()), draw(st.booleans())) for p in people]
    edges = {(a.id, b.id): edge(a, b, is_mutual=both) for a, b, both in pairs if a != b}
    weak = [WeakPlace(people[-1], tuple(people[:2]))] if draw(st.booleans()) else []
    return map_of(on_it, edges.values(), weak, is_complete=draw(st.booleans()))

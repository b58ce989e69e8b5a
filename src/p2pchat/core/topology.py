"""The network as a graph, drawn from what its people say of themselves."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Annotated, Protocol

from msgspec import Meta, Struct

from p2pchat.core import limits
from p2pchat.core.fields import Id16, Key, Nick, Number
from p2pchat.core.notices import MapEdge, MapPerson, NetworkMap, WeakPlace
from p2pchat.core.values import PeerId, Person
from p2pchat.nicks import tame_nick


class StatedNeighbour(Struct, frozen=True, array_like=True):
    """One of a speaker's neighbours, and what it calls itself there."""

    peer: Key
    nick: Nick


class StatementHeader(Struct, frozen=True, array_like=True):
    """Who somebody's neighbours are, as he signs it in one msgpack array.

    It holds no addresses. Who keeps his neighbours for himself says just that.
    """

    network: Id16
    speaker: Key
    nick: Nick
    time_ms: Number
    """The speaker's clock; the latest statement counts."""
    is_hidden: bool
    neighbours: Annotated[tuple[StatedNeighbour, ...], Meta(max_length=limits.CONNECTIONS_LIMIT)]


class StatementCodec(Protocol):
    """Bytes to values and back for what is inside a statement."""

    def encode_statement(self, header: StatementHeader) -> bytes:
        """Make the bytes to be signed."""
        ...

    def decode_statement(self, signed: bytes) -> StatementHeader:
        """Read signed bytes; FrameMalformed when they are no statement."""
        ...


class StatementSignatures(Protocol):
    """Signs this node's statements, checks those of all."""

    def sign_statement(self, message: bytes) -> bytes:
        """Return this node's 64-byte signature, with MAP_CONTEXT."""
        ...

    def is_valid_statement(self, speaker: PeerId, message: bytes, signature: bytes) -> bool:
        """Tell whether that peer, and nobody else who could be, signed those bytes."""
        ...


class _Word(Struct):
    """What somebody says of himself."""

    nick: str
    is_hidden: bool
    neighbours: dict[PeerId, str]


Links = dict[PeerId, list[PeerId]]
"""Who is connected to whom, in either one's word; each list sorted, so that runs replay."""


def network_map(
    me: Person, neighbours: Iterable[Person], statements: Iterable[StatementHeader]
) -> NetworkMap:
    """Draw the map from our own neighbours and what others stated.

    It shows the MAP_NODES people that are nearest to us. Nobody is our neighbour because he
    says so. It is complete where everybody on it has told all his neighbours, and they are on it.
    A connection that only one side states is drawn, as such, and counts: statements are up to
    MAP_CACHE_S old, and a false alarm is worse than one that comes later.

    Args:
        me: This node's person, with a key.
        neighbours: Everybody with an open connection to us who has a key.
        statements: Verified ones; the latest of a speaker counts.
    """
    assert me.id is not None
    drawing = _Drawing(me.id, _words(me, neighbours, statements))
    people = {peer: drawing.person(peer) for peer in drawing.people}
    return NetworkMap(
        me,
        tuple(drawing.map_person(people[peer]) for peer in people),
        drawing.edges(),
        drawing.weak(people),
        is_complete=all(peer in drawing.known for peer in people),
    )


def _words(
    me: Person, neighbours: Iterable[Person], statements: Iterable[StatementHeader]
) -> dict[PeerId, _Word]:
    assert me.id is not None
    latest: dict[PeerId, StatementHeader] = {}
    for header in statements:
        speaker = PeerId(header.speaker)
        if speaker not in latest or latest[speaker].time_ms < header.time_ms:
            latest[speaker] = header
    words = {speaker: _word(header) for speaker, header in latest.items()}
    own = {other.id: other.nick for other in neighbours if other.id not in (None, me.id)}
    return {
        **words,
        me.id: _Word(me.nick, False, {peer: nick for peer, nick in own.items() if peer}),
    }


def _word(header: StatementHeader) -> _Word:
    stated = () if header.is_hidden else header.neighbours
    others = {PeerId(one.peer): one.nick for one in stated if one.peer != header.speaker}
    return _Word(header.nick, header.is_hidden, others)


@dataclass(slots=True)
class _Drawing:
    """A map in the making."""

    me: PeerId
    words: dict[PeerId, _Word]
    links: Links = field(init=False)
    people: dict[PeerId, None] = field(init=False)
    """Who is on the map, the nearest first."""
    known: frozenset[PeerId] = field(init=False)
    """Whose neighbours are all told, and all on the map."""
    nicks: dict[PeerId, str] = field(init=False)
    """By the word of who is nearest to us, where they have not spoken themselves."""

    def __post_init__(self) -> None:
        everybody = _links(self.me, self.words)
        self.people = _nearest(everybody, self.me, self.words)
        self.links = {
            peer: [other for other in everybody[peer] if other in self.people]
            for peer in self.people
        }
        self.known = frozenset(peer for peer in self.people if self._is_known(peer))
        self.nicks = {}
        for peer in self.people:
            word = self.words.get(peer)
            for other, nick in word.neighbours.items() if word else ():
                self.nicks.setdefault(other, nick)

    def person(self, peer: PeerId) -> Person:
        """Name somebody; a nick that breaks the rules of nicks is replaced."""
        word = self.words.get(peer)
        return Person(peer, tame_nick(word.nick if word else self.nicks.get(peer, ""), peer))

    def map_person(self, person: Person) -> MapPerson:
        """Tell whether that person has answered."""
        assert person.id is not None
        word = self.words.get(person.id)
        return MapPerson(person, word is not None, word is not None and word.is_hidden)

    def edges(self) -> tuple[MapEdge, ...]:
        """Return each connection once, in the order of its keys."""
        return tuple(
            MapEdge(one, other, self._states(one, other) and self._states(other, one))
            for one in sorted(self.links)
            for other in self.links[one]
            if one < other
        )

    def weak(self, people: dict[PeerId, Person]) -> tuple[WeakPlace, ...]:
        """Return who holds others to us, with most of them first."""
        found = []
        for peer, parts in parts_behind(self.links, self.me).items():
            cut_off = {other for part in parts if self._is_seen(part) for other in part}
            if cut_off:
                behind = tuple(person for other, person in people.items() if other in cut_off)
                found.append((-len(behind), peer, WeakPlace(people[peer], behind)))
        return tuple(place for _, _, place in sorted(found, key=lambda each: each[:2]))

    def _states(self, one: PeerId, other: PeerId) -> bool:
        word = self.words.get(one)
        return word is not None and other in word.neighbours

    def _is_known(self, peer: PeerId) -> bool:
        word = self.words.get(peer)
        if word is None or word.is_hidden:
            return False
        return all(other in self.people for other in word.neighbours)

    def _is_seen(self, part: list[PeerId]) -> bool:
        # At the edge of what we see everybody looks cut off, for his other neighbours are
        # beyond it. So a part counts only where we know at least half of it.
        return 2 * sum(peer in self.known for peer in part) >= len(part)


def _links(me: PeerId, words: dict[PeerId, _Word]) -> Links:
    links: dict[PeerId, set[PeerId]] = {}
    for speaker, word in words.items():
        links.setdefault(speaker, set())
        for other in word.neighbours:
            if other == me and speaker not in words[me].neighbours:
                continue
            links[speaker].add(other)
            links.setdefault(other, set()).add(speaker)
    return {peer: sorted(others) for peer, others in links.items()}


def _nearest(links: Links, start: PeerId, words: dict[PeerId, _Word]) -> dict[PeerId, None]:
    """Return at most MAP_NODES people by distance, at one distance those who spoke first."""
    found, ring = {start: None}, [start]
    while ring and len(found) < limits.MAP_NODES:
        around = {other for peer in ring for other in links[peer] if other not in found}
        ring = sorted(around, key=lambda peer: (peer not in words, peer))
        found.update(dict.fromkeys(ring[: limits.MAP_NODES - len(found)]))
    return found


def parts_behind(links: Links, start: PeerId) -> dict[PeerId, list[list[PeerId]]]:
    """Return, for each articulation point but `start`, the parts that it alone holds to `start`.

    J. Hopcroft and R. Tarjan, "Algorithm 447: efficient algorithms for graph manipulation",
    Communications of the ACM 16 (1973); without recursion, for a map may be one long chain.
    Only who can be reached from `start` counts; takes O(people + connections).
    """
    parts: dict[PeerId, list[list[PeerId]]] = {}
    visited, number, lowest = [start], {start: 0}, {start: 0}
    way = [(start, iter(links[start]))]
    while way:
        peer, others = way[-1]
        other = next(others, None)
        if other is None:
            way.pop()
            if len(way) > 1:
                above = way[-1][0]
                lowest[above] = min(lowest[above], lowest[peer])
                # Nobody from `peer` on leads past `above`; they are what was visited since then.
                if lowest[peer] >= number[above]:
                    parts.setdefault(above, []).append(visited[number[peer] :])
        elif other in number:
            lowest[peer] = min(lowest[peer], number[other])
        else:
            number[other] = lowest[other] = len(visited)
            visited.append(other)
            way.append((other, iter(links[other])))
    return parts

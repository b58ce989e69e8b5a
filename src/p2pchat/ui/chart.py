"""What `/map` says in words: a tree seen from oneself, whom the network hangs on, a summary."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from msgspec import Struct

from p2pchat.core.limits import MAP_DEPTH
from p2pchat.core.notices import MapPerson, NetworkMap, WeakPlace
from p2pchat.core.values import PeerId, Person
from p2pchat.nicks import label
from p2pchat.sanitize import visible_line
from p2pchat.ui.words import together

Naming = Callable[[Person], str]
"""Gives the clean name by which somebody is called."""

ONE_SIDED: Final = "only one side says so"

_Near = dict[PeerId, dict[PeerId, bool]]
"""For each person the connected ones, nearest to us first, and whether both sides say so."""


class Branch(Struct, frozen=True):
    """Somebody on the tree, with those who are reached over him."""

    person: Person
    name: str
    remarks: str
    """What else is to be said of him, to be put right behind the name; clean."""
    branches: tuple[Branch, ...]


class Chart(Struct, frozen=True):
    """The whole answer."""

    tree: Branch
    """Ourselves."""
    notes: tuple[str, ...]
    """Sentences below the tree."""


def naming_in(found: NetworkMap, known: Iterable[Person] = ()) -> Naming:
    """Return how people on a map are called: "you" for oneself, the others so that each differs."""
    you = Person(found.me.id, "you")
    everybody = (you, *(known.person for known in found.people), *known)

    def name(person: Person) -> str:
        return "you" if person.id == you.id else visible_line(label(person, everybody))

    return name


def chart_of(found: NetworkMap, name: Naming) -> Chart | None:
    """Lay out a map; None where nobody is connected to us.

    Each person stands where he is reached first, breadth-first; his other connections are
    said in words.
    """
    assert found.me.id is not None
    near = _near(found)
    reached = _reached(found.me.id, near)
    if len(reached) < 2:
        return None
    people = {known.person.id: known for known in found.people}
    tree = _Tree(people, near, reached, name).branch(found.me.id)
    apart = [name(known.person) for known in found.people if known.person.id not in reached]
    notes = [f"how {together(apart)} may be reached was not told"] if apart else []
    notes += [_warning(weak, name, is_sure=found.is_complete) for weak in found.weak]
    return Chart(tree, (*notes, _summary(found)))


def lines_of_tree(branch: Branch, depth: int = 0) -> list[str]:
    """Return a tree as lines, each person two blanks farther right than whom he is reached over."""
    lines = [f"{'  ' * depth}{branch.name}{branch.remarks}"]
    for further in branch.branches:
        lines += lines_of_tree(further, depth + 1)
    return lines


def _near(found: NetworkMap) -> _Near:
    near: _Near = {k.person.id: {} for k in found.people if k.person.id is not None}
    for edge in found.edges:
        if edge.one in near and edge.other in near:
            near[edge.one][edge.other] = near[edge.other][edge.one] = edge.is_mutual
    rank = {peer: number for number, peer in enumerate(near)}
    return {
        peer: dict(sorted(others.items(), key=lambda item: rank[item[0]]))
        for peer, others in near.items()
    }


def _reached(start: PeerId, near: _Near) -> dict[PeerId, PeerId | None]:
    """Return over whom each is reached, in the order in which a breadth-first walk meets them."""
    over: dict[PeerId, PeerId | None] = {start: None}
    met = [start]
    for peer in met:
        for other in near.get(peer, {}):
            if other not in over:
                over[other] = peer
                met.append(other)
    return over


class _Tree:
    """Builds the branches."""

    def __init__(
        self,
        people: dict[PeerId | None, MapPerson],
        near: _Near,
        reached: dict[PeerId, PeerId | None],
        name: Naming,
    ) -> None:
        self._people, self._near, self._reached, self._name = people, near, reached, name
        self._rank = {peer: number for number, peer in enumerate(reached)}

    def branch(self, peer: PeerId) -> Branch:
        """Build the branch of somebody."""
        person = self._people[peer].person
        below = [other for other in self._near[peer] if self._reached[other] == peer]
        branches = tuple(map(self.branch, below))
        return Branch(person, self._name(person), self._remarks(peer), branches)

    def _remarks(self, peer: PeerId) -> str:
        known, over = self._people[peer], self._reached[peer]
        said = [ONE_SIDED] if over is not None and not self._near[peer][over] else []
        if known.is_hidden:
            said.append("keeps its neighbours to itself")
        elif not known.has_answered:
            said.append("has not answered")
        further = [self._further(peer, other) for other in self._near[peer]
                   if other != over and self._rank[other] < self._rank[peer]]  # fmt: skip
        remarks = f" ({'; '.join(said)})" if said else ""
        return f"{remarks}, also connected to {together(further)}" if further else remarks

    def _further(self, peer: PeerId, other: PeerId) -> str:
        name = self._name(self._people[other].person)
        return name if self._near[peer][other] else f"{name} ({ONE_SIDED})"


def _warning(weak: WeakPlace, name: Naming, *, is_sure: bool) -> str:
    cut_off = [name(person) for person in weak.cut_off]
    verb = "is" if len(cut_off) == 1 else "are"
    seen = "" if is_sure else " (as far as seen)"
    return f"if {name(weak.person)} leaves, {together(cut_off)} {verb} cut off{seen}"


def _summary(found: NetworkMap) -> str:
    people, edges = len(found.people) - 1, len(found.edges)
    text = (
        f"{people} {'person' if people == 1 else 'people'} within {MAP_DEPTH} hops, "
        f"{edges} {'connection' if edges == 1 else 'connections'}"
    )
    return text if found.is_complete else f"{text}; not everybody has answered"

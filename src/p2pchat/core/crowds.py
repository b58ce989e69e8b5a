"""Those known, by public network: who is one of the most crowded one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Generic, TypeVar

from p2pchat.core.values import PeerId

if TYPE_CHECKING:
    from random import Random

T = TypeVar("T")

Network = str | PeerId
"""A public netgroup; whoever is in none is a network of his own."""


class Crowds(Generic[T]):
    """Networks by how many are in each.

    Kept as people come and go: looking at everybody for each record that comes cost 0.6 ms, which
    any neighbour could ask for.
    """

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._members: dict[Network, list[T]] = {}
        self._by_size: dict[int, dict[Network, None]] = {}

    def add(self, network: Network, somebody: T) -> None:
        """Count somebody in."""
        members = self._members.setdefault(network, [])
        members.append(somebody)
        self._resize(network, len(members) - 1, len(members))

    def remove(self, network: Network, somebody: T) -> None:
        """Count somebody out, of the network in which he was counted in."""
        members = self._members[network]
        members.remove(somebody)
        self._resize(network, len(members) + 1, len(members))
        if not members:
            del self._members[network]

    def one_of_the_largest(self, own: Network, may_go: Callable[[T], bool]) -> T | None:
        """Return somebody of the network with most of those who may go; None where nobody may.

        The network of a newcomer is counted as if he were in.
        """
        for networks in self._from_largest(own):
            for network in drawn(networks, self._rng):
                for somebody in drawn(list(self._members[network]), self._rng):
                    if may_go(somebody):
                        return somebody
        return None

    def _from_largest(self, own: Network) -> Iterator[list[Network]]:
        """Yield the networks of each size, one of them larger by one."""
        enlarged = len(self._members.get(own, ())) + 1
        sizes = {*self._by_size, enlarged} if enlarged > 1 else self._by_size
        for size in sorted(sizes, reverse=True):
            networks = dict(self._by_size.get(size, {}))
            if size == enlarged > 1:
                networks[own] = None
            else:
                networks.pop(own, None)
            yield list(networks)

    def _resize(self, network: Network, old: int, new: int) -> None:
        if old:
            del self._by_size[old][network]
            if not self._by_size[old]:
                del self._by_size[old]
        if new:
            self._by_size.setdefault(new, {})[network] = None


def drawn(among: list[T], rng: Random) -> Iterator[T]:
    """Yield all of a list by chance, which is used up; draws no more of them than are taken."""
    while among:
        number = int(rng.random() * len(among))
        among[number], among[-1] = among[-1], among[number]
        yield among.pop()

"""A network among Sybils, and what those find who start there, in the hours of people's lives."""

from __future__ import annotations

from typing import Final

from p2pchat.sim.graphs import parts
from p2pchat.sim.overlay_nodes import OverlayNode
from tests.sim.overlay_support import grown
from tests.sim.sybils import add_sybils

SYBILS_EACH: Final = 4
"""To every honest node; each honest one gets as many dials of theirs, be there 60 or 500."""

HOUR_S: Final = 3600.0
STAY_S: Final = 4 * HOUR_S
"""How long somebody is there, on average, before he starts again."""

LOOK_S: Final = 30.0
"""After a start it has to have dialled somebody honest by then."""

_TURN_S: Final = 2 * LOOK_S
"""Who leaves does so at a full minute."""


class Siege:
    """A network at rest, the attacker's nodes, and victims that start again and again."""

    def __init__(self, seed: int, honest: int, *, victims: int = 1) -> None:
        """Let the attacker's nodes begin where honest ones are connected already.

        Args:
            seed: Of all chance.
            honest: How many there are of these; there are SYBILS_EACH times as many others.
            victims: How many of them start when they are told, and not by chance.
        """
        self.overlay = grown(seed, honest, has_books=True)
        self.honest = list(self.overlay.nodes)
        self.gang = add_sybils(self.overlay, SYBILS_EACH * honest, self.honest)
        self.sybils = self.overlay.nodes[honest:]
        self.victims = self.honest[:: honest // victims][:victims]
        self.found_by_others: list[int] = []
        """Whom others than the victims, each time they started, had dialled that was honest."""
        self._just_started: list[OverlayNode] = []

    def restart(self, number: int = 0) -> None:
        """Let that victim leave and start again, with its book and its key."""
        self.victims[number] = self._restarted(self.victims[number])

    def run(self, seconds: float, stay_s: float = STAY_S) -> None:
        """Let time pass, in which everybody but victims starts again every now and then.

        Args:
            seconds: How long; in whole minutes.
            stay_s: How long somebody stays on average, whenever he came.
        """
        until = self.overlay.now + seconds
        while self.overlay.now < until:
            self.overlay.run(LOOK_S)
            self.found_by_others += [self.honest_dials(node) for node in self._just_started]
            self.overlay.run(_TURN_S - LOOK_S)
            chance = self.overlay.random.random
            gone = [node for node in self.honest if chance() < _TURN_S / stay_s]
            self._just_started = [self._restarted(n) for n in gone if n not in self.victims]

    def _restarted(self, node: OverlayNode) -> OverlayNode:
        self.overlay.leave(node)
        self.honest.remove(node)
        again = self.overlay.restart(node)
        self.honest.append(again)
        return again

    def without_honest_dial(self) -> int:
        """Count the honest ones that have dialled none of their honest neighbours."""
        return sum(self.honest_dials(node) == 0 for node in self.honest)

    def honest_dials(self, node: OverlayNode) -> int:
        """Count the honest ones in that node's view that it dialled."""
        members = node.membership.view.members
        return sum(link.is_dialled and link.peer not in self.gang.peers for link in members)

    def largest_part(self) -> int:
        """Count the honest ones that are connected by honest ones."""
        place = {node.index: number for number, node in enumerate(self.honest)}
        graph = [[place[i] for i in node.current if i in place] for node in self.honest]
        return len(parts(graph)[0])

"""What several tests of the overlay share."""

from __future__ import annotations

import pickle
from functools import lru_cache
from typing import Final

from p2pchat.core import limits
from p2pchat.sim.graphs import parts
from p2pchat.sim.overlay import Overlay
from p2pchat.sim.overlay_nodes import OverlayNode

NODES: Final = 200

SETTLED_S: Final = 2 * limits.JOINER_S
"""By then whoever has no place has gone."""


def grown(
    seed: int, nodes: int = NODES, apart_s: float = 0.05, *, has_books: bool = False
) -> Overlay:
    """Return a network in which everybody has joined through the first node, at rest."""
    overlay = pickle.loads(_grown(seed, nodes, apart_s, has_books))
    assert isinstance(overlay, Overlay)
    return overlay


@lru_cache(64)
def _grown(seed: int, nodes: int, apart_s: float, has_books: bool) -> bytes:
    overlay = Overlay(seed, has_books=has_books)
    join(overlay, nodes, apart_s)
    overlay.run(SETTLED_S)
    return pickle.dumps(overlay)


def join(overlay: Overlay, nodes: int, apart_s: float) -> None:
    """Let so many nodes join through the first one, one after another."""
    entry = overlay.add()
    for _ in range(nodes - 1):
        overlay.run(apart_s)
        overlay.introduce(overlay.add(), entry)


def is_whole(overlay: Overlay) -> bool:
    """Tell whether all that run are one part."""
    return len(parts(overlay.graph())) == 1


def seconds_until_whole(overlay: Overlay, most_s: float) -> float:
    """Let time pass until all that run are one part, or so much has passed."""
    began_at = overlay.now
    while not is_whole(overlay) and overlay.now < began_at + most_s:
        overlay.run(1.0)
    return overlay.now - began_at


def broken_bounds(overlay: Overlay) -> list[str]:
    """Name each running node whose view has more members than it may have."""
    return broken_bounds_of(overlay.running)


def broken_bounds_of(nodes: list[OverlayNode]) -> list[str]:
    """Name each of those nodes whose view has more members than it may have."""
    broken = []
    for node in nodes:
        members = node.membership.view.members
        accepted = sum(not link.is_dialled for link in members)
        if len(members) > limits.ACTIVE_LIMIT or accepted > limits.ACTIVE_ACCEPTED_LIMIT:
            broken.append(f"{node.index}: {len(members)} members, {accepted} accepted")
    return broken


def lonely(overlay: Overlay) -> list[OverlayNode]:
    """Return those that run and have nobody in their view."""
    return [node for node in overlay.running if not node.membership.view.members]

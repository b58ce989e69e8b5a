"""Which networks join again and again, and so take more than their turn."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from p2pchat.core import limits

if TYPE_CHECKING:
    from collections.abc import Iterable

NETWORKS_LIMIT: Final = 1_024
"""Networks that are counted; who joined longest ago is forgotten first."""


class Insistence:
    """Counts by network how often somebody has sent this node a `Join`; what is older fades.

    Whoever wants each place that becomes free has to join often, and has few networks to do it
    from. An honest node joins seldom, and somebody else each time. Private addresses are in none.
    """

    def __init__(self) -> None:
        # How often, and as of when, in the order of the latest one.
        self._joined: dict[str, tuple[float, float]] = {}

    def __len__(self) -> int:
        return len(self._joined)

    def note(self, network: str | None, now: float) -> None:
        """Somebody of that network has joined."""
        if network is None:
            return
        joined = self._level(network, now) + 1
        self._joined.pop(network, None)
        self._joined[network] = (joined, now)
        if len(self._joined) > NETWORKS_LIMIT:
            del self._joined[next(iter(self._joined))]

    def assume(self, networks: Iterable[str], now: float) -> None:
        """Those were insistent before this node started again: they are for an hour, or longer."""
        fades = math.exp2(limits.INSISTENT_AGAIN_S / limits.INSISTENT_HALVED_S)
        for network in networks:
            self._joined[network] = (limits.INSISTENT_JOINS * fades, now)

    def of(self, network: str | None, now: float) -> bool:
        """Tell whether that network has joined so often that its places are only lent."""
        return network is not None and self._level(network, now) >= limits.INSISTENT_JOINS

    def networks(self, now: float) -> set[str]:
        """Return all that have."""
        return {network for network in self._joined if self.of(network, now)}

    def _level(self, network: str, now: float) -> float:
        joined, at = self._joined.get(network, (0.0, now))
        return joined * math.exp2((at - now) / limits.INSISTENT_HALVED_S)

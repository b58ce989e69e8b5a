"""Whether others can dial this node, and at which address they see it."""

from __future__ import annotations

from p2pchat.core import limits
from p2pchat.core.active_view import Link
from p2pchat.core.events import Effect, Probe, Send
from p2pchat.core.mesh_frames import ReachabilityAnswer, ReachabilityAsk
from p2pchat.core.records import Scope, is_offerable, netgroup, normal_ip, scope_of
from p2pchat.core.values import Address, ConnectionId, PeerId

_WITNESSES = 2
"""Neighbours of different networks that must see us at an address before we believe it."""

_ASKERS_LIMIT = 256
"""Who asked us within REACHABILITY_ANSWERS_S; more are not answered."""

_SIGHTINGS_LIMIT = 16
"""What the latest so many neighbours saw is remembered."""


class Reachability:
    """Asks neighbours to knock at this node's port, and knocks for them.

    Only at the address that their own connection comes from: nobody can have us knock elsewhere.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._asked_at: float | None = None
        self._asked: set[PeerId] = set()
        """Neighbours who owe us an answer."""
        self._answers: dict[PeerId, tuple[bool, float]] = {}
        self._sightings: dict[PeerId, tuple[str, str]] = {}
        """By neighbour: the network that he is in, and the address at which he sees us."""
        self._answered: dict[PeerId, float] = {}
        self._probes: dict[int, ConnectionId] = {}
        self._last_probe = 0

    # --- Ourselves ----------------------------------------------------------------------------

    def verdict(self, now: float) -> bool | None:
        """Tell what neighbours found lately: one who could dial us is enough; None for no word."""
        recent = [
            is_open
            for is_open, at in self._answers.values()
            if now - at <= 2 * limits.REACHABILITY_EVERY_S
        ]
        return any(recent) if recent else None

    def ask(self, link: Link, now: float) -> list[Effect]:
        """Ask a neighbour, unless somebody was asked lately, or he is on this machine."""
        if link.scope is Scope.MACHINE or not link.is_dialled or not link.takes_part:
            return []
        if self._port < limits.LEAST_PORT:
            return []  # nobody would dial such a port because we say so
        if self._asked_at is not None and now - self._asked_at < self._pause_s:
            return []
        self._asked_at = now
        self._asked.add(link.peer)
        return [Send((link.connection,), ReachabilityAsk(self._port))]

    @property
    def _pause_s(self) -> float:
        # Until there are two answers the next neighbour is asked soon.
        return limits.REACHABILITY_EVERY_S if len(self._answers) >= _WITNESSES else 10.0

    def on_answer(self, link: Link, now: float, *, is_reachable: bool) -> bool:
        """Take note of an answer that was asked for; True where the verdict has changed."""
        if link.peer not in self._asked:
            return False
        self._asked.discard(link.peer)
        before = self.verdict(now)
        self._answers.pop(link.peer, None)
        self._answers[link.peer] = (is_reachable, now)
        if len(self._answers) > _SIGHTINGS_LIMIT:
            del self._answers[next(iter(self._answers))]
        return self.verdict(now) is not before

    def forget(self) -> None:
        """The network has changed: nothing of before holds."""
        self._asked_at = None
        self._asked.clear()
        self._answers.clear()
        self._sightings.clear()

    def note_sighting(self, link: Link, ip: str) -> bool:
        """A neighbour says at which address he sees us; True where that makes it believed."""
        if scope_of(ip) is not Scope.PUBLIC or link.scope is not Scope.PUBLIC:
            return False
        if not is_offerable(Address(ip, limits.LEAST_PORT)):
            return False  # he may say what he likes: no address at all, one of everybody's
        before = self.outside()
        group = netgroup(link.host_ip) or link.host_ip
        self._sightings.pop(link.peer, None)
        self._sightings[link.peer] = (group, normal_ip(ip))
        if len(self._sightings) > _SIGHTINGS_LIMIT:
            del self._sightings[next(iter(self._sightings))]
        return self.outside() != before

    def outside(self) -> tuple[Address, ...]:
        """Return addresses that neighbours of two networks see us at."""
        groups: dict[str, set[str]] = {}
        for group, ip in self._sightings.values():
            groups.setdefault(ip, set()).add(group)
        return tuple(
            Address(ip, self._port) for ip, seen in groups.items() if len(seen) >= _WITNESSES
        )

    # --- Others -------------------------------------------------------------------------------

    def on_ask(self, link: Link, ask: ReachabilityAsk, now: float) -> list[Effect]:
        """Knock for a neighbour, not too often."""
        recent = limits.REACHABILITY_ANSWERS_S
        self._answered = {peer: at for peer, at in self._answered.items() if now - at < recent}
        is_full = len(self._answered) >= _ASKERS_LIMIT
        if link.peer in self._answered or is_full or not link.takes_part:
            return []
        self._answered[link.peer] = now
        self._last_probe += 1
        self._probes[self._last_probe] = link.connection
        return [Probe(self._last_probe, Address(normal_ip(link.host_ip), ask.port))]

    def on_probed(self, attempt: int, *, is_open: bool) -> list[Effect]:
        """Tell who asked."""
        connection = self._probes.pop(attempt, None)
        return [] if connection is None else [Send((connection,), ReachabilityAnswer(is_open))]

    def on_closed(self, peer: PeerId, connection: ConnectionId) -> None:
        """Nobody waits for an answer on that connection any more, and none comes by it."""
        self._asked.discard(peer)
        self._probes = {n: c for n, c in self._probes.items() if c != connection}

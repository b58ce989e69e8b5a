"""Who may begin an opening: limits on connections that nobody vouches for yet."""

from __future__ import annotations

import ipaddress
from collections import Counter, OrderedDict, deque
from collections.abc import Iterable
from typing import Final

from p2pchat.core import limits
from p2pchat.core.session import Session
from p2pchat.core.values import ConnectionId

_OFFENDERS_LIMIT: Final = 1_024
"""Addresses with forgeries that are remembered; the oldest is forgotten first."""

ACCEPTED_LIMIT: Final = (
    limits.CONNECTIONS_LIMIT * limits.CONNECTIONS_PER_PEER + 2 * limits.OPENING_LIMIT
)
"""Most connections that others dialled: honest ones, those still opening, and refused ones that
are about to end."""


def is_private(ip: str) -> bool:
    """Tell whether an address belongs to a private network or to this machine."""
    return ipaddress.ip_address(ip.partition("%")[0]).is_private


def is_loopback(ip: str) -> bool:
    """Tell whether an address belongs to this machine, IPv4-mapped ones included."""
    address = ipaddress.ip_address(ip.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped.is_loopback
    return address.is_loopback


def has_room_for(newcomer: Session, sessions: Iterable[Session]) -> bool:
    """Tell whether somebody who has proved to know the room may take a place."""
    admitted = [session for session in sessions if session.is_admitted and session is not newcomer]
    of_peer = sum(session.peer == newcomer.peer for session in admitted)
    # A neighbour may come again while its dead connection still takes the last place.
    if of_peer:
        return of_peer < limits.CONNECTIONS_PER_PEER
    return len(admitted) < limits.CONNECTIONS_LIMIT


class Admission:
    """Counts accepted connections that are not open yet, and addresses that brought forgeries."""

    def __init__(self) -> None:
        self._opening: OrderedDict[ConnectionId, str] = OrderedDict()  # oldest first
        self._forgeries: OrderedDict[str, deque[float]] = OrderedDict()
        self._banned_until: OrderedDict[str, float] = OrderedDict()

    def is_banned(self, ip: str, now: float) -> bool:
        """Tell whether that address is refused for what it sent before."""
        return self._banned_until.get(ip, now) > now

    def admit(self, connection: ConnectionId, ip: str) -> ConnectionId | None:
        """Let a newcomer in and return the connection that has to go for it, if any.

        When the places are taken, the oldest of the fullest address goes: a crowd of silent
        sockets costs its own places and nobody else's.
        """
        crowd = Counter(self._opening.values())
        limit = (
            limits.OPENING_PER_PRIVATE_ADDRESS
            if is_private(ip)
            else limits.OPENING_PER_PUBLIC_ADDRESS
        )
        victim: ConnectionId | None = None
        if crowd[ip] >= limit:
            victim = self._oldest_of(ip)
        elif len(self._opening) >= limits.OPENING_LIMIT:
            victim = self._oldest_of(max(crowd, key=lambda address: crowd[address]))
        if victim is not None:
            del self._opening[victim]
        self._opening[connection] = ip
        return victim

    def settle(self, connection: ConnectionId) -> None:
        """Give a place back: the connection is open, a guest, or gone."""
        self._opening.pop(connection, None)

    def note_forgery(self, ip: str, now: float) -> None:
        """Count an invalid signature against the address that brought it.

        Never against loopback: all users of this machine share it.
        """
        if is_loopback(ip):
            return
        times = self._forgeries.setdefault(ip, deque(maxlen=limits.FORGERIES_LIMIT))
        times.append(now)
        if len(times) == limits.FORGERIES_LIMIT and now - times[0] <= limits.FORGERIES_WINDOW_S:
            self._banned_until[ip] = now + limits.FORGERIES_BAN_S
        for table in (self._forgeries, self._banned_until):
            if len(table) > _OFFENDERS_LIMIT:
                table.popitem(last=False)

    def _oldest_of(self, ip: str) -> ConnectionId:
        return next(connection for connection, address in self._opening.items() if address == ip)

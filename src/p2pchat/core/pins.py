"""Connections that the user typed: dialled again when they break, until he ends them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from p2pchat.core import limits
from p2pchat.core.alarms import earliest
from p2pchat.core.events import Dial
from p2pchat.core.passive_view import backoff_s
from p2pchat.core.values import Address, PeerId

if TYPE_CHECKING:
    from random import Random


_LASTED_S = 30.0
"""A connection that breaks sooner counts as a dial that failed, or whoever hangs up at once would
be dialled without a pause."""


class _Pin(Struct):
    address: Address
    opened_at: float
    failures: int = 0
    """Dials in a row that led to nothing that lasted."""
    at: float | None = None
    """When to dial again; None while the connection is open, or being dialled."""


class Pins:
    """Remembers by which address somebody was reached whose connection is pinned.

    Only what was open once and broke is dialled again: a typing error is reported once. Whoever
    said goodbye has left, and is not called back.
    """

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._pins: dict[PeerId, _Pin] = {}
        self._dials: dict[int, PeerId] = {}
        self._last_number = 0

    def __contains__(self, peer: object) -> bool:
        return peer in self._pins

    def next_deadline(self) -> float | None:
        """When to call `due`; None for never."""
        if not self._pins:
            return None  # asked after each event, and most of the time there is nothing
        return earliest(*(pin.at for pin in self._pins.values()))

    def add(self, peer: PeerId, address: Address, now: float) -> None:
        """The user's connection to that peer is open."""
        self.drop_address(address)  # somebody else answers there now
        self._pins[peer] = _Pin(address, now)

    def drop(self, peer: PeerId) -> None:
        """Do not dial that peer again."""
        self._pins.pop(peer, None)

    def drop_address(self, address: Address) -> None:
        """Do not dial that address again."""
        for peer in [peer for peer, pin in self._pins.items() if pin.address == address]:
            del self._pins[peer]

    def broke(self, peer: PeerId, now: float) -> bool:
        """A connection is lost; True where it is going to be dialled again."""
        pin = self._pins.get(peer)
        if pin is None:
            return False
        has_lasted = now - pin.opened_at >= _LASTED_S
        pin.failures = 0 if has_lasted else pin.failures + 1
        # At once the first time: most often only the connection is gone.
        wait_s = backoff_s(pin.failures - 1, self._rng) if pin.failures > 1 else 0.0
        pin.at = now + wait_s
        return True

    def holds(self, peer: PeerId, attempt: int) -> bool:
        """Tell whether a connection is pinned: to that peer, or where such a dial has led.

        Somebody else may answer by now where the user's own dial had led: he stands for that.
        """
        return peer in self._pins or attempt in self._dials

    def has_dialled(self, attempt: int) -> bool:
        """Tell whether that dial is one of these."""
        return attempt in self._dials

    def on_failed(self, attempt: int, now: float) -> None:
        """Wait longer before the next."""
        pin = self._pins.get(self._dials.pop(attempt))
        if pin is not None:
            pin.failures += 1
            pin.at = now + backoff_s(pin.failures, self._rng)

    def on_open(self, attempt: int, peer: PeerId, now: float) -> None:
        """That dial led to somebody, be it another one than before."""
        before = self._dials.pop(attempt)
        pin = self._pins.pop(before, None)
        if pin is not None:
            self._pins[peer] = _Pin(pin.address, now, pin.failures)

    def retry_soon(self, now: float) -> None:
        """The network has changed."""
        for pin in self._pins.values():
            if pin.at is not None:
                pin.at, pin.failures = min(pin.at, now), 0

    def due(self, now: float) -> list[Dial]:
        """Return what is to be dialled now."""
        dials = []
        for peer, pin in self._pins.items():
            if pin.at is not None and pin.at <= now:
                pin.at = None
                self._last_number -= 1  # below zero, where membership's numbers are above
                self._dials[self._last_number] = peer
                dials.append(Dial(self._last_number, (pin.address,), None, limits.DIAL_TIMEOUT_S))
        return dials

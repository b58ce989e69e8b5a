"""Dials that the user asked for: each opens, or it is said why not."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from typing import Final

from p2pchat.core.invites import Invite
from p2pchat.core.notices import Connected, Direction, Trouble
from p2pchat.core.values import Address
from p2pchat.errors import BadInvite, DialFailed, OtherRoom, OwnAddress
from p2pchat.face import Front
from p2pchat.node import Node
from p2pchat.rooms import directions

REDIAL_FIRST_S: Final = 5.0
REDIAL_LONGEST_S: Final = 300.0
"""Wait between dials of an address from the command line; doubles, with jitter."""

Target = Address | Invite


class Connecting:
    """Dials for the user, and knows which request a connection answers."""

    def __init__(self, node: Node, front: Front, *, keeps: bool) -> None:
        """Begin with none.

        Args:
            node: Dials.
            front: Is told what became of it.
            keeps: Whether rooms of invites may be remembered.
        """
        self._node = node
        self._front = front
        self._keeps = keeps
        self._addresses: dict[str, None] = {}
        self._refs: dict[Address, list[str | None]] = {}

    @property
    def addresses(self) -> tuple[str, ...]:
        """Addresses that were dialled in this run."""
        return tuple(self._addresses)

    async def dial(self, where: Target, ref: str | None = None) -> bool:
        """Dial an address, or whom an invite names; return whether that opened."""
        addresses = _addresses_of(where)
        self._addresses |= dict.fromkeys(map(str, addresses[:1]))
        for address in addresses:
            self._refs.setdefault(address, []).append(ref)
        try:
            opened = await self._node.connect(where)
        except (DialFailed, BadInvite, OtherRoom) as error:
            self._forget(addresses, ref)
            text = str(error)
            if isinstance(error, OtherRoom) and isinstance(where, Invite):
                text += " " + await directions(where, is_kept=self._keeps)
            self._front.show(Trouble(text, error.code), ref)
            return False
        if opened.already:
            self._forget(addresses, ref)
            told = Connected(opened.person, addresses[0], Direction.OUT, already=True)
            self._front.show(told, ref)
        return True

    async def dial_again(self, where: Target) -> None:
        """Dial what failed once, with growing waits, until it opens."""
        wait_s = REDIAL_FIRST_S
        while True:
            await asyncio.sleep(wait_s * random.uniform(0.8, 1.2))
            with suppress(DialFailed):
                # BadInvite: it names nobody, today or ever. OwnAddress: nor will that change.
                with suppress(BadInvite, OwnAddress):
                    await self._node.connect(where, is_again=True)
                return
            wait_s = min(2 * wait_s, REDIAL_LONGEST_S)

    def ref_of(self, connected: Connected) -> str | None:
        """Return the request that a connection of ours answers."""
        waiting = self._refs.pop(connected.address, [])
        ref = waiting.pop(0) if waiting else None
        if waiting:
            self._refs[connected.address] = waiting
        return ref

    def _forget(self, addresses: tuple[Address, ...], ref: str | None) -> None:
        """No notice will answer that dial."""
        for address in addresses:
            waiting = self._refs.get(address, [])
            if ref in waiting:
                waiting.remove(ref)
            if not waiting:
                self._refs.pop(address, None)


def name_of(where: Target) -> str:
    """Return what the task is called that dials it; an invite may hold a secret."""
    return f"dial {where}" if isinstance(where, Address) else "dial an invite"


def _addresses_of(where: Target) -> tuple[Address, ...]:
    if isinstance(where, Address):
        return (where,)
    return tuple(address for place in where.places for address in place.addresses)

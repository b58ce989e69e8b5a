"""How much a node holds of what strangers can make grow."""

from __future__ import annotations

from msgspec import Struct


class Holding(Struct, frozen=True):
    """One table: how many entries it has, and how many it may have at most."""

    what: str
    count: int
    limit: int

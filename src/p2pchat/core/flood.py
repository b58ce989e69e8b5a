"""How a machine has something said to everybody."""

from __future__ import annotations

from collections.abc import Callable

from p2pchat.core.events import Effect
from p2pchat.core.values import EnvelopeId, PeerId

Flood = Callable[[int, bytes, bytes, PeerId | None, float, int], tuple[EnvelopeId, list[Effect]]]
"""Sends a passing envelope of a kind with a body and a nonce, not to that peer, at that time."""

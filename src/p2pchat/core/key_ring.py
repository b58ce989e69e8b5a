"""Which sealing key is given out, which ones still open, which ones are forgotten."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

from p2pchat.core.direct_values import SEALING_KEY_FRESH_S, SEALING_KEY_LIFE_S, SealingKey

Secret = TypeVar("Secret")


class _Pair(NamedTuple, Generic[Secret]):
    public: SealingKey
    secret: Secret
    made_at: float


class KeyRing(Generic[Secret]):
    """Key pairs of at most SEALING_KEY_LIFE_S, the latest of at most SEALING_KEY_FRESH_S.

    At most three, and none before somebody asks for one.
    """

    def __init__(self, make: Callable[[], tuple[SealingKey, Secret]]) -> None:
        self._make = make
        # In the order in which they were made, which is that in which they are forgotten.
        self._pairs: dict[bytes, _Pair[Secret]] = {}
        self._latest: _Pair[Secret] | None = None

    def current(self, now: float) -> SealingKey:
        """Return the latest key, or a new one where that is not fresh any more."""
        self.forget_old(now)
        latest = self._latest
        if latest is None or now >= latest.made_at + SEALING_KEY_FRESH_S:
            latest = self._latest = _Pair(*self._make(), now)
            self._pairs[latest.public.hash] = latest
        return latest.public

    def secret(self, key_hash: bytes, now: float) -> Secret | None:
        """Return the other half of the key of that hash; None where it is not known any more."""
        self.forget_old(now)
        pair = self._pairs.get(key_hash)
        return pair and pair.secret

    def next_deadline(self) -> float | None:
        """When the oldest has to be forgotten; None where there is none."""
        oldest = next(iter(self._pairs.values()), None)
        return oldest and oldest.made_at + SEALING_KEY_LIFE_S

    def forget_old(self, now: float) -> None:
        """Let go of all that are too old to open anything."""
        while self._pairs and now >= (self.next_deadline() or 0.0):
            forgotten = self._pairs.pop(next(iter(self._pairs)))
            if forgotten is self._latest:
                self._latest = None

    def __len__(self) -> int:
        return len(self._pairs)

    def __repr__(self) -> str:
        return f"KeyRing({len(self)} pairs)"

"""Remembers the ids of recent envelopes or packets, bounded in age and in count."""

from __future__ import annotations

from collections import deque

from p2pchat.core import limits


class SeenCache:
    """A set of ids in generations: forgetting is dropping the oldest one, O(1).

    An id is remembered for at least `SEEN_GENERATIONS - 1` generations and at most one more,
    unless the count limit is reached: then the oldest generation goes early.
    """

    def __init__(
        self,
        generations: int = limits.SEEN_GENERATIONS,
        generation_s: float = limits.SEEN_GENERATION_S,
        limit_ids: int = limits.SEEN_LIMIT_IDS,
    ) -> None:
        self._generation_s = generation_s
        self._limit_per_generation = max(1, limit_ids // generations)
        # Dicts, because one of 22,222 ids takes 1.3 MiB; a set of so many takes 2.
        self._generations: deque[dict[bytes, None]] = deque([{}], maxlen=generations)
        self._newest_at: float | None = None

    def __len__(self) -> int:
        return sum(len(generation) for generation in self._generations)

    def __contains__(self, name: bytes) -> bool:
        # Copies arrive within moments of the first, so the newest generation is asked first. A
        # plain loop, because this is asked for each arrival.
        for generation in self._generations:  # noqa: SIM110
            if name in generation:
                return True
        return False

    def remember(self, name: bytes, now: float) -> None:
        """Add an id; `now` is monotonic seconds."""
        self._turn(now)
        self._generations[0][name] = None

    def _turn(self, now: float) -> None:
        if self._newest_at is None:
            self._newest_at = now
        passed = int((now - self._newest_at) // self._generation_s)
        for _ in range(min(passed, self._generations.maxlen or 1)):
            self._generations.appendleft({})
        self._newest_at += passed * self._generation_s
        if len(self._generations[0]) >= self._limit_per_generation:
            # Full before its time: an attack, or a far busier room than ever seen. The bound
            # holds; what is forgotten early is still refused by the numbers of its author.
            self._generations.appendleft({})
            self._newest_at = now

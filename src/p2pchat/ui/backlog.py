"""Which of the messages that were said before one came are shown, when many come at once."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from p2pchat.core.notices import Remark
from p2pchat.ui.words import of_hidden

if TYPE_CHECKING:
    from p2pchat.core.notices import Notice, Received

EARLIER_SHOWN: Final = 50
"""Earlier messages shown at once: about two screens, so that what was there can be found again."""


class EarlierMessages:
    """Gathers earlier messages: the last 50 are kept, the others counted."""

    def __init__(self) -> None:
        self._last: deque[Received] = deque(maxlen=EARLIER_SHOWN)
        self._count = 0

    def add(self, earlier: Received) -> None:
        """Append one; of more than 50 the oldest gives way."""
        self._last.append(earlier)
        self._count += 1

    def take(self) -> list[Notice]:
        """Return what is to be shown, in order, with how many are not in front; begin anew."""
        shown: list[Notice] = [*self._last]
        hidden = self._count - len(shown)
        self._last.clear()
        self._count = 0
        return [Remark(of_hidden(hidden, len(shown))), *shown] if hidden else shown

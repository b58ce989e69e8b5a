"""Which of the messages that were said before one came are shown, when many come at once."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from p2pchat.core.notices import Connected, How, Joined, Received, Remark
from p2pchat.ui.words import of_hidden, of_newcomers

if TYPE_CHECKING:
    from p2pchat.core.notices import Notice

EARLIER_SHOWN: Final = 50
"""Earlier messages shown at once: about two screens, so that what was there can be found again."""


NEWCOMERS_EACH: Final = 3
"""So many who come together have a line each."""

NEWCOMERS_LIMIT: Final = 256
"""Of so many of a crowd it is known who they are; the others are counted."""


class EarlierMessages:
    """Gathers earlier messages: the last 50 are kept, the others counted."""

    def __init__(self) -> None:
        self._last: deque[Notice] = deque(maxlen=EARLIER_SHOWN)
        self._count = 0

    @staticmethod
    def wants(notice: Notice) -> bool:
        """Tell whether that notice is one of these."""
        return isinstance(notice, Received) and notice.message.earlier

    def add(self, earlier: Notice) -> None:
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


class Newcomers:
    """Gathers people who come at the same time: a crowd is one line, a few have a line each."""

    def __init__(self) -> None:
        self._last: deque[Connected | Joined] = deque(maxlen=NEWCOMERS_LIMIT)
        self._count = 0

    @staticmethod
    def wants(notice: Notice) -> bool:
        """Tell whether somebody has come by himself; whom the user called has his line at once."""
        if isinstance(notice, Joined):
            return True
        return (
            isinstance(notice, Connected)
            and notice.is_news
            and not (notice.already or notice.guest)
            and notice.how not in (None, How.TYPED, How.INVITE)
        )

    def add(self, newcomer: Notice) -> None:
        """Append one."""
        assert isinstance(newcomer, Connected | Joined)
        self._last.append(newcomer)
        self._count += 1

    def take(self) -> list[Notice]:
        """Return what is to be shown, and begin anew."""
        people = [n.person if isinstance(n, Connected) else n.who for n in self._last]
        few: list[Notice] = [*self._last]
        count, self._count = self._count, 0
        self._last.clear()
        return few if count <= NEWCOMERS_EACH else [Remark(of_newcomers(people, count))]

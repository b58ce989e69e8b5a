"""Which message somebody means who counts back, or begins to write its id."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from p2pchat.core.values import Message

_NUMBER_DIGITS: Final = 4


def chosen_messages(messages: Sequence[Message], which: str | None) -> list[Message]:
    """Return what `/trace` may mean, the newest first: none, the one, or several.

    Args:
        messages: Those that were shown, the oldest first.
        which: As in `ShowTrace`. Up to four digits count messages back, and where there are
            fewer messages they may begin an id.
    """
    newest_first = list(reversed(messages))
    if which is None:
        return newest_first[:1]
    if which.isdigit() and len(which) <= _NUMBER_DIGITS and 1 <= int(which) <= len(messages):
        return [newest_first[int(which) - 1]]
    begun = [message for message in newest_first if message.id.startswith(which)]
    return list({message.id: message for message in begun}.values())

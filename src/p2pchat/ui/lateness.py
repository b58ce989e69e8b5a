"""Which receipts of direct messages are worth a line."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from p2pchat.core.notices import (
    DirectGivenUp,
    DirectReceipt,
    DirectSent,
    DirectWaits,
    Notice,
    Remark,
)
from p2pchat.core.values import Person

UNDER_WAY_LIMIT: Final = 10_000
"""Messages remembered as under way, as many as an outbox holds; of one that was forgotten the
receipt has a line, which does no harm."""


class Lateness:
    """Remembers which own messages are under way: their receipts are what everybody expects.

    Whatever had waited, in this run or since an earlier one, has a line when it arrives.
    """

    def __init__(self) -> None:
        self._under_way: OrderedDict[str, None] = OrderedDict()

    def told(self, notice: Notice, name: Callable[[Person], str]) -> Notice | None:
        """Return what to show for a notice: itself, nothing, or that a message came late.

        Args:
            notice: What the node tells; all of it has to come by here.
            name: What people are called, so that nobody else is meant.
        """
        match notice:
            case DirectSent(message):
                self._note(message.id)
            case DirectWaits(message_id) | DirectGivenUp(message_id):
                self._under_way.pop(message_id, None)
            case DirectReceipt(message_id, to):
                if message_id in self._under_way:
                    del self._under_way[message_id]
                    return None
                return Remark(f"{name(to)} has your message now")
        return notice

    def _note(self, message_id: str) -> None:
        self._under_way[message_id] = None
        if len(self._under_way) > UNDER_WAY_LIMIT:
            self._under_way.popitem(last=False)

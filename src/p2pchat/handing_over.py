"""Waits until own messages have gone, and says how far they are when that takes a while."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

from p2pchat.core.notices import Remark
from p2pchat.core.values import MessageId
from p2pchat.errors import AnnounceOverflow
from p2pchat.face import Front
from p2pchat.node import Node

TOLD_AFTER_S: Final = 1.0
TOLD_EVERY_S: Final = 10.0
"""When the first line says how far it is, and how much later each further one."""


def of_progress(gone: int, said: int) -> str:
    """Put into words how many of the own messages have gone."""
    return f"{gone:,} of {said:,} messages sent; the rest follows as fast as an open room takes it"


def of_unsent(count: int) -> str:
    """Put into words that messages were lost because the user did not wait."""
    return f"{count:,} message{'s were' if count > 1 else ' was'} not sent any more"


class HandingOver:
    """Announces for the user, and lets him wait where the pace of an open room makes him."""

    def __init__(self, node: Node, front: Front) -> None:
        self._node = node
        self._front = front
        self._said = 0

    @property
    def has_spoken(self) -> bool:
        """Whether anything was announced."""
        return self._said > 0

    async def announce(self, text: str, *, action: bool) -> MessageId:
        """Say something to everybody; waits while too much that was said before has not gone.

        Raises:
            TextTooLong: Nothing was sent.
        """
        try:
            message = self._node.announce(text, action=action)
        except AnnounceOverflow:
            await self.finish()  # the input waits, as it would for a full pipe
            message = self._node.announce(text, action=action)
        self._said += 1
        return message

    async def finish(self) -> None:
        """Wait until all that was announced has gone, however long that takes."""
        wait_s = TOLD_AFTER_S
        while self._node.unsent_count:
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._node.drain()
            if self._node.unsent_count:
                gone = max(0, self._said - self._node.unsent_count)
                self._front.show(Remark(of_progress(gone, self._said)))
            wait_s = TOLD_EVERY_S

    def farewell(self) -> None:
        """Tell how many messages were not sent, where the user did not want to wait."""
        if self._node.unsent_count:
            self._front.show(Remark(of_unsent(self._node.unsent_count)))

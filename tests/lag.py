"""How late an event loop is: what a busy machine does to every deadline in it."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_LOOK_S: Final = 0.02


class Lag:
    """The longest time that the loop was late, so far."""

    def __init__(self) -> None:
        self.longest_s = 0.0

    async def watch(self) -> None:
        """Look, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            due_at = loop.time() + _LOOK_S
            await asyncio.sleep(_LOOK_S)
            self.longest_s = max(self.longest_s, loop.time() - due_at)


@asynccontextmanager
async def lag_of_loop() -> AsyncIterator[Lag]:
    """Measure the running loop for a while."""
    lag = Lag()
    watching = asyncio.create_task(lag.watch())
    try:
        yield lag
    finally:
        watching.cancel()

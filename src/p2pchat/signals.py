"""Signals of the system, as calls on the event loop."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def signals_to(on_signal: Callable[[int], None]) -> Iterator[None]:
    """Turn signals into calls on the loop; what was ignored before stays ignored."""
    loop = asyncio.get_running_loop()
    names = [name for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    numbers = [getattr(signal, name) for name in names]
    watched = [n for n in numbers if signal.getsignal(n) is not signal.SIG_IGN]
    before = {number: signal.getsignal(number) for number in watched}
    for number in watched:
        if sys.platform == "win32":
            signal.signal(number, lambda n, _frame: loop.call_soon_threadsafe(on_signal, n))
        else:
            loop.add_signal_handler(number, on_signal, number)
    try:
        yield
    finally:
        for number in watched:
            if sys.platform != "win32":
                loop.remove_signal_handler(number)
            signal.signal(number, before[number])

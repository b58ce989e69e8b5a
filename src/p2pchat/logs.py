"""The log file: metadata only, one line an event, bounded in size and in rate."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from p2pchat.sanitize import visible_line
from p2pchat.settings import Settings
from p2pchat.store.profile import Profile

FILE_LIMIT_BYTES: Final = 1024 * 1024
FILES_KEPT: Final = 2
FIELD_LIMIT_CHARACTERS: Final = 512
"""Longest line: what strangers send stands in it, cleaned, but it may not fill the disk."""

SAME_EVENT_PER_MINUTE: Final = 10
"""Lines of one event each minute; the next one after that tells how many were left out."""

KINDS_OF_EVENTS: Final = 256

_log = logging.getLogger("p2pchat")


class Thinned(logging.Filter):
    """Lets each kind of event through only so often, so that no stranger fills the log."""

    def __init__(self) -> None:
        super().__init__()
        self._counts: OrderedDict[str, tuple[int, int]] = OrderedDict()

    def filter(self, record: logging.LogRecord) -> bool:
        """Count the event and tell whether it is written."""
        minute = int(record.created // 60)
        event = str(record.msg)
        counted, count = self._counts.pop(event, (minute, 0))
        left_out = count - SAME_EVENT_PER_MINUTE
        if counted != minute:
            if left_out > 0:
                record.msg, record.args = (
                    f"{record.getMessage()} (and {left_out} more like this)", None,
                )  # fmt: skip
            counted, count = minute, 0
        self._counts[event] = (counted, count + 1)
        if len(self._counts) > KINDS_OF_EVENTS:
            self._counts.popitem(last=False)
        return count < SAME_EVENT_PER_MINUTE or record.levelno >= logging.ERROR


class OneLine(logging.Formatter):
    """One line an event, whatever is in it; a traceback keeps its lines, indented."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")
        self.converter = time.gmtime

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """Clean the message."""
        record.message = visible_line(record.message, FIELD_LIMIT_CHARACTERS)
        return super().formatMessage(record)


def default_file(profile: Profile) -> Path | None:
    """Return where a profile's log is kept; nowhere for an ephemeral one."""
    return None if profile.folder is None else profile.folder / "log.txt"


@contextmanager
def logging_to(settings: Settings, profile: Profile) -> Iterator[None]:
    """Write the log of a run; a file that can't be had is no reason not to run."""
    path = Path(settings.log_file) if settings.log_file else default_file(profile)
    handler: logging.Handler = logging.NullHandler()
    if path is not None:
        from logging.handlers import RotatingFileHandler  # noqa: PLC0415 - ephemeral runs have none

        with suppress(OSError):
            handler = RotatingFileHandler(
                path, maxBytes=FILE_LIMIT_BYTES, backupCount=FILES_KEPT, encoding="utf-8",
                errors="backslashreplace",
            )  # fmt: skip
            path.chmod(0o600)
    handler.setFormatter(OneLine())
    handler.addFilter(Thinned())
    _log.addHandler(handler)
    _log.setLevel(logging.DEBUG if settings.verbose else logging.INFO)
    _log.propagate = False
    try:
        yield
    finally:
        _log.removeHandler(handler)
        handler.close()


class Unexpected:
    """Takes what asyncio has to report: into the log, never onto the screen."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Log one report, and count it."""
        self.count += 1
        _log.error("unexpected: %s", context.get("message"), exc_info=context.get("exception"))


def unexpected_count(loop: asyncio.AbstractEventLoop) -> int:
    """Return how much asyncio has reported on a loop; 0 where nobody counts."""
    handler = loop.get_exception_handler()
    return handler.count if isinstance(handler, Unexpected) else 0

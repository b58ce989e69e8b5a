"""Decides whether a valid envelope is taken."""

from __future__ import annotations

from p2pchat.core import limits
from p2pchat.core.envelopes import Envelope
from p2pchat.core.intervals import Span
from p2pchat.core.message_store import MessageStore, minute_of
from p2pchat.core.received import Received, Verdict
from p2pchat.core.refusals import Refusals
from p2pchat.core.series import Series


class Judge:
    """Takes each number once, from authors who keep to the rules.

    Two valid envelopes of one author for one number: the first wins, the author is muted. In
    a metered room repair takes no more of an author than live traffic would have brought.
    """

    def __init__(
        self, received: Received, store: MessageStore, refusals: Refusals, *, is_metered: bool
    ) -> None:
        self._received = received
        self._store = store
        self._refusals = refusals
        self._is_metered = is_metered

    def judge(
        self, envelope: Envelope, series: Series, span: Span, now: float, *, is_live: bool
    ) -> Verdict:
        """Return what becomes of it; whatever is not NEW, nor a copy, is not asked for again."""
        verdict = self._verdict(envelope, series, span, now, is_live=is_live)
        if verdict not in (Verdict.NEW, Verdict.COPY):
            self._received.refuse(series, *span)
        return verdict

    def _verdict(
        self, envelope: Envelope, series: Series, span: Span, now: float, *, is_live: bool
    ) -> Verdict:
        author = envelope.author
        if self._refusals.is_muted(author, now):
            return Verdict.MUTED
        verdict = self._received.judge(series, *span, now)
        if verdict is Verdict.COPY:
            # Where the first one is no longer kept, nothing proves that this is another one.
            if all(kept.id == envelope.id for kept in self._store.within(series, *span)):
                return verdict
            self._refusals.mute(author, now)
            return Verdict.CONFLICT
        if verdict is not Verdict.NEW or is_live or not self._is_metered:
            return verdict
        minute = minute_of(envelope.header.time_ms)
        if self._store.count(minute, author) < limits.AUTHOR_MINUTE_ENVELOPES:
            return verdict
        self._refusals.count(author, envelope.header.count, now)
        return Verdict.TOO_FAST

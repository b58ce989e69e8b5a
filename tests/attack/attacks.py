"""Each attack: whom it concerns in the table of threats, and what is asked under it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tests.measured import Figure, at_least, at_most

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tests.attack.outcome import Outcome

DELIVERED_PERCENT: Final = 100
P99_MS: Final = 1_000
GROWTH_MIB: Final = 10
RELAY_PERCENT: Final = 30
LOG_LINES: Final = 200
CLOSED_S: Final = 2
CRAMPED_PERCENT: Final = 20
RECOVERED_S: Final = 5
HELD_MIB: Final = 60
SLOW_S: Final = 10
PILED_UP_S: Final = 1
"""By then, while much is said, the victim's own system holds as much as it may, 32 KiB: from that
moment on it can be seen that nothing leaves any more."""
NEWCOMER_S: Final = 2
FEW_FILES: Final = 64
AUTHOR_BURST: Final = 20
AUTHOR_PER_S: Final = 5
"""Envelopes of one author that may be shown, as docs/protocol.md limits them."""


@dataclass(frozen=True)
class Attack:
    """One weapon, aimed at the victim of a village of its own."""

    row: int
    title: str
    more: Callable[[Attack, Outcome], Iterable[Figure]] = lambda _attack, _outcome: ()
    files: int | None = None
    """How many files the victim may open; None for as many as we may."""
    growth_mib: float = GROWTH_MIB


def figures(attack: Attack, outcome: Outcome) -> list[Figure]:
    """Return what is asked under every attack, then what is asked under this one."""
    row, title = attack.row, attack.title
    return [
        at_least(row, title, "honest delivery", "%", outcome.delivered_percent, DELIVERED_PERCENT),
        at_most(row, title, "honest p99", "ms", outcome.p99_ms, P99_MS),
        Figure(row, title, "honest p50", "ms", outcome.p50_ms),
        Figure(row, title, "honest p99 before it", "ms", outcome.p99_before_ms),
        at_most(row, title, "victim's memory grew", "MiB", outcome.grown_mib, attack.growth_mib),
        Figure(row, title, "victim's CPU", "% of a core", outcome.victim_percent),
        at_most(row, title, "relay's CPU", "% of a core", outcome.relay_percent, RELAY_PERCENT),
        at_most(row, title, "files more afterwards", "", outcome.files_more, 0),
        at_most(row, title, "log", "lines", outcome.log_lines, LOG_LINES),
        at_most(row, title, "on standard error", "lines", len(outcome.complaints), 0),
        *attack.more(attack, outcome),
    ]


def _dials(attack: Attack, outcome: Outcome) -> Iterable[Figure]:
    row, title = attack.row, attack.title
    yield at_most(row, title, "newcomer let in after, worst", "s", outcome.newcomer_s, NEWCOMER_S)
    yield Figure(row, title, "dials in all", "", outcome.told["dials"])


def _forgeries(attack: Attack, outcome: Outcome) -> Iterable[Figure]:
    told, row, title = outcome.told, attack.row, attack.title
    yield at_most(row, title, "longest until cut off", "s", told["closed_s"], CLOSED_S)
    yield Figure(row, title, "sent", "envelopes", told["sent"])
    yield Figure(row, title, "connections", "", told["connections"])


def _spam(attack: Attack, outcome: Outcome) -> Iterable[Figure]:
    row, title = attack.row, attack.title
    allowed = AUTHOR_BURST + AUTHOR_PER_S * outcome.length_s
    shown = outcome.strangers
    yield at_most(row, title, "shown of it, worst reader", "messages", shown, round(allowed))
    yield Figure(row, title, "sent", "envelopes", outcome.told["sent"])


def _sent(attack: Attack, outcome: Outcome) -> Iterable[Figure]:
    row, title = attack.row, attack.title
    yield Figure(row, title, "sent", "envelopes", outcome.told["sent"])
    yield Figure(row, title, "shown of it, worst reader", "messages", outcome.strangers)


def _connections(attack: Attack, outcome: Outcome) -> Iterable[Figure]:
    connections = outcome.told["connections"]
    yield Figure(attack.row, attack.title, "connections", "", connections)


def _slow(attack: Attack, outcome: Outcome) -> Iterable[Figure]:
    row, title = attack.row, attack.title
    yield Figure(row, title, "talk of others sent", "envelopes", outcome.told["sent"])
    asked_s = SLOW_S + PILED_UP_S
    yield at_most(
        row, title, "dropped after the last byte it took", "s", outcome.dropped_s, asked_s
    )


def _cramped(attack: Attack, outcome: Outcome) -> Iterable[Figure]:
    row, title = attack.row, attack.title
    victim, recovered_s = outcome.victim_percent, outcome.recovered_s
    yield at_most(row, title, "victim's CPU", "% of a core", victim, CRAMPED_PERCENT)
    yield at_most(row, title, "lets somebody in again after", "s", recovered_s, RECOVERED_S)


def _held(attack: Attack, outcome: Outcome) -> Iterable[Figure]:
    told, row, title = outcome.told, attack.row, attack.title
    yield at_most(row, title, "refused without a word", "connections", told["rude"], 0)
    yield Figure(row, title, "refused politely", "connections", told["polite"])
    yield Figure(row, title, "held", "connections", told["held"])
    above = outcome.highest_rss_mib - outcome.interpreter_mib
    yield at_most(row, title, "memory above an interpreter's", "MiB", above, HELD_MIB)
    yield Figure(row, title, "memory", "MiB", outcome.highest_rss_mib)


ATTACKS: Final[dict[str, Attack]] = {
    "silence": Attack(1, "1,000 silent sockets", _dials),
    "trickle": Attack(1, "1,000 sockets, 1 byte/s each", _dials),
    "half-hello": Attack(1, "1,000 half ClientHellos", _dials),
    "garbage": Attack(3, "garbage of every kind", _connections),
    "idle": Attack(1, "1,000 idle connections", _held),
    "spam": Attack(4, "10,000 envelopes in 10 s by one author", _spam),
    "fresh-ids": Attack(5, "1,000 fresh ids a second", _sent),
    "stops-reading": Attack(18, "a peer that stops reading", _slow),
    "few-files": Attack(22, "500 dials, 64 files", _cramped, files=FEW_FILES),
    "bad-signatures": Attack(30, "5,000 bad signatures a second", _forgeries),
}

"""The attacks: how they are judged, and that they are carried out."""

from __future__ import annotations

import asyncio
import math
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.attack.__main__ import SECONDS, main, parse
from tests.attack.attacks import ATTACKS, figures
from tests.attack.outcome import Outcome, carried_out
from tests.attack.village import NICKS, Talk
from tests.attack.weapons import WEAPONS
from tests.lag import lag_of_loop

if TYPE_CHECKING:
    from pathlib import Path

FIFTY: Final = 50
STRIKE_S: Final = 3.0
BEFORE_S: Final = 1.0
"""Enough to see that something is wrong; the command takes the time for figures."""

BUSY_LAG_S: Final = 0.25
"""A fourth of what an honest message may take."""

ON_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
Record = Callable[[str, object], None]

WELL = Outcome(
    length_s=10.0,
    told={"sent": 10_000, "connections": 3, "dials": 1_000, "closed_s": 0.1,
          "held": 62, "polite": 938, "rude": 0, "tried": 1_000},
    delivered_percent=100.0,
    p50_ms=2.0,
    p99_ms=9.0,
    p99_before_ms=8.0,
    grown_mib=1.0,
    highest_rss_mib=50.0,
    interpreter_mib=10.0,
    victim_percent=15.0,
    relay_percent=5.0,
    files_more=0,
    log_lines=20,
    complaints=[],
    strangers=70,
    newcomer_s=0.2,
    recovered_s=0.1,
    dropped_s=10.0,
)  # fmt: skip


def missed(name: str, **changes: Any) -> list[str]:
    found = figures(ATTACKS[name], replace(WELL, **changes))
    return [figure.what for figure in found if not figure.is_met]


def test_every_attack_has_its_weapon() -> None:
    assert ATTACKS.keys() == WEAPONS.keys()


@pytest.mark.parametrize("name", ATTACKS)
def test_a_village_that_notices_nothing_meets_all_that_is_asked(name: str) -> None:
    assert missed(name) == []


@pytest.mark.parametrize("name", ATTACKS)
@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"delivered_percent": 99.9}, "honest delivery"),
        ({"p99_ms": math.inf}, "honest p99"),
        ({"grown_mib": 10.1}, "victim's memory grew"),
        ({"relay_percent": 31.0}, "relay's CPU"),
        ({"files_more": 1}, "files more afterwards"),
        ({"log_lines": 201}, "log"),
        ({"complaints": ["Traceback"]}, "on standard error"),
    ],
)
def test_what_is_asked_under_every_attack(name: str, changes: dict[str, Any], what: str) -> None:
    assert missed(name, **changes) == [what]


@pytest.mark.parametrize(
    ("name", "changes", "what"),
    [
        ("silence", {"newcomer_s": 2.1}, "newcomer let in after, worst"),
        ("spam", {"strangers": 71}, "shown of it, worst reader"),
        ("bad-signatures", {"told": WELL.told | {"closed_s": 2.1}}, "longest until cut off"),
        ("idle", {"told": WELL.told | {"rude": 1}}, "refused without a word"),
        ("idle", {"highest_rss_mib": 71.0}, "memory above an interpreter's"),
        ("few-files", {"victim_percent": 21.0}, "victim's CPU"),
        ("few-files", {"recovered_s": math.inf}, "lets somebody in again after"),
        ("stops-reading", {"dropped_s": math.inf}, "dropped after the last byte it took"),
    ],
)
def test_what_is_asked_under_one(name: str, changes: dict[str, Any], what: str) -> None:
    assert missed(name, **changes) == [what]


def test_a_message_that_is_lost_has_no_delay() -> None:
    talk = Talk(said_at={"a": 1.0, "b": 2.0})
    readers = NICKS[1:]
    for text, said_at in talk.said_at.items():
        for reader in readers:
            talk.read_at[text, reader] = said_at + 0.5

    assert (talk.owed, talk.delivered_percent) == (6, 100.0)
    assert talk.delay_ms(0.99) == pytest.approx(500)

    del talk.read_at["b", readers[0]]

    assert talk.delivered_percent < 100
    assert talk.delay_ms(0.99) == math.inf
    assert talk.delay_ms(0.5) == pytest.approx(500)


def test_a_misspelt_attack_is_refused() -> None:
    with pytest.raises(SystemExit):
        parse(["silense"])


async def with_lag(name: str, length_s: float, listeners: int) -> tuple[Outcome, float]:
    """Carry out an attack, and measure how late this loop was meanwhile, which only looks on."""
    attack = ATTACKS[name]
    async with lag_of_loop() as lag:
        outcome = await carried_out(name, attack, length_s, before_s=BEFORE_S, listeners=listeners)
    return outcome, lag.longest_s


def flooded(name: str, length_s: float, listeners: int = 0, *, may_be_late: bool = False) -> str:
    """Attack real programs, and say what came of it; nothing that is asked may be missed.

    Where the machine was so busy with other things that even this test came late, nothing is said
    about how late the programs were.
    """
    attack = ATTACKS[name]
    outcome, lag_s = asyncio.run(with_lag(name, length_s, listeners))

    found = figures(attack, outcome)
    missed = [f"{figure}" for figure in found if not figure.is_met]
    is_busy = lag_s > BUSY_LAG_S
    excused = ["honest p99"] * (may_be_late or is_busy) + ["until cut off"] * is_busy
    assert missed == [line for line in missed if any(what in line for what in excused)]
    closed_s = outcome.told.get("closed_s")
    cut_off = "" if closed_s is None else f", each connection cut off within {closed_s:.2f} s"
    return (
        f"{len(NICKS) + listeners} programs, {outcome.told['sent']:.0f} envelopes in "
        f"{outcome.length_s:.0f} s{cut_off}: {outcome.strangers} shown at most, everything of the "
        f"others, 99 % within {outcome.p99_ms:.0f} ms, a relay busy {outcome.relay_percent:.1f} %"
    )


@ON_LINUX
@pytest.mark.threat(4)
def test_one_author_who_ignores_all_pacing_is_thinned_by_real_programs(
    record_property: Record,
) -> None:
    record_property("reached", flooded("spam", STRIKE_S))


@ON_LINUX
@pytest.mark.threat(5)
def test_fresh_keys_by_one_connection_keep_nobody_out_of_real_programs(
    record_property: Record,
) -> None:
    record_property("reached", flooded("fresh-ids", STRIKE_S, may_be_late=True))


@ON_LINUX
@pytest.mark.threat(30)
def test_bad_signatures_end_their_connections_to_a_real_program(record_property: Record) -> None:
    record_property("reached", flooded("bad-signatures", STRIKE_S))


@ON_LINUX
@pytest.mark.threat(4)
@pytest.mark.long
@pytest.mark.timeout(600)
def test_fifty_real_programs_thin_one_author_who_ignores_all_pacing(
    record_property: Record,
) -> None:
    record_property("reached", flooded("spam", SECONDS, FIFTY - len(NICKS)))


@pytest.mark.long
@pytest.mark.timeout(900)
@ON_LINUX
def test_honest_people_notice_no_attack(tmp_path: Path) -> None:
    assert main(["--json", str(tmp_path / "attack.jsonl")]) == 0

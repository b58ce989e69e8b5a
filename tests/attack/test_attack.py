"""The attacks: how they are judged, and that they are carried out."""

from __future__ import annotations

import math
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.attack.__main__ import main, parse
from tests.attack.attacks import ATTACKS, figures
from tests.attack.outcome import Outcome
from tests.attack.village import NICKS, Talk
from tests.attack.weapons import WEAPONS

if TYPE_CHECKING:
    from pathlib import Path

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


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_honest_people_notice_no_attack(tmp_path: Path) -> None:
    assert main(["--json", str(tmp_path / "attack.jsonl")]) == 0

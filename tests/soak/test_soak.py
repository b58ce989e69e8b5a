"""The soak itself."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.e2e import virtual_lan
from tests.effort import LONG
from tests.soak.__main__ import main, parse, soak


def test_too_few_nodes_are_no_network() -> None:
    with pytest.raises(SystemExit):
        parse(["--nodes", "2"])


@pytest.mark.long
@pytest.mark.skipif(bool(virtual_lan.why_not()), reason=virtual_lan.why_not())
@pytest.mark.timeout(LONG.soak_s + 3600)
def test_real_programs_stay_well_for_a_day(tmp_path: Path) -> None:
    assert main(["--minutes", str(LONG.soak_s / 60), "--json", str(tmp_path / "soak.jsonl")]) == 0


@pytest.mark.long
@pytest.mark.skipif(bool(virtual_lan.why_not()), reason=virtual_lan.why_not())
@pytest.mark.timeout(900)
def test_a_short_soak_counts_what_was_said_and_meets_its_bounds() -> None:
    given = parse(["--minutes", "2", "--nodes", "6", "--rate", "3", "--splits", "0.7"])

    assert asyncio.run(soak(given)) == 0

from __future__ import annotations

from dataclasses import asdict

import pytest

from tests.effort import LONG, QUICK, effort_named


def test_the_long_column_is_nowhere_below_the_quick_one() -> None:
    quick, long = asdict(QUICK), asdict(LONG)

    assert [name for name in quick if long[name] < quick[name]] == []


def test_a_misspelt_effort_does_not_pass_as_quick() -> None:
    with pytest.raises(ValueError, match="quick or long"):
        effort_named("logn")

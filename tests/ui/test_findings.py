"""What `/doctor` says."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from p2pchat.core.notices import Finding, Health
from p2pchat.sanitize import visible_line
from p2pchat.ui.findings import lines_of_findings

from .maps import ANYTHING


def test_findings_stand_below_each_other_with_their_advice() -> None:
    findings = [
        Finding("port", Health.GOOD, "listening at [::]:55555"),
        Finding("reachable", Health.UNSURE, "nobody has tried", "wait some minutes"),
        Finding("clock", Health.BAD, "3 min ahead", "set the clock"),
    ]

    assert lines_of_findings(findings) == [
        "[ok] port        listening at [::]:55555",
        "[?]  reachable   nobody has tried",
        "                 wait some minutes",
        "[!]  clock       3 min ahead",
        "                 set the clock",
    ]


def test_without_findings_that_is_said() -> None:
    assert lines_of_findings([]) == ["nothing was looked at"]


@given(st.lists(st.builds(Finding, ANYTHING, st.sampled_from(Health), ANYTHING, ANYTHING)))
def test_every_line_is_clean(findings: list[Finding]) -> None:
    assert all(visible_line(line) == line for line in lines_of_findings(findings))

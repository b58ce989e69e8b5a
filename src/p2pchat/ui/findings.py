"""What `/doctor` says: a line for each finding, with advice below it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from p2pchat.sanitize import visible_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from p2pchat.core.notices import Finding

NOTHING_FOUND: Final = "nothing was looked at"
_MARK_COLUMNS: Final = len("[ok] ")


def lines_of_findings(findings: Sequence[Finding]) -> list[str]:
    """Return the findings as lines whose columns stand below each other."""
    if not findings:
        return [NOTHING_FOUND]
    columns = max(len(visible_line(finding.what)) for finding in findings)
    lines = []
    for finding in findings:
        mark = f"[{finding.health.value}]"
        what = visible_line(finding.what)
        lines.append(
            f"{mark:<{_MARK_COLUMNS}}{what:<{columns}}   {visible_line(finding.text)}".rstrip()
        )
        if finding.advice:
            lines.append(f"{'':<{_MARK_COLUMNS + columns}}   {visible_line(finding.advice)}")
    return lines

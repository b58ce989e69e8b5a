"""Writes the table of docs/threat-model.md from the rows, the marked tests and their results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.documents import BEGIN, END, block_in
from tests.sources import ROOT
from tests.threats.marked import marked_tests
from tests.threats.results import load
from tests.threats.rows import ROWS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.threats.marked import MarkedTest
    from tests.threats.results import Attack, Results
    from tests.threats.rows import Row

PAGE: Final = ROOT / "docs" / "threat-model.md"
BLOCK: Final = "threats"
ATTACKS: Final = "attacks"

_HEAD: Final = (
    "| # | threat | what limits it | asked | reached | tests |\n"
    "| --: | --- | --- | --- | --- | --- |\n"
)


def threats_table() -> str:
    """Write the table out of what is in the source and what is kept of results."""
    return written(marked_tests(), load())


def written(tests: list[MarkedTest], results: Results) -> str:
    """Write the table."""
    return _HEAD + "".join(_line(row, tests, results) for row in ROWS)


def _line(row: Row, tests: list[MarkedTest], results: Results) -> str:
    own = [test for test in tests if row.number in test.rows]
    cells = (
        str(row.number),
        row.threat,
        row.limit,
        row.asked,
        "<br>".join(_reached(row, own, results)),
        "<br>".join(_named(test, results) for test in own),
    )
    return f"| {' | '.join(cells)} |\n"


def _reached(row: Row, own: list[MarkedTest], results: Results) -> list[str]:
    run = [results.tests[test.name] for test in own if test.name in results.tests]
    passed = sum(result.outcome == "passed" for result in run)
    figures = [figure for result in run for figure in result.reached]
    asked = [a for a in results.attacks if a.row == row.number and a.asked]
    attacks = [f"{sum(a.met for a in asked)} of {len(asked)} figures measured"] if asked else []
    attacks += [_attack(attack) for attack in asked if not attack.met]
    lacking = [f"not shown: {row.lacking}"] if row.lacking else []
    return [f"{passed} of {len(own)} tests passed", *figures, *attacks, *lacking]


def _attack(attack: Attack) -> str:
    missed = "" if attack.met else " **not reached**"
    return f"{attack.reached:g} {attack.unit} (asked: {attack.asked}){missed}"


def attacks_list() -> str:
    """Write what was asked and reached under attack, a line each."""
    return "".join(
        f"- row {attack.row}: {_attack(attack)}\n" for attack in load().attacks if attack.asked
    )


def _named(test: MarkedTest, results: Results) -> str:
    result = results.tests.get(test.name)
    outcome = "not run" if result is None else result.outcome
    remarks = ["long"] * test.is_long + [outcome] * (outcome != "passed")
    return f"`{test.name}`" + (f" ({', '.join(remarks)})" if remarks else "")


BLOCKS: Final[dict[str, Callable[[], str]]] = {BLOCK: threats_table, ATTACKS: attacks_list}


def write() -> None:
    """Bring the page up to date."""
    for name, make in BLOCKS.items():
        text = PAGE.read_text("utf-8")
        block_in(text, name)  # complains where a mark is missing
        before, begin, rest = text.partition(BEGIN.format(name))
        after = rest.partition(END)[2]
        PAGE.write_text(f"{before}{begin}\n{make()}\n{END}{after}", "utf-8")

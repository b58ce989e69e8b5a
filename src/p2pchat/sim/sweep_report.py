"""What a sweep has found, as tables of plain text and as a picture."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct

from p2pchat.core import limits
from p2pchat.sim.graphs import Shape
from p2pchat.sim.sweep import CaseResult, Outcome

PAPER: Final[Mapping[int, str]] = {
    **dict.fromkeys(range(10, 80, 10), "~100"),
    80: "~100",
    90: "~100",
    95: "~90",
}
"""HyParView's published order of magnitude, in percent, by the percent of nodes that died."""


class Aim(Struct, frozen=True):
    """What we aim at, as shares; None where there is only something to tell."""

    train: float | None
    """Mean of the broadcasts right after the crash, for processes that died."""
    after: float
    """Two maintenance cycles later, however they ended."""


AIMS: Final[Mapping[int, Aim]] = {
    10: Aim(0.9999, 1.0),
    20: Aim(0.999, 1.0),
    30: Aim(0.999, 1.0),
    40: Aim(0.999, 1.0),
    50: Aim(0.995, 0.9999),
    60: Aim(0.99, 0.9999),
    70: Aim(0.98, 0.999),
    80: Aim(0.95, 0.999),
    90: Aim(0.80, 0.99),
    95: Aim(None, 0.90),
}

Table = list[tuple[str, ...]]
"""Rows of equal length; the first one is the head."""


def broken(outcome: Outcome) -> list[str]:
    """Name what must never be, one line each."""
    rest, wrong = outcome.rest, []
    if rest.shape.largest < rest.shape.nodes:
        wrong.append("at rest the network lies in parts")
    if rest.asymmetric:
        wrong.append(f"{rest.asymmetric} members of views are not so at the other end")
    if rest.view_most > limits.ACTIVE_LIMIT or rest.accepted_most > limits.ACTIVE_ACCEPTED_LIMIT:
        wrong.append(f"a view has {rest.view_most} members, {rest.accepted_most} of them accepted")
    if outcome.healing.one_part_after_s is None:
        wrong.append("the halves stay apart after the split")
    return wrong


def missed_aims(outcome: Outcome) -> list[str]:
    """Name what is worse than we aim at, one line each."""
    return [line for case in outcome.cases for line in _missed(case)]


def _missed(case: CaseResult) -> list[str]:
    aim = AIMS.get(case.percent)
    if aim is None:
        return []
    wrong = []
    if aim.train is not None and not case.vanished and case.mean < aim.train:
        wrong.append(f"{_name(case)}: {_percent(case.mean)} at once, aim {_percent(aim.train)}")
    if case.after_cycles < aim.after:
        found = _percent(case.after_cycles)
        wrong.append(f"{_name(case)}: {found} after two cycles, aim {_percent(aim.after)}")
    return wrong


def _name(case: CaseResult) -> str:
    return f"{case.percent} % {'vanished' if case.vanished else 'died'}"


# --- Tables -----------------------------------------------------------------------------------


def reach_table(cases: Iterable[CaseResult]) -> Table:
    """Return what broadcasts reach, in percent of the survivors, a row for each case."""
    head = (
        "dead %", "how", "no repair", "first", "mean", "least", "paper", "aim", "after 2 cycles",
        "aim then", "99 % at", "100 % after",
    )  # fmt: skip
    return [head, *(_reach_row(case) for case in cases)]


def _reach_row(case: CaseResult) -> tuple[str, ...]:
    aim = AIMS.get(case.percent)
    promised = None if aim is None or case.vanished else aim.train
    return (
        str(case.percent),
        "vanished" if case.vanished else "died",
        _percent(case.unrepaired),
        _percent(case.first),
        _percent(case.mean),
        _percent(min(case.train)),
        PAPER.get(case.percent, "-") if not case.vanished else "-",
        f">= {_percent(promised)}" if promised is not None else "-",
        _percent(case.after_cycles),
        f">= {_percent(aim.after)}" if aim is not None else "-",
        f"no. {case.enough_after}" if case.enough_after is not None else "none",
        f"{case.whole_after_s:.1f} s" if case.whole_after_s is not None else "never",
    )


def shape_table(outcome: Outcome) -> Table:
    """Return what the network looks like at rest, after each train, and after the split."""
    head = (
        "network", "nodes", "largest part", "degree", "clustering", "mean path", "last hop",
        "redundancy",
    )  # fmt: skip
    rest, healing = outcome.rest, outcome.healing
    rows = [_shape_row("at rest", rest.shape, rest.flood.last_hop, rest.flood.redundancy)]
    rows += [
        _shape_row(f"{_name(case)}, then", case.after_train, case.last_hop, case.redundancy)
        for case in outcome.cases
    ]
    rows.append(_shape_row("split and healed", healing.shape, healing.shape.last_hop, None))
    return [head, *rows]


def _shape_row(name: str, shape: Shape, hop: int, redundancy: float | None) -> tuple[str, ...]:
    return (
        name,
        str(shape.nodes),
        str(shape.largest),
        f"{shape.degree_least} / {shape.degree_mean:.2f} / {shape.degree_most}",
        f"{shape.clustering:.4f}",
        f"{shape.path_mean:.2f}",
        str(hop),
        f"{redundancy:.2f}" if redundancy is not None else "-",
    )


def facts(outcome: Outcome) -> Table:
    """Return what is told in words, a name and a value each."""
    plan, rest, healing = outcome.plan, outcome.rest, outcome.healing
    after_s = healing.one_part_after_s
    joined = f"{plan.nodes} nodes through one, {plan.joins_per_s:g} a second"
    views = f"{rest.view_least} / {rest.view_mean:.2f} / {rest.view_most} members"
    return [
        ("joined", f"{joined}; one part after {rest.joined_s:.0f} s"),
        ("views", f"{views}, at most {rest.accepted_most} accepted, {rest.asymmetric} one-sided"),
        ("passive views", f"{rest.passive_mean:.1f} members"),
        ("split", f"two halves for {healing.split_s:.0f} s: {healing.halves[0]} and "
            f"{healing.halves[1]} nodes are one part each"),
        ("healed", "never" if after_s is None else f"one part after {after_s:.0f} s, "
            f"{healing.across} connections across"),
        ("invariants", "; ".join(broken(outcome)) or "all kept"),
        ("aims", "; ".join(missed_aims(outcome)) or "all reached"),
    ]  # fmt: skip


def as_text(outcome: Outcome) -> str:
    """Write everything for people."""
    blocks = [_aligned(facts(outcome)), _aligned(reach_table(outcome.cases))]
    blocks.append(_aligned(shape_table(outcome)))
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def as_json(outcome: Outcome) -> str:
    """Write everything as one object on one line."""
    found: dict[str, Any] = {"type": "sweep", **msgspec.structs.asdict(outcome)}
    found |= {"broken": broken(outcome), "missed_aims": missed_aims(outcome)}
    return msgspec.json.encode(found).decode() + "\n"


def as_markdown(table: Table) -> str:
    """Write a table for a document; its first column names the row."""
    head, *rows = table
    rule = ("---", *("---:" for _ in head[1:]))
    return "".join(f"| {' | '.join(row)} |\n" for row in (head, rule, *rows))


def _aligned(table: Table) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return ["  ".join(_cells(row, widths)).rstrip() for row in table]


def _cells(row: Sequence[str], widths: Sequence[int]) -> Iterable[str]:
    for number, (cell, width) in enumerate(zip(row, widths, strict=True)):
        is_figure = number and len(row) > 2
        yield cell.rjust(width) if is_figure else cell.ljust(width)


def _percent(share: float) -> str:
    """Write a share so that only what is whole reads 100."""
    text = f"{share * 100:.2f}"
    return "99.99" if text == "100.00" and share < 1 else text


# --- The picture ------------------------------------------------------------------------------

_WIDTH: Final = 720
_HEIGHT: Final = 420
_LEFT: Final = 60
_RIGHT: Final = 20
_TOP: Final = 40
_BOTTOM: Final = 100


class Line(Struct, frozen=True):
    """One curve: percent dead to share reached."""

    name: str
    colour: str
    dash: str
    points: tuple[tuple[int, float], ...]


def curves(outcome: Outcome) -> tuple[Line, ...]:
    """Return the curves of the picture."""
    died = [case for case in outcome.cases if not case.vanished]
    vanished = [case for case in outcome.cases if case.vanished]
    return (
        Line("no repair", "#888888", "2 4", _points(died, "unrepaired")),
        Line("processes died: mean of the broadcasts in the next 50 s", "#0072b2", "",
             _points(died, "mean")),
        Line("hosts vanished: the same", "#d55e00", "8 4", _points(vanished, "mean")),
        Line("hosts vanished: two maintenance cycles later", "#009e73", "",
             _points(vanished, "after_cycles")),
    )  # fmt: skip


def _points(cases: Iterable[CaseResult], what: str) -> tuple[tuple[int, float], ...]:
    return tuple((case.percent, getattr(case, what)) for case in cases)


def as_svg(outcome: Outcome) -> str:
    """Draw what broadcasts reach against how many have died; colours that everybody tells apart."""
    plan = outcome.plan
    title = f"What a broadcast reaches of the survivors: {plan.nodes} nodes, seed {plan.seed}"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
        _text(_LEFT, 22, title, size=14),
        *_axes(),
    ]
    for number, line in enumerate(curves(outcome)):
        parts += _curve(line, number)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _x(percent: float) -> float:
    return _LEFT + percent / 100 * (_WIDTH - _LEFT - _RIGHT)


def _y(share: float) -> float:
    return _TOP + (1 - share) * (_HEIGHT - _TOP - _BOTTOM)


def _axes() -> Iterable[str]:
    for tenth in range(0, 11, 2):
        y = _y(tenth / 10)
        yield _segment(_x(0), y, _x(100), y)
        yield _text(_LEFT - 8, y + 4, f"{tenth * 10} %", anchor="end")
    for percent in range(0, 101, 10):
        yield _text(_x(percent), _y(0) + 18, f"{percent} %", anchor="middle")
    yield _text(_x(50), _y(0) + 36, "of all nodes dead at once", anchor="middle")


def _segment(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<path d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}" stroke="#dddddd"/>'


def _text(x: float, y: float, text: str, *, size: int = 12, anchor: str = "start") -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}"'
    return f"<text {place}>{text}</text>"


def _curve(line: Line, number: int) -> Iterable[str]:
    style = f'fill="none" stroke="{line.colour}" stroke-width="2" stroke-dasharray="{line.dash}"'
    points = " ".join(f"{_x(percent):.1f},{_y(share):.1f}" for percent, share in line.points)
    yield f'<polyline points="{points}" {style}/>'
    for percent, share in line.points:
        yield f'<circle cx="{_x(percent):.1f}" cy="{_y(share):.1f}" r="3" fill="{line.colour}"/>'
    x, y = _LEFT + number % 2 * 330, _HEIGHT - 40 + number // 2 * 20
    yield f'<path d="M{x} {y - 4}h30" {style}/>'
    yield _text(x + 38, y, line.name)

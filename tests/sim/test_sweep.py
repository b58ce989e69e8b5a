"""The sweep, small: its procedure, what it writes, and that it is the same each time."""

from __future__ import annotations

import gc
import json
import time
import xml.etree.ElementTree as ET
from functools import lru_cache, partial
from pathlib import Path

import msgspec
import pytest

from p2pchat import cli, simulate
from p2pchat.sim.overlay_nodes import Fate
from p2pchat.sim.sweep import Case, Outcome, Plan, crash, one_by_one, run, split, stabilised
from p2pchat.sim.sweep_report import (
    as_json,
    as_markdown,
    as_svg,
    as_text,
    broken,
    missed_aims,
    reach_table,
    shape_table,
)
from tests.sweep_page import page

PLAN = Plan(nodes=200, messages=20, fractions=(30, 80), periods=3, seed=5)


@lru_cache(1)
def at_rest() -> bytes:
    return stabilised(PLAN)[0]


@lru_cache(1)
def outcome() -> Outcome:
    return run(PLAN)


def test_a_network_at_rest_keeps_every_invariant() -> None:
    _, rest = stabilised(Plan(nodes=120, periods=3, seed=2))

    assert rest.shape.largest == rest.shape.nodes == 120
    assert rest.asymmetric == 0
    assert rest.view_most <= 8
    assert rest.accepted_most <= 5
    assert rest.flood.reached == 120


def test_a_case_is_the_same_each_time_and_in_any_order() -> None:
    cases = [Case(50, Fate.DIED), Case(20, Fate.VANISHED)]

    one = [crash(at_rest(), PLAN, case) for case in cases]
    other = [crash(at_rest(), PLAN, case) for case in reversed(cases)]

    assert one == other[::-1]


def test_repair_reaches_survivors_whom_no_repair_loses() -> None:
    result = crash(at_rest(), PLAN, Case(80, Fate.DIED))

    assert result.survivors == 40
    assert result.unrepaired < 0.9
    assert result.mean > 0.95
    assert result.after_cycles == 1
    assert result.whole_after_s is not None
    assert len(result.train) == PLAN.messages


def test_who_vanished_is_missed_only_once_silence_has_told() -> None:
    result = crash(at_rest(), PLAN, Case(80, Fate.VANISHED))

    assert result.vanished
    assert result.mean < 0.9, "nobody knows yet whom to replace"
    assert result.after_cycles == 1


def test_two_halves_become_one_network_again() -> None:
    healing = split(at_rest(), PLAN)

    assert healing.halves == (100, 100)
    assert healing.one_part_after_s is not None
    assert healing.one_part_after_s <= 120
    assert healing.across > 0
    assert healing.shape.largest == 200


def test_the_whole_sweep_does_each_case_both_ways() -> None:
    found = [(case.percent, case.vanished) for case in outcome().cases]

    assert found == [(30, False), (30, True), (80, False), (80, True)]
    assert broken(outcome()) == []


def test_progress_goes_from_nothing_to_all() -> None:
    shares: list[float] = []

    run(Plan(nodes=40, messages=2, fractions=(10,), periods=1), shares.append, one_by_one)

    assert shares == sorted(shares)
    assert shares[-1] == 1.0


@pytest.mark.long
def test_a_thousand_nodes_take_well_under_a_minute() -> None:
    begun = time.process_time()

    found = run(Plan(nodes=1_000, messages=20, fractions=(80,), periods=1))

    assert broken(found) == []
    assert all(case.after_cycles >= 0.99 for case in found.cases)
    assert time.process_time() - begun < 60


# --- What it writes ---------------------------------------------------------------------------


def test_the_text_has_every_row_of_every_table() -> None:
    text = as_text(outcome())

    for word in ("no repair", "paper", "clustering", "mean path", "healed", "redundancy"):
        assert word in text
    assert len(reach_table(outcome().cases)) == 1 + 4
    assert len(shape_table(outcome())) == 1 + 1 + 4 + 1
    assert all(line == line.rstrip() for line in text.splitlines())


def test_only_what_is_whole_reads_100_percent() -> None:
    case = outcome().cases[0]
    nearly = msgspec.structs.replace(case, after_cycles=0.999999)

    rows = reach_table([nearly])

    assert rows[1][8] == "99.99"


def test_what_falls_short_of_an_aim_is_named() -> None:
    case = outcome().cases[0]
    worse = msgspec.structs.replace(case, train=(0.5,), after_cycles=0.9)
    found = msgspec.structs.replace(outcome(), cases=(worse,))

    assert missed_aims(found) == [
        "30 % died: 50.00 at once, aim 99.90",
        "30 % died: 90.00 after two cycles, aim 100.00",
    ]


def test_what_must_never_be_is_named() -> None:
    rest = msgspec.structs.replace(outcome().rest, asymmetric=2, view_most=9)
    healing = msgspec.structs.replace(outcome().healing, one_part_after_s=None)
    found = msgspec.structs.replace(outcome(), rest=rest, healing=healing)

    assert len(broken(found)) == 3


def test_json_is_one_object_that_holds_all() -> None:
    text = as_json(outcome())

    found = json.loads(text)
    assert text.count("\n") == 1
    assert found["type"] == "sweep"
    assert found["plan"]["nodes"] == 200
    assert [case["percent"] for case in found["cases"]] == [30, 30, 80, 80]


def test_the_picture_is_well_formed_and_draws_each_case() -> None:
    root = ET.fromstring(as_svg(outcome()))  # our own text

    name = "{http://www.w3.org/2000/svg}"
    assert len(root.findall(f"{name}polyline")) == 4
    assert len(root.findall(f"{name}circle")) == 4 * 2


def test_a_table_for_a_document_has_a_rule_below_its_head() -> None:
    lines = as_markdown([("a", "b"), ("1", "2")]).splitlines()

    assert lines == ["| a | b |", "| --- | ---: |", "| 1 | 2 |"]


def test_the_document_is_made_from_what_json_holds() -> None:
    again = msgspec.json.decode(as_json(outcome()), type=Outcome)

    assert again == outcome()
    assert "| 80 | died |" in page(again)


# --- The command ------------------------------------------------------------------------------


def test_the_command_prints_the_tables_and_draws_the_picture(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("p2pchat.sim.sweep.Plan", partial(Plan, periods=3))
    picture = tmp_path / "sweep.svg"
    flags = ["--nodes", "100", "--messages", "5", "--fractions", "50", "--svg", str(picture)]

    code = cli.main(["simulate", "sweep", *flags])

    out, err = capsys.readouterr()
    assert code == 0
    assert "invariants     all kept" in out
    assert err == "", "no bar where nobody sees it"
    assert picture.read_text("utf-8").startswith("<svg ")


def test_any_number_of_processes_finds_the_same() -> None:
    jobs = (Case(30, Fate.DIED), Case(80, Fate.VANISHED))

    here = list(one_by_one(at_rest(), PLAN, jobs))
    elsewhere = list(simulate.Processes(2)(at_rest(), PLAN, jobs))

    assert here == elsewhere


def test_garbage_is_collected_again_after_a_sweep() -> None:
    simulate.sweep({"nodes": 10, "messages": 1, "fractions": (), "periods": 0})

    assert gc.isenabled()


@pytest.mark.parametrize(
    ("flags", "word"),
    [
        (["--nodes", "99"], "--nodes must be 100-20000"),
        (["--fractions", "10,100"], "--fractions must be 1-99"),
        (["--fractions", ""], "--fractions must be 1-99"),
        (["--jobs", "0"], "--jobs must be 1-64"),
    ],
)
def test_wrong_usage_is_told_in_one_line(
    flags: list[str], word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ending:
        cli.main(["simulate", "sweep", *flags])

    assert ending.value.code == 2
    assert word in capsys.readouterr().err


def test_a_picture_that_can_not_be_written_is_told_before_all_the_work(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code = cli.main(["simulate", "sweep", "--svg", str(tmp_path / "no" / "sweep.svg")])

    assert code == 1
    assert "sweep.svg" in capsys.readouterr().err

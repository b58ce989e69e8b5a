"""`p2pchat simulate`: what it is asked, what it prints, how it ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from p2pchat import cli
from p2pchat.core.engine import Core
from p2pchat.core.holdings import Holding
from p2pchat.core.values import MessageId
from p2pchat.errors import BadSettings
from p2pchat.sim.experiment import LARGE_BYTES, Experiment, Outcome, run
from p2pchat.sim.network import SimNetwork
from p2pchat.sim.node import SimNode
from p2pchat.simulate import as_json, as_text, wanted

_TROUBLE = [
    *("--nodes", "20", "--degree", "4", "--messages", "20", "--rate", "2", "--seed", "3"),
    *("--churn", "100", "--loss", "20", "--partition", "5", "--large", "--authors", "7"),
]


def printed(capsys: pytest.CaptureFixture[str], *flags: str) -> tuple[int, str, str]:
    """Return exit code, standard output and standard error of `p2pchat simulate`."""
    code = cli.main(["simulate", *flags])
    out, err = capsys.readouterr()
    return code, out, err


# --- Output -----------------------------------------------------------------------------------


@pytest.mark.parametrize("more", [[], ["--json"]], ids=["text", "json"])
def test_the_same_seed_prints_the_same_bytes_in_any_process(more: list[str]) -> None:
    outputs = [
        subprocess.run(
            [sys.executable, "-m", "p2pchat", "simulate", *_TROUBLE, *more],
            env={**os.environ, "PYTHONHASHSEED": seed},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=100,
            check=True,
        )
        for seed in ("1", "2")
    ]

    assert outputs[0].stdout == outputs[1].stdout
    assert len(outputs[0].stdout) > 300
    assert outputs[0].stderr == b"", "no bar where nobody sees it"


def test_another_seed_prints_something_else(capsys: pytest.CaptureFixture[str]) -> None:
    outputs = {printed(capsys, "--nodes", "10", "--seed", seed)[1] for seed in ("1", "2")}

    assert len(outputs) == 2


def test_the_text_tells_every_figure_that_a_reader_asks_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, out, _ = printed(capsys, "--nodes", "10", "--messages", "5")

    assert code == 0
    for word in ("reach", "twice", "redundancy", "last hop", "median", "KiB", "invariants"):
        assert word in out
    assert all(line == line.rstrip() for line in out.splitlines())


def test_json_is_one_object_that_names_what_was_asked_and_what_came_out(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, out, _ = printed(capsys, "--nodes", "10", "--messages", "5", "--seed", "8", "--json")

    found = json.loads(out)
    assert code == 0
    assert out.count("\n") == 1
    assert (found["nodes"], found["messages"], found["seed"]) == (10, 5, 8)
    assert (found["reach"], found["shown_twice"], found["broken"]) == (1.0, 0, None)
    assert found["redundancy"] > 0
    assert found["delay_p99_s"] >= found["delay_p50_s"] > 0
    assert found["bytes_most"] >= found["bytes_mean"] > 0


# --- Exit codes -------------------------------------------------------------------------------


def test_a_broken_invariant_is_named_and_ends_with_1(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Core, "holdings", lambda _: (Holding("crumbs", 2, 1),))

    code, out, _ = printed(capsys, "--nodes", "10")

    assert code == 1
    assert "3: n" in out
    assert "holds 2 crumbs" in out


def test_what_nobody_repaired_ends_with_1(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("p2pchat.core.spreading.Spreading._on_filled", lambda *_: [])

    code, out, _ = printed(capsys, *_TROUBLE)

    assert code == 1
    assert "messages are missing" in out


@pytest.mark.parametrize(
    ("flags", "word"),
    [
        (["--nodes", "1"], "--nodes must be 2-20000"),
        (["--nodes", "many"], "got many"),
        (["--loss", "101"], "--loss must be 0-100"),
        (["--churn", "nan"], "got nan"),
        (["--rate", "0"], "--rate"),
        (["--nodes", "10", "--authors", "11"], "there are 10 nodes"),
        (["--size", "10", "--large"], "not allowed with"),
        (["--messages", "10", "--minutes", "1"], "not allowed with"),
        (["--strategy", "guess"], "guess"),
        (["--port", "5"], "--port"),
    ],
)
def test_wrong_usage_ends_with_2_and_one_line(
    capsys: pytest.CaptureFixture[str], flags: list[str], word: str
) -> None:
    try:
        code = cli.main(["simulate", *flags])
    except SystemExit as end:
        code = int(end.code or 0)
    out, err = capsys.readouterr()

    assert code == 2
    assert word in err
    assert (err.count("\n"), out) == (1, "")


# --- Flags ------------------------------------------------------------------------------------


def test_without_flags_the_defaults_hold() -> None:
    assert wanted({}) == Experiment()


def test_minutes_say_how_many_messages() -> None:
    assert wanted({"minutes": 2.0, "rate": 4.0}).messages == 480
    assert wanted({"minutes": 0.001}).messages == 1


def test_large_and_partition_and_size_find_their_place() -> None:
    assert wanted({"large": True}).size_bytes == LARGE_BYTES
    assert wanted({"size": 300}).size_bytes == 300
    assert wanted({"partition": 30.0}).partition_s == 30.0


def test_more_authors_than_nodes_are_refused() -> None:
    with pytest.raises(BadSettings, match="there are 5 nodes"):
        wanted({"nodes": 5, "authors": 6})


# --- Experiments ------------------------------------------------------------------------------


def trouble_free(**changes: float) -> Outcome:
    return run(Experiment(nodes=20, degree=4, messages=30, rate=2.0, seed=5, **changes))  # type: ignore[arg-type]


def test_a_calm_talk_needs_no_repair() -> None:
    outcome = trouble_free()

    assert outcome.broken is None
    assert outcome.report.reach == outcome.report.reach_unrepaired == 1.0
    assert outcome.report.repaired == outcome.report.missed == 0


def test_what_a_partition_kept_apart_is_counted_as_repaired() -> None:
    outcome = trouble_free(partition_s=10.0)

    assert outcome.broken is None
    assert outcome.report.reach == 1.0
    assert 0.5 < outcome.report.reach_unrepaired < 0.95
    assert outcome.report.repaired > 50


def test_churn_and_loss_leave_nothing_missed() -> None:
    outcome = trouble_free(churn=200.0, loss=50.0)

    assert outcome.broken is None
    assert outcome.report.missed == outcome.report.shown_twice == 0
    assert outcome.report.messages == 30


def test_only_the_authors_asked_for_speak(monkeypatch: pytest.MonkeyPatch) -> None:
    spoke: list[str] = []
    announce = SimNetwork.announce

    def announce_and_note(network: SimNetwork, node: SimNode, text: str) -> MessageId:
        spoke.append(node.name)
        return announce(network, node, text)

    monkeypatch.setattr(SimNetwork, "announce", announce_and_note)
    run(Experiment(nodes=10, authors=2, messages=40, seed=1))

    assert len(spoke) == 40
    assert len(set(spoke)) == 2


def test_progress_goes_from_nothing_to_all() -> None:
    shares: list[float] = []

    run(Experiment(nodes=10, messages=40, seed=1), shares.append)

    assert len(shares) >= 4
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1.0)


def test_both_ways_of_writing_an_outcome_tell_the_same_verdict() -> None:
    outcome = Outcome(Experiment(), trouble_free().report, 1.0, "7: n1 sends an envelope back")

    assert "7: n1 sends an envelope back" in as_text(outcome)
    assert json.loads(as_json(outcome))["broken"] == "7: n1 sends an envelope back"

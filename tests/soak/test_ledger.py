"""The soak's bookkeeping: who is owed what."""

from __future__ import annotations

import pytest

from tests.soak.ledger import REPAIR_S, Ledger, Run

ANN: Run = ("ann", 0)
BEN: Run = ("ben", 0)
CID: Run = ("cid", 0)
LATER = 10 * REPAIR_S


@pytest.fixture
def ledger() -> Ledger:
    made = Ledger()
    for run in (ANN, BEN, CID):
        made.connected(run, 0.0)
    return made


def test_everybody_but_the_author_is_owed_a_message(ledger: Ledger) -> None:
    ledger.said(ANN, 0, 1.0)
    ledger.shown(BEN, ANN, 0, 1.1)

    ledger.settle(1.0 + REPAIR_S)

    assert (ledger.tally.owed, ledger.tally.arrived, ledger.tally.missing) == (2, 1, 1)
    assert ledger.tally.faults == ["missing: ann.0 #0 said at 1 to cid.0"]
    assert ledger.unsettled == 0


def test_nothing_is_counted_before_there_was_time_to_repair_it(ledger: Ledger) -> None:
    ledger.said(ANN, 0, 1.0)

    ledger.settle(0.9 + REPAIR_S)

    assert (ledger.tally.owed, ledger.unsettled) == (0, 1)


def test_a_split_gives_time_until_its_end_and_for_repair_after_it(ledger: Ledger) -> None:
    ledger.said(ANN, 0, 1.0)
    ledger.split(2.0)

    assert ledger.settles_at(1.0) == float("inf")

    ledger.healed(50.0)
    ledger.split(60.0)
    ledger.healed(90.0)

    assert ledger.settles_at(1.0) == 90.0 + REPAIR_S
    assert ledger.settles_at(400.0) == 400.0 + REPAIR_S


def test_who_comes_later_or_goes_before_is_owed_nothing(ledger: Ledger) -> None:
    dan: Run = ("dan", 0)
    ledger.said(ANN, 0, 1.0)
    ledger.connected(dan, 2.0)
    ledger.ended(CID, 3.0)
    ledger.shown(BEN, ANN, 0, 1.1)
    ledger.shown(dan, ANN, 0, 2.1)

    ledger.settle(LATER)

    assert (ledger.tally.owed, ledger.tally.missing, ledger.tally.beyond) == (1, 0, 1)


def test_what_died_with_everybody_who_had_it_is_owed_to_nobody(ledger: Ledger) -> None:
    ledger.said(ANN, 0, 1.0)
    ledger.ended(ANN, 1.1)

    ledger.settle(LATER)

    assert (ledger.tally.owed, ledger.tally.lost_with_author) == (0, 1)


def test_what_somebody_has_is_owed_though_its_author_died(ledger: Ledger) -> None:
    ledger.said(ANN, 0, 1.0)
    ledger.shown(BEN, ANN, 0, 1.05)
    ledger.ended(ANN, 1.1)

    ledger.settle(LATER)

    assert (ledger.tally.owed, ledger.tally.missing) == (2, 1)


def test_the_second_time_is_noticed_even_long_afterwards(ledger: Ledger) -> None:
    ledger.said(ANN, 0, 1.0)
    ledger.shown(BEN, ANN, 0, 1.1)
    ledger.shown(CID, ANN, 0, 1.1)
    ledger.settle(LATER)

    ledger.shown(BEN, ANN, 0, LATER)

    assert ledger.tally.twice == 1


def test_a_lower_number_behind_a_higher_one_is_out_of_order(ledger: Ledger) -> None:
    for number in (0, 1):
        ledger.said(ANN, number, 1.0)
    for number in (1, 0):
        ledger.shown(BEN, ANN, number, 1.1)
        ledger.shown(CID, ANN, 1 - number, 1.1)

    assert (ledger.tally.disordered, ledger.tally.twice) == (1, 0)


def test_where_the_gap_was_told_it_is_only_late(ledger: Ledger) -> None:
    for number in (0, 1):
        ledger.said(ANN, number, 1.0)
    ledger.told_gap(BEN, "ann", 1)
    for number in (1, 0):
        ledger.shown(BEN, ANN, number, 1.1)

    assert (ledger.tally.disordered, ledger.tally.late) == (0, 1)


def test_a_gap_that_was_told_excuses_no_more_than_it_holds(ledger: Ledger) -> None:
    for number in range(3):
        ledger.said(ANN, number, 1.0)
    ledger.told_gap(BEN, "ann", 1)
    for number in (2, 1, 0):
        ledger.shown(BEN, ANN, number, 1.1)

    assert (ledger.tally.disordered, ledger.tally.late) == (1, 1)


def test_what_is_marked_as_earlier_behind_what_is_said_now_is_counted_apart(ledger: Ledger) -> None:
    for number in (0, 1):
        ledger.said(ANN, number, 1.0)
    ledger.shown(BEN, ANN, 1, 1.1)
    ledger.shown(BEN, ANN, 0, 1.2, is_earlier=True)

    assert (ledger.tally.disordered, ledger.tally.backlog_behind) == (0, 1)


def test_what_is_settled_takes_no_memory(ledger: Ledger) -> None:
    for start in range(1, 1000):
        run: Run = ("dan", start)
        ledger.connected(run, start * REPAIR_S)
        ledger.said(run, 0, start * REPAIR_S)
        ledger.ended(run, start * REPAIR_S + 1)
        ledger.settle(start * REPAIR_S)

    assert ledger.unsettled <= 2
    assert len(ledger._lives) <= 6

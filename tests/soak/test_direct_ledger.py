"""The soak's bookkeeping of messages to one person."""

from __future__ import annotations

from tests.soak.direct_ledger import DirectLedger

ANN, BEN, BEN_AGAIN, CID = ("ann", 1), ("ben", 1), ("ben", 2), ("cid", 1)


def written() -> DirectLedger:
    ledger = DirectLedger()
    ledger.written(ANN, "1", "ben", 5.0)
    return ledger


def test_what_was_taken_is_missing_until_it_is_shown() -> None:
    ledger = written()
    assert (ledger.missing, ledger.faults) == (1, ["not shown: from ann.1 to ben, written at 5"])

    ledger.arrived(BEN, "1")

    assert (ledger.missing, ledger.shown, ledger.faults) == (0, 1, [])


def test_it_may_be_shown_by_a_later_run() -> None:
    ledger = written()

    ledger.arrived(BEN_AGAIN, "1")

    assert (ledger.missing, ledger.strange) == (0, 0)


def test_the_second_time_counts_also_when_all_was_confirmed() -> None:
    ledger = written()
    ledger.arrived(BEN, "1")
    ledger.receipt("1")

    ledger.arrived(BEN, "1")

    assert (ledger.twice, ledger.twice_after_kill) == (1, 0)


def test_after_a_kill_it_may_come_again() -> None:
    ledger = written()
    ledger.arrived(BEN, "1")
    ledger.killed(BEN)

    ledger.arrived(BEN_AGAIN, "1")

    assert (ledger.twice, ledger.twice_after_kill) == (0, 1)


def test_what_its_reader_told_first_is_not_missing() -> None:
    ledger = DirectLedger()
    ledger.arrived(BEN, "1")

    ledger.written(ANN, "1", "ben", 5.0)

    assert (ledger.missing, ledger.strange) == (0, 0)


def test_whoever_else_is_shown_it_is_noticed() -> None:
    ledger = written()

    ledger.arrived(CID, "1")

    assert ledger.strange == 1


def test_a_receipt_counts_once() -> None:
    ledger = written()

    ledger.receipt("1")
    ledger.receipt("1")

    assert ledger.confirmed == 1

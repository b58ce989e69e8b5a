"""The log file: one clean line an event, bounded in size and in rate."""

from __future__ import annotations

import asyncio
import logging
import stat
import sys
from typing import TYPE_CHECKING

import pytest

from p2pchat.crypto.identity import Identity
from p2pchat.logs import (
    FIELD_LIMIT_CHARACTERS,
    FILE_LIMIT_BYTES,
    KINDS_OF_EVENTS,
    SAME_EVENT_PER_MINUTE,
    Thinned,
    Unexpected,
    logging_to,
    unexpected_count,
)
from p2pchat.settings import Settings
from p2pchat.store.profile import Profile

if TYPE_CHECKING:
    from pathlib import Path

LOG = logging.getLogger("p2pchat.tests")


def profile_in(folder: Path | None) -> Profile:
    return Profile("work", Identity(bytes(32)), folder)


def record(
    text: str, *arguments: object, at: float = 0.0, level: int = logging.INFO
) -> logging.LogRecord:
    made = logging.LogRecord("p2pchat", level, "", 0, text, arguments, None)
    made.created = at
    return made


def test_an_event_is_one_line_with_time_level_and_place(tmp_path: Path) -> None:
    with logging_to(Settings(), profile_in(tmp_path)):
        LOG.info("connection %d ends", 7)

    (line,) = (tmp_path / "log.txt").read_text().splitlines()
    assert line.endswith(" INFO p2pchat.tests connection 7 ends")


@pytest.mark.threat(17)
def test_what_strangers_send_can_not_forge_a_line_or_steer_a_terminal(tmp_path: Path) -> None:
    with logging_to(Settings(), profile_in(tmp_path)):
        LOG.info("it said %s", "\x1b[2J\n2026-01-01 INFO p2pchat forged\r\u202e")

    content = (tmp_path / "log.txt").read_text()
    assert content.count("\n") == 1
    assert r"it said \x1b[2J\x0a2026-01-01 INFO p2pchat forged\x0d\u202e" in content


@pytest.mark.threat(17)
def test_a_line_has_a_bound(tmp_path: Path) -> None:
    with logging_to(Settings(), profile_in(tmp_path)):
        LOG.info("it said %s", "x" * 100_000)

    assert len((tmp_path / "log.txt").read_text()) < FIELD_LIMIT_CHARACTERS + 100


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX modes")
def test_the_log_is_for_its_owner_only(tmp_path: Path) -> None:
    with logging_to(Settings(), profile_in(tmp_path)):
        LOG.info("hello")

    assert stat.S_IMODE((tmp_path / "log.txt").stat().st_mode) == 0o600


def test_an_ephemeral_profile_has_no_log_unless_one_was_named(tmp_path: Path) -> None:
    named = tmp_path / "named.txt"
    with logging_to(Settings(), profile_in(None)):
        LOG.info("nowhere")
    with logging_to(Settings(log_file=str(named)), profile_in(None)):
        LOG.info("somewhere")

    assert [path.name for path in tmp_path.iterdir()] == ["named.txt"]
    assert "somewhere" in named.read_text()


def test_a_log_that_can_not_be_had_is_no_reason_not_to_run(tmp_path: Path) -> None:
    nowhere = tmp_path / "no such folder" / "log.txt"

    with logging_to(Settings(log_file=str(nowhere)), profile_in(tmp_path)):
        LOG.info("lost")

    assert list(tmp_path.iterdir()) == []


def test_verbose_logs_more(tmp_path: Path) -> None:
    for verbose in (False, True):
        with logging_to(Settings(verbose=verbose), profile_in(tmp_path)):
            LOG.debug("a detail of %s", verbose)

    assert "a detail of True" in (tmp_path / "log.txt").read_text()
    assert "a detail of False" not in (tmp_path / "log.txt").read_text()


def test_after_the_run_nothing_is_written_any_more(tmp_path: Path) -> None:
    before = logging.getLogger("p2pchat").handlers[:]
    with logging_to(Settings(), profile_in(tmp_path)):
        LOG.info("inside")
    LOG.info("outside")

    assert "outside" not in (tmp_path / "log.txt").read_text()
    assert logging.getLogger("p2pchat").handlers == before


@pytest.mark.threat(17)
def test_the_files_are_bounded(tmp_path: Path) -> None:
    with logging_to(Settings(), profile_in(tmp_path)):
        for number in range(3 * FILE_LIMIT_BYTES // 500):
            LOG.error("%d %s", number, "x" * 490)  # errors are never left out

    sizes = [path.stat().st_size for path in tmp_path.iterdir()]
    assert len(sizes) == 3
    assert max(sizes) <= FILE_LIMIT_BYTES


# --- Events that repeat -----------------------------------------------------------------------


@pytest.mark.threat(17)
def test_the_same_event_is_let_through_a_few_times_a_minute_and_then_counted() -> None:
    thinned = Thinned()

    let_through = [thinned.filter(record("refused %s", n, at=1.0)) for n in range(100)]
    following = record("refused %s", "again", at=61.0)

    assert sum(let_through) == SAME_EVENT_PER_MINUTE
    assert thinned.filter(following)
    left_out = 100 - SAME_EVENT_PER_MINUTE
    assert following.getMessage() == f"refused again (and {left_out} more like this)"


def test_what_is_left_out_is_counted_per_event_and_other_events_pass() -> None:
    thinned = Thinned()
    for number in range(100):
        thinned.filter(record("refused %s", number))

    assert thinned.filter(record("something else"))


def test_the_event_after_a_counted_one_is_thinned_again() -> None:
    thinned = Thinned()
    for minute in range(3):
        passed = [thinned.filter(record("x %s", n, at=60.0 * minute)) for n in range(50)]
        assert sum(passed) == SAME_EVENT_PER_MINUTE


def test_errors_are_never_left_out() -> None:
    thinned = Thinned()

    assert all(thinned.filter(record("broken", level=logging.ERROR)) for _ in range(100))


def test_the_memory_of_events_is_bounded() -> None:
    thinned = Thinned()
    for number in range(10 * KINDS_OF_EVENTS):
        thinned.filter(record(f"event {number}"))

    assert len(thinned._counts) == KINDS_OF_EVENTS


async def test_what_asyncio_reports_goes_to_the_log(tmp_path: Path) -> None:
    with logging_to(Settings(), profile_in(tmp_path)):
        try:
            raise ZeroDivisionError("of ours")
        except ZeroDivisionError as error:
            context = {"message": "a task failed", "exception": error}
            asyncio.get_running_loop().set_exception_handler(Unexpected())
            asyncio.get_running_loop().call_exception_handler(context)

    content = (tmp_path / "log.txt").read_text()
    assert "unexpected: a task failed" in content
    assert "ZeroDivisionError: of ours" in content
    assert unexpected_count(asyncio.get_running_loop()) == 1

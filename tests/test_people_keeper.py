"""What of people and of messages to them outlives a run, and what is said when it can't."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

import pytest

from p2pchat.core.outbox import DirectId, Waiting
from p2pchat.core.values import Person
from p2pchat.people_keeper import PeopleKeeper
from p2pchat.sim.credentials import sim_peer_id
from p2pchat.store.profile import open_ephemeral, open_profile
from tests.store.failing_disk import CODES, STEPS, failing_disk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BOB = Person(sim_peer_id("bob"), "bob")
WALL_MS = 1_700_000_000_000


def message(number: int, text: str = "see you") -> Waiting:
    name = DirectId(number.to_bytes(16, "big"))
    assert BOB.id is not None
    return Waiting(BOB.id, name, WALL_MS, 1, text, WALL_MS + number)


class Home:
    """A profile that one keeper after another opens."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.refusals = 0
        self.keeper = self._open()

    def _open(self) -> PeopleKeeper:
        self._profile = open_profile("ann", self._folder)
        return PeopleKeeper(self._profile, self._count)

    def _count(self) -> None:
        self.refusals += 1

    def restart(self) -> PeopleKeeper:
        """Begin another run, as after a crash."""
        self._profile.close()
        self.keeper = self._open()
        return self.keeper

    def close(self) -> None:
        self._profile.close()


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    opened = Home(tmp_path)
    yield opened
    opened.close()


def test_everything_is_there_again_after_a_restart(home: Home) -> None:
    keeper = home.keeper
    assert BOB.id is not None
    keeper.contacts.verify(BOB, WALL_MS)
    assert keeper.save() is None
    assert keeper.keep(message(1)) is None
    assert keeper.keep(message(2)) is None
    assert keeper.forget(message(1).message_id) is None
    assert keeper.note_delivered(BOB.id, DirectId(bytes(16))) == (True, None)

    again = home.restart()

    assert again.messages == ()
    assert again.contacts.is_verified(BOB.id)
    assert again.waiting == (message(2),)
    assert (BOB.id, DirectId(bytes(16))) in again.delivered


def test_nothing_is_written_where_nothing_has_changed(home: Home) -> None:
    with failing_disk("open", errno.ENOSPC):
        assert home.keeper.save() is None


def test_an_ephemeral_profile_keeps_nothing_and_complains_of_nothing() -> None:
    keeper = PeopleKeeper(open_ephemeral())
    assert BOB.id is not None
    keeper.contacts.verify(BOB, WALL_MS)

    with failing_disk("open", errno.ENOSPC):
        assert keeper.save() is None
        assert keeper.keep(message(1)) is None
        assert keeper.forget(message(1).message_id) is None
        assert keeper.note_delivered(BOB.id, DirectId(bytes(16))) == (True, None)


@pytest.mark.threat(21)
@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("step", STEPS)
def test_a_full_disk_is_told_once_and_what_it_refused_is_written_later(
    home: Home, step: str, code: int
) -> None:
    keeper = home.keeper
    with failing_disk(step, code):
        told = [keeper.keep(message(number)) for number in (1, 2)]
    assert told[0] is not None
    assert "\n" not in told[0]
    assert "in memory only" in told[0]
    assert told[1] is None

    assert "the disk takes the outbox again" in str(keeper.keep(message(3)))

    assert home.restart().waiting == (message(1), message(2), message(3))


@pytest.mark.threat(21)
@pytest.mark.parametrize("step", STEPS)
def test_what_the_disk_refused_is_written_again_though_nothing_new_is_to_be_kept(
    home: Home, step: str
) -> None:
    keeper = home.keeper
    assert BOB.id is not None
    with failing_disk(step, errno.ENOSPC):
        keeper.keep(message(1))
        keeper.contacts.verify(BOB, WALL_MS)
        assert keeper.save() is not None
        before = home.refusals
        assert keeper.write_again() == []
    assert home.refusals > before > 0, "it asks to be called again"

    assert keeper.write_again() == [
        "the disk takes the outbox again: nothing of it is in memory only."
    ]

    again = home.restart()
    assert again.waiting == (message(1),)
    assert again.contacts.is_verified(BOB.id)


@pytest.mark.parametrize("step", STEPS)
def test_what_the_disk_did_not_note_is_told_and_may_not_be_answered(home: Home, step: str) -> None:
    keeper, name = home.keeper, DirectId(bytes(16))
    assert BOB.id is not None
    with failing_disk(step, errno.ENOSPC):
        is_noted, told = keeper.note_delivered(BOB.id, name)
        assert (is_noted, told is not None) == (False, True)
        assert keeper.note_delivered(BOB.id, name) == (False, None)

    assert keeper.note_delivered(BOB.id, name) == (True, None)

    assert (BOB.id, name) in home.restart().delivered


def test_a_problem_that_comes_back_is_told_again(home: Home) -> None:
    keeper = home.keeper
    assert BOB.id is not None
    for number in range(2):
        name = DirectId(number.to_bytes(16, "big"))
        with failing_disk("open", errno.ENOSPC):
            assert keeper.note_delivered(BOB.id, name)[1] is not None
        assert keeper.note_delivered(BOB.id, name) == (True, None)


def test_what_is_damaged_is_told_at_the_start_and_costs_nothing_else(
    home: Home, tmp_path: Path
) -> None:
    home.keeper.keep(message(1))
    home.keeper.keep(message(2))
    (file, _) = sorted(tmp_path.rglob("*.bin"))
    file.write_bytes(b"garbage")

    again = home.restart()

    assert again.waiting == (message(2),)
    assert len(again.messages) == 1
    assert "set aside" in again.messages[0]

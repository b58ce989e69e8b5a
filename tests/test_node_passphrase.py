"""A node whose key has a passphrase."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from p2pchat import Node
from p2pchat.crypto.sealed_key import seal_key
from p2pchat.errors import PassphraseNeeded, WrongPassphrase
from p2pchat.store.key_text import write_key
from p2pchat.store.profile import open_profile
from tests.keys import ANN, OTHER, PASSPHRASE, write_private, write_sealed

if TYPE_CHECKING:
    from pathlib import Path

    from p2pchat.node_life import OpensKey
    from p2pchat.store.profile import Profile


@pytest.fixture
def profiles(tmp_path: Path) -> Path:
    write_sealed(tmp_path / "profiles" / "work" / "key")
    return tmp_path / "profiles"


def node(profiles: Path, passphrase: str | OpensKey | None) -> Node:
    return Node(
        host="127.0.0.1", port=0, manual=True, profile="work", folder=profiles,
        passphrase=passphrase,
    )  # fmt: skip


async def test_it_starts_with_the_passphrase(profiles: Path) -> None:
    async with node(profiles, PASSPHRASE) as ann:
        assert ann.id == ANN.peer
        assert not ann.profile.is_sealed


async def test_it_starts_with_what_asks_for_it(profiles: Path) -> None:
    asked = []

    async def ask(profile: Profile) -> None:
        asked.append(profile.name)
        assert profile.open_key(PASSPHRASE)

    async with node(profiles, ask) as ann:
        assert ann.id == ANN.peer

    assert asked == ["work"]


@pytest.mark.parametrize(
    ("passphrase", "error"), [(None, PassphraseNeeded), (OTHER, WrongPassphrase)]
)
async def test_without_it_nothing_starts_and_the_profile_is_free_again(
    profiles: Path, passphrase: str | None, error: type[Exception]
) -> None:
    with pytest.raises(error, match="profile work"):
        async with node(profiles, passphrase):
            pass

    open_profile("work", profiles).close()


async def test_nobody_is_asked_for_the_passphrase_of_a_key_that_has_none(tmp_path: Path) -> None:
    async def ask(_: Profile) -> None:
        raise AssertionError

    async with node(tmp_path / "profiles", ask) as ann:
        assert ann.profile.has_passphrase is False


async def test_a_new_key_gets_the_passphrase_that_is_given(tmp_path: Path) -> None:
    async with node(tmp_path / "profiles", PASSPHRASE) as made:
        assert made.profile.has_passphrase
    async with node(tmp_path / "profiles", PASSPHRASE) as again:
        assert again.id == made.id


async def test_others_of_the_loop_go_on_while_a_key_is_opened(tmp_path: Path) -> None:
    key = tmp_path / "profiles" / "work" / "key"
    write_private(key, write_key(seal_key(ANN, PASSPHRASE)))
    turns = 0

    async def count_turns() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0.001)
            turns += 1

    counting = asyncio.create_task(count_turns())
    async with node(tmp_path / "profiles", PASSPHRASE):
        counting.cancel()

    assert turns > 10

"""Profiles whose keys have a passphrase."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from p2pchat.core.outbox import DirectId, Waiting
from p2pchat.crypto.identity import Identity
from p2pchat.crypto.passphrase import Cost
from p2pchat.crypto.sealed_key import SealedKey, seal_key
from p2pchat.errors import (
    BadSecret,
    IdentityUnreadable,
    PassphraseNeeded,
    ProfileError,
)
from p2pchat.store import profile as profile_module
from p2pchat.store.outbox import KEY_PURPOSE, OutboxFolder
from p2pchat.store.profile import Profile, glance_at, open_ephemeral, open_profile
from tests.keys import ANN, CHEAP, OTHER, PASSPHRASE, SEED, write_sealed
from tests.store.folders import names_in

if TYPE_CHECKING:
    from pathlib import Path


POSIX_ONLY = pytest.mark.skipif(os.name != "posix", reason="modes of POSIX")


@pytest.fixture
def cheap(monkeypatch: pytest.MonkeyPatch) -> Cost:
    """Let what is sealed cost next to nothing."""

    def seal(identity: Identity, passphrase: str) -> SealedKey:
        return seal_key(identity, passphrase, CHEAP)

    monkeypatch.setattr(profile_module, "seal_key", seal)
    return CHEAP


def opened(folder: Path, passphrase: str) -> Profile:
    profile = open_profile("work", folder)
    assert profile.open_key(passphrase)
    return profile


def test_until_its_passphrase_comes_only_the_public_half_is_there(folder: Path) -> None:
    write_sealed(folder / "work" / "key")
    profile = open_profile("work", folder)

    assert (profile.peer, profile.is_sealed, profile.has_passphrase) == (ANN.peer, True, True)
    with pytest.raises(PassphraseNeeded, match="key of profile work"):
        _ = profile.identity
    assert not profile.open_key(OTHER)
    assert profile.is_sealed
    assert profile.open_key(PASSPHRASE)

    assert profile.identity.seed == SEED
    assert (profile.is_sealed, profile.has_passphrase) == (False, True)
    profile.close()


@pytest.mark.threat(14)
def test_a_wrong_passphrase_sets_nothing_aside_and_makes_no_new_key(folder: Path) -> None:
    key = folder / "work" / "key"
    write_sealed(key)
    before = key.read_bytes()
    profile = open_profile("work", folder)

    assert not any(profile.open_key(f"{PASSPHRASE}{number}") for number in range(5))
    with pytest.raises(BadSecret):
        profile.open_key("")
    profile.close()

    assert key.read_bytes() == before
    assert names_in(folder / "work") == ["key", "lock"]
    assert names_in(folder) == ["work"]


def test_a_key_without_one_needs_none(folder: Path) -> None:
    profile = open_profile("work", folder)

    assert (profile.is_sealed, profile.has_passphrase) == (False, False)
    assert profile.open_key("whatever")
    profile.close()


def test_what_waits_in_the_outbox_is_readable_whatever_becomes_of_the_passphrase(
    folder: Path, cheap: Cost
) -> None:
    def outbox_of(profile: Profile) -> OutboxFolder:
        return OutboxFolder(profile.folder, profile.identity.derive_key(KEY_PURPOSE))

    assert cheap == CHEAP
    profile = open_profile("work", folder)
    waiting = Waiting(ANN.peer, DirectId(bytes(16)), 1, 1, "hi", 1)
    assert outbox_of(profile).keep(waiting) is None

    seen = [profile.peer]
    for before, after in ((None, PASSPHRASE), (PASSPHRASE, OTHER), (OTHER, None), (None, OTHER)):
        profile.set_passphrase(after)
        profile.close()
        profile = open_profile("work", folder) if after is None else opened(folder, after)
        assert profile.has_passphrase == (after is not None), (before, after)
        assert outbox_of(profile).load() == ([waiting], [])
        seen.append(profile.peer)

    profile.close()
    assert len(set(seen)) == 1


@pytest.mark.threat(14)
def test_the_passphrase_before_opens_nothing_any_more(folder: Path, cheap: Cost) -> None:
    assert cheap == CHEAP
    profile = open_profile("work", folder)
    profile.set_passphrase(PASSPHRASE)
    profile.set_passphrase(OTHER)
    profile.close()

    again = open_profile("work", folder)
    assert not again.open_key(PASSPHRASE)
    assert again.open_key(OTHER)
    again.close()


def test_a_key_that_is_not_open_is_not_written(folder: Path) -> None:
    write_sealed(folder / "work" / "key")
    profile = open_profile("work", folder)

    with pytest.raises(PassphraseNeeded):
        profile.set_passphrase(None)
    profile.close()

    assert SEED.hex() not in (folder / "work" / "key").read_text()


def test_nothing_of_an_ephemeral_profile_can_have_one() -> None:
    with pytest.raises(ProfileError, match="ephemeral"):
        open_ephemeral().set_passphrase(PASSPHRASE)


def test_a_new_profile_can_have_one_from_the_beginning(folder: Path) -> None:
    made = open_profile("work", folder, PASSPHRASE)

    assert (made.has_passphrase, made.messages) == (True, ())
    made.close()
    again = opened(folder, PASSPHRASE)
    assert again.peer == made.peer
    again.close()


def test_whoever_gives_one_to_a_key_without_is_told(folder: Path) -> None:
    open_profile("work", folder).close()

    profile = open_profile("work", folder, PASSPHRASE)

    assert not profile.has_passphrase
    (told,) = profile.messages
    assert told.startswith("the key of profile work has no passphrase")
    assert "p2pchat id --profile work --set-passphrase" in told
    profile.close()


# --- A second terminal ------------------------------------------------------------------------


def test_who_gets_a_key_without_because_his_own_is_in_use_is_told(folder: Path) -> None:
    write_sealed(folder / "default" / "key")
    first, second = open_profile(None, folder), open_profile(None, folder)

    assert (first.name, first.messages) == ("default", ())
    assert (second.name, second.has_passphrase) == ("default-2", False)
    (told,) = second.messages
    assert "profile default, whose key has a passphrase, is in use" in told
    assert "p2pchat id --profile default-2 --set-passphrase" in told
    for profile in (first, second):
        profile.close()


def test_who_gets_another_one_with_a_passphrase_is_asked_for_that(folder: Path) -> None:
    write_sealed(folder / "default" / "key")
    write_sealed(folder / "default-2" / "key", Identity(bytes(32)), OTHER)
    first, second = open_profile(None, folder), open_profile(None, folder)

    assert (second.name, second.is_sealed, second.messages) == ("default-2", True, ())
    assert second.open_key(OTHER)
    for profile in (first, second):
        profile.close()


def test_without_passphrases_nobody_is_told_anything(folder: Path) -> None:
    first, second = open_profile(None, folder), open_profile(None, folder)

    assert second.messages == ()
    for profile in (first, second):
        profile.close()


def test_a_free_one_with_a_passphrase_is_not_passed_over(folder: Path) -> None:
    write_sealed(folder / "default" / "key")

    profile = open_profile(None, folder)

    assert (profile.name, profile.is_sealed) == ("default", True)
    profile.close()


# --- Looking only -----------------------------------------------------------------------------


def test_a_glance_works_while_the_profile_is_in_use_and_changes_nothing(folder: Path) -> None:
    write_sealed(folder / "work" / "key")
    profile = open_profile("work", folder)
    profile.save_nick("ann")
    before = names_in(folder / "work")

    seen = glance_at("work", folder)

    assert seen is not None
    assert (seen.peer, seen.nick, seen.has_passphrase) == (ANN.peer, "ann", True)
    assert seen.folder == folder / "work"
    assert names_in(folder / "work") == before
    profile.close()


def test_a_glance_at_nobody_makes_nobody(folder: Path) -> None:
    assert glance_at("work", folder) is None
    assert not folder.exists()


@POSIX_ONLY
@pytest.mark.threat(14)
def test_a_glance_is_as_careful_as_a_start(folder: Path) -> None:
    write_sealed(folder / "work" / "key")
    (folder / "work" / "key").chmod(0o640)

    with pytest.raises(IdentityUnreadable, match="chmod 600"):
        glance_at("work", folder)
    with pytest.raises(ProfileError, match="can't be the name"):
        glance_at("../work", folder)

"""`p2pchat id`: who somebody is, and what becomes of the passphrase of his key."""

from __future__ import annotations

import asyncio
import json
import sys
from io import StringIO
from typing import TYPE_CHECKING

import pytest

from p2pchat import identifying
from p2pchat.core.values import fingerprint
from p2pchat.crypto.sealed_key import SealedKey, seal_key
from p2pchat.errors import BadUsage, PassphraseNeeded, ProfileError, WrongPassphrase
from p2pchat.id_flags import KeyChange
from p2pchat.identifying import identify
from p2pchat.nicks import default_nick
from p2pchat.settings import Settings
from p2pchat.store import key_file
from p2pchat.store import profile as profile_module
from p2pchat.store.key_text import write_key
from p2pchat.store.profile import glance_at, open_profile
from tests.keys import ANN, CHEAP, OTHER, PASSPHRASE, SEED, write_private, write_sealed
from tests.store.folders import names_in

if TYPE_CHECKING:
    from pathlib import Path

    from p2pchat.crypto.identity import Identity

Capture = pytest.CaptureFixture[str]

SET, REMOVE, NONE = KeyChange.SET_PASSPHRASE, KeyChange.REMOVE_PASSPHRASE, KeyChange.NONE
WORK = Settings(profile="work")
KNOWN = Settings(profile="work", passphrase=PASSPHRASE)


@pytest.fixture(autouse=True)
def profiles(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Return the folder of all profiles; keys are sealed there at next to no cost."""

    def cheaply(identity: Identity, passphrase: str) -> SealedKey:
        return seal_key(identity, passphrase, CHEAP)

    for module in (profile_module, key_file):
        monkeypatch.setattr(module, "seal_key", cheaply)
    monkeypatch.setattr(identifying, "default_folder", lambda: tmp_path / "profiles")
    monkeypatch.setattr(sys, "stdin", StringIO())
    return tmp_path / "profiles"


@pytest.fixture
def key(profiles: Path) -> Path:
    """Return the key file of a profile that has no passphrase."""
    write_private(profiles / "work" / "key", write_key(ANN))
    return profiles / "work" / "key"


def run(settings: Settings, change: KeyChange, new_passphrase_file: str | None = None) -> int:
    return asyncio.run(identify(settings, change, new_passphrase_file))


def has_passphrase(profiles: Path, passphrase: str) -> bool:
    profile = open_profile("work", profiles)
    try:
        return profile.is_sealed and profile.open_key(passphrase)
    finally:
        profile.close()


def new_file(tmp_path: Path) -> str:
    write_private(tmp_path / "new", OTHER.encode())
    return str(tmp_path / "new")


# --- Who --------------------------------------------------------------------------------------


def test_it_says_who_somebody_is(key: Path, capfd: Capture) -> None:
    assert run(WORK, NONE) == 0

    said = capfd.readouterr()
    lines = dict(line.split(maxsplit=1) for line in said.out.splitlines())
    assert lines == {
        "nick": default_nick(ANN.peer),
        "key": fingerprint(ANN.peer)[:9],
        "fingerprint": fingerprint(ANN.peer),
        "id": ANN.peer.hex(),
        "profile": "work",
        "folder": str(key.parent),
        "passphrase": "no: whoever reads the key file can be you",
    }
    assert said.err == ""
    assert names_in(key.parent) == ["key"]


def test_json_is_one_object(key: Path, capfd: Capture) -> None:
    write_sealed(key)
    (key.parent / "nick").write_text("ann\n")

    assert run(Settings(profile="work", json=True), NONE) == 0

    told = json.loads(capfd.readouterr().out)
    assert (told["v"], told["type"], told["command"]) == (1, "result", "id")
    assert told["data"] == {
        "me": {"id": ANN.peer.hex(), "nick": "ann"},
        "fingerprint": fingerprint(ANN.peer),
        "profile": "work",
        "folder": str(key.parent),
        "passphrase": True,
    }


def test_without_a_name_the_first_profile_is_meant(profiles: Path, capfd: Capture) -> None:
    write_sealed(profiles / "default" / "key")

    assert run(Settings(), NONE) == 0

    assert "profile      default\n" in capfd.readouterr().out


def test_it_works_while_the_profile_is_in_use(profiles: Path, key: Path, capfd: Capture) -> None:
    profile = open_profile("work", profiles)

    assert run(WORK, NONE) == 0

    profile.close()
    assert ANN.peer.hex() in capfd.readouterr().out
    assert key.read_bytes() == write_key(ANN)


def test_nobody_is_made_by_asking(profiles: Path) -> None:
    for change in (NONE, REMOVE):
        with pytest.raises(ProfileError, match="no profile work yet"):
            run(WORK, change)

    assert not profiles.exists()


def test_who_is_new_each_time_is_nobody_to_show() -> None:
    with pytest.raises(BadUsage, match="ephemeral"):
        run(Settings(ephemeral=True), NONE)


# --- Changes ----------------------------------------------------------------------------------


def test_a_key_without_a_passphrase_gets_the_one_given(
    profiles: Path, key: Path, capfd: Capture
) -> None:
    write_private(key.with_name("key.damaged-1"), b"damaged")

    assert run(KNOWN, SET) == 0

    said = capfd.readouterr()
    assert "passphrase   yes\n" in said.out
    assert "nobody can give it back" in said.err
    assert "the disk may hold the old file" in said.err
    assert "key.damaged-1" in said.err
    assert PASSPHRASE not in said.out + said.err
    assert SEED.hex() not in key.read_text()
    assert has_passphrase(profiles, PASSPHRASE)


def test_a_profile_that_is_not_there_is_made_with_one(profiles: Path, capfd: Capture) -> None:
    assert run(KNOWN, SET) == 0

    assert "disk may hold" not in capfd.readouterr().err
    assert has_passphrase(profiles, PASSPHRASE)


def test_a_short_one_is_warned_about(key: Path, capfd: Capture) -> None:
    run(Settings(profile="work", passphrase="sesame"), SET)

    assert key.exists()
    assert "6 characters may be guessed by whoever gets the file" in capfd.readouterr().err


def test_another_one_is_set_by_who_knows_the_first(
    profiles: Path, tmp_path: Path, key: Path
) -> None:
    write_sealed(key)

    assert run(KNOWN, SET, new_file(tmp_path)) == 0

    assert has_passphrase(profiles, OTHER)


def test_a_passphrase_is_removed(profiles: Path, key: Path, capfd: Capture) -> None:
    write_sealed(key)

    assert run(KNOWN, REMOVE) == 0
    assert run(WORK, REMOVE) == 0

    said = capfd.readouterr()
    assert said.out.count("passphrase   no") == 2
    assert "has no passphrase any more" in said.err
    seen = glance_at("work", profiles)
    assert seen is not None
    assert (seen.peer, seen.has_passphrase) == (ANN.peer, False)


@pytest.mark.threat(14)
@pytest.mark.parametrize("change", [SET, REMOVE])
def test_who_does_not_know_it_changes_nothing(tmp_path: Path, key: Path, change: KeyChange) -> None:
    write_sealed(key)
    before = key.read_bytes()
    file = new_file(tmp_path) if change is SET else None

    with pytest.raises(WrongPassphrase):
        run(Settings(profile="work", passphrase=OTHER), change, file)
    with pytest.raises(PassphraseNeeded):
        run(WORK, change, file)

    assert key.read_bytes() == before
    assert names_in(key.parent) == ["key", "lock"]


@pytest.mark.parametrize("change", [SET, REMOVE])
def test_nothing_is_changed_of_a_profile_in_use(
    profiles: Path, key: Path, change: KeyChange
) -> None:
    before = key.read_bytes()
    profile = open_profile("work", profiles)

    with pytest.raises(ProfileError, match="in use: leave that p2pchat first"):
        run(KNOWN, change)

    profile.close()
    assert key.read_bytes() == before


def test_what_to_set_has_to_come_from_somewhere(tmp_path: Path, key: Path) -> None:
    with pytest.raises(BadUsage, match="--new-passphrase-file"):
        run(WORK, SET)
    write_sealed(key)
    with pytest.raises(BadUsage, match="--new-passphrase-file"):
        run(KNOWN, SET)
    with pytest.raises(BadUsage, match=r"--new-passphrase-file: .*can't be read"):
        run(KNOWN, SET, str(tmp_path / "missing"))
    with pytest.raises(BadUsage, match="goes with --set-passphrase"):
        run(KNOWN, REMOVE, "-")
    with pytest.raises(BadUsage, match="only one of"):
        run(Settings(profile="work", passphrase_file="-"), SET, "-")

"""Where the files are."""

from __future__ import annotations

from pathlib import Path

from p2pchat.paths import listing
from p2pchat.store.profile import default_folder


def test_each_kind_of_file_has_a_line_with_its_place(tmp_path: Path) -> None:
    lines = listing("work", tmp_path / "config.toml").splitlines()

    places = dict(line.split(maxsplit=1) for line in lines)
    own = default_folder() / "work"
    assert places.pop("running").endswith(("p2pchat", ".run"))
    assert places == {
        "settings": str(tmp_path / "config.toml"),
        "profiles": str(default_folder()),
        "key": str(own / "key"),
        "nick": str(own / "nick"),
        "log": str(own / "log.txt"),
        "addresses": str(own / "addresses"),
        "contacts": str(own / "contacts"),
        "outbox": str(own / "outbox"),
        "delivered": str(own / "delivered"),
        "rooms": str(default_folder() / ".rooms"),
    }


def test_without_a_name_the_first_profile_is_meant(tmp_path: Path) -> None:
    assert str(default_folder() / "default" / "key") in listing(None, tmp_path)

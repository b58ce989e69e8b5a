"""Where this program keeps its files."""

from __future__ import annotations

from pathlib import Path

from platformdirs import user_config_path

from p2pchat.store import address_book, contacts, delivered, outbox, rooms
from p2pchat.store.profile import DEFAULT_NAME, default_folder
from p2pchat.store.running import run_folders


def settings_file() -> Path:
    """Return the settings file of this user, by the system's customs."""
    return user_config_path("p2pchat", appauthor=False) / "config.toml"


def listing(profile: str | None, settings: Path) -> str:
    """Return a line for each kind of file, with its path.

    Args:
        profile: Whose files to name; None for those of the first profile.
        settings: The settings file in use.
    """
    folder = default_folder()
    own = folder / (profile or DEFAULT_NAME)
    places = {
        "settings": settings,
        "profiles": folder,
        "key": own / "key",
        "nick": own / "nick",
        "log": own / "log.txt",
        "addresses": own / address_book.FOLDER_NAME,
        "contacts": own / contacts.FILE_NAME,
        "outbox": own / outbox.FOLDER_NAME,
        "delivered": own / delivered.FILE_NAME,
        "rooms": folder / rooms.FOLDER_NAME,
        "running": run_folders(folder)[0],
    }
    return "".join(f"{name:<10} {path}\n" for name, path in places.items())

"""The file that keeps contacts: who was met, who is verified, who is blocked."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, TypeVar

from p2pchat.core.contact_entries import Contact, ContactsState
from p2pchat.core.values import PeerId
from p2pchat.store.checked_file import FileKind, load, save

if TYPE_CHECKING:
    from pathlib import Path

Value = TypeVar("Value")

FILE_NAME: Final = "contacts"

FILE_LIMIT_BYTES: Final = 4 * 1024 * 1024
"""The fullest list, with the longest nicks, has 1.9 MiB."""

_KIND: Final = FileKind("contacts", "the list of contacts", FILE_LIMIT_BYTES, is_precious=True)
"""Whom the user verified and blocked, only he can tell again."""

_LIST_LIMIT: Final = 8_192
"""Longest list in a file: twice the contacts of a full one."""


class ContactsFile:
    """The contacts of one profile on the disk.

    A file that is in the way and can't be used is not replaced in this run, unlike one that was
    damaged and set aside: it may hold what nobody can learn again.
    """

    def __init__(self, folder: Path | None) -> None:
        """Name the file.

        Args:
            folder: The profile's; None for an ephemeral one, which keeps nothing.
        """
        self._path = folder / FILE_NAME if folder is not None else None
        self._may_replace = False

    def load(self) -> tuple[ContactsState | None, tuple[str, ...]]:
        """Read what earlier runs knew; to be called once, before anything is saved.

        Returns:
            The contacts as they were written, None without a file that can be used; and what the
            user should be told, a line each. Nothing in it is checked but its form.
        """
        if self._path is None:
            return None, ()
        loaded = load(self._path, _KIND, read_contacts)
        self._may_replace = loaded.may_replace
        if loaded.may_replace:
            return loaded.value, loaded.messages
        kept = "Until it is put right, who is verified or blocked from now on is not saved."
        return None, (*loaded.messages, kept)

    def save(self, state: ContactsState) -> str | None:
        """Write the contacts in the place of what was known before; waits for the disk.

        Returns:
            What to tell the user when they could not be written, else None. Then the old file is
            still there, and the next attempt may succeed. Of a file that `load` told to be in the
            way nothing is told again.
        """
        if self._path is None or not self._may_replace:
            return None
        return save(self._path, _KIND, write_contacts(state))


def write_contacts(state: ContactsState) -> str:
    """Return the contacts as JSON, without a line break in it."""
    contacts = [_write(contact) for contact in state.contacts]
    return json.dumps({"contacts": contacts}, separators=(",", ":"), ensure_ascii=False)


def read_contacts(text: bytes) -> ContactsState | None:
    """Return the contacts, each value of its type; None for anything else."""
    try:
        contacts = _typed(json.loads(text)["contacts"], list)
        if len(contacts) > _LIST_LIMIT:
            return None
        return ContactsState(tuple(map(_read, contacts)))
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def _write(contact: Contact) -> dict[str, Any]:
    return {
        "peer": contact.peer.hex(),
        "nick": contact.nick,
        "first_seen_ms": contact.first_seen_ms,
        "last_seen_ms": contact.last_seen_ms,
        "verified_ms": contact.verified_ms,
        "blocked_ms": contact.blocked_ms,
        "former_nick": contact.former_nick,
    }


def _read(contact: Any) -> Contact:
    return Contact(
        PeerId(bytes.fromhex(_typed(contact["peer"], str))),
        _typed(contact["nick"], str),
        _typed(contact["first_seen_ms"], int),
        _typed(contact["last_seen_ms"], int),
        _optional(contact["verified_ms"], int),
        _optional(contact["blocked_ms"], int),
        _optional(contact["former_nick"], str),
    )


def _optional(value: Any, kind: type[Value]) -> Value | None:
    return None if value is None else _typed(value, kind)


def _typed(value: Any, kind: type[Value]) -> Value:
    # bool is an int to isinstance, not to us.
    if type(value) is not kind:
        raise TypeError(type(value))
    return value

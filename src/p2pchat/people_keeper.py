"""What of people and of messages to them has to outlive this run: on the disk, or in memory."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from p2pchat.core.contacts import Contacts
from p2pchat.core.outbox import DirectId, Waiting
from p2pchat.core.values import PeerId
from p2pchat.store.contacts import ContactsFile
from p2pchat.store.delivered import Delivered
from p2pchat.store.outbox import KEY_PURPOSE, OutboxFolder
from p2pchat.store.profile import Profile

log = logging.getLogger(__name__)


class PeopleKeeper:
    """Contacts, outbox and the memory of what was shown, of one profile.

    Its writes are small and rare, a few milliseconds each with the disk's word that they are
    safe: so they are done where they are asked for, in their order.
    """

    def __init__(self, profile: Profile, on_refused: Callable[[], object] = lambda: None) -> None:
        """Read what is there; nothing of it is on disk for an ephemeral profile.

        Args:
            profile: Whose people these are.
            on_refused: Called when the disk did not take something that `write_again` makes up for.
        """
        self._on_refused = on_refused
        self._owes_contacts = False
        wall_ms = time.time_ns() // 1_000_000
        self.contacts = Contacts()
        self._file = None if profile.folder is None else ContactsFile(profile.folder)
        self._outbox = OutboxFolder(profile.folder, profile.identity.derive_key(KEY_PURPOSE))
        self.delivered = Delivered(profile.folder)
        state, told = self._file.load() if self._file is not None else (None, [])
        if state is not None:
            self.contacts.restore(state, wall_ms)
        waiting, more = self._outbox.load()
        self.waiting: tuple[Waiting, ...] = tuple(waiting)
        self.messages = (*told, *more, *self.delivered.load(wall_ms))
        """What the user should be told about it, a line each."""
        self._told: dict[str, str] = {}
        """What was told last of each kind of write, until one succeeds."""

    def save(self) -> str | None:
        """Write the contacts where they have changed; return what to tell the user."""
        if self._file is None or not (self.contacts.take_changed() or self._owes_contacts):
            return None
        problem = self._file.save(self.contacts.snapshot())
        self._owes_contacts = problem is not None
        return self._news("contacts", problem)

    def keep(self, waiting: Waiting) -> str | None:
        """Write a message until it has arrived; return what to tell the user."""
        return self._news("keep", self._outbox.keep(waiting) or self._outbox.retry())

    def forget(self, message: DirectId) -> str | None:
        """Remove a message that has arrived; return what to tell the user."""
        return self._news("forget", self._outbox.forget(message))

    def write_again(self) -> list[str]:
        """Make up for what the disk did not take; return what to tell the user."""
        told = [self.save(), self._outbox.retry()]
        if self._owes_contacts or self._outbox.unsaved:
            self._on_refused()
        return [line for line in told if line is not None]

    def note_delivered(self, author: PeerId, message: DirectId) -> tuple[bool, str | None]:
        """Write down that a message was shown.

        Returns:
            Whether the disk has it, so that its author may know; and what to tell the user.
        """
        problem = self.delivered.add(author, message, time.time_ns() // 1_000_000)
        return problem is None, self._news("delivered", problem)

    def _news(self, write: str, problem: str | None) -> str | None:
        """Log each problem; return it the first time only, for one disk tells it often."""
        if problem is None:
            self._told.pop(write, None)
            return None
        log.warning("%s", problem)
        self._on_refused()
        is_new, self._told[write] = problem != self._told.get(write), problem
        return problem if is_new else None

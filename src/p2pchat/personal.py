"""What the user asks about one person: to write to him, to trust him, not to hear of him."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import Final, assert_never

from p2pchat.addressing import Addressing
from p2pchat.company import Company
from p2pchat.core import limits
from p2pchat.core.contacts import Contacts
from p2pchat.core.notices import (
    DirectArrived,
    DirectGivenUp,
    DirectReceipt,
    DirectSent,
    DirectWaits,
    Notice,
    Remark,
    Trouble,
)
from p2pchat.core.safety import safety_number
from p2pchat.core.values import PeerId, Person
from p2pchat.errors import P2PChatError
from p2pchat.face import Front
from p2pchat.node import Node
from p2pchat.ui.commands import AboutPeople, Block, Reply, ShowWhois, Verify, Write
from p2pchat.ui.names import naming_among
from p2pchat.ui.people import Marked, SafetyNumber, Way, Whois
from p2pchat.ui.words import of_those_left

RECEIPTS_S: Final = 5.0
"""How long the end of a pipe waits for receipts; what has none then waits in the outbox."""

_NOTHING_SENT: Final = " Nothing was sent."
_GIVEN_BACK: Final = " Your line is back in the editor; nothing was sent."
_NOBODY_YET: Final = "nobody has written to you alone yet, nor you to anybody. Use @NAME TEXT."
_TO_GUESTS: Final = ": nobody can write to one of them alone"
_NO_BLOCK: Final = ": block whoever they are attached to, or start with --guests off"


class Personal:
    """Carries out what is about one person."""

    def __init__(self, node: Node, front: Front, company: Company, addressing: Addressing) -> None:
        self._node = node
        self._front = front
        self._company = company
        self._addressing = addressing
        self._last: PeerId | None = None
        self._under_way: set[str] = set()  # bounded by the outbox
        self._settled = asyncio.Event()

    def carry_out(self, command: AboutPeople, ref: str | None) -> str | None:
        """Do what was asked.

        Returns:
            The id of the message, where one was sent: a DirectSent will tell of it.
        """
        match command:
            case Write(who, text, line):
                return self._write_to(who, text, line, ref)
            case Reply(text, line):
                return self._reply(text, line, ref)
            case ShowWhois(who, line):
                self._whois(who, line, ref)
            case Verify(who, answer, line):
                self._verify(who, answer, line, ref)
            case Block(who, is_wanted, line):
                self._block(who, line, ref, is_wanted=is_wanted)
            case _:
                assert_never(command)
        return None

    # --- Writing ------------------------------------------------------------------------------

    def note(self, notice: Notice) -> None:
        """Take note of what becomes of messages, and of who wrote."""
        match notice:
            case DirectArrived(message) | DirectSent(message):
                self._last = message.person.id
            case DirectReceipt(message_id) | DirectWaits(message_id) | DirectGivenUp(message_id):
                self._under_way.discard(message_id)
                self._settled.set()

    async def wait_for_receipts(self) -> None:
        """Wait until each message has arrived or is known to wait; RECEIPTS_S at the most."""
        with suppress(TimeoutError):
            async with asyncio.timeout(RECEIPTS_S):
                while self._under_way:
                    self._settled.clear()
                    await self._settled.wait()

    def farewell(self) -> bool:
        """Tell how many messages wait, where any do; return False where they are lost."""
        count = self._node.waiting_count
        if not count:
            return True
        is_kept = self._node.profile.folder is not None
        self._front.show(Remark(of_those_left(count, is_kept=is_kept)))
        return is_kept

    def _write_to(self, who: str, text: str, line: str, ref: str | None) -> str | None:
        end = _GIVEN_BACK if self._front.has_editor else _NOTHING_SENT
        person = self._addressing.person(who, line, ref, at="@", guests=_TO_GUESTS, end=end)
        return None if person is None else self._write(person, text, line, ref)

    def _reply(self, text: str, line: str, ref: str | None) -> str | None:
        person = None if self._last is None else self._company.person(self._last)
        if person is None:
            self._addressing.refuse(_NOBODY_YET, "no-such-peer", ref, line)
            return None
        return self._write(person, text, line, ref)

    def _write(self, person: Person, text: str, line: str, ref: str | None) -> str | None:
        assert person.id is not None
        if self._node.contacts.is_blocked(person.id):
            name = self._name(person)
            said = f"{name} is blocked, so you would not see his answer. First: /unblock {name}"
            self._addressing.refuse(said, "bad-input", ref, line)
            return None
        try:
            message = self._node.write(person, text)
        except P2PChatError as error:
            self._addressing.refuse(str(error), error.code, ref, line)
            return None
        self._last = person.id
        self._under_way.add(message)
        return message

    # --- Trust --------------------------------------------------------------------------------

    def _whois(self, who: str, line: str, ref: str | None) -> None:
        if self._addressing.is_me(who):
            self._front.show_about(Whois(self._me, is_me=True), ref)
            return
        person = self._addressing.person(who, line, ref)
        if person is None or person.id is None:
            return
        way, version = self._way(person.id)
        contact = self._node.contacts.contact(person.id)
        told = Whois(person, way=way, version=version)
        if contact is not None:
            seen = (contact.first_seen_ms, contact.last_seen_ms)
            marks = (contact.verified_ms, contact.blocked_ms)
            told = Whois(person, False, *seen, *marks, contact.former_nick, way, version)
        self._front.show_about(told, ref)

    def _way(self, peer: PeerId) -> tuple[Way | None, int | None]:
        """Return how somebody is reached, and the version of the protocol spoken with him."""
        peers = self._node.peers()
        for near in peers.neighbours:
            if near.person.id == peer:
                return near, limits.PROTOCOL_HIGHEST  # which is the lowest as well
        return next((far for far in peers.heard if far.person.id == peer), None), None

    def _verify(self, who: str, answer: bool | None, line: str, ref: str | None) -> None:
        person = self._addressing.person(who, line, ref, guests=": there is nothing to compare")
        if person is None or person.id is None:
            return
        contacts = self._node.contacts
        is_verified = contacts.is_verified(person.id)
        if answer is None:
            number = safety_number(self._node.id, person.id)
            self._front.show_about(SafetyNumber(person, self._me, number, is_verified), ref)
            return
        problem = contacts.verify(person, _wall_ms()) if answer else None
        if not answer:
            contacts.unverify(person.id)
        self._tell_mark(person, "verify", problem, line, ref, is_new=is_verified != answer)

    def _block(self, who: str, line: str, ref: str | None, *, is_wanted: bool) -> None:
        person = self._addressing.person(who, line, ref, guests=_NO_BLOCK)
        if person is None or person.id is None:
            return
        contacts = self._node.contacts
        is_new = contacts.is_blocked(person.id) != is_wanted
        problem = contacts.block(person, _wall_ms()) if is_wanted else None
        if not is_wanted:
            contacts.unblock(person.id)
        command = "block" if is_wanted else "unblock"
        self._tell_mark(person, command, problem, line, ref, is_new=is_new)

    def _tell_mark(
        self,
        person: Person,
        command: str,
        problem: str | None,
        line: str,
        ref: str | None,
        *,
        is_new: bool,
    ) -> None:
        if problem:
            self._addressing.refuse(problem, "busy", ref, line)
            return
        contacts: Contacts = self._node.contacts
        if failure := self._node.save_contacts():
            self._front.show(Trouble(failure, "bad-input"))
        assert person.id is not None
        marks = contacts.is_verified(person.id), contacts.is_blocked(person.id)
        self._front.show_about(Marked(person, command, *marks, is_new), ref)

    @property
    def _me(self) -> Person:
        return Person(self._node.id, self._node.nick)

    def _name(self, person: Person) -> str:
        return naming_among(self._company.known)(person)


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000

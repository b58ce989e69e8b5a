"""Who is meant by a name that the user typed, or the word to him that nobody is."""

from __future__ import annotations

from typing import Final

from p2pchat.company import Company
from p2pchat.core.contacts import Contacts
from p2pchat.core.naming import Ambiguous, Found, Unknown, explain, resolve
from p2pchat.core.notices import NeighbourStatus
from p2pchat.core.values import Person
from p2pchat.face import Front
from p2pchat.node import Node
from p2pchat.sanitize import visible_line
from p2pchat.ui.commands import SetBack

GUEST_NAME: Final = "~guest"

GUESTS_HAVE_NO_KEY: Final = "guests have no key"

_SHOWN_CHARACTERS: Final = 40


class Addressing:
    """Resolves names, and refuses with the reason where it can't; never guesses."""

    def __init__(self, node: Node, front: Front, company: Company) -> None:
        self._node = node
        self._front = front
        self._company = company

    def person(
        self, who: str, line: str, ref: str | None, *, at: str = "", guests: str = "", end: str = ""
    ) -> Person | None:
        """Return who is called so, or tell why nobody is meant.

        Args:
            who: What was typed.
            line: The whole input, to be given back.
            ref: Of the request.
            at: What stands before names in the place where it was typed.
            guests: What to tell of guests, besides that they have no key.
            end: What the errors end with.
        """
        if self.is_me(who):
            self.refuse(f"that is you.{end}", "self", ref, line)
            return None
        if who == GUEST_NAME:
            self.refuse(f"{GUESTS_HAVE_NO_KEY}{guests}.{end}", "no-such-peer", ref, line)
            return None
        outcome = resolve(who, self._company.present, self._node.contacts)
        if isinstance(outcome, Found):
            return outcome.person
        self._explain(who, outcome, line, ref, at, end)
        return None

    def is_me(self, who: str) -> bool:
        """Tell whether nobody but the user himself is called so."""
        me = Person(self._node.id, self._node.nick)
        if not isinstance(resolve(who, (me,), Contacts()), Found):
            return False
        others = resolve(who, self._company.present, self._node.contacts)
        return isinstance(others, Unknown)

    def neighbour(self, who: str, ref: str | None) -> NeighbourStatus | None:
        """Return the neighbour or guest who is called so or has that address, or tell why not."""
        near = self._node.peers().neighbours
        line = f"/disconnect {who}"
        found = [each for each in near if who == str(each.address) or _is_guest(who, each)]
        if not found:
            people = [each.person for each in near]
            # Only who is a neighbour can be meant, so whom else we know makes no difference.
            outcome = resolve(who, people, Contacts())
            if isinstance(outcome, Unknown):
                shown = visible_line(who, _SHOWN_CHARACTERS)
                hint = f" Did you mean {outcome.suggestion}?" if outcome.suggestion else ""
                said = f'no one called "{shown}" is connected to you.{hint}'
                self.refuse(said, "no-such-peer", ref, line)
                return None
            if isinstance(outcome, Ambiguous):
                self._explain(who, outcome, line, ref, "", "")
                return None
            found = [each for each in near if each.person.id == outcome.person.id]
        if len(found) == 1:
            return found[0]
        addresses = " or ".join(visible_line(str(each.address)) for each in found)
        shown = visible_line(who, _SHOWN_CHARACTERS)
        self.refuse(f"several are called {shown}. Use {addresses}.", "ambiguous", ref, line)
        return None

    def refuse(self, text: str, code: str, ref: str | None, line: str = "") -> None:
        """Tell why nothing was done, and give the line back."""
        self._front.refuse(SetBack(text, code, line), ref)

    def _explain(
        self, who: str, outcome: Ambiguous | Unknown, line: str, ref: str | None, at: str, end: str
    ) -> None:
        code = "ambiguous" if isinstance(outcome, Ambiguous) else "no-such-peer"
        self.refuse(explain(who, outcome, at) + end, code, ref, line)


def _is_guest(who: str, status: NeighbourStatus) -> bool:
    return status.guest and who == GUEST_NAME

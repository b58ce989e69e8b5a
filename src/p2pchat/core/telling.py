"""Turns what repair has to show or tell into effects."""

from __future__ import annotations

from p2pchat.core.author_order import Missing, Released
from p2pchat.core.contacts import Contacts
from p2pchat.core.events import Deliver, Effect, Tell
from p2pchat.core.notices import Gap, Remark, Seam
from p2pchat.core.people import People
from p2pchat.core.plain_lines import PlainLines
from p2pchat.core.reading import News
from p2pchat.core.refusals import Muted, Overrun, TooFast
from p2pchat.core.reunion import Seam as Reunited
from p2pchat.core.values import PeerId, Person


class Telling:
    """Shows messages, but not of blocked people; puts the rest into words."""

    def __init__(self, people: People, contacts: Contacts, plain_lines: PlainLines) -> None:
        self._people = people
        self._contacts = contacts
        self._plain_lines = plain_lines

    def effects(self, told: list[News], now: float) -> list[Effect]:
        """Return what the node has to do about the news, in their order."""
        effects: list[Effect] = []
        for news in told:
            match news:
                case Released():
                    effects += self._show(news, now)
                case Missing(author, _, _, count):
                    effects.append(Tell(Gap(self._name(author), count)))
                case Reunited(apart_s, people, recovered):
                    effects.append(Tell(Seam(people, apart_s, recovered)))
                case Muted() | TooFast() | Overrun():
                    effects.append(Tell(Remark(self._in_words(news))))
        return effects

    def _show(self, released: Released, now: float) -> list[Effect]:
        delivery = released.delivery
        if (
            not isinstance(delivery, Deliver)
            or not released.is_shown
            or self._contacts.is_blocked(delivery.envelope.author)
        ):
            return []
        kind, nick = delivery.envelope.header.kind, delivery.signer.nick
        lines = self._plain_lines.tell(
            kind, nick, delivery.texts, now, earlier=delivery.earlier
        )  # fmt: skip
        return [delivery, *lines]

    def _in_words(self, news: Muted | TooFast | Overrun) -> str:
        match news:
            case Muted(author):
                said = "signed two different messages with one number; not heard for 10 minutes"
                return f"{self._name(author).nick} {said}"
            case TooFast(None, messages):
                return f"{messages} messages of others not taken: too fast"
            case TooFast(author, messages, is_muted) if author is not None:
                nick = self._name(author).nick
                muted = f"; {nick} is not heard for a minute" if is_muted else ""
                return f"{messages} messages of {nick} not taken: too fast{muted}"
            case Overrun(neighbour, envelopes):
                by_whom = "others" if neighbour is None else self._name(neighbour).nick
                return f"{envelopes} envelopes that {by_whom} passed on not looked at: too many"
        raise AssertionError(news)

    def _name(self, author: PeerId) -> Person:
        return self._people.person(author) or self._people.stranger(author)

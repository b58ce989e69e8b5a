"""Answers of commands that ask the network, or look back."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import assert_never

from p2pchat.addressing import Addressing
from p2pchat.company import Company
from p2pchat.core.values import Message
from p2pchat.face import Front
from p2pchat.node import Node
from p2pchat.ui.chosen import chosen_messages
from p2pchat.ui.commands import (
    HISTORY_LIMIT_MESSAGES,
    PingSomebody,
    ShowDoctor,
    ShowHistory,
    ShowInvite,
    ShowMap,
    ShowPeers,
    ShowSeen,
    ShowTrace,
    ShowWho,
)

Question = (
    ShowPeers
    | ShowSeen
    | ShowHistory
    | ShowWho
    | ShowMap
    | ShowTrace
    | PingSomebody
    | ShowDoctor
    | ShowInvite
)

_NOTHING_SENT = "you have not said anything yet that somebody could have."
_NO_MESSAGE = "no message like that was shown since the program was started."
_TOO_SOON = "everybody was asked that just now, and answers once in 10 s, whoever asks."
_UNTRACED = "it is not known any more how that message came here."


class Answers:
    """Finds what a user wants to know, and has it shown."""

    def __init__(self, node: Node, front: Front, company: Company, addressing: Addressing) -> None:
        self._node = node
        self._front = front
        self._company = company
        self._addressing = addressing
        self.history: deque[Message] = deque(maxlen=HISTORY_LIMIT_MESSAGES)
        """Messages that were shown, the oldest first."""

    async def give(self, question: Question, ref: str | None) -> None:
        """Answer a question; some take seconds."""
        match question:
            case ShowPeers():
                self._front.show_peers(self._node.peers(), ref)
            case ShowSeen():
                await self._seen(ref)
            case ShowHistory(count):
                await self._history(count, ref)
            case ShowWho():
                await self._who(ref)
            case ShowMap(form):
                self._front.show_map(await self._node.map(), form, ref)
            case ShowTrace(which):
                await self._trace(which, ref)
            case PingSomebody(who):
                await self._ping(who, ref)
            case ShowDoctor():
                from p2pchat.doctor import examine  # noqa: PLC0415 - seldom wanted

                self._front.show_doctor(examine(self._node), ref)
            case ShowInvite(as_qr):
                self._invite(ref, as_qr=as_qr)
            case _:
                assert_never(question)

    async def _seen(self, ref: str | None) -> None:
        reach = await self._node.who_has()
        if reach is None:
            self._refuse(_NOTHING_SENT, "bad-input", ref)
            return
        self._front.show_reach(reach, ref)

    async def _who(self, ref: str | None) -> None:
        wait_s = self._node.who_wait_s
        if wait_s:
            self._refuse(
                f"{_TOO_SOON} Again in {wait_s:.0f} s. /peers tells who was heard.", "busy", ref
            )
            return
        found = await self._node.who()
        self._company.note_attendance(found)
        self._front.show_attendance(found, ref)

    async def _history(self, count: int, ref: str | None) -> None:
        if not self._front.is_interactive:
            await self._node.drain()  # a line of the pipe before this one is in it, too
            await asyncio.sleep(0)
        self._front.show_history(tuple(self.history)[-count:], ref)

    async def _trace(self, which: str | None, ref: str | None) -> None:
        chosen = chosen_messages(self._traceable(which), which)
        if len(chosen) != 1:
            few = f"{len(chosen)} messages begin so; write more of the id." if chosen else ""
            code = "ambiguous" if chosen else "bad-input"
            self._refuse(few or _NO_MESSAGE, code, ref, f"/trace {which or ''}".strip())
            return
        path = await self._node.trace(chosen[0])
        if path is None:
            self._refuse(_UNTRACED, "bad-input", ref)
            return
        self._front.show_path(path, chosen[0], ref)

    def _traceable(self, which: str | None) -> tuple[Message, ...]:
        """Return of which messages one is chosen: of others' where none was named, if there are."""
        shown = tuple(self.history)
        if which is not None:
            return shown
        return tuple(m for m in shown if m.signer.id != self._node.id) or shown

    async def _ping(self, who: str, ref: str | None) -> None:
        person = self._addressing.person(who, f"/ping {who}", ref)
        if person is not None and person.id is not None:
            self._front.show_path(await self._node.ping(person.id), person, ref)

    def _invite(self, ref: str | None, *, as_qr: bool) -> None:
        from p2pchat.inviting import invite_of  # noqa: PLC0415 - seldom wanted
        from p2pchat.ui.qr import drawn  # noqa: PLC0415

        url, note = invite_of(self._node)
        self._front.show_invite(url, drawn(url) if as_qr else None, note, ref)

    def _refuse(self, text: str, code: str, ref: str | None, line: str = "") -> None:
        self._addressing.refuse(text, code, ref, line)

"""The program: a node and a face, put together on one event loop."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from typing import Final, assert_never

from p2pchat.addressing import Addressing
from p2pchat.answering import Answers
from p2pchat.company import Company
from p2pchat.connecting import Connecting, Target, name_of
from p2pchat.core.notices import (
    Around,
    Connected,
    DirectArrived,
    Direction,
    DirectSent,
    NickChanged,
    Notice,
    Received,
    Sent,
    Trouble,
)
from p2pchat.core.values import Kind, PeerId, Person
from p2pchat.errors import P2PChatError, TerminalGone
from p2pchat.face import Front
from p2pchat.fronts import chosen
from p2pchat.handing_over import HandingOver
from p2pchat.launch import node_for
from p2pchat.logs import Unexpected, logging_to
from p2pchat.node import COMPANY_S, Node
from p2pchat.personal import Personal
from p2pchat.settings import Settings
from p2pchat.signals import signals_to
from p2pchat.ui.commands import (
    Act,
    Block,
    ChangeNick,
    Clear,
    Command,
    Connect,
    Disconnect,
    Nothing,
    NotYet,
    PingSomebody,
    Quit,
    Reply,
    Say,
    SetBack,
    ShowDoctor,
    ShowHelp,
    ShowHistory,
    ShowInvite,
    ShowMap,
    ShowPeers,
    ShowSeen,
    ShowTrace,
    ShowWho,
    ShowWhois,
    Verify,
    Write,
)
from p2pchat.ui.model import Toolbar
from p2pchat.ui.ndjson import Request

EXIT_UNDELIVERED: Final = 1
EXIT_HANGUP: Final = 129
EXIT_INTERRUPTED: Final = 130
EXIT_TERMINATED: Final = 143

LOOKING: Final = "looking on this machine, on this network and for people from before"

_SHOWN_KINDS: Final = frozenset({Kind.TEXT, Kind.ACTION})

SHOWN_AT_ONCE: Final = 64
"""Notices shown before everything else gets its turn of the loop."""

REFS_LIMIT: Final = 65_536
"""Requests whose answer is still to come; as many as texts may wait."""


class App:
    """Carries out what the user asks, shows what the node tells."""

    def __init__(
        self,
        settings: Settings,
        node: Node,
        targets: tuple[Target, ...],
        *,
        is_dumb: bool,
    ) -> None:
        self._settings = settings
        self._node = node
        self._first_targets = targets
        self._refs: dict[str, str] = {}
        self._has_waited = False
        self._stop = asyncio.Event()
        self._exit_code = 0
        self._must_confirm = False
        self._until_stop: set[asyncio.Task[object]] = set()
        self._company = Company(node)
        self._front: Front = chosen(
            self,
            json=settings.json,
            plain_text=settings.plain,
            color=settings.color,
            is_quiet=settings.quiet,
            is_dumb=is_dumb,
        )()
        self._connecting = Connecting(node, self._front, keeps=not settings.ephemeral)
        self._handing_over = HandingOver(node, self._front)
        self._addressing = Addressing(node, self._front, self._company)
        self._answers = Answers(node, self._front, self._company, self._addressing)
        self._personal = Personal(node, self._front, self._company, self._addressing)

    # --- What a front may ask ------------------------------------------------------------------

    @property
    def me(self) -> Person:
        """Who we are."""
        return Person(self._node.id, self._node.nick)

    @property
    def known(self) -> tuple[Person, ...]:
        """Everybody around, then whoever was met before."""
        return self._company.known

    @property
    def named(self) -> tuple[Person, ...]:
        """Among whom names have to differ: who calls himself as we do is told apart as well."""
        return (*self._company.known, self.me)

    def is_verified(self, peer: PeerId) -> bool:
        """Whether the user has verified that key."""
        return self._company.is_verified(peer)

    @property
    def toolbar(self) -> Toolbar:
        """What stands below the input line."""
        node = self._node
        # Who was heard through others is out of reach when no neighbour is left.
        near = node.neighbour_count
        reachable = len(self._company.people) if near else 0
        return Toolbar(
            node.room, reachable, node.port, near, node.waiting_count, is_private=node.is_private
        )

    @property
    def stale_s(self) -> float | None:
        """In how many seconds the toolbar may be true no more by itself."""
        return self._company.stale_s

    @property
    def known_addresses(self) -> Sequence[str]:
        """Addresses that were dialled in this run."""
        return self._connecting.addresses

    # --- Running -------------------------------------------------------------------------------

    async def run(self) -> int:
        """Run until the user leaves, the input ends or a signal comes; return the exit code."""
        async with self._front:
            confirmed = await self._run_until_stopped()
            self._handing_over.farewell()
            is_safe = self._personal.farewell()
        is_delivered = is_safe and (confirmed or not self._handing_over.has_spoken)
        must_tell = self._must_confirm and self._exit_code == 0 and not is_delivered
        return EXIT_UNDELIVERED if must_tell else self._exit_code

    async def _run_until_stopped(self) -> int:
        """Serve the user, then leave; return how many neighbours confirmed everything."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            tasks.create_task(self._show_notices(), name="notices")
            self._until_stop |= {
                tasks.create_task(self._serve_user(), name="requests"),
                tasks.create_task(self._stop_when_broken(), name="output"),
            }
            with signals_to(self._on_signal):
                self._node.look_on_lan()  # only now, for it takes a moment
                await self._stop.wait()
                for task in tuple(self._until_stop):
                    task.cancel()
                return await self._node.leave()

    async def _serve_user(self) -> None:
        try:
            await self._dial_first()
            if self._settings.listen:
                return
            async for request in self._front.requests():
                if isinstance(request.command, Quit):
                    await self._hand_over()
                    self._stop.set()
                    return
                await self._carry_out(request)
                await self._front.keep_up()
        except TerminalGone:
            self._exit_code = EXIT_HANGUP
            self._stop.set()
            return
        if self._settings.stay:
            return
        if not self._front.is_interactive:
            self._must_confirm = True
            await self._hand_over()
            await self._personal.wait_for_receipts()
        self._stop.set()

    async def _hand_over(self) -> None:
        """Let a pipe wait until all it said has gone; who types does not want to wait for that."""
        if not self._front.is_interactive:
            await self._handing_over.finish()

    async def _show_notices(self) -> None:
        shown = 0
        async for notice in self._node.notices():
            if _is_of_later_version(notice):
                continue
            self._company.note(notice)
            self._personal.note(notice)
            if isinstance(notice, Received | Sent):
                self._answers.history.append(notice.message)
            if self._front.is_interactive and self._company.is_hidden(notice):
                self._front.refresh()
                continue
            self._front.show(notice, self._ref_of(notice))
            await self._front.keep_up()
            if isinstance(notice, DirectArrived):
                await self._front.flush()  # by the next turn its author hears that it was shown
            shown += 1
            if not shown % SHOWN_AT_ONCE:
                await asyncio.sleep(0)  # keys and neighbours get their turn in a flood

    async def _stop_when_broken(self) -> None:
        await self._front.wait_broken()
        self._stop.set()

    def _on_signal(self, number: int) -> None:
        self._exit_code = {
            signal.SIGTERM: EXIT_TERMINATED,
            signal.SIGINT: 0 if self._front.is_interactive else EXIT_INTERRUPTED,
        }.get(signal.Signals(number), EXIT_HANGUP)
        self._front.hurry()
        self._stop.set()

    def _ref_of(self, notice: Notice) -> str | None:
        match notice:
            case Sent(message) | DirectSent(message) if self._refs:
                return self._refs.pop(message.id, None)
            case Connected(direction=Direction.OUT):
                return self._connecting.ref_of(notice)
        return None

    # --- Commands ------------------------------------------------------------------------------

    async def _carry_out(self, request: Request) -> None:
        command: Command = request.command
        match command:
            case Nothing() | Quit():
                return
            case Say(text):
                await self._say(text, request.ref, action=False)
            case Act(text):
                await self._say(text, request.ref, action=True)
            case Connect(where):
                await self._connect(where, request.ref)
            case Disconnect(who):
                self._disconnect(who, request.ref)
            case ShowWho() | ShowSeen() | ShowMap() | ShowTrace() | PingSomebody():
                await self._in_background(self._answers.give(command, request.ref), "answer")
            case ShowPeers() | ShowHistory() | ShowDoctor() | ShowInvite():
                await self._answers.give(command, request.ref)
            case Write() | Reply():
                await self._wait_for_company()
                self._note_ref(self._personal.carry_out(command, request.ref), request.ref)
            case ShowWhois() | Verify() | Block():
                self._personal.carry_out(command, request.ref)
            case ChangeNick(nick):
                self._rename(nick, request.ref)
            case Clear():
                self._front.clear()
            case ShowHelp(topic):
                self._front.show_help(topic, request.ref)
            case NotYet() | SetBack():
                self._front.refuse(command, request.ref)
            case _:
                assert_never(command)

    async def _say(self, text: str, ref: str | None, *, action: bool) -> None:
        await self._wait_for_company()
        try:
            message = await self._handing_over.announce(text, action=action)
        except P2PChatError as error:
            self._front.refuse(SetBack(str(error), error.code, text), ref)
            return
        self._note_ref(message, ref)

    def _note_ref(self, message: str | None, ref: str | None) -> None:
        if message is not None and ref is not None and len(self._refs) < REFS_LIMIT:
            self._refs[message] = ref

    async def _wait_for_company(self) -> None:
        """Let a pipe's first message wait until the node has found somebody to tell it to."""
        if self._has_waited or self._front.is_interactive or self._settings.manual:
            return
        self._has_waited = True
        with suppress(TimeoutError):
            async with asyncio.timeout(COMPANY_S):
                await self._node.wait_for_neighbour()

    async def _connect(self, where: Target | None, ref: str | None) -> None:
        if where is None:
            self._front.show(Around(LOOKING), ref)
            self._node.look_on_lan()
            self._node.look_around()
            return
        await self._in_background(self._connecting.dial(where, ref), name_of(where))

    async def _in_background(self, doing: Coroutine[None, None, object], name: str) -> None:
        """Do something that takes a while: whoever types goes on, a pipe waits for it."""
        if not self._front.is_interactive:
            await doing
            return
        task: asyncio.Task[object] = self._tasks.create_task(doing, name=name)
        self._until_stop.add(task)
        task.add_done_callback(self._until_stop.discard)

    async def _dial_first(self) -> None:
        """Dial what the command line names; what fails is tried again for as long as we run."""
        for target in self._first_targets:
            if not await self._connecting.dial(target):
                again = self._connecting.dial_again(target)
                self._until_stop.add(self._tasks.create_task(again, name=f"re{name_of(target)}"))

    def _rename(self, nick: str, ref: str | None) -> None:
        old = self._node.nick
        self._node.rename(nick)
        self._front.show(NickChanged(self.me, old), ref)
        problem = self._node.profile.save_nick(nick)
        if problem:
            self._front.show(Trouble(problem, "bad-input"), ref)
        self._front.refresh()

    def _disconnect(self, who: str, ref: str | None) -> None:
        neighbour = self._addressing.neighbour(who, ref)
        if neighbour is not None:
            self._node.disconnect(neighbour.connection)


def _is_of_later_version(notice: Notice) -> bool:
    return isinstance(notice, DirectArrived) and notice.message.kind not in _SHOWN_KINDS


async def run(settings: Settings, *, is_dumb: bool) -> int:
    """Run the program and return its exit code.

    Raises:
        P2PChatError: It could not start.
    """
    node, targets = await node_for(settings)
    async with node:
        with logging_to(settings, node.profile):
            asyncio.get_running_loop().set_exception_handler(Unexpected())
            return await App(settings, node, targets, is_dumb=is_dumb).run()

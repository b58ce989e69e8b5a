"""A running program whose front is the test: says what a user would, keeps what he would see."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Self

from p2pchat import app
from p2pchat.app import App
from p2pchat.core.values import Address
from p2pchat.settings import Settings
from p2pchat.ui.grammar import parse
from p2pchat.ui.ndjson import Request
from tests.deadline import DEADLINE_S
from tests.nodes import node

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    import pytest

    from p2pchat import Node
    from p2pchat.core.attendance import Attendance
    from p2pchat.core.notices import Finding, NetworkMap, Notice, Path, Reach
    from p2pchat.core.values import Message, Person
    from p2pchat.ui.commands import MapForm, NotYet, SetBack
    from p2pchat.ui.people import AboutPerson


class FakeFront:
    """Hands over what a test says, and keeps what it is shown."""

    def __init__(self, *, is_interactive: bool = False) -> None:
        self.is_interactive = self.has_editor = is_interactive
        self.shown: list[tuple[Notice, str | None]] = []
        self.refused: list[tuple[SetBack | NotYet, str | None]] = []
        self.histories: list[tuple[list[str], str | None]] = []
        self.maps: list[tuple[NetworkMap, MapForm, str | None]] = []
        self.paths: list[tuple[Path, Message | Person, str | None]] = []
        self.findings: list[tuple[tuple[Finding, ...], str | None]] = []
        self.invites: list[tuple[str, str | None, str, str | None]] = []
        """URL, picture, note and ref."""
        self.about: list[tuple[AboutPerson, str | None]] = []
        self.reaches: list[tuple[Reach, str | None]] = []
        self.attendances: list[tuple[Attendance, str | None]] = []
        self.broken = asyncio.Event()
        self.was_hurried = False
        self._requests: asyncio.Queue[Request | type[BaseException] | None] = asyncio.Queue(100)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    def say(self, line: str, ref: str | None = None) -> None:
        self._requests.put_nowait(Request(parse(line), ref))

    def end(self, error: type[BaseException] | None = None) -> None:
        self._requests.put_nowait(error)

    async def requests(self) -> AsyncIterator[Request]:
        while (request := await self._requests.get()) is not None:
            if not isinstance(request, Request):
                raise request
            yield request

    def show(self, notice: Notice, ref: str | None = None) -> None:
        self.shown.append((notice, ref))

    def refuse(self, refused: SetBack | NotYet, ref: str | None) -> None:
        self.refused.append((refused, ref))

    def show_peers(self, *_: object) -> None: ...

    def show_reach(self, reach: Reach, ref: str | None) -> None:
        self.reaches.append((reach, ref))

    def show_attendance(self, found: Attendance, ref: str | None) -> None:
        self.attendances.append((found, ref))

    def show_map(self, found: NetworkMap, form: MapForm, ref: str | None) -> None:
        self.maps.append((found, form, ref))

    def show_path(self, path: Path, about: Message | Person, ref: str | None) -> None:
        self.paths.append((path, about, ref))

    def show_about(self, told: AboutPerson, ref: str | None) -> None:
        self.about.append((told, ref))

    def show_doctor(self, findings: Sequence[Finding], ref: str | None) -> None:
        self.findings.append((tuple(findings), ref))

    def show_invite(self, url: str, qr: str | None, note: str, ref: str | None) -> None:
        self.invites.append((url, qr, note, ref))

    def show_history(self, messages: Sequence[Message], ref: str | None) -> None:
        self.histories.append(([message.text for message in messages], ref))

    def show_help(self, *_: object) -> None: ...

    def refresh(self) -> None: ...

    def clear(self) -> None: ...

    async def keep_up(self) -> None: ...

    async def flush(self) -> None: ...

    async def wait_broken(self) -> None:
        await self.broken.wait()

    def hurry(self) -> None:
        self.was_hurried = True

    def of_kind(self, kind: type[Notice]) -> list[Any]:
        return [notice for notice, _ in self.shown if isinstance(notice, kind)]


class Stage:
    """A running program of `ann`."""

    def __init__(self, front: FakeFront, ann: Node) -> None:
        self.front = front
        self.ann = ann
        self.code: asyncio.Task[int]


@asynccontextmanager
async def stage(
    monkeypatch: pytest.MonkeyPatch,
    *addresses: str,
    is_interactive: bool = False,
    of_node: dict[str, Any] | None = None,
    **settings: Any,
) -> AsyncIterator[Stage]:
    """Run the program of `ann`, who dials those addresses first, until the test is over."""
    front = FakeFront(is_interactive=is_interactive)
    monkeypatch.setattr(app, "chosen", lambda *_, **__: lambda: front)
    async with (
        asyncio.timeout(DEADLINE_S),
        node("ann", **(of_node or {})) as ann,
        asyncio.TaskGroup() as tasks,
    ):
        dialled = tuple(Address.parse(address) for address in addresses)
        program = App(Settings(**settings), ann, dialled, is_dumb=False)
        made = Stage(front, ann)
        made.code = tasks.create_task(program.run())
        yield made
        if not made.code.done():
            front.say("exit")

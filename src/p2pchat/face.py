"""What the program and each of its faces may ask of each other."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from types import TracebackType
from typing import Protocol, Self

from p2pchat.core.attendance import Attendance
from p2pchat.core.notices import Finding, NetworkMap, Notice, Path, Peers, Reach
from p2pchat.core.values import Message, PeerId, Person
from p2pchat.ui.commands import MapForm, NotYet, SetBack
from p2pchat.ui.model import Toolbar
from p2pchat.ui.ndjson import Request
from p2pchat.ui.people import AboutPerson


class Around(Protocol):
    """What a front may ask about the node while it draws."""

    @property
    def me(self) -> Person:
        """Who we are."""
        ...

    @property
    def known(self) -> tuple[Person, ...]:
        """Everybody around, then whoever was met before."""
        ...

    @property
    def named(self) -> tuple[Person, ...]:
        """Among whom names have to differ: all who are known, and ourselves."""
        ...

    def is_verified(self, peer: PeerId) -> bool:
        """Whether the user has verified that key."""
        ...

    @property
    def toolbar(self) -> Toolbar:
        """What stands below the input line."""
        ...

    @property
    def stale_s(self) -> float | None:
        """In how many seconds the toolbar may be true no more by itself; None for never."""
        ...

    @property
    def known_addresses(self) -> Sequence[str]:
        """Addresses worth completing."""
        ...


class Front(Protocol):
    """One face of the program."""

    is_interactive: bool
    """Whether somebody types: then a dial does not hold up the next line."""
    has_editor: bool
    """Whether a line that was refused goes back to whoever typed it."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...

    def requests(self) -> AsyncIterator[Request]:
        """Yield what the user asks for, until the input ends."""
        ...

    def show(self, notice: Notice, ref: str | None = None) -> None:
        """Tell of something; never waits."""
        ...

    def show_peers(self, peers: Peers, ref: str | None) -> None:
        """Answer `/peers`."""
        ...

    def show_reach(self, reach: Reach, ref: str | None) -> None:
        """Answer `/seen`."""
        ...

    def show_attendance(self, found: Attendance, ref: str | None) -> None:
        """Answer `/who`."""
        ...

    def show_map(self, found: NetworkMap, form: MapForm, ref: str | None) -> None:
        """Answer `/map`."""
        ...

    def show_path(self, path: Path, about: Message | Person, ref: str | None) -> None:
        """Answer `/trace` with the way of a message, or `/ping` with the way to a person."""
        ...

    def show_about(self, told: AboutPerson, ref: str | None) -> None:
        """Answer `/whois`, `/verify`, `/block` or `/unblock`."""
        ...

    def show_doctor(self, findings: Sequence[Finding], ref: str | None) -> None:
        """Answer `/doctor`."""
        ...

    def show_invite(self, url: str, qr: str | None, note: str, ref: str | None) -> None:
        """Answer `/invite`.

        Args:
            url: The invite.
            qr: What `ui.qr.drawn` made of it, where that was asked for.
            note: One clean line about what it lets others do; may be empty.
            ref: Of the request.
        """
        ...

    def show_history(self, messages: Sequence[Message], ref: str | None) -> None:
        """Answer `/history`; the oldest message comes first."""
        ...

    def show_help(self, topic: str | None, ref: str | None) -> None:
        """Answer `/help`."""
        ...

    def refuse(self, refused: SetBack | NotYet, ref: str | None) -> None:
        """Say why nothing was done, and give the line back where there is an editor."""
        ...

    def refresh(self) -> None:
        """Something that is always in view may have changed."""
        ...

    def clear(self) -> None:
        """Empty the screen, where there is one."""
        ...

    async def keep_up(self) -> None:
        """Wait while too much that was shown has not been read yet."""
        ...

    async def flush(self) -> None:
        """Wait until all that was shown has left this process, where that can be known."""
        ...

    async def wait_broken(self) -> None:
        """Return when nobody reads any more."""
        ...

    def hurry(self) -> None:
        """Do not wait long for a reader from now on: a signal asked us to end."""
        ...

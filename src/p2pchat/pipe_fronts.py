"""The faces without anybody who types: line mode and NDJSON.

Each turns notices into what its reader understands, and what comes in into requests.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from types import TracebackType
from typing import Final, Self

from p2pchat.core.attendance import Attendance
from p2pchat.core.notices import Finding, NetworkMap, Notice, Path, Peers, Reach
from p2pchat.core.values import Message, Person
from p2pchat.stdio import StandardInput, StandardOutput
from p2pchat.ui import ndjson, ndjson_answers, plain
from p2pchat.ui.attendance import lines_of_attendance
from p2pchat.ui.commands import MapForm, NotYet, SetBack
from p2pchat.ui.findings import lines_of_findings
from p2pchat.ui.grammar import parse
from p2pchat.ui.help_text import help_text
from p2pchat.ui.lateness import Lateness
from p2pchat.ui.names import name_alone
from p2pchat.ui.ndjson import Request
from p2pchat.ui.ndjson_people import encode_about
from p2pchat.ui.people import AboutPerson, lines_about
from p2pchat.ui.words import Verdict, nobody_is_verified

HURRY_S: Final = 1.0
"""What a reader of our output still has when a signal ends us, and one of our narration ever."""


class PipeFront:
    """What line mode, NDJSON and linear text have in common: no cursor, no editor."""

    is_interactive = False
    has_editor = False

    def __init__(
        self, *, is_quiet: bool = False, is_verified: Verdict = nobody_is_verified
    ) -> None:
        self._is_quiet = is_quiet
        self._is_verified = is_verified
        self._lateness = Lateness()
        self._input = StandardInput()

    async def __aenter__(self) -> Self:
        self._output = StandardOutput()
        self._narration = StandardOutput(2)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.finish()
        await self.flush()
        with suppress(TimeoutError):
            async with asyncio.timeout(HURRY_S):
                await self._narration.flush()

    def finish(self) -> None:
        """Write what is still to be said, if anything is."""

    async def requests(self) -> AsyncIterator[Request]:
        """Yield one request for each line."""
        async for line in self._input.lines():
            yield self.read(line)

    def read(self, line: str) -> Request:
        """Read one line of input."""
        return Request(parse(line))

    def refresh(self) -> None:
        """Nothing is always in view."""

    def clear(self) -> None:
        """Nothing can be taken back."""

    async def keep_up(self) -> None:
        """Wait while the reader of our output is behind."""
        await self._output.keep_up()

    async def flush(self) -> None:
        """Wait until all that was shown was written."""
        await self._output.flush()

    async def wait_broken(self) -> None:
        """Return when our output is read no more."""
        await self._output.broken.wait()

    def hurry(self) -> None:
        """Give a reader that takes nothing one more moment."""
        self._output.hurry(HURRY_S)

    def _print(self, lines: Sequence[str]) -> None:
        if lines:
            self._output.write("\n".join(lines) + "\n")

    def _narrate(self, lines: Sequence[str]) -> None:
        if lines and not self._is_quiet:
            self._narration.offer("\n".join(lines) + "\n")


class LineFront(PipeFront):
    """Line mode: standard output for scripts, everything else on standard error."""

    def show(self, notice: Notice, ref: str | None = None) -> None:
        """Print a notice as its lines."""
        told = self._lateness.told(notice, name_alone)
        lines = plain.Lines([], []) if told is None else plain.lines_of(told)
        self._print(lines.out)
        self._narrate(lines.err)

    def show_peers(self, peers: Peers, ref: str | None) -> None:
        """Answer on standard error."""
        self._narrate(plain.lines_of_peers(peers, self._is_verified))

    def show_reach(self, reach: Reach, ref: str | None) -> None:
        """Answer on standard error."""
        self._narrate([plain.line_of_reach(reach)])

    def show_attendance(self, found: Attendance, ref: str | None) -> None:
        """Answer on standard error."""
        self._narrate(lines_of_attendance(found, (), self._is_verified))

    def show_map(self, found: NetworkMap, form: MapForm, ref: str | None) -> None:
        """Answer on standard error."""
        self._narrate(plain.lines_of_map(found, form))

    def show_path(self, path: Path, about: Message | Person, ref: str | None) -> None:
        """Answer on standard error."""
        self._narrate(plain.lines_of_path(path, about))

    def show_about(self, told: AboutPerson, ref: str | None) -> None:
        """Answer on standard error."""
        self._narrate(lines_about(told, name_alone, _now().astimezone()))

    def show_doctor(self, findings: Sequence[Finding], ref: str | None) -> None:
        """Answer on standard error."""
        self._narrate(lines_of_findings(findings))

    def show_invite(self, url: str, qr: str | None, note: str, ref: str | None) -> None:
        """Answer on standard error."""
        self._narrate(plain.lines_of_invite(url, qr, note))

    def show_history(self, messages: Sequence[Message], ref: str | None) -> None:
        """Answer on standard error."""
        self._narrate(plain.lines_of_history(messages))

    def show_help(self, topic: str | None, ref: str | None) -> None:
        """Answer on standard error."""
        self._narrate(help_text(topic, keys=False))

    def refuse(self, refused: SetBack | NotYet, ref: str | None) -> None:
        """Print an error line."""
        self._print([f"Error: {refused.text}"])


class JsonFront(PipeFront):
    """NDJSON on standard output, narration for people on standard error."""

    def show(self, notice: Notice, ref: str | None = None) -> None:
        """Print a notice as an object, where it is one."""
        lines = ndjson.encode(notice, _now(), ref)
        self._print(lines)
        if not lines:
            narrated = plain.lines_of(notice)
            self._narrate(narrated.out + narrated.err)

    def show_peers(self, peers: Peers, ref: str | None) -> None:
        """Print a result."""
        self._print([ndjson.encode_peers(peers, _now(), ref, self._is_verified)])

    def show_reach(self, reach: Reach, ref: str | None) -> None:
        """Print a result."""
        self._print([ndjson.encode_reach("seen", reach, _now(), ref)])

    def show_attendance(self, found: Attendance, ref: str | None) -> None:
        """Print a result."""
        self._print([ndjson_answers.encode_attendance(found, _now(), ref, self._is_verified)])

    def show_map(self, found: NetworkMap, form: MapForm, ref: str | None) -> None:
        """Print a result."""
        self._print([ndjson_answers.encode_map(found, form, _now(), ref)])

    def show_path(self, path: Path, about: Message | Person, ref: str | None) -> None:
        """Print a result."""
        self._print([ndjson_answers.encode_path(path, about, _now(), ref)])

    def show_about(self, told: AboutPerson, ref: str | None) -> None:
        """Print a result."""
        self._print([encode_about(told, _now(), ref)])

    def show_doctor(self, findings: Sequence[Finding], ref: str | None) -> None:
        """Print a result."""
        self._print([ndjson_answers.encode_findings(findings, _now(), ref)])

    def show_invite(self, url: str, qr: str | None, note: str, ref: str | None) -> None:
        """Print a result; whoever reads it draws his own picture."""
        self._print([ndjson_answers.encode_invitation(url, note, _now(), ref)])

    def show_history(self, messages: Sequence[Message], ref: str | None) -> None:
        """Print a result."""
        self._print([ndjson.encode_history(messages, _now(), ref)])

    def show_help(self, topic: str | None, ref: str | None) -> None:
        """Print a result."""
        self._print([ndjson.encode_result("help", help_text(topic, keys=False), _now(), ref)])

    def refuse(self, refused: SetBack | NotYet, ref: str | None) -> None:
        """Print an error object."""
        code = refused.code if isinstance(refused, SetBack) else "not-yet"
        self._print([ndjson.encode_error(refused.text, code, _now(), ref)])

    def read(self, line: str) -> Request:
        """Read an object, or a line of the grammar."""
        return ndjson.parse_request(line)

    def finish(self) -> None:
        """Print the last object."""
        self._print([ndjson.encode_bye(_now())])


def _now() -> datetime:
    return datetime.now(UTC)

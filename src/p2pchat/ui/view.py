"""Notices become lines for people."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Final, assert_never

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from p2pchat.core.notices import (
    Around,
    Connected,
    Dialling,
    DirectArrived,
    DirectGivenUp,
    DirectReceipt,
    DirectSent,
    DirectWaits,
    Disconnected,
    Gap,
    How,
    Joined,
    Left,
    Listening,
    NickChanged,
    Reach,
    Received,
    Remark,
    Seam,
    Sent,
    Skipped,
    Trouble,
)
from p2pchat.core.values import short_fingerprint
from p2pchat.nicks import label
from p2pchat.sanitize import visible, visible_line
from p2pchat.ui.banner import is_loopback
from p2pchat.ui.theme import Theme
from p2pchat.ui.words import (
    Verdict,
    nobody_is_verified,
    of_direct,
    of_gap,
    of_given_up,
    of_reach,
    of_seam,
    of_trust,
    of_waiting,
)
from p2pchat.ui.wrapping import GUTTER, wrapped

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rich.console import Console, ConsoleOptions

    from p2pchat.core.notices import Direct, Notice
    from p2pchat.core.values import Address, Message, Person

LINES_LIMIT: Final = 50
"""Lines shown of one text; a screen or two, so that one message cannot scroll all others away."""

COLUMNS_LIMIT: Final = 2_000
"""Columns shown of one line of a text."""

NOBODY: Final = "no one is connected: nobody got that; whoever joins in the next 10 minutes gets it"


@dataclass(frozen=True, slots=True)
class Scene:
    """What a line depends on besides the notice."""

    me: Person
    theme: Theme = field(default_factory=Theme)
    known: tuple[Person, ...] = ()
    """Everybody around: whose nick somebody else has too is shown with the start of the key."""
    is_verified: Verdict = nobody_is_verified


def render(notice: Notice, at: datetime, scene: Scene) -> Text | None:
    """Build the line or lines of a notice.

    Args:
        notice: What the node tells.
        at: When it told so, in the time zone to show.  A message is shown with its author's
            time instead.
        scene: Who looks, and how.

    Returns:
        Unwrapped text, or None for a notice that has no line in the conversation.
    """
    if not has_line(notice):
        return None
    match notice:
        case Received(message):
            return _message(message, at, scene)
        case Sent(message, neighbours):
            return _sent(message, neighbours, at, scene)
        case Connected():
            return _connected(notice, at, scene)
        case Disconnected():
            return _disconnected(notice, at, scene)
        case Joined() | Left() | NickChanged():
            return _changed(notice, at, scene)
        case DirectArrived() | DirectSent() | DirectWaits() | DirectGivenUp():
            return _about_direct(notice, at, scene)
        case Trouble(text):
            return _trouble(text, at, scene)
        case Remark(text) | Around(text):
            return remark(text, at, scene)
        case Dialling(address):
            return remark(f"connecting to {address}", at, scene)
        case Gap():
            return remark(of_gap(notice, name_of(notice.author, scene)), at, scene)
        case Seam():
            return remark(of_seam(notice), at, scene)
        case Skipped(count):
            return skipped_line(count)
        case Listening() | DirectReceipt():
            return None
        case _:
            assert_never(notice)


def has_line(notice: Notice) -> bool:
    """Tell whether a notice has a line in the conversation.

    That a way to somebody changed who is there all the while is no news to anybody, and a receipt
    is what everybody expects.
    """
    match notice:
        case Listening() | DirectReceipt() | Disconnected(is_news=False):
            return False
        case Connected(already=False, is_news=False):
            return False
    return True


_SAID: Final = (Received, Sent, DirectArrived, DirectSent)
"""What people said: their words, and not ours, make up most of the line."""


@dataclass(frozen=True, slots=True)
class Line:
    """A notice that has a line, which is built only when it is really shown.

    In a flood most lines are skipped, and building them would be most of the work.
    """

    notice: Notice
    at: datetime
    scene: Scene

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        text = render(self.notice, self.at, self.scene)
        assert text is not None, "whoever shows it asked has_line"
        if not isinstance(self.notice, _SAID):
            yield wrapped(text, options.max_width)
        elif isinstance(self.notice, Sent) and not self.notice.neighbours:
            *said, ours = text.split("\n", allow_blank=True)
            yield from (*said, wrapped(ours, options.max_width))
        else:
            yield text


def mentions(text: str, nick: str) -> bool:
    """Tell whether a text names the nick as a word of its own, in any case, with or without @."""
    return _mention_pattern(nick).search(text) is not None


def skipped_line(count: int) -> Text:
    """Say that lines came faster than anybody could read them."""
    return Text(f"-- … {count} {'line' if count == 1 else 'lines'} skipped", "dim")


def name_of(person: Person, scene: Scene) -> str:
    """Return what somebody is called, so that nobody else is meant; clean."""
    return _label(person, scene.known)


def render_help(lines: Iterable[str]) -> Text:
    """Build the answer of `/help`: one line each, commands at the start of a line stand out."""
    text = Text()
    for number, line in enumerate(lines):
        word, blank, rest = visible_line(line).partition(" ")
        text.append("\n" if number else "")
        text.append(word, "bold" if word.startswith("/") else "")
        text.append(blank + rest)
    return text


def render_reach(reach: Reach, at: datetime, scene: Scene) -> Text:
    """Build the answer of `/seen`."""
    return remark(of_reach(reach, lambda person: name_of(person, scene)), at, scene)


# --- Messages ---------------------------------------------------------------------------------


def _message(message: Message, at: datetime, scene: Scene) -> Text:
    is_mention = message.author.id != scene.me.id and mentions(message.text, scene.me.nick)
    line = _begin(_author_time(message, at), ">>" if is_mention else "", scene.theme)
    if message.earlier:
        line.append("(earlier) ", scene.theme.quiet)
    if message.action:
        line.append("* ")
    line.append(_author(message, scene), scene.theme.nick(message.author.id))
    line.append(" " if message.action else ": ")
    line.append(_body(message.text), scene.theme.mention if is_mention else "")
    return line


def _sent(message: Message, neighbours: int, at: datetime, scene: Scene) -> Text:
    line = _begin(_author_time(message, at), "", scene.theme)
    if message.action:
        line.append("* ")
    line.append(name_of(message.author, scene), scene.theme.nick(message.author.id))
    line.append(" " if message.action else ": ")
    line.append(_body(message.text))
    if not neighbours:
        line.append("\n")
        line.append_text(remark(NOBODY, at, scene))
    return line


def _about_direct(
    notice: DirectArrived | DirectSent | DirectWaits | DirectGivenUp, at: datetime, scene: Scene
) -> Text:
    match notice:
        case DirectArrived(message):
            return _direct(message, at, scene, is_own=False)
        case DirectSent(message):
            return _direct(message, at, scene, is_own=True)
        case DirectWaits(to=to):
            return _trouble(of_waiting(name_of(to, scene)), at, scene)
        case DirectGivenUp(to=to):
            return _trouble(of_given_up(name_of(to, scene)), at, scene)


def _direct(direct: Direct, at: datetime, scene: Scene, *, is_own: bool) -> Text:
    written_at = _time_of(direct, at)
    line = _begin(written_at, "[dm]", scene.theme)
    if written_at.date() != at.date():
        line.append(f"(written {written_at:%Y-%m-%d}) ", scene.theme.quiet)
    other = (name_of(direct.person, scene), scene.theme.nick(direct.person.id))
    me = ("you", scene.theme.nick(scene.me.id))
    author, recipient = (me, other) if is_own else (other, me)
    line.append(*author).append(" -> ").append(*recipient).append(": ")
    return line.append(of_direct(direct, _body(direct.text)))


def _time_of(direct: Direct, at: datetime) -> datetime:
    # Nobody checked the clock of its author, and not every number is a time.
    try:
        return datetime.fromtimestamp(direct.time_ms / 1000, at.tzinfo)
    except (OverflowError, OSError, ValueError):
        return at


def _author_time(message: Message, at: datetime) -> datetime:
    return message.time.astimezone(at.tzinfo)


def _author(message: Message, scene: Scene) -> str:
    if message.via is None:
        return name_of(message.author, scene)
    via = "you" if message.via.id == scene.me.id else name_of(message.via, scene)
    return f"{name_of(message.author, scene)} (via {via}, unverified)"


def _body(text: str) -> str:
    first, *more = text.removesuffix("\n").split("\n")  # a piece of a long text ends with one
    hidden = len(more) + 1 - LINES_LIMIT
    lines = [first, *more[: LINES_LIMIT - 1]]
    shown = f"\n{GUTTER}".join(_clipped(visible(line)) for line in lines)
    return f"{shown}\n{GUTTER}... {hidden} more" if hidden > 0 else shown


def _clipped(line: str) -> str:
    # No character is wider than two columns, so most lines need not be measured.
    if len(line) * 2 <= COLUMNS_LIMIT or cell_len(line) <= COLUMNS_LIMIT:
        return line
    return f"{set_cell_size(line, COLUMNS_LIMIT)} ... cut"


@lru_cache(maxsize=16)
def _mention_pattern(nick: str) -> re.Pattern[str]:
    # A hyphen joins words here: "bob" does not stand in "bob-cat", nor in "spongy-bob".
    return re.compile(rf"(?<!\w)(?<!\w-){re.escape(nick)}(?!\w)(?!-\w)", re.IGNORECASE)


# --- People who come and go -------------------------------------------------------------------


def _connected(notice: Connected, at: datetime, scene: Scene) -> Text:
    if notice.already:
        who = name_of(notice.person, scene)
        return remark(f"already connected to {who} ({notice.address}).", at, scene)
    line = _begin(at, "-->", scene.theme)
    line.append(name_of(notice.person, scene), scene.theme.nick(notice.person.id))
    line.append(f" joined ({_particulars(notice, scene)})", scene.theme.quiet)
    return line


def _particulars(notice: Connected, scene: Scene) -> str:
    if notice.guest or notice.person.id is None:
        return f"{_place(notice.address)}, plain text, not encrypted, not verified"
    key = short_fingerprint(notice.person.id)
    trust = of_trust(notice.person, scene.is_verified)
    return f"{_whence(notice)}, key {key}, encrypted, {trust}"


def _whence(notice: Connected) -> str:
    if notice.how is None or notice.how is How.CALLED:
        return _place(notice.address)
    return str(notice.how.value)


def _disconnected(notice: Disconnected, at: datetime, scene: Scene) -> Text:
    line = _begin(at, "<--", scene.theme)
    line.append(name_of(notice.person, scene), scene.theme.nick(notice.person.id))
    reason = "" if notice.left else visible_line(notice.reason)
    line.append(f" left ({reason})" if reason else " left", scene.theme.quiet)
    return line


def _changed(notice: Joined | Left | NickChanged, at: datetime, scene: Scene) -> Text:
    match notice:
        case NickChanged(who, old):
            return _nick_changed(who, old, at, scene)
        case Joined(who, via, hops):
            mark, what = "-->", f" joined via {name_of(via, scene)} ({hops} hops)"
        case Left(who):
            mark, what = "<--", " left"
    line = _begin(at, mark, scene.theme)
    line.append(name_of(who, scene), scene.theme.nick(who.id))
    return line.append(what, scene.theme.quiet)


def _nick_changed(who: Person, old: str, at: datetime, scene: Scene) -> Text:
    line = _begin(at, "--", scene.theme)
    if who.id is not None and who.id == scene.me.id:
        line.append(f"you are now called {visible_line(who.nick)}", scene.theme.quiet)
        return line
    line.append(f"{visible_line(old)} is now called ", scene.theme.quiet)
    line.append(name_of(who, scene), scene.theme.nick(who.id))
    return line


@lru_cache(maxsize=1_024)
def _label(person: Person, known: tuple[Person, ...]) -> str:
    return visible_line(label(person, known))


def _place(address: Address) -> str:
    is_here = address.is_any or is_loopback(address.host)
    return "this machine" if is_here else visible_line(str(address))


# --- Pieces -----------------------------------------------------------------------------------


def _begin(at: datetime, mark: str, theme: Theme) -> Text:
    line = Text()
    line.append(f"{at:%H:%M} ", theme.quiet)
    if mark:
        line.append(f"{mark} ")
    return line


def _trouble(text: str, at: datetime, scene: Scene) -> Text:
    line = _begin(at, "-!-", scene.theme)
    return line.append(visible_line(text), scene.theme.trouble)


def remark(text: str, at: datetime, scene: Scene) -> Text:
    """Build a quiet line of the program itself."""
    line = _begin(at, "--", scene.theme)
    line.append(visible_line(text), scene.theme.quiet)
    return line

"""What a line of input may ask for, as values.

Structs, because a dataclass takes 50 times as long to define and all of these stand in the way of
the start; but only a dataclass can leave a field out of comparisons, as `line`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from p2pchat.sanitize import visible_line

if TYPE_CHECKING:
    from p2pchat.core.invites import Invite
    from p2pchat.core.values import Address


HISTORY_MESSAGES: Final = 50
"""Messages that `/history` shows when it is not told how many."""

HISTORY_LIMIT_MESSAGES: Final = 1_000
"""Messages that are kept for it, in memory; the oldest give way."""


class Nothing(Struct, frozen=True):
    """An empty line."""


class Say(Struct, frozen=True):
    """Send the text to everybody, exactly as it is."""

    text: str


class Act(Struct, frozen=True):
    """Tell everybody what one does."""

    text: str


class Connect(Struct, frozen=True):
    """Dial an address, or join by an invite; None means to look around for others."""

    where: Address | Invite | None


class Disconnect(Struct, frozen=True):
    """End the connection to a nick, `nick#digits` or address."""

    who: str


class ShowPeers(Struct, frozen=True):
    """List the neighbours, then whoever was heard through them."""


class MapForm(Enum):
    """How `/map` draws; the value is its name in `--json` output."""

    TREE = "tree"
    MERMAID = "mermaid"
    DOT = "dot"


class ShowMap(Struct, frozen=True):
    """Draw who is connected to whom."""

    form: MapForm


class ShowWho(Struct, frozen=True):
    """Ask everybody in the network who is here."""


class ShowTrace(Struct, frozen=True):
    """Show the way of a message."""

    which: str | None
    """How many messages back, 1 for the last one, or how its id begins, 4 to 32 hex digits;
    None for the last message shown."""


class PingSomebody(Struct, frozen=True):
    """Measure the way to a nick or `nick#digits`."""

    who: str


class ShowDoctor(Struct, frozen=True):
    """Look for what is wrong."""


class ShowInvite(Struct, frozen=True):
    """Make an invite to this room."""

    as_qr: bool
    """Whether to draw it as well, for a camera."""


@dataclass(frozen=True, slots=True)
class Write:
    """Send the text to one person only, exactly as it is."""

    who: str
    """A nick, `nick#digits` or a whole key; not resolved yet."""
    text: str
    line: str = field(default="", compare=False)
    """The whole input, so that nobody has to type it again when nobody is called so."""


@dataclass(frozen=True, slots=True)
class Reply:
    """Send the text to whoever wrote to us last, or to whom we wrote last."""

    text: str
    line: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class ShowWhois:
    """Tell what is known of somebody, his whole key above all."""

    who: str
    line: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Verify:
    """Compare keys with somebody, or note down how that ended."""

    who: str
    answer: bool | None
    """Whether the numbers were the same; None to be shown the number first."""
    line: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Block:
    """Show nothing of somebody any more, or show him again."""

    who: str
    is_wanted: bool
    """Whether to block him; False ends it."""
    line: str = field(default="", compare=False)


class ShowSeen(Struct, frozen=True):
    """Tell who has one's last message."""


class ShowHistory(Struct, frozen=True):
    """Show the last messages once more."""

    count: int
    """How many, 1 to 1,000."""


class ChangeNick(Struct, frozen=True):
    """Be called otherwise; the nick follows the rules."""

    nick: str


class Clear(Struct, frozen=True):
    """Empty the screen."""


class Quit(Struct, frozen=True):
    """Leave."""


class ShowHelp(Struct, frozen=True):
    """Show all commands, or more about the one with that name."""

    topic: str | None


@dataclass(frozen=True, slots=True)
class NotYet:
    """Something of the grammar that no version does so far; nothing is sent."""

    word: str
    """What was asked for, in a few words; as typed, not cleaned."""
    line: str = field(default="", compare=False)
    """The whole input, so that nobody has to type it again."""

    @property
    def text(self) -> str:
        """The answer, one line."""
        return f"{visible_line(self.word, 40)}: not in this version yet. Nothing was sent."


class SetBack(Struct, frozen=True):
    """An error after which the line goes back into the editor; nothing is sent."""

    text: str
    """What happened, why, what to do next; one clean line."""
    code: str
    """The stable word of the error in `--json` output."""
    line: str
    """The whole input, exactly as it came."""


AboutPeople = Write | Reply | ShowWhois | Verify | Block
"""What is about one person: his name has to be resolved before anything is done."""

Command = (
    Nothing
    | Say
    | Act
    | AboutPeople
    | Connect
    | Disconnect
    | ShowPeers
    | ShowWho
    | ShowMap
    | ShowTrace
    | PingSomebody
    | ShowDoctor
    | ShowInvite
    | ShowSeen
    | ShowHistory
    | ChangeNick
    | Clear
    | Quit
    | ShowHelp
    | NotYet
    | SetBack
)

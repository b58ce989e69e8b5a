"""What a line of input may ask for, as values."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Final

from p2pchat.sanitize import visible_line

if TYPE_CHECKING:
    from p2pchat.core.invites import Invite
    from p2pchat.core.values import Address


HISTORY_MESSAGES: Final = 50
"""Messages that `/history` shows when it is not told how many."""

HISTORY_LIMIT_MESSAGES: Final = 1_000
"""Messages that are kept for it, in memory; the oldest give way."""


@dataclass(frozen=True, slots=True)
class Nothing:
    """An empty line."""


@dataclass(frozen=True, slots=True)
class Say:
    """Send the text to everybody, exactly as it is."""

    text: str


@dataclass(frozen=True, slots=True)
class Act:
    """Tell everybody what one does."""

    text: str


@dataclass(frozen=True, slots=True)
class Connect:
    """Dial an address, or join by an invite; None means to look around for others."""

    where: Address | Invite | None


@dataclass(frozen=True, slots=True)
class Disconnect:
    """End the connection to a nick, `nick#digits` or address."""

    who: str


@dataclass(frozen=True, slots=True)
class ShowPeers:
    """List the neighbours, then whoever was heard through them."""


class MapForm(Enum):
    """How `/map` draws; the value is its name in `--json` output."""

    TREE = "tree"
    MERMAID = "mermaid"
    DOT = "dot"


@dataclass(frozen=True, slots=True)
class ShowMap:
    """Draw who is connected to whom."""

    form: MapForm


@dataclass(frozen=True, slots=True)
class ShowWho:
    """Ask everybody in the network who is here."""


@dataclass(frozen=True, slots=True)
class ShowTrace:
    """Show the way of a message."""

    which: str | None
    """How many messages back, 1 for the last one, or how its id begins, 4 to 32 hex digits;
    None for the last message shown."""


@dataclass(frozen=True, slots=True)
class PingSomebody:
    """Measure the way to a nick or `nick#digits`."""

    who: str


@dataclass(frozen=True, slots=True)
class ShowDoctor:
    """Look for what is wrong."""


@dataclass(frozen=True, slots=True)
class ShowInvite:
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


@dataclass(frozen=True, slots=True)
class ShowSeen:
    """Tell who has one's last message."""


@dataclass(frozen=True, slots=True)
class ShowHistory:
    """Show the last messages once more."""

    count: int
    """How many, 1 to 1,000."""


@dataclass(frozen=True, slots=True)
class ChangeNick:
    """Be called otherwise; the nick follows the rules."""

    nick: str


@dataclass(frozen=True, slots=True)
class Clear:
    """Empty the screen."""


@dataclass(frozen=True, slots=True)
class Quit:
    """Leave."""


@dataclass(frozen=True, slots=True)
class ShowHelp:
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


@dataclass(frozen=True, slots=True)
class SetBack:
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

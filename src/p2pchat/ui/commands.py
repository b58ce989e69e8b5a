"""Commands, and the one table of them: parser, help, completion and manual are made from it."""

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


Command = (
    Nothing
    | Say
    | Act
    | Connect
    | Disconnect
    | ShowPeers
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


@dataclass(frozen=True, slots=True)
class CommandSpec:
    """One row of the table."""

    name: str
    usage: str
    """What to type, with the slash; what stands in brackets may be left out."""
    summary: str
    """One line without a full stop."""
    more: tuple[str, ...] = ()
    """Further lines of the help on this one command."""
    aliases: tuple[str, ...] = ()
    built: bool = True
    """Whether it works; otherwise it is recognised, answered with `NotYet`, and shown nowhere."""

    @property
    def words(self) -> tuple[str, ...]:
        """The name, then the aliases, all without slash."""
        return (self.name, *self.aliases)


def _later(name: str, usage: str, summary: str, *aliases: str) -> CommandSpec:
    return CommandSpec(name, usage, summary, aliases=aliases, built=False)


COMMANDS: Final[tuple[CommandSpec, ...]] = (
    CommandSpec(
        "help",
        "/help [COMMAND]",
        "list the commands, or tell more about one",
        ("Example: /help connect",),
    ),
    CommandSpec(
        "connect",
        "/connect [ADDRESS|INVITE]",
        "connect to another node, or look for some",
        (
            "Alone it looks on this machine, on this network, and at those known before.",
            "ADDRESS is host:port, [v6]:port, :port on this machine, or host port.",
            "The slash may be left out: connect localhost:55555",
            "connect plain://host:port reaches netcat or another plain-line program:",
            "unencrypted, and anybody could be at the other end.",
            "INVITE begins with p2pchat:// and comes from /invite in another terminal.",
        ),
    ),
    CommandSpec(
        "disconnect",
        "/disconnect NAME|ADDRESS",
        "end the connection to somebody",
        ("NAME is a nick, or nick#digits where two people have the same one.",),
    ),
    CommandSpec(
        "peers",
        "/peers",
        "list the neighbours, then whoever was heard through them",
        aliases=("names", "w"),
    ),
    _later("who", "/who", "list everybody in the network"),
    CommandSpec(
        "map",
        "/map [--mermaid|--dot]",
        "draw who is connected to whom",
        (
            "It asks everybody within three hops; who started with --no-map does not tell.",
            "--mermaid and --dot print text from which other programs make a drawing.",
        ),
    ),
    CommandSpec(
        "trace",
        "/trace [MESSAGE]",
        "show path and delay of a message",
        (
            "MESSAGE is how many messages back, 1 for the last one, or how its id begins.",
            "Delays are by the clock of each node on the way, as told by itself.",
        ),
    ),
    CommandSpec(
        "seen",
        "/seen",
        "tell who has your last message",
        ("It asks everybody; whoever was heard in the last 10 minutes counts as known.",),
    ),
    _later("msg", "/msg NAME TEXT", "send a direct message", "m", "dm"),
    _later("reply", "/reply TEXT", "answer the last direct message", "r"),
    CommandSpec(
        "me",
        "/me ACTION",
        "tell what you do",
        ("/me waves is shown to everybody as: * NICK waves",),
    ),
    CommandSpec(
        "nick",
        "/nick NAME",
        "be called otherwise",
        ("1 to 24 printable characters, no blank, none of @ / # :, and no ~ in front.",),
    ),
    CommandSpec(
        "say",
        "/say TEXT",
        "send a text as it is, whatever it looks like",
        ("/say /quit sends /quit. A slash with a blank after it does the same: / /quit",),
    ),
    CommandSpec(
        "invite",
        "/invite [qr]",
        "make an invite to this room",
        (
            "Somebody else types connect and the invite, or starts with -c and the invite.",
            "With qr it is drawn as well, for a camera.",
        ),
    ),
    _later("whois", "/whois NAME", "show somebody's key"),
    _later("verify", "/verify NAME", "compare keys with somebody"),
    _later("block", "/block NAME", "show nothing of somebody any more"),
    _later("unblock", "/unblock NAME", "show somebody again"),
    CommandSpec(
        "ping",
        "/ping NAME",
        "measure the way to somebody",
        ("It need not be a neighbour; the answer says over whom it came.",),
    ),
    CommandSpec(
        "history",
        "/history [N]",
        "show the last messages once more",
        (
            f"N is {HISTORY_MESSAGES} unless you say otherwise, and at most "
            f"{HISTORY_LIMIT_MESSAGES}.",
            "They are those that came since the program was started; nothing is on disk.",
        ),
    ),
    _later("notify", "/notify off|mentions|all", "choose what rings the bell"),
    _later("log", "/log on|off|where", "keep messages in a file"),
    _later("stats", "/stats", "show what the node has done so far"),
    CommandSpec("doctor", "/doctor", "look for what is wrong"),
    _later("set", "/set [KEY [VALUE]]", "show or change settings"),
    CommandSpec("clear", "/clear", "empty the screen"),
    CommandSpec(
        "quit",
        "/quit",
        "leave",
        ("A line of just exit or quit leaves, too.",),
        ("exit", "q"),
    ),
)


def find(word: str) -> tuple[CommandSpec, ...]:
    """Return what the word, without slash, may mean, in the order of the table.

    A name or alias written out is that command alone; otherwise the word is the beginning of
    names and aliases. Commands that are not built count, so that what a short form means does
    not change with the version. Upper and lower case are equal.
    """
    sought = word.lower()
    for spec in COMMANDS:
        if sought in spec.words:
            return (spec,)
    if not sought:
        return ()
    return tuple(spec for spec in COMMANDS if any(known.startswith(sought) for known in spec.words))


def built_words() -> tuple[str, ...]:
    """Return the names and aliases of all commands that work, without slash."""
    return tuple(word for spec in COMMANDS if spec.built for word in spec.words)

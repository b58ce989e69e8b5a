"""The one table of commands: parser, help, completion and manual are made from it."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from p2pchat.ui.commands import HISTORY_LIMIT_MESSAGES, HISTORY_MESSAGES


class CommandSpec(Struct, frozen=True):
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
    CommandSpec(
        "who",
        "/who",
        "ask everybody who is here",
        (
            "In a large network a share answers, and how many there are is estimated.",
            "Everybody answers that once in 10 seconds, whoever asks.",
        ),
    ),
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
    CommandSpec(
        "msg",
        "/msg NAME TEXT",
        "write to one person only",
        (
            "Shorter: @NAME TEXT. NAME is a nick, or nick#digits where several have it.",
            "Only he can read it. Until he has it, it waits here, for up to 7 days.",
        ),
        ("m", "dm"),
    ),
    CommandSpec(
        "reply",
        "/reply TEXT",
        "write to whoever wrote to you last",
        ("Or to whom you wrote last, if that was later.",),
        ("r",),
    ),
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
            "Somebody else types connect and the invite, or starts with --invite-file -.",
            "In a private room whoever reads it is a member for good.",
            "With qr it is drawn as well, for a camera.",
        ),
    ),
    CommandSpec(
        "whois",
        "/whois NAME",
        "tell what is known of somebody, and his key",
        ("Your own nick tells your own key.",),
    ),
    CommandSpec(
        "verify",
        "/verify NAME [yes|no]",
        "make sure that somebody is who he says",
        (
            "It shows 60 digits, which he sees too. Compare them face to face or by voice.",
            "yes: from then on he counts as verified, whatever his nick; no ends that.",
        ),
    ),
    CommandSpec(
        "block",
        "/block NAME",
        "show nothing of somebody any more",
        (
            "His key is blocked, so another nick does not help him. He is not told.",
            "His direct messages and the guests of his node are not shown either.",
        ),
    ),
    CommandSpec("unblock", "/unblock NAME", "show somebody again"),
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

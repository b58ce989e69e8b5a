"""What a line of input means.

The worst error of a chat is a silent leak: a mistyped command that everybody reads. So the
decision is made on a copy without blanks or invisible characters around it, and whatever looks
like a command or like a direct message, but is none, comes back as `SetBack` or `NotYet`.

In this order, the first that fits:

 1. nothing visible: nothing
 2. `//text`, `@@text`: the text without its first character
 3. `/say text`, `/ text`: the text, whatever it is
 4. `/name`: a command, or an error
 5. just `exit` or `quit`: leave
 6. `connect ADDR`, `connect HOST PORT`: connect, or an error
 7. just `connect`: look around for others
 8. `connect` and more words: text, unless the second one is an address
 9. `@name text`: a direct message
10. a text with an invite in it: an error
11. anything else: text

Several lines are text as they are, but for `/say`, for direct messages, for an invite in it.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

from p2pchat.core.values import Address
from p2pchat.errors import BadAddress, BadNick
from p2pchat.nicks import check_nick
from p2pchat.sanitize import is_invisible, visible_line
from p2pchat.ui.commands import (
    HISTORY_LIMIT_MESSAGES,
    HISTORY_MESSAGES,
    Act,
    ChangeNick,
    Clear,
    Command,
    Connect,
    Disconnect,
    Nothing,
    NotYet,
    Quit,
    Say,
    SetBack,
    ShowHelp,
    ShowHistory,
    ShowPeers,
    ShowSeen,
    built_words,
    find,
)

if TYPE_CHECKING:
    from collections.abc import Callable

INVITE_SCHEME: Final = "p2pchat://"
"""Begins every invite; whoever reads one with a secret is in the room."""

_SHOWN_CHARACTERS: Final = 40
"""How much of somebody's input an error repeats."""

_ERROR_CHARACTERS: Final = 300

_PRIVATE: Final = frozenset({"msg", "reply"})
"""Commands whose text is for one person only, so that it may not leak as several lines."""


@dataclass(frozen=True, slots=True)
class _Input:
    """One accepted buffer, cut for the decision."""

    buffer: str
    lead: str
    """Blanks and invisible characters before everything else."""
    body: str
    """What follows them, without blanks at the end."""
    core: str
    """The body without invisible characters at the end: what decides."""


def parse(buffer: str) -> Command:
    """Return what one accepted buffer means; never raises, whatever the buffer."""
    typed = _cut(buffer)
    if not typed.core:
        return Nothing()
    if "\n" in typed.core:
        return _several_lines(typed)
    return _one_line(typed)


def without_invisible(text: str) -> str:
    """Return the text from its first to its last visible character, which may be nothing."""
    start, end = 0, len(text)
    while start < end and is_invisible(text[start]):
        start += 1
    while start < end and is_invisible(text[end - 1]):
        end -= 1
    return text[start:end]


def _cut(buffer: str) -> _Input:
    kept = buffer.rstrip()
    core = without_invisible(kept)
    start = kept.find(core) if core else len(kept)
    return _Input(buffer, kept[:start], kept[start:], core)


def _one_line(typed: _Input) -> Command:
    core = typed.core
    if core.startswith(("//", "@@")):
        return _broadcast(typed.lead + typed.body[1:], typed)
    if core.startswith("/"):
        return _slash(typed)
    if core in ("exit", "quit"):
        return Quit()
    words = core.split()
    if words[0] == "connect":
        meant = _bare_connect(words, typed)
        if meant is not None:
            return meant
    sign = _sign_of(core)
    if sign == "@":
        return _direct(typed)
    if sign == "/":
        return _set_back(
            typed,
            "that is not the slash that begins a command. Commands begin with /; "
            "to send it as text: /say, then the text",
            "unknown-command",
        )
    return _broadcast(typed.lead + typed.body, typed)


def _several_lines(typed: _Input) -> Command:
    core = typed.core
    # "@@ -1,3 +1,4 @@" begins many a pasted patch, "//" many a pasted comment.
    if _sign_of(core) == "@" and not core.startswith("@@"):
        return _direct(typed)
    if core.startswith("/") and core[1].isspace():
        return _say(typed.body[2:], typed)
    if core.startswith("/") and core[1] != "/":
        specs = find(core[1:].split(None, 1)[0])
        name = specs[0].name if len(specs) == 1 else None
        if name == "say":
            return _say(_after_word(typed), typed)
        if name in _PRIVATE:
            return NotYet(f"/{name}", typed.buffer)
    return _broadcast(typed.lead + typed.body, typed)


def _sign_of(core: str) -> str:
    """Return `/` or `@` also for the wide forms, which input methods for Chinese type."""
    return unicodedata.normalize("NFKC", core[0])


def _broadcast(text: str, typed: _Input) -> Command:
    return _refusal_of(text, typed) or Say(text)


def _refusal_of(text: str, typed: _Input) -> SetBack | None:
    if INVITE_SCHEME in text.lower():
        return _set_back(
            typed,
            "that text holds an invite, and whoever reads an invite may get into the room. "
            "Nothing was sent. To send it all the same: /say, then the text",
            "bad-input",
        )
    return _broken_text(text, typed)


def _broken_text(text: str, typed: _Input) -> SetBack | None:
    if is_whole(text):
        return None
    return _set_back(typed, BROKEN_TEXT, "bad-input")


BROKEN_TEXT: Final = "that text holds half a character (a lone surrogate). Nothing was sent."


def is_whole(text: str) -> bool:
    """Tell whether the text has a UTF-8 form, as everything that is sent must."""
    if text.isascii():
        return True
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _direct(typed: _Input) -> Command:
    name = typed.core.split(None, 1)[0]
    if len(name) == 1:
        return _set_back(
            typed,
            "a name must follow @ at once. Nothing was sent. To send it as text: @@",
            "bad-input",
        )
    return NotYet(name, typed.buffer)


def _bare_connect(words: list[str], typed: _Input) -> Command | None:
    """Return what `connect` without slash means, None for plain text."""
    if len(words) == 1:
        return _look_around(typed)
    hint = f"      To say it instead: /say {visible_line(typed.core, _SHOWN_CHARACTERS)}"
    if len(words) == 2:
        return _dial(words[1], typed, hint)
    if len(words) == 3 and _is_port(words[2]):
        return _dial(_joined(words[1], words[2]), typed, hint)
    if _is_invite(words[1]) or _is_address(words[1]):
        return _set_back(typed, f"one address follows connect, nothing else.{hint}", "bad-input")
    return None


def _look_around(typed: _Input) -> Command:
    return NotYet("connect without an address", typed.buffer)


def _dial(target: str, typed: _Input, hint: str = "") -> Command:
    if _is_invite(target):
        return NotYet("connect with an invite", typed.buffer)
    try:
        return Connect(Address.parse(target))
    except BadAddress as fault:
        shown = visible_line(str(fault), _ERROR_CHARACTERS - len(hint))
        return _set_back(typed, shown + hint, fault.code)


def _is_invite(word: str) -> bool:
    return INVITE_SCHEME in word.lower()


def _is_address(word: str) -> bool:
    try:
        Address.parse(word)
    except BadAddress:
        return False
    return True


def _is_port(word: str) -> bool:
    return word.isascii() and word.isdigit() and 1 <= int(word[:6]) <= 65535


def _joined(host: str, port: str) -> str:
    if ":" in host and not host.startswith(("[", "plain://")):
        return f"[{host}]:{port}"
    return f"{host}:{port}"


def _slash(typed: _Input) -> Command:
    if typed.core == "/":
        return _set_back(
            typed,
            "/ alone is no command. /help lists them. To send it as text: //",
            "unknown-command",
        )
    if typed.core[1].isspace():
        return _say(typed.body[2:], typed)
    word = typed.core[1:].split(None, 1)[0]
    shown = visible_line(word, _SHOWN_CHARACTERS)
    name = _resolve(word, typed, f" To send it as text: //{shown}")
    if not isinstance(name, str):
        return name
    return _COMMANDS[name](_after_word(typed), typed)


def _after_word(typed: _Input) -> str:
    """Return what follows the first word and the one blank after it, exactly."""
    word = typed.core.split(None, 1)[0]
    return typed.body[len(word) + 1 :]


def _resolve(word: str, typed: _Input, hint: str) -> str | Command:
    """Return the name of the built command that the word means, or what to do instead."""
    specs = find(word)
    built = [f"/{spec.name}" for spec in specs if spec.built]
    shown = visible_line(word, _SHOWN_CHARACTERS)
    if not specs:
        close = get_close_matches(word[:_SHOWN_CHARACTERS].lower(), built_words(), 1)
        meant = f" Did you mean /{close[0]}?" if close else ""
        return _set_back(typed, f"unknown command /{shown}.{meant}{hint}", "unknown-command")
    if not built:
        return NotYet(f"/{specs[0].name}" if len(specs) == 1 else f"/{word}", typed.buffer)
    if len(specs) > 1:
        choice = " or ".join(built)
        text = f"/{shown} may mean more than one command. Did you mean {choice}?{hint}"
        return _set_back(typed, text, "ambiguous")
    return specs[0].name


def _set_back(typed: _Input, text: str, code: str) -> SetBack:
    return SetBack(text, code, typed.buffer)


def _usage(name: str, typed: _Input) -> SetBack:
    return _set_back(typed, f"usage: {find(name)[0].usage}", "bad-input")


def _words(text: str) -> list[str]:
    return without_invisible(text).split()


def _say(text: str, typed: _Input) -> Command:
    if not without_invisible(text):
        return _usage("say", typed)
    return _broken_text(text, typed) or Say(text)


def _act(text: str, typed: _Input) -> Command:
    if not without_invisible(text):
        return _usage("me", typed)
    return _refusal_of(text, typed) or Act(text)


def _connect(text: str, typed: _Input) -> Command:
    match _words(text):
        case []:
            return _look_around(typed)
        case [target]:
            return _dial(target, typed)
        case [host, port]:
            return _dial(_joined(host, port), typed)
    return _usage("connect", typed)


def _disconnect(text: str, typed: _Input) -> Command:
    match _words(text):
        case [who]:
            return Disconnect(who)
    return _usage("disconnect", typed)


def _nick(text: str, typed: _Input) -> Command:
    wanted = without_invisible(text)
    if not wanted:
        return _usage("nick", typed)
    try:
        return ChangeNick(check_nick(wanted))
    except BadNick as fault:
        return _set_back(typed, str(fault), fault.code)


def _history(text: str, typed: _Input) -> Command:
    match _words(text):
        case []:
            return ShowHistory(HISTORY_MESSAGES)
        case [word]:
            # No more digits than the limit has are read, and none but the plain ones.
            count = int(word) if word.isascii() and word.isdigit() and len(word) < 5 else 0
            if 1 <= count <= HISTORY_LIMIT_MESSAGES:
                return ShowHistory(count)
            shown = visible_line(word, _SHOWN_CHARACTERS)
            text = f"/history takes a number from 1 to {HISTORY_LIMIT_MESSAGES}, not {shown}."
            return _set_back(typed, f"{text} Example: /history 200", "bad-input")
    return _usage("history", typed)


def _help(text: str, typed: _Input) -> Command:
    match _words(text):
        case []:
            return ShowHelp(None)
        case [topic]:
            name = _resolve(topic.removeprefix("/"), typed, "")
            return ShowHelp(name) if isinstance(name, str) else name
    return _usage("help", typed)


def _alone(name: str, command: Command) -> Callable[[str, _Input], Command]:
    def read(text: str, typed: _Input) -> Command:
        return _usage(name, typed) if _words(text) else command

    return read


_COMMANDS: Final[dict[str, Callable[[str, _Input], Command]]] = {
    "help": _help,
    "connect": _connect,
    "disconnect": _disconnect,
    "peers": _alone("peers", ShowPeers()),
    "seen": _alone("seen", ShowSeen()),
    "history": _history,
    "me": _act,
    "nick": _nick,
    "say": _say,
    "clear": _alone("clear", Clear()),
    "quit": _alone("quit", Quit()),
}

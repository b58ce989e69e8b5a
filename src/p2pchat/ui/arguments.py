"""What follows the name of a command, and which command that makes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from p2pchat.errors import BadAddress, BadInvite, BadNick
from p2pchat.nicks import check_nick
from p2pchat.sanitize import visible_line
from p2pchat.ui.command_table import built_words, find
from p2pchat.ui.commands import (
    HISTORY_LIMIT_MESSAGES,
    HISTORY_MESSAGES,
    Act,
    Block,
    ChangeNick,
    Clear,
    Command,
    Connect,
    Disconnect,
    MapForm,
    NotYet,
    PingSomebody,
    Quit,
    Reply,
    Say,
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
from p2pchat.ui.typed import (
    ERROR_CHARACTERS,
    SHOWN_CHARACTERS,
    Typed,
    broken_text,
    refusal_of,
    without_invisible,
    words_of,
)
from p2pchat.wire.invite import is_like_invite, read_target

if TYPE_CHECKING:
    from collections.abc import Callable

    Reader = Callable[[str, Typed], Command]

_BEGINNING_OF_ID: Final = re.compile("[0-9a-f]{4,32}")
"""Fewer digits could be meant as a number, more than 32 no message has."""

_ANSWERS: Final = {"yes": True, "no": False}

_MAP_FORMS: Final = {"--mermaid": MapForm.MERMAID, "--dot": MapForm.DOT}


def resolve(word: str, typed: Typed, hint: str) -> str | Command:
    """Return the name of the built command that the word means, or what to do instead."""
    specs = find(word)
    built = [f"/{spec.name}" for spec in specs if spec.built]
    shown = visible_line(word, SHOWN_CHARACTERS)
    if not specs:
        from difflib import get_close_matches  # noqa: PLC0415 - only whoever mistypes needs it

        close = get_close_matches(word[:SHOWN_CHARACTERS].lower(), built_words(), 1)
        meant = f" Did you mean /{close[0]}?" if close else ""
        return typed.set_back(f"unknown command /{shown}.{meant}{hint}", "unknown-command")
    if not built:
        return NotYet(f"/{specs[0].name}" if len(specs) == 1 else f"/{word}", typed.buffer)
    if len(specs) > 1:
        choice = " or ".join(built)
        text = f"/{shown} may mean more than one command. Did you mean {choice}?{hint}"
        return typed.set_back(text, "ambiguous")
    return specs[0].name


def dial(target: str, typed: Typed, hint: str = "") -> Command:
    """Return what connects with an address or an invite, or what is wrong with it."""
    # An invite is a secret, so no error repeats any of it.
    kept = "" if is_like_invite(target) else hint
    try:
        return Connect(read_target(target))
    except (BadAddress, BadInvite) as fault:
        shown = visible_line(str(fault), ERROR_CHARACTERS - len(kept))
        return typed.set_back(shown + kept, fault.code)


def joined(host: str, port: str) -> str:
    """Return the address that a host and a port make."""
    if ":" in host and not host.startswith(("[", "plain://")):
        return f"[{host}]:{port}"
    return f"{host}:{port}"


def say(text: str, typed: Typed) -> Command:
    """Send a text whatever it looks like."""
    if not without_invisible(text):
        return typed.usage("say")
    return broken_text(text, typed) or Say(text)


def write(text: str, typed: Typed, usage: str) -> Command:
    """Write to one person.

    Args:
        text: The name, a blank or newline, and what he is to read, exactly so.
        typed: The whole input.
        usage: What to type, for whoever left something out.
    """
    who, said = _name_and_rest(text)
    if not who or not without_invisible(said):
        return typed.set_back(f"usage: {usage}. Nothing was sent.", "bad-input")
    return refusal_of(f"{who} {said}", typed) or Write(who, said, typed.buffer)


def _name_and_rest(text: str) -> tuple[str, str]:
    core = without_invisible(text)
    if not core:
        return "", ""
    word = core.split(None, 1)[0]
    return _plain_name(word), text[text.find(core) + len(word) + 1 :]


def _msg(text: str, typed: Typed) -> Command:
    return write(text, typed, find("msg")[0].usage)


def _reply(text: str, typed: Typed) -> Command:
    if not without_invisible(text):
        return typed.usage("reply")
    return refusal_of(text, typed) or Reply(text, typed.buffer)


def _act(text: str, typed: Typed) -> Command:
    if not without_invisible(text):
        return typed.usage("me")
    return refusal_of(text, typed) or Act(text)


def _connect(text: str, typed: Typed) -> Command:
    match words_of(text):
        case []:
            return Connect(None)
        case [target]:
            return dial(target, typed)
        case [host, port]:
            return dial(joined(host, port), typed)
    return typed.usage("connect")


def _disconnect(text: str, typed: Typed) -> Command:
    match words_of(text):
        case [who]:
            return Disconnect(who)
    return typed.usage("disconnect")


def _ping(text: str, typed: Typed) -> Command:
    match words_of(text):
        case [who]:
            return PingSomebody(_plain_name(who))
    return typed.usage("ping")


def _whois(text: str, typed: Typed) -> Command:
    match words_of(text):
        case [who]:
            return ShowWhois(_plain_name(who), typed.buffer)
    return typed.usage("whois")


def _verify(text: str, typed: Typed) -> Command:
    match words_of(text):
        case [who]:
            return Verify(_plain_name(who), None, typed.buffer)
        case [who, answer] if answer.lower() in _ANSWERS:
            return Verify(_plain_name(who), _ANSWERS[answer.lower()], typed.buffer)
    return typed.usage("verify")


def _block(text: str, typed: Typed) -> Command:
    match words_of(text):
        case [who]:
            return Block(_plain_name(who), is_wanted=True, line=typed.buffer)
    return typed.usage("block")


def _unblock(text: str, typed: Typed) -> Command:
    match words_of(text):
        case [who]:
            return Block(_plain_name(who), is_wanted=False, line=typed.buffer)
    return typed.usage("unblock")


def _plain_name(word: str) -> str:
    return word.removeprefix("@") or word


def _map(text: str, typed: Typed) -> Command:
    match words_of(text):
        case []:
            return ShowMap(MapForm.TREE)
        case [option] if option in _MAP_FORMS:
            return ShowMap(_MAP_FORMS[option])
    return typed.usage("map")


def _trace(text: str, typed: Typed) -> Command:
    match words_of(text):
        case []:
            return ShowTrace(None)
        case [word] if _number(word) or _BEGINNING_OF_ID.fullmatch(word.lower()):
            return ShowTrace(word.lower())
        case [word]:
            shown = visible_line(word, SHOWN_CHARACTERS)
            said = (
                f"/trace takes how many messages back, or how the id of one begins, not {shown}. "
                "Example: /trace 2"
            )
            return typed.set_back(said, "bad-input")
    return typed.usage("trace")


def _invite(text: str, typed: Typed) -> Command:
    match words_of(text):
        case []:
            return ShowInvite(as_qr=False)
        case ["qr"]:
            return ShowInvite(as_qr=True)
    return typed.usage("invite")


def _nick(text: str, typed: Typed) -> Command:
    wanted = without_invisible(text)
    if not wanted:
        return typed.usage("nick")
    try:
        return ChangeNick(check_nick(wanted))
    except BadNick as fault:
        return typed.set_back(str(fault), fault.code)


def _history(text: str, typed: Typed) -> Command:
    match words_of(text):
        case []:
            return ShowHistory(HISTORY_MESSAGES)
        case [word]:
            if count := _number(word):
                return ShowHistory(count)
            shown = visible_line(word, SHOWN_CHARACTERS)
            said = f"/history takes a number from 1 to {HISTORY_LIMIT_MESSAGES}, not {shown}."
            return typed.set_back(f"{said} Example: /history 200", "bad-input")
    return typed.usage("history")


def _number(word: str) -> int:
    """Return a number from 1 to the length of the history, 0 for what is none."""
    # No more digits than the limit has are read, and none but the plain ones.
    number = int(word) if word.isascii() and word.isdigit() and len(word) < 5 else 0
    return number if number <= HISTORY_LIMIT_MESSAGES else 0


def _help(text: str, typed: Typed) -> Command:
    match words_of(text):
        case []:
            return ShowHelp(None)
        case [topic]:
            name = resolve(topic.removeprefix("/"), typed, "")
            return ShowHelp(name) if isinstance(name, str) else name
    return typed.usage("help")


def _alone(name: str, command: Command) -> Reader:
    def read(text: str, typed: Typed) -> Command:
        return typed.usage(name) if words_of(text) else command

    return read


READERS: Final[dict[str, Reader]] = {
    "help": _help,
    "connect": _connect,
    "disconnect": _disconnect,
    "peers": _alone("peers", ShowPeers()),
    "who": _alone("who", ShowWho()),
    "map": _map,
    "trace": _trace,
    "seen": _alone("seen", ShowSeen()),
    "msg": _msg,
    "reply": _reply,
    "history": _history,
    "me": _act,
    "nick": _nick,
    "say": say,
    "invite": _invite,
    "whois": _whois,
    "verify": _verify,
    "block": _block,
    "unblock": _unblock,
    "ping": _ping,
    "doctor": _alone("doctor", ShowDoctor()),
    "clear": _alone("clear", Clear()),
    "quit": _alone("quit", Quit()),
}
"""By the name of the command; each takes what follows the name, exactly."""

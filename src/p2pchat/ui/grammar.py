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
 6. `connect ADDR`, `connect HOST PORT`, `connect INVITE`: connect, or an error
 7. just `connect`: look around for others
 8. `connect` and more words: text, unless the second one is an address
 9. `@name text`: a direct message
10. a text with an invite in it that has a secret: an error
11. anything else: text

Several lines are text as they are, but for `/say`, for direct messages, for such an invite.
"""

from __future__ import annotations

import unicodedata
from typing import Final

from p2pchat.core.values import Address
from p2pchat.errors import BadAddress
from p2pchat.sanitize import visible_line
from p2pchat.ui.arguments import READERS, dial, joined, resolve, say, write
from p2pchat.ui.command_table import find
from p2pchat.ui.commands import Command, Connect, Nothing, Quit, Say
from p2pchat.ui.typed import SECRET_TEXT, SHOWN_CHARACTERS, Typed, cut, refusal_of
from p2pchat.wire.invite import holds_secret, is_like_invite

_PRIVATE: Final = frozenset({"msg", "reply"})
"""Commands whose text is for one person only, so that it may not leak as several lines."""


def parse(buffer: str) -> Command:
    """Return what one accepted buffer means; never raises, whatever the buffer."""
    typed = cut(buffer)
    if not typed.core:
        return Nothing()
    if "\n" in typed.core:
        return _several_lines(typed)
    return _one_line(typed)


def _one_line(typed: Typed) -> Command:
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
        return typed.set_back(
            "that is not the slash that begins a command. Commands begin with /; "
            "to send it as text: /say, then the text",
            "unknown-command",
        )
    return _broadcast(typed.lead + typed.body, typed)


def _several_lines(typed: Typed) -> Command:
    core = typed.core
    # "@@ -1,3 +1,4 @@" begins many a pasted patch, "//" many a pasted comment.
    if _sign_of(core) == "@" and not core.startswith("@@"):
        return _direct(typed)
    if core.startswith("/") and core[1].isspace():
        return say(typed.body[2:], typed)
    if core.startswith("/") and core[1] != "/":
        names = {spec.name for spec in find(core[1:].split(None, 1)[0])}
        if names == {"say"}:
            return say(typed.after_word, typed)
        if names & _PRIVATE:
            return _slash(typed)
    return _broadcast(typed.lead + typed.body, typed)


def _sign_of(core: str) -> str:
    """Return `/` or `@` also for the wide forms, which input methods for Chinese type."""
    return unicodedata.normalize("NFKC", core[0])


def _broadcast(text: str, typed: Typed) -> Command:
    return refusal_of(text, typed) or Say(text)


def _direct(typed: Typed) -> Command:
    name = typed.core.split(None, 1)[0]
    if len(name) == 1:
        return typed.set_back(
            "a name must follow @ at once. Nothing was sent. To send it as text: @@",
            "bad-input",
        )
    return write(typed.body[1:], typed, "@NAME TEXT")


def _bare_connect(words: list[str], typed: Typed) -> Command | None:
    """Return what `connect` without slash means, None for plain text."""
    if len(words) == 1:
        return Connect(None)
    hint = f"      To say it instead: /say {visible_line(typed.core, SHOWN_CHARACTERS)}"
    if len(words) == 2:
        return dial(words[1], typed, hint)
    if len(words) == 3 and _is_port(words[2]):
        return dial(joined(words[1], words[2]), typed, hint)
    if is_like_invite(words[1]):
        return typed.set_back("one invite follows connect, nothing else.", "bad-input")
    if _is_address(words[1]):
        return typed.set_back(f"one address follows connect, nothing else.{hint}", "bad-input")
    return None


def _is_address(word: str) -> bool:
    try:
        Address.parse(word)
    except BadAddress:
        return False
    return True


def _is_port(word: str) -> bool:
    return word.isascii() and word.isdigit() and len(word) <= 5 and 1 <= int(word) <= 65535


def _slash(typed: Typed) -> Command:
    if typed.core == "/":
        return typed.set_back(
            "/ alone is no command. /help lists them. To send it as text: //",
            "unknown-command",
        )
    if typed.core[1].isspace():
        return say(typed.body[2:], typed)
    word = typed.core[1:].split(None, 1)[0]
    if holds_secret(typed.core) and not _may_hold_secret(word):
        return typed.set_back(SECRET_TEXT, "bad-input")  # no answer may repeat it
    name = resolve(word, typed, f" To send it as text: //{visible_line(word, SHOWN_CHARACTERS)}")
    if not isinstance(name, str):
        return name
    return READERS[name](typed.after_word, typed)


def _may_hold_secret(word: str) -> bool:
    names = {spec.name for spec in find(word)}
    return bool(names) and names <= {"say", "connect"}

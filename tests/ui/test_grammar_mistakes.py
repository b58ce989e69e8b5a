"""Tests of what is said about a line that means nothing."""

from __future__ import annotations

import pytest

from p2pchat.core.invites import Invite
from p2pchat.ui.commands import SetBack
from p2pchat.ui.grammar import parse
from p2pchat.wire.invite import encode_invite

INVITE = encode_invite(Invite("tea", bytes(range(16))))


@pytest.mark.parametrize(
    ("buffer", "code", "text"),
    [
        ("/peesr", "unknown-command",
         "unknown command /peesr. Did you mean /peers? To send it as text: //peesr"),
        ("/zzzzz", "unknown-command", "unknown command /zzzzz. To send it as text: //zzzzz"),
        ("/usr/bin/python", "unknown-command", "To send it as text: //usr/bin/python"),
        ("  /qiut", "unknown-command", "Did you mean /quit?"),
        ("/", "unknown-command", "/help lists them"),
        (" / ", "unknown-command", "/help lists them"),
        ("/qu\u200bit", "unknown-command", r"unknown command /qu\u200bit"),
        ("/\u200bquit", "unknown-command", r"unknown command /\u200bquit"),
        ("/\x1b[2J", "unknown-command", r"unknown command /\x1b[2J"),
        ("\uff0fquit", "unknown-command", "Commands begin with /"),
        ("\u3000\uff0fquit", "unknown-command", "Commands begin with /"),
        ("/p", "ambiguous", "/p may mean more than one command. Did you mean /peers or /ping?"),
        ("/c", "ambiguous", "Did you mean /connect or /clear?"),
        ("/help zzz", "unknown-command", "unknown command /zzz."),
        ("/help me now", "bad-input", "usage: /help [COMMAND]"),
        ("/connect localhost", "bad-address",
         '"localhost" has no port. Example: connect localhost:55555'),
        ("/connect localhost 99999", "bad-address", "from 1 to 65535"),
        ("/connect localhost 0000099999", "bad-address", "from 1 to 65535"),
        ("/connect a b c", "bad-input", "usage: /connect [ADDRESS|INVITE]"),
        ("/disconnect", "bad-input", "usage: /disconnect NAME|ADDRESS"),
        ("/disconnect \u200b", "bad-input", "usage: /disconnect NAME|ADDRESS"),
        ("/disconnect bob now", "bad-input", "usage: /disconnect NAME|ADDRESS"),
        ("/peers all", "bad-input", "usage: /peers"),
        ("/quit bye", "bad-input", "usage: /quit"),
        ("/clear all", "bad-input", "usage: /clear"),
        ("/history 0", "bad-input", "/history takes a number from 1 to 1000, not 0."),
        ("/history 1001", "bad-input", "a number from 1 to 1000, not 1001."),
        ("/history -5", "bad-input", "a number from 1 to 1000, not -5."),
        ("/history \u0665", "bad-input", "a number from 1 to 1000"),
        ("/history \u00b2", "bad-input", "a number from 1 to 1000"),
        ("/history " + "9" * 10_000, "bad-input", "a number from 1 to 1000"),
        ("/history all", "bad-input", "a number from 1 to 1000, not all."),
        ("/history 5 6", "bad-input", "usage: /history [N]"),
        ("/me", "bad-input", "usage: /me ACTION"),
        ("/me \u200b", "bad-input", "usage: /me ACTION"),
        ("/say", "bad-input", "usage: /say TEXT"),
        ("/say \ufeff", "bad-input", "usage: /say TEXT"),
        ("/nick", "bad-input", "usage: /nick NAME"),
        ("/nick a b", "bad-input", "blank"),
        ("/nick ~guest", "bad-input", "guests"),
        ("connect localhost", "bad-address",
         '"localhost" has no port. Example: connect localhost:55555'
         "      To say it instead: /say connect localhost"),
        ("connect everything", "bad-address", "/say connect everything"),
        ("connect localhost:99999", "bad-address", "from 1 to 65535"),
        ("connect a:b:c", "bad-address", "To say it instead"),
        ("connect ho\x1bst 5", "bad-address", r"ho\x1bst"),
        ("connect 10.0.0.1:5 now", "bad-input", "one address follows connect"),
        ("connect p2pchat://x now", "bad-input", "one invite follows connect"),
        ("connect p2pchat://x", "bad-address", "that invite can't be read: a character is wrong"),
        ("/connect P2PCHAT://x", "bad-address", "that invite can't be read"),
        (f"connect {INVITE} 5", "bad-address", "that invite can't be read"),
        (f"/connect {INVITE[:-1]}", "bad-address", "Copy the whole of it once more"),
        ("connect p2pchat://kQIAAAAA", "bad-address", "that invite can't be read"),
        ("/map --svg", "bad-input", "usage: /map [--mermaid|--dot]"),
        ("/map --dot --mermaid", "bad-input", "usage: /map [--mermaid|--dot]"),
        ("/trace 0", "bad-input", "/trace takes how many messages back"),
        ("/trace 1001x", "bad-input", "/trace takes how many messages back"),
        ("/trace abc", "bad-input", "not abc. Example: /trace 2"),
        ("/trace " + "a" * 33, "bad-input", "/trace takes how many messages back"),
        ("/trace 1 2", "bad-input", "usage: /trace [MESSAGE]"),
        ("/ping", "bad-input", "usage: /ping NAME"),
        ("/ping bob now", "bad-input", "usage: /ping NAME"),
        ("/doctor now", "bad-input", "usage: /doctor"),
        ("/invite bob", "bad-input", "usage: /invite [qr]"),
        ("connect 10.0.0.1:5 7", "bad-address", "To say it instead"),
        ("@ bob secret", "bad-input", "a name must follow @ at once"),
        ("@\nsecret", "bad-input", "a name must follow @ at once"),
        ("look: p2pchat://1/lobby?s=abc", "bad-input", "holds an invite with a secret"),
        ("P2PChat://1/lobby", "bad-input", "holds an invite with a secret"),
        ("@bob p2pchat://1", "bad-input", "holds an invite with a secret"),
        ("@bob\np2pchat://1", "bad-input", "holds an invite with a secret"),
        ("/msg bob p2pchat://1", "bad-input", "holds an invite with a secret"),
        ("/r p2pchat://1", "bad-input", "holds an invite with a secret"),
        ("/nothing p2pchat://1", "bad-input", "holds an invite with a secret"),
        ("/p2pchat://1", "bad-input", "holds an invite with a secret"),
        ("/ping p2pchat://1", "bad-input", "holds an invite with a secret"),
        ("/nick p2pchat://1", "bad-input", "holds an invite with a secret"),
        ("//p2pchat://1", "bad-input", "holds an invite with a secret"),
        ("@@bob p2pchat://1", "bad-input", "holds an invite with a secret"),
        ("/me shares p2pchat://1", "bad-input", "holds an invite with a secret"),
        ("one\np2pchat://1\ntwo", "bad-input", "holds an invite with a secret"),
        ("connect the dots p2pchat://1", "bad-input", "holds an invite with a secret"),
        ("broken \ud83d text", "bad-input", "half a character"),
        ("/say broken \ud83d text", "bad-input", "half a character"),
        ("/me is \udcff", "bad-input", "half a character"),
    ],
)  # fmt: skip
def test_a_mistake_is_explained_and_the_line_set_back(buffer: str, code: str, text: str) -> None:
    command = parse(buffer)

    assert isinstance(command, SetBack)
    assert text in command.text
    assert command.code == code
    assert command.line == buffer


@pytest.mark.parametrize("form", ["{}", "connect {} now", "connect {}x", "{} 5", "/connect a {} b"])
def test_no_error_repeats_an_invite(form: str) -> None:
    command = parse(form.format(INVITE))

    assert isinstance(command, SetBack)
    assert INVITE[10:20] not in command.text

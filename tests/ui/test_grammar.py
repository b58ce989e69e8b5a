"""Tests of what a line of input means."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from p2pchat.core.invites import Invite
from p2pchat.core.values import Address
from p2pchat.sanitize import is_invisible, visible_line
from p2pchat.ui.command_table import COMMANDS, find
from p2pchat.ui.commands import (
    Act,
    Block,
    ChangeNick,
    Clear,
    Command,
    Connect,
    Disconnect,
    MapForm,
    Nothing,
    NotYet,
    PingSomebody,
    Quit,
    Reply,
    Say,
    SetBack,
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
from p2pchat.ui.grammar import parse
from p2pchat.ui.typed import is_whole, without_invisible
from p2pchat.wire.invite import encode_invite, holds_secret

TEA = Invite("tea", bytes(range(16)))
INVITE = encode_invite(TEA)
WORDS = [f"/{word}" for spec in COMMANDS for word in spec.words]
PIECES = [
    *WORDS, "/", "//", "@", "@@", "@bob", "/sa", "/s", "connect", "exit", "quit", "localhost:1",
    "10.0.0.1", "55555", "p2pchat://", "P2PCHAT://x", "plain://h:1", "[::1]:5", "text", "me",
    " ", "  ", "\t", "\n", "\u00a0", "\u3000", "\u200b", "\ufeff", "\u202e", "\x1b", "\uff0f",
    "\uff20", "\ud800", "\u0301", "\u2028", "\r", "a", "é",
]  # fmt: skip
LINES = st.lists(st.sampled_from(PIECES), max_size=6).map("".join)
ANYTHING = st.text(st.characters(exclude_categories=())) | LINES
LEADS = st.text(
    st.sampled_from(" \t\n\u00a0\u3000\u200b\u200d\ufeff\u202e\x1b\x00\ufe0f"), max_size=4
)


@pytest.mark.parametrize(
    ("buffer", "command"),
    [
        # 1
        ("", Nothing()),
        ("   \t ", Nothing()),
        ("\n\n", Nothing()),
        ("\u00a0\u200b\ufeff", Nothing()),
        # 2
        ("//quit", Say("/quit")),
        ("  //quit", Say("  /quit")),
        ("//", Say("/")),
        ("///", Say("//")),
        ("@@bob hi", Say("@bob hi")),
        ("@@", Say("@")),
        # 3
        ("/say hello", Say("hello")),
        ("/say /quit", Say("/quit")),
        ("/say exit", Say("exit")),
        ("/say   indented", Say("  indented")),
        ("/say connect 10.0.0.1:5", Say("connect 10.0.0.1:5")),
        ("/say p2pchat://1/lobby?s=abc", Say("p2pchat://1/lobby?s=abc")),
        ("/say @bob hi  ", Say("@bob hi")),
        ("/say one\n/quit", Say("one\n/quit")),
        ("/say\none\ntwo", Say("one\ntwo")),
        ("/SAY hello", Say("hello")),
        ("/sa hello", Say("hello")),
        ("  /say hello", Say("hello")),
        ("/ hello", Say("hello")),
        ("/ /quit", Say("/quit")),
        ("/\thello", Say("hello")),
        ("/ one\ntwo", Say("one\ntwo")),
        # 4
        ("/help", ShowHelp(None)),
        ("/help connect", ShowHelp("connect")),
        ("/help /connect", ShowHelp("connect")),
        ("/he\u200b", ShowHelp(None)),
        ("/help q", ShowHelp("quit")),
        ("/connect localhost:55555", Connect(Address("localhost", 55555))),
        ("/connect localhost 55555", Connect(Address("localhost", 55555))),
        ("/connect ::1 5", Connect(Address("::1", 5))),
        ("/disconnect bob", Disconnect("bob")),
        ("/dis bob#k3f9", Disconnect("bob#k3f9")),
        ("/disconnect 10.0.0.1:5", Disconnect("10.0.0.1:5")),
        ("/peers", ShowPeers()),
        ("/names", ShowPeers()),
        ("/w", ShowPeers()),
        ("/who", ShowWho()),
        ("/map", ShowMap(MapForm.TREE)),
        ("/ma --mermaid", ShowMap(MapForm.MERMAID)),
        ("/map  --dot ", ShowMap(MapForm.DOT)),
        ("/trace", ShowTrace(None)),
        ("/t 1", ShowTrace("1")),
        ("/trace 1000", ShowTrace("1000")),
        ("/trace 09AB", ShowTrace("09ab")),
        ("/trace " + "0" * 32, ShowTrace("0" * 32)),
        ("/seen", ShowSeen()),
        ("/ping bob#k3f9", PingSomebody("bob#k3f9")),
        ("/ping @bob", PingSomebody("bob")),
        ("/doc", ShowDoctor()),
        ("/invite", ShowInvite(as_qr=False)),
        ("/inv qr", ShowInvite(as_qr=True)),
        ("/history", ShowHistory(50)),
        ("/hi\u200b", ShowHistory(50)),
        ("/history 1", ShowHistory(1)),
        ("/history  1000 ", ShowHistory(1000)),
        ("/history 0007", ShowHistory(7)),
        ("/me waves", Act("waves")),
        ("/me  waves  twice ", Act(" waves  twice")),
        ("/nick bob", ChangeNick("bob")),
        ("/nick  bob ", ChangeNick("bob")),
        ("/nick Rene\u0301", ChangeNick("Ren\u00e9")),
        ("/clear", Clear()),
        ("/quit", Quit()),
        ("/exit", Quit()),
        ("/q", Quit()),
        ("/QUIT", Quit()),
        ("  /quit", Quit()),
        ("\u00a0/quit", Quit()),
        ("\u200b/quit\u200b", Quit()),
        ("\ufeff/quit", Quit()),
        ("\t/quit\u3000", Quit()),
        ("\n\n/quit\n", Quit()),
        ("/quit\u00a0", Quit()),
        # 5
        ("exit", Quit()),
        ("quit", Quit()),
        (" exit ", Quit()),
        ("\u00a0quit\u2003", Quit()),
        ("\u200bexit\ufeff", Quit()),
        ("quit\n", Quit()),
        ("exit now", Say("exit now")),
        ("quit?", Say("quit?")),
        # 6
        ("connect 10.0.0.1:5", Connect(Address("10.0.0.1", 5))),
        ("connect 10.0.0.1 5", Connect(Address("10.0.0.1", 5))),
        ("  connect\t10.0.0.1:5  ", Connect(Address("10.0.0.1", 5))),
        ("connect\u00a0localhost:5", Connect(Address("localhost", 5))),
        ("connect [::]:55555", Connect(Address("::", 55555))),
        ("connect [::1]:5", Connect(Address("::1", 5))),
        ("connect ::1 5", Connect(Address("::1", 5))),
        ("connect :5", Connect(Address("", 5))),
        ("connect plain://localhost:5", Connect(Address("localhost", 5, plain=True))),
        ("connect plain://localhost 5", Connect(Address("localhost", 5, plain=True))),
        ("connect the 5", Connect(Address("the", 5))),
        (f"connect {INVITE}", Connect(TEA)),
        (f"connect <{INVITE}>.", Connect(TEA)),
        (f"/connect {INVITE}", Connect(TEA)),
        # 7
        ("connect", Connect(None)),
        (" connect ", Connect(None)),
        ("/connect", Connect(None)),
        # 8
        ("connect the dots", Say("connect the dots")),
        ("connect all 5 dots", Say("connect all 5 dots")),
        ("connect the 65536", Say("connect the 65536")),
        ("connect the 0", Say("connect the 0")),
        ("connect the \u0665", Say("connect the \u0665")),
        ("connected at last", Say("connected at last")),
        ("please connect localhost:5", Say("please connect localhost:5")),
        # 11
        ("hello", Say("hello")),
        ("  hello  ", Say("  hello")),
        ("hello /quit", Say("hello /quit")),
        ("a@b", Say("a@b")),
        ("hello\n/quit", Say("hello\n/quit")),
        ("hello\u200b", Say("hello\u200b")),
        # several lines
        ("/quit\nfoo", Say("/quit\nfoo")),
        ("exit\nquit", Say("exit\nquit")),
        ("connect localhost:5\nfoo", Say("connect localhost:5\nfoo")),
        ("/me waves\nand smiles", Say("/me waves\nand smiles")),
        ("// comment\ncode()", Say("// comment\ncode()")),
        ("@@ -1 +1 @@\n-a\n+b", Say("@@ -1 +1 @@\n-a\n+b")),
        ("/usr/bin/env\n/bin/sh", Say("/usr/bin/env\n/bin/sh")),
        ("/\nfoo", Say("foo")),
    ],
)
def test_a_line_means_what_the_grammar_says(buffer: str, command: Command) -> None:
    assert parse(buffer) == command


@pytest.mark.parametrize(
    ("buffer", "word"),
    [("/st", "/stats"), ("/help log", "/log"), ("/notify off", "/notify")],
)
def test_what_is_not_built_is_recognised_and_not_sent(buffer: str, word: str) -> None:
    command = parse(buffer)

    assert command == NotYet(word)
    assert isinstance(command, NotYet)
    assert command.line == buffer
    assert "not in this version yet" in command.text


@pytest.mark.parametrize(
    ("buffer", "command"),
    [
        ("@bob secret", Write("bob", "secret")),
        ("@bob#k3f9 secret ", Write("bob#k3f9", "secret")),
        ("@bob  two blanks", Write("bob", " two blanks")),
        ("  @bob secret", Write("bob", "secret")),
        ("\u200b@bob secret", Write("bob", "secret")),
        ("@bob secret\nmore", Write("bob", "secret\nmore")),
        ("@bob\nsecret", Write("bob", "secret")),
        ("@bob /quit", Write("bob", "/quit")),
        ("\uff20bob secret", Write("bob", "secret")),
        ("\uff20bob secret\nmore", Write("bob", "secret\nmore")),
        ("/msg bob secret", Write("bob", "secret")),
        ("/msg @bob secret", Write("bob", "secret")),
        ("/msg   bob  secret", Write("bob", " secret")),
        ("/dm bob secret", Write("bob", "secret")),
        ("/m bob secret", Write("bob", "secret")),
        ("/msg bob secret\nmore", Write("bob", "secret\nmore")),
        ("/msg\nbob secret", Write("bob", "secret")),
        ("/r secret", Reply("secret")),
        ("/rep secret\nmore", Reply("secret\nmore")),
        ("/whois bob", ShowWhois("bob")),
        ("/whois @bob#k3f9", ShowWhois("bob#k3f9")),
        ("/verify bob", Verify("bob", None)),
        ("/verify bob yes", Verify("bob", True)),
        ("/verify bob NO", Verify("bob", False)),
        ("/block bob", Block("bob", is_wanted=True)),
        ("/unblock bob", Block("bob", is_wanted=False)),
    ],
)
def test_what_is_about_one_person_says_whom_and_keeps_the_line(
    buffer: str, command: Command
) -> None:
    found = parse(buffer)

    assert found == command
    assert isinstance(found, Write | Reply | ShowWhois | Verify | Block)
    assert found.line == buffer


@pytest.mark.parametrize(
    "buffer",
    [
        "@bob", "@bob \u200b", "@ bob secret", "/msg", "/msg bob", "/msg bob\n", "/reply",
        "/reply \u200b", "/whois", "/whois bob cid", "/verify", "/verify bob maybe", "/block",
        "/unblock a b", "@bob \ud800", "/r \ud800", "/d bob secret\nmore",
    ],
)  # fmt: skip
def test_what_is_about_one_person_and_incomplete_sends_nothing(buffer: str) -> None:
    command = parse(buffer)

    assert isinstance(command, SetBack)
    assert command.line == buffer


@given(ANYTHING)
@example("connect ::1 99999999999999999999")
@example("/connect [fe80::1%\x1b]:5")
def test_no_text_makes_the_parser_fail_and_every_error_is_one_short_line(buffer: str) -> None:
    command = parse(buffer)

    if isinstance(command, SetBack | NotYet):
        assert visible_line(command.text) == command.text
        assert 0 < len(command.text) <= 400
        assert command.line == buffer


@given(LEADS, st.sampled_from(["/", "\uff0f"]), ANYTHING)
def test_no_line_that_begins_with_a_slash_leaks(lead: str, slash: str, rest: str) -> None:
    buffer = lead + slash + rest.replace("\n", " ")
    core = without_invisible(buffer)

    command = parse(buffer)

    if isinstance(command, Say):
        word = core[1:].split(None, 1)[0] if core[1:].split() else ""
        says = [spec.name for spec in find(word)] == ["say"]
        assert core.startswith("//") or core[1].isspace() or says


@given(LEADS, st.sampled_from(["@bob", "@b", "/msg bob", "/r", "\uff20bob"]), ANYTHING)
def test_no_private_text_leaks(lead: str, start: str, secret: str) -> None:
    command = parse(f"{lead}{start} {secret}")

    assert isinstance(command, Write | Reply | SetBack)
    if isinstance(command, Write):
        assert command.who in {"bob", "b"}


@given(LEADS, st.sampled_from(["exit", "quit", "/quit", "/exit", "/q"]), LEADS)
def test_leaving_works_whatever_invisible_stands_around_it(
    lead: str, word: str, trail: str
) -> None:
    assert parse(lead + word + trail) == Quit()


@given(ANYTHING)
def test_what_is_said_was_typed(buffer: str) -> None:
    command = parse(buffer)

    if isinstance(command, Say):
        assert without_invisible(command.text) in buffer
        assert without_invisible(command.text)


@given(st.text(), st.text())
def test_say_sends_anything_as_it_is(first: str, rest: str) -> None:
    text = f"{first}x{rest}x"

    assert parse(f"/say {text}") == Say(text)
    assert parse(f"/ {text}") == Say(text)


@given(ANYTHING)
def test_an_invite_with_a_secret_is_sent_only_by_say(buffer: str) -> None:
    core = without_invisible(buffer)

    command = parse(buffer)

    assert not isinstance(command, Write | Reply) or not holds_secret(command.text)
    if isinstance(command, Say | Act) and holds_secret(command.text):
        assert core[0] == "/"
        assert core[1].isspace() or find(core[1:].split()[0])[0].name == "say"


@given(ANYTHING)
def test_only_texts_with_a_utf8_form_are_sent(buffer: str) -> None:
    command = parse(buffer)

    if isinstance(command, Say | Act):
        command.text.encode("utf-8")


@given(st.text(st.characters(exclude_categories=())))
def test_a_text_is_whole_if_it_can_be_encoded(text: str) -> None:
    whole = not any(unicodedata.category(character) == "Cs" for character in text)

    assert is_whole(text) is whole


@given(ANYTHING)
def test_nothing_invisible_is_left_at_either_end(text: str) -> None:
    core = without_invisible(text)

    assert core in text
    assert not core or not (is_invisible(core[0]) or is_invisible(core[-1]))


@pytest.mark.parametrize("spec", [s for s in COMMANDS if not s.built], ids=lambda s: s.name)
def test_no_word_of_an_unbuilt_command_sends_anything(spec: object) -> None:
    words = [word for each in COMMANDS if each is spec for word in each.words]

    assert all(isinstance(parse(f"/{word} some text"), NotYet) for word in words)

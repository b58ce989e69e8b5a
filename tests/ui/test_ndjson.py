"""Tests of the `--json` form."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from p2pchat.core.invites import Invite
from p2pchat.core.notices import (
    Around,
    Connected,
    Dialling,
    Direction,
    Disconnected,
    HeardStatus,
    How,
    Listening,
    NeighbourStatus,
    NickChanged,
    Notice,
    Peers,
    Place,
    Received,
    Remark,
    Sent,
    Skipped,
    Trouble,
)
from p2pchat.core.values import GUEST, Address, Epoch, Kind, Message, PeerId, Person
from p2pchat.sanitize import visible_line
from p2pchat.ui.commands import (
    ChangeNick,
    Command,
    Connect,
    Quit,
    Say,
    SetBack,
    ShowPeers,
    Write,
)
from p2pchat.ui.grammar import parse
from p2pchat.ui.ndjson import (
    REQUEST_LIMIT_CHARACTERS,
    Request,
    encode,
    encode_bye,
    encode_error,
    encode_history,
    encode_peers,
    encode_result,
    parse_request,
)
from p2pchat.ui.typed import without_invisible
from p2pchat.wire.invite import encode_invite

BOB = Person(PeerId(bytes(range(32))), "bob")
BOB_JSON = {"id": bytes(range(32)).hex(), "nick": "bob"}
GUEST_JSON = {"id": None, "nick": "guest"}
HERE = Address("127.0.0.1", 55556)
TS = datetime(2026, 1, 2, 3, 4, 5, 678_999, tzinfo=UTC)
HEAD = {"v": 1, "ts": "2026-01-02T03:04:05.678Z"}
TIME_MS = 1_700_000_000_001
LOBBY = Invite("lobby", None)
INVITE = encode_invite(LOBBY)
TEA = Invite("tea", bytes(range(16)))
SECRET = encode_invite(TEA)
ANYTHING = st.text(st.characters(exclude_categories=()))


def _message(text: str, kind: Kind = Kind.TEXT, *, earlier: bool = False) -> Message:
    return Message(BOB, Epoch(bytes(8)), 3, text, TIME_MS, hops=2, kind=kind, earlier=earlier)


ID = _message("").id
MESSAGE_JSON = {
    "id": ID, "from": BOB_JSON, "text": "hi", "time": "2023-11-14T22:13:20.001Z",
    "hops": 2, "earlier": False,
}  # fmt: skip


@pytest.mark.parametrize(
    ("notice", "fields"),
    [
        (
            Listening(BOB, "lobby", Address("::", 55555), (HERE, Address("fe80::1", 5))),
            BOB_JSON
            | {"type": "ready", "room": "lobby", "port": 55555}
            | {"addresses": ["127.0.0.1:55556", "[fe80::1]:5"]},
        ),
        (
            Connected(BOB, HERE, Direction.OUT),
            {"type": "connected", "peer": BOB_JSON}
            | {"address": "127.0.0.1:55556", "direction": "out"},
        ),
        (
            Connected(BOB, HERE, Direction.IN, already=True),
            {"type": "connected", "peer": BOB_JSON, "address": "127.0.0.1:55556"}
            | {"direction": "in", "already": True},
        ),
        (
            Connected(BOB, HERE, Direction.OUT, how=How.MACHINE, is_news=False),
            {"type": "connected", "peer": BOB_JSON, "address": "127.0.0.1:55556"}
            | {"direction": "out", "how": "machine", "news": False},
        ),
        (
            Disconnected(BOB, HERE, "", is_news=False),
            {"type": "disconnected", "peer": BOB_JSON, "address": "127.0.0.1:55556"}
            | {"reason": "", "news": False},
        ),
        (
            Connected(GUEST, Address("h", 5, plain=True), Direction.OUT, guest=True),
            {"type": "connected", "peer": GUEST_JSON, "guest": True}
            | {"address": "plain://h:5", "direction": "out"},
        ),
        (
            Disconnected(BOB, HERE, "too slow", direction=Direction.IN),
            {"type": "disconnected", "peer": BOB_JSON, "direction": "in"}
            | {"address": "127.0.0.1:55556", "reason": "too slow"},
        ),
        (
            Disconnected(GUEST, HERE, "left", left=True, guest=True),
            {"type": "disconnected", "peer": GUEST_JSON, "guest": True}
            | {"address": "127.0.0.1:55556", "reason": "left"},
        ),
        (Received(_message("hi")), {"type": "message"} | MESSAGE_JSON),
        (
            Received(_message("hi", earlier=True)),
            {"type": "message"} | MESSAGE_JSON | {"earlier": True},
        ),
        (
            Received(_message("hi", Kind.ACTION)),
            {"type": "message"} | MESSAGE_JSON | {"action": True},
        ),
        (
            Received(_message("hi", Kind.GUEST)),
            {"type": "message"} | MESSAGE_JSON
            | {"from": GUEST_JSON, "guest": True, "via": BOB_JSON},
        ),
        (Sent(_message("hi"), 3), {"type": "sent", "id": ID, "text": "hi", "neighbours": 3}),
        (
            Sent(_message("hi", Kind.ACTION), 0),
            {"type": "sent", "id": ID, "text": "hi", "neighbours": 0, "action": True},
        ),
        (NickChanged(BOB, "rob"), {"type": "nick", "who": BOB_JSON, "old": "rob"}),
        (Trouble("no", "refused"), {"type": "error", "message": "no", "code": "refused"}),
    ],
)  # fmt: skip
def test_a_notice_is_one_object_with_just_these_fields(
    notice: Notice, fields: dict[str, object]
) -> None:
    (line,) = encode(notice, TS)

    found = json.loads(line)
    assert found == HEAD | fields
    assert list(found)[:3] == ["v", "type", "ts"]
    assert "\n" not in line


@pytest.mark.parametrize("notice", [Dialling(HERE), Around("2 people"), Remark("fine"), Skipped(3)])
def test_narration_is_nothing_on_standard_output(notice: Notice) -> None:
    assert encode(notice, TS) == []


@pytest.mark.parametrize(
    "notice", [Sent(_message("hi"), 1), Trouble("no", "busy"), Connected(BOB, HERE, Direction.OUT)]
)
def test_the_reference_of_a_request_comes_back(notice: Notice) -> None:
    (line,) = encode(notice, TS, "a\n1")

    assert json.loads(line)["ref"] == "a\n1"


def test_what_nobody_asked_for_carries_no_reference() -> None:
    (line,) = encode(Received(_message("hi")), TS, "a1")

    assert "ref" not in json.loads(line)


def test_times_are_utc_whatever_the_zone() -> None:
    line = encode_bye(TS.astimezone(timezone(timedelta(hours=5, minutes=30))))

    assert json.loads(line) == HEAD | {"type": "bye"}


def test_an_error_is_told_with_its_code() -> None:
    found = json.loads(encode_error("no\x1b", "bad-input", TS, "r"))

    assert found == HEAD | {"type": "error", "message": "no\x1b", "code": "bad-input", "ref": "r"}


def test_a_result_names_its_command() -> None:
    found = json.loads(encode_result("help", [1, None], TS))

    assert found == HEAD | {"type": "result", "command": "help", "data": [1, None]}


def test_peers_are_facts_in_fields() -> None:
    neighbours = (
        NeighbourStatus(
            BOB, HERE, Direction.OUT, 1.23456, 3.0004, 200.0, place=Place.PINNED, how=How.TYPED
        ),
        NeighbourStatus(GUEST, HERE, Direction.IN, None, 1.0, 2.0, guest=True),
    )

    found = json.loads(
        encode_peers(
            Peers(neighbours, (HeardStatus(BOB, 2, 7.5),), frozenset({PeerId(bytes(range(32)))})),
            TS,
            "r",
            lambda peer: peer == BOB.id,
        )
    )

    here = str(HERE)
    assert found == HEAD | {
        "type": "result",
        "command": "peers",
        "ref": "r",
        "data": {
            "neighbours": [
                {"peer": BOB_JSON, "address": here, "direction": "out", "rtt_ms": 1.235,
                 "heard_s": 3.0, "connected_s": 200.0, "place": "pinned", "how": "typed",
                 "verified": True, "blocked": True},
                {"peer": GUEST_JSON, "address": here, "guest": True, "direction": "in",
                 "rtt_ms": None, "heard_s": 1.0, "connected_s": 2.0, "place": "beside",
                 "how": None, "verified": False, "blocked": False},
            ],
            "heard": [{"who": BOB_JSON, "hops": 2, "heard_s": 7.5, "verified": True,
                       "blocked": True}],
        },
    }  # fmt: skip


@given(ANYTHING, ANYTHING)
def test_texts_come_through_exactly_on_one_printable_ascii_line(nick: str, text: str) -> None:
    person = Person(BOB.id, nick)
    message = Message(person, Epoch(bytes(8)), 0, text, TIME_MS)

    (line,) = encode(Received(message), TS)

    assert line.isascii()
    assert line.replace("\x7f", "").isprintable()
    found = json.loads(line)
    assert _pairs_joined(found["text"]) == _pairs_joined(text)
    assert _pairs_joined(found["from"]["nick"]) == _pairs_joined(nick)


def _pairs_joined(text: str) -> str:
    """Two halves side by side are read as one character, as in all of JSON."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


@pytest.mark.parametrize(
    ("request_fields", "command"),
    [
        ({"type": "send", "text": "hello"}, Say("hello")),
        ({"type": "send", "text": "/quit"}, Say("/quit")),
        ({"type": "send", "text": "  exit\n"}, Say("  exit\n")),
        ({"type": "send", "text": f"come: {INVITE}"}, Say(f"come: {INVITE}")),
        ({"type": "command", "line": f"/say {SECRET}"}, Say(SECRET)),
        ({"type": "command", "line": f"connect {SECRET}"}, Connect(TEA)),
        ({"type": "connect", "address": SECRET}, Connect(TEA)),
        ({"type": "send", "text": ""}, Say("")),
        ({"type": "connect", "address": "localhost:5"}, Connect(Address("localhost", 5))),
        ({"type": "connect", "address": "plain://h:5"}, Connect(Address("h", 5, plain=True))),
        ({"type": "connect", "address": f" {INVITE}."}, Connect(LOBBY)),
        ({"type": "command", "line": f"connect {INVITE}"}, Connect(LOBBY)),
        ({"type": "dm", "to": "bob", "text": "secret"}, Write("bob", "secret")),
        ({"type": "command", "line": "/peers"}, ShowPeers()),
        ({"type": "command", "line": " quit "}, Quit()),
        ({"type": "command", "line": "/nick bob"}, ChangeNick("bob")),
        ({"type": "command", "line": "connect localhost 5"}, Connect(Address("localhost", 5))),
        ({"type": "command", "line": "/say hi"}, Say("hi")),
        ({"type": "command", "line": "//hi"}, Say("/hi")),
        ({"type": "command", "line": "@bob hi"}, Write("bob", "hi")),
    ],
)
def test_an_object_asks_for_what_it_says(request_fields: dict[str, str], command: Command) -> None:
    line = json.dumps(request_fields)

    assert parse_request(line) == Request(command)
    with_ref = json.dumps(request_fields | {"ref": "r" * 64})
    assert parse_request(f"\ufeff  {with_ref}\n") == Request(command, "r" * 64)


BAD_LINES = [
    "{", "{}", "{]", '{"type":"send"}', '{"type":"send","text":"a"} x', '{"type":"send","text":1}',
    '{"type":"send","text":null}', '{"type":"send","text":["a"]}', '{"type":"shout","text":"a"}',
    '{"type":["send"],"text":"a"}', '{"type":{"a":1},"text":"a"}', '{"text":"a"}',
    '{"type":"send","text":"a","text":"b"}', '{"type":"send","text":"a","type":"send"}',
    '{"type":"send","text":"a","to":"bob"}', '{"type":"send","text":"a","n":1e999}',
    '{"type":"send","text":NaN}', '{"type":"send","text":"a","n":-Infinity}',
    '{"type":"send","text":"a","n":' + "9" * 10_000 + "}",
    '{"type":"send","text":' + "[" * 100_000 + "}",
    '{"a":' * 20_000,
    '{"type":"send","text":"a","ref":1}', '{"type":"send","text":"a","ref":"' + "r" * 65 + '"}',
    '{"type":"connect"}', '{"type":"connect","address":5}', '{"type":"dm","text":"a"}',
    '{"type":"command","line":"hello"}', '{"type":"command","line":""}x',
    '{"type":"command","line":"/quit\\nfoo"}', "{'type':'send','text':'a'}",
    '{"type":"send","text":"p2pchat://1"}', '{"type":"dm","to":"bob","text":"p2pchat://1"}',
    '{"type":"command","line":"@bob p2pchat://1"}', '{"type":"command","line":"/me p2pchat://1"}',
    '{"type":"send","text":"\\ud800"}', '{"type":"send","text":"a\nb"}', "{hello} world",
]  # fmt: skip


@pytest.mark.parametrize("line", BAD_LINES, ids=lambda line: line[:40])
def test_what_is_no_request_is_bad_input_and_sends_nothing(line: str) -> None:
    command = parse_request(line).command

    assert isinstance(command, SetBack)
    assert command.code == "bad-input"
    assert command.line == line
    assert "Nothing was sent." in command.text
    assert visible_line(command.text) == command.text
    assert len(command.text) < 250


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ('{"type":"connect","address":"localhost","ref":"r"}', "bad-address"),
        ('{"type":"connect","address":"p2pchat://1","ref":"r"}', "bad-address"),
        ('{"type":"command","line":"/peesr","ref":"r"}', "unknown-command"),
        ('{"type":"command","line":"hello","ref":"r"}', "bad-input"),
        ('{"type":"send","ref":"r"}', "bad-input"),
        ('{"type":"shout","ref":"r"}', "bad-input"),
        ('{"type":"send","text":5,"ref":"r"}', "bad-input"),
    ],
)
def test_an_error_keeps_the_reference_and_the_whole_line(line: str, code: str) -> None:
    request = parse_request(line)

    assert isinstance(request.command, SetBack)
    assert (request.command.code, request.command.line, request.ref) == (code, line, "r")


def test_a_line_beyond_the_limit_is_not_even_decoded() -> None:
    line = json.dumps({"type": "send", "text": "x" * REQUEST_LIMIT_CHARACTERS})

    command = parse_request(line).command

    assert isinstance(command, SetBack)
    assert command.code == "too-long"


def test_the_longest_text_fits_when_wholly_escaped() -> None:
    text = "\U0001f600" * 4000

    assert parse_request(json.dumps({"type": "send", "text": text})) == Request(Say(text))


@given(st.text())
def test_a_text_to_send_is_exact(text: str) -> None:
    assert parse_request(json.dumps({"type": "send", "text": text})) == Request(Say(text))


def test_the_history_is_a_result_with_messages_as_they_came() -> None:
    line = encode_history([_message("hi"), _message("hi", earlier=True)], TS, "r")

    assert json.loads(line) == HEAD | {
        "type": "result",
        "command": "history",
        "data": [MESSAGE_JSON, MESSAGE_JSON | {"earlier": True}],
        "ref": "r",
    }


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | ANYTHING,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANYTHING, inner, max_size=3),
    max_leaves=5,
)
FIELD = st.sampled_from(["type", "text", "to", "address", "line", "ref", "x"])
KIND = st.sampled_from(["send", "dm", "connect", "command", "localhost:5", "/quit"])


@given(st.dictionaries(FIELD, KIND | JSON).map(json.dumps) | ANYTHING.map(lambda text: "{" + text))
@example("{" * REQUEST_LIMIT_CHARACTERS)
def test_no_object_makes_the_reader_fail_nor_says_what_it_was_not_asked_to(line: str) -> None:
    request = parse_request(line)

    if isinstance(request.command, Say):
        assert json.loads(line)["type"] in ("send", "command")
    assert request.ref is None or len(request.ref) <= 64


@given(ANYTHING)
@example("hello")
@example("/quit")
@example("connect localhost:5")
def test_any_other_line_follows_the_grammar(line: str) -> None:
    if without_invisible(line).startswith("{"):
        line = f"x{line}"

    assert parse_request(line) == Request(parse(line))

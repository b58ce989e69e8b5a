"""Texts of strangers and of the user: the cleaner, nicks, the grammar, requests, advertisements."""

from __future__ import annotations

import ipaddress
import unicodedata
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final

import zeroconf

from p2pchat.core.contacts import Contacts
from p2pchat.core.limits import LEAST_PORT, RECORD_ADDRESSES
from p2pchat.core.naming import Found, explain, resolve
from p2pchat.core.notices import Received
from p2pchat.core.values import Epoch, Message, PeerId, Person
from p2pchat.crypto.room import Room
from p2pchat.errors import BadNick
from p2pchat.lookalikes import looks, looks_like
from p2pchat.net.advertisements import SERVICE_TYPE, is_near, read_service, text_record
from p2pchat.net.interfaces import InterfaceAddress
from p2pchat.nicks import check_nick, comparable, full_label, label, tame_nick
from p2pchat.sanitize import MARKS_LIMIT, visible, visible_line
from p2pchat.ui.command_table import COMMANDS
from p2pchat.ui.commands import Say, SetBack
from p2pchat.ui.completion import candidates
from p2pchat.ui.grammar import parse
from p2pchat.ui.ndjson import encode, encode_error, parse_request
from tests.fuzz.sinks import assert_harmless, show
from tests.fuzz.target import Reader, Target, piece

ANN: Final = Person(PeerId(bytes(32)), "ann")
BEN: Final = Person(PeerId(bytes(range(32))), "ben")
AT: Final = datetime(2026, 1, 2, tzinfo=UTC)


def _text(data: bytes) -> str:
    """Read any text, lone surrogates too."""
    with suppress(UnicodeDecodeError):
        return data.decode("utf-8", "surrogatepass")
    return data.decode("utf-8", "replace")


def sanitiser(data: bytes) -> None:
    """Whatever is shown of a text, as a whole or in one line, can't steer a terminal."""
    text = _text(data)
    shown, line = visible(text), visible_line(text, 40)
    assert_harmless(shown)
    assert_harmless(line, lines=1)
    assert visible(shown) == shown
    assert len(line) <= 40
    marks = 0
    for character in shown:
        clings = unicodedata.category(character) in ("Mn", "Me") or character in "\u200c\u200d"
        marks = marks + 1 if clings else 0
        assert marks <= MARKS_LIMIT
    show(Received(Message(BEN, Epoch(bytes(8)), 1, text, 1_700_000_000_000)), ANN)


def nicks(data: bytes) -> None:
    """Two nicks: which rules they keep, whether they look alike, whom a name means."""
    one, _, other = _text(data).partition("\n")
    with suppress(BadNick):
        assert check_nick(check_nick(one)) == check_nick(one)
    person = Person(BEN.id, tame_nick(one, PeerId(bytes(range(32)))))
    assert check_nick(person.nick) == person.nick
    assert looks_like(one, other) == looks_like(other, one)
    assert looks_like(one, one)
    assert 1 <= len(looks(one)) <= 2
    if comparable(one) == comparable(other):
        assert looks_like(one, other)
    rival = Person(ANN.id, tame_nick(other, PeerId(bytes(32))))
    for name in (one, other, label(person, [rival]), full_label(person, [rival])):
        outcome = resolve(name, [person, rival], Contacts())
        if not isinstance(outcome, Found):
            assert_harmless(explain(name, outcome), lines=1)
    assert resolve(full_label(person, [rival]), [person, rival], Contacts()) == Found(person)


def grammar(data: bytes) -> None:
    """What a typed line means, and what Tab makes of it."""
    text = _text(data)
    command = parse(text)
    if isinstance(command, SetBack):
        assert command.line == text
        assert_harmless(command.text)
    if isinstance(command, Say):
        command.text.encode()
    for candidate in candidates(text, ("ann", "ben#k3f9"), ("localhost:55555",)):
        assert candidate.start <= 0


def ndjson(data: bytes) -> None:
    """What a line of standard input asks for, and how an error about it is told."""
    request = parse_request(_text(data))
    if isinstance(request.command, SetBack):
        assert_harmless(request.command.text)
        encode_error(request.command.text, request.command.code, AT, request.ref)
    elif isinstance(request.command, Say):
        message = Message(BEN, Epoch(bytes(8)), 1, request.command.text, 1)
        assert all(line.isascii() for line in encode(Received(message), AT))


_ROOMS: Final = (Room("lobby"), Room("den", b"s3cret"))
_LAN: Final = [
    InterfaceAddress("eth0", str(one.ip), one.network)
    for one in map(ipaddress.ip_interface, ("127.0.0.1/8", "192.168.1.5/24", "2001:db8:5::1/64"))
]
_INSTANCE: Final = "0123456789abcdef"


def advertisement(data: bytes) -> None:
    """What a multicast DNS answer says of a service: name, port, TXT record, addresses."""
    reader = Reader(data)
    room = _ROOMS[reader.choice(2)]
    port = reader.byte() << 8 | reader.byte()
    name = _INSTANCE if reader.byte() & 1 else reader.piece().decode("utf-8", "replace")
    record = reader.piece()
    addresses = [raw for raw in reader.pieces() if len(raw) in (4, 16)]
    try:
        said = zeroconf.ServiceInfo(
            SERVICE_TYPE, f"{name}.{SERVICE_TYPE}", addresses=addresses, port=port,
            properties=record,
        )  # fmt: skip
    except (zeroconf.Error, ValueError):  # the library refuses it before we see it
        return
    found = read_service(said, room, lambda ip: is_near(ip, _LAN))
    if found is not None:
        assert 1 <= len(found.addresses) <= RECORD_ADDRESSES
        assert all(LEAST_PORT <= one.port <= 65_535 for one in found.addresses)
        assert all(str(one).isascii() for one in found.addresses)


def _advertisement_seeds() -> list[bytes]:
    seeds = []
    for number, room in enumerate(_ROOMS):
        record = b"".join(
            bytes([len(key) + 1 + len(value)]) + f"{key}={value}".encode()
            for key, value in text_record(room, _INSTANCE).items()
        )
        near = ipaddress.ip_address("192.168.1.7").packed
        far = ipaddress.ip_address("2001:db8:5::9").packed
        begun = bytes([number]) + (55_555).to_bytes(2, "big")
        seeds.append(begun + b"\x01" + piece(record) + piece(near) + piece(far))
        seeds.append(begun + b"\x00" + piece(b"fedcba9876543210") + piece(record) + piece(near))
    return seeds


_NASTY: Final = (
    "\x1b]52;c;cm0gLXJmIH4=\x07", "\x1b[?1000h", "\x9b31m", "a\r\x1b[2Kb", "\u202eevil\u2066",
    "a\u2028b\u0085c", "e" + "\u0301" * 6, "\U0001f469\u200d\U0001f4bb", "\ud800", "tab\there",
)  # fmt: skip


def _text_seeds() -> list[bytes]:
    return [text.encode("utf-8", "surrogatepass") for text in _NASTY]


def _nick_seeds() -> list[bytes]:
    pairs = (
        ("bob", "b\u043eb"),
        ("IAN", "lan"),
        ("\uff42ob", "BOB"),
        ("~x", "@y"),
        ("re\u0301", "re"),
    )
    return [f"{one}\n{other}".encode() for one, other in pairs]


_COMMANDS: Final = tuple(f"/{word} ".encode() for spec in COMMANDS for word in spec.words)


def _grammar_seeds() -> list[bytes]:
    texts = ("hello", "//quit", "@ben hi", "@@ben", "connect h 55555", "connect [::1]:5", "exit")
    return [*_COMMANDS, *(text.encode() for text in texts)]


def _request_seeds() -> list[bytes]:
    return [
        b'{"type":"send","text":"hi","ref":"1"}',
        b'{"type":"dm","to":"@ben","text":"\\ud83d\\ude00"}',
        b'{"type":"connect","address":"plain://localhost:1"}',
        b'{"type":"command","line":"/peers","ref":null}',
        b"/say {x",
        b'{"type":"send","text":"a","text":"b"}',
    ]


_BLANKS: Final = tuple(text.encode() for text in ("\u200b", "\u202e", "\u0301", "\uff0f", "\uff20"))

UI: Final = {
    "sanitiser": Target(sanitiser, _text_seeds, (b"\x1b[", b"\x1b]", *_BLANKS)),
    "nicks": Target(nicks, _nick_seeds, (*_BLANKS, "\u0131".encode(), "\u0440".encode())),
    "grammar": Target(grammar, _grammar_seeds, (*_COMMANDS, *_BLANKS, b"p2pchat://")),
    "ndjson": Target(ndjson, _request_seeds, (b'"ref":', b"\\ud800", b"NaN", b"1e999", b"[[[[")),
    "advertisement": Target(advertisement, _advertisement_seeds, (b"v=1", b"room=", b"tag=")),
}

"""Files of a profile: whatever stands in them, the program starts and believes nothing false."""

from __future__ import annotations

import random
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from p2pchat import settings
from p2pchat.core.address_book import AddressBook
from p2pchat.core.book_entries import BookEntry, BookState
from p2pchat.core.contact_entries import Contact, ContactsState
from p2pchat.core.contacts import Contacts
from p2pchat.core.invites import InvitePlace
from p2pchat.core.limits import TEXT_LIMIT_BYTES
from p2pchat.core.outbox import DirectId, Waiting
from p2pchat.core.records import AddressRecord, Scope
from p2pchat.core.values import Address, NetworkId, PeerId, Person
from p2pchat.crypto.at_rest import seal
from p2pchat.crypto.identity import Identity
from p2pchat.crypto.room import Room
from p2pchat.errors import BadSettings
from p2pchat.store import checked_file, contacts, delivered, key_text, outbox, rooms, running
from p2pchat.store.book_text import read_state, write_state
from p2pchat.store.checked_file import FileKind, with_check
from p2pchat.store.rooms import KnownRoom
from tests.fuzz.target import Reader, Target
from tests.keys import ANN, OTHER, PASSPHRASE, sealed_key

if TYPE_CHECKING:
    from p2pchat.core.holdings import Holding

NETWORK: Final = NetworkId(bytes(range(16)))
WALL_MS: Final = 1_700_000_000_000
BEN: Final = PeerId(bytes(range(32)))
CAT: Final = PeerId(bytes(range(1, 33)))
KEY: Final = bytes(32)
MESSAGE: Final = DirectId(bytes(range(16)))


def _within(holdings: tuple[Holding, ...]) -> None:
    for holding in holdings:
        assert holding.count <= holding.limit, holding


def book(data: bytes) -> None:
    """The line of an address book, its hash being right: what is believed is bounded, and kept."""
    state = read_state(NETWORK, data)
    if state is None:
        return
    known = AddressBook(random.Random(1))
    known.restore(state, WALL_MS)
    _within(known.holdings())
    known.candidates(8, random.Random(2), WALL_MS)
    known.note_failure(BEN, WALL_MS)
    kept = known.snapshot()
    assert read_state(NETWORK, write_state(NETWORK, kept).encode()) == kept
    again = AddressBook(random.Random(3))
    again.restore(kept, WALL_MS)
    assert again.snapshot() == kept


def _record(addresses: tuple[Address, ...]) -> AddressRecord:
    time_ms = WALL_MS - 60_000
    return AddressRecord(CAT, time_ms, addresses, Scope.MACHINE, True, bytes(64), b"signed")


def _book_seeds() -> list[bytes]:
    near, far = (Address("10.0.0.1", 5555),), (Address("203.0.113.7", 5555), Address("::1", 6000))
    entries = (
        BookEntry(BEN, near, None, None, is_tried=True, heard_ms=1, last_success_ms=WALL_MS - 1000),
        BookEntry(CAT, (), _record(far), BEN, is_tried=False, heard_ms=WALL_MS, failures=2),
    )
    return [
        write_state(NETWORK, BookState(bytes(32), entries, (BEN,))).encode(),
        write_state(NETWORK, BookState(bytes(32), (), ())).encode(),
    ]


def contacts_file(data: bytes) -> None:
    """The line of the contacts, its hash being right: likewise."""
    state = contacts.read_contacts(data)
    if state is None:
        return
    known = Contacts()
    known.restore(state, WALL_MS)
    _within(known.holdings())
    known.meet(BEN, "ben", WALL_MS)
    known.block(Person(CAT, "cat"), WALL_MS)
    kept = known.snapshot()
    assert contacts.read_contacts(contacts.write_contacts(kept).encode()) == kept


def _contact_seeds() -> list[bytes]:
    found = (
        Contact(BEN, "ben", WALL_MS - 5000, WALL_MS, verified_ms=WALL_MS, former_nick="bo"),
        Contact(CAT, "\u0441at", WALL_MS - 9000, WALL_MS, blocked_ms=WALL_MS - 1),
    )
    return [contacts.write_contacts(ContactsState(found[:size])).encode() for size in (0, 1, 2)]


def small_files(data: bytes) -> None:
    """The first byte chooses a kind of file, the rest is what stands in it."""
    content = data[1:]
    match Reader(data).choice(7):
        case 0:
            with suppress(checked_file._Unusable):
                checked_file._parse(content, _KIND, _one_word)
        case 1:
            key = key_text.read_key(content)
            assert key is None or key_text.write_key(key) == content
        case 2:
            node = running._parse(content, _STEM)
            assert node is None or running._parse(running._format(node), _STEM) == node
        case 3:
            records = delivered.decode(content)
            assert len(records) <= len(content) // delivered.RECORD_BYTES
            assert delivered.decode(delivered.encode(records)) == records
        case 6:
            known = rooms._read(content)
            assert known is None or rooms._read(rooms._write(known).encode()) == known
        case 4:
            assert outbox.decode(KEY, MESSAGE, content) is None  # nobody else has the key
        case _:
            sealed = seal(KEY, content, outbox._HEADER + MESSAGE, bytes)
            waiting = outbox.decode(KEY, MESSAGE, outbox._HEADER + sealed)
            assert waiting is None or outbox.encode(KEY, waiting)
            assert waiting is None or waiting.size_bytes <= max(len(content), TEXT_LIMIT_BYTES)


def key_file(data: bytes) -> None:
    """The lines of a key file, their hash being right: a key in its one spelling, or none.

    What costs little is opened, and what costs too much is refused before any of it is spent.
    """
    content = key_text.with_check(data)
    key = key_text.read_key(content)
    if key is None:
        return
    assert key_text.write_key(key) == content
    if isinstance(key, Identity):
        return
    if key.is_bearable and key.cost.memory_kib <= _CHEAP_KIB and key.cost.passes <= _CHEAP_PASSES:
        opened = key.open_(PASSPHRASE)
        assert opened is None or opened.peer == key.peer
    elif not key.is_bearable:
        with suppress(ValueError):
            key.open_(PASSPHRASE)
            raise AssertionError("that was too much work")


_CHEAP_KIB: Final = 64
_CHEAP_PASSES: Final = 4


def _key_seeds() -> list[bytes]:
    keys = (sealed_key(random_bytes=bytes), sealed_key(passphrase=OTHER, random_bytes=bytes), ANN)
    lines = [key_text.write_key(key).partition(b"check ")[0] for key in keys]
    return [*lines, lines[0].replace(b" 8 1 1", b" 4000000000 9 16")]


_STEM: Final = "7-5555-0123456789abcdef"
_KIND: Final = FileKind("word", "a word", 100)


def _one_word(content: bytes) -> bytes | None:
    return content if content.isalpha() else None


def _file_seeds() -> list[bytes]:
    identity = Identity(bytes(32))
    node = running.Running(7, "127.0.0.1", 5555, BEN, _STEM, bytes(running.MARK_BYTES))
    waiting = Waiting(BEN, MESSAGE, WALL_MS, 1, "hi", WALL_MS)
    sealed = outbox.encode(KEY, waiting)
    place = InvitePlace(BEN, (Address("10.0.0.1", 5555),))
    fixed = outbox._FIXED.pack(BEN, WALL_MS, WALL_MS, 1) + b"hi"
    contents = (
        with_check(_KIND, "word"),
        key_text.write_key(identity),
        running._format(node),
        delivered.encode([((BEN, MESSAGE), WALL_MS)] * 2),
        sealed[:-1] + bytes([sealed[-1] ^ 1]),
        fixed,
        rooms._write(KnownRoom(Room("tea", bytes(16)), (place,), "work", 5555)).encode(),
    )
    return [bytes([number]) + content for number, content in enumerate(contents)]


def settings_file(data: bytes) -> None:
    """A settings file and a variable: settings, or the one error with its place."""
    text = data.decode("utf-8", "replace")
    with suppress(BadSettings):
        settings._from_text(text, "file")
    name, _, value = text.partition("=")
    with suppress(BadSettings):
        settings.merged({}, {f"{settings.ENVIRONMENT_PREFIX}{name}": value}, None)


def _settings_seeds() -> list[bytes]:
    texts = (
        'nick = "ann"\nport = 5555\n', 'connect = ["h:1", "[::1]:2"]\n', "manual = true",
        "PORT=5555", "MANUAL=yes", "CONNECT=h:1 h:2", "BACKLOG=5", 'lan = "x"',
    )  # fmt: skip
    return [text.encode() for text in texts]


def _names() -> tuple[bytes, ...]:
    return tuple(f'"{name}":'.encode() for name in ("peer", "nick", "heard_ms", "scope", "record"))


_NUMBERS: Final = (b"null", b"true", b"1e400", b"-1", b"9" * 20, b"9" * 400, b"1.5")

STORE: Final = {
    "book": Target(book, _book_seeds, (*_names(), *_NUMBERS, b'"' * 2)),
    "contacts": Target(contacts_file, _contact_seeds, (*_names(), *_NUMBERS)),
    "files": Target(small_files, _file_seeds, (b"p2pchat ", b" 2\n", b"check ", b"seed ")),
    "keys": Target(key_file, _key_seeds, (b"argon2id ", b"salt ", b"sealed ", b" 8 1 1\n", b"id ")),
    "settings": Target(settings_file, _settings_seeds),
}

"""The documents agree with the code."""

from __future__ import annotations

import hashlib
import hmac
import re
import struct
import subprocess
import sys
import typing
from itertools import count
from typing import TYPE_CHECKING, Final

import msgspec
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from p2pchat import __version__, app, cli
from p2pchat.core import frames
from p2pchat.core.envelopes import Header, Texts
from p2pchat.core.frames import Ack, Announced, Entry, Ping, Span
from p2pchat.core.mesh_frames import (
    PassedRecord,
    PathHop,
    SignedRecord,
    SignedStatement,
    WhoAnswer,
)
from p2pchat.core.reach import REACH_QUERY, ReachQuery
from p2pchat.core.records import RecordHeader
from p2pchat.core.session import TABLE, RefusalReason
from p2pchat.core.topology import StatedNeighbour, StatementHeader
from p2pchat.core.values import Kind
from p2pchat.core.who import WhoQuery
from p2pchat.crypto.identity import is_peer_id
from p2pchat.errors import FrameMalformed
from p2pchat.wire.codec import decode
from tests.documents import BLOCKS, PROTOCOL, README, block_in
from tests.sources import PACKAGE, ROOT, sources

if TYPE_CHECKING:
    from pathlib import Path

ARCHITECTURE: Final = ROOT / "docs" / "architecture.md"
SOURCE_FOLDER: Final = "src/p2pchat"

OPENING_SENTENCE: Final = (
    "An asyncio event loop runs a TCP listener, one reader task per connection, and a "
    "prompt_toolkit input task, and they all share a connection registry that `announce()` "
    "writes to."
)


@pytest.mark.parametrize("name", BLOCKS)
def test_what_is_made_from_the_code_is_current(name: str) -> None:
    path, make = BLOCKS[name]

    found = block_in(path.read_text("utf-8"), name)

    assert found == make(), "bring it up to date: python -m tests.documents"


# --- Links and names --------------------------------------------------------------------------

DOCUMENTS: Final = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK: Final = re.compile(r"\[([^\]]+)\]\(([^)\s]+)(?: \"([^\"]+)\")?\)")


def without_code(text: str) -> str:
    return re.sub(r"```.*?```", "", text, flags=re.DOTALL)


def links(path: Path) -> list[tuple[str, str, str]]:
    """Return text, target and title of each link to a place in the project."""
    found = LINK.findall(without_code(path.read_text("utf-8")))
    return [link for link in found if not link[1].startswith(("http:", "https:", "mailto:"))]


def target_of(path: Path, target: str) -> Path:
    """Return the file that a link leads to; the package may be an installed one."""
    place = (path.parent / target.partition("#")[0]).resolve() if target[0] != "#" else path
    if place.is_relative_to(ROOT / SOURCE_FOLDER):
        return PACKAGE / place.relative_to(ROOT / SOURCE_FOLDER)
    return place


def anchors(path: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", without_code(path.read_text("utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_link_leads_somewhere(path: Path) -> None:
    for text, target, title in links(path):
        place, anchor = target_of(path, target), target.partition("#")[2]

        assert place.exists(), f"[{text}]({target})"
        assert not anchor or anchor in anchors(place), f"[{text}]({target}): no such heading"
        code = place.read_text("utf-8") if title else ""
        names = title.split(".") if title else []
        missing = [name for name in names if not re.search(rf"\b{name}\b", code)]
        assert not missing, f"{place.name} has no {title}"


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_constant_that_is_named_exists(path: Path) -> None:
    code = "\n".join(source.text for source in sources(PACKAGE))
    named = re.findall(r"`([A-Z]+(?:_[A-Z0-9]+)+)`", without_code(path.read_text("utf-8")))
    ours = [name for name in named if not name.startswith(("P2PCHAT_", "NO_", "XDG_"))]

    missing = [name for name in ours if not re.search(rf"\b{name}\b", code)]

    assert not missing


def test_the_architecture_opens_with_the_sentence_and_links_its_nouns_to_the_code() -> None:
    text = ARCHITECTURE.read_text("utf-8")
    first = text.split("\n\n")[1].replace("\n", " ")
    titles = {title for _, target, title in LINK.findall(first) if SOURCE_FOLDER in target}

    assert LINK.sub(r"\1", first) == OPENING_SENTENCE
    assert titles == {
        "asyncio.run", "Listener.serve", "Connection.run", "Terminal._run_prompt",
        "ConnectionRegistry", "Node.announce",
    }  # fmt: skip


def test_no_two_decisions_have_one_number() -> None:
    names = sorted(path.name for path in (ROOT / "docs" / "decisions").glob("*.md"))

    numbers = [int(name[:4]) for name in names]

    assert len(numbers) == len(set(numbers))


# --- README -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("what", "word"), [("run", ".venv/bin/p2pchat"), ("test", "pytest")])
def test_the_quick_start_is_one_command_line_each(what: str, word: str) -> None:
    marked = re.findall(rf"<!-- ci: {what} command -->\n```sh\n(.*?)```", README.read_text("utf-8"),
                        re.DOTALL)  # fmt: skip

    assert len(marked) == 1
    assert marked[0].count("\n") == 1
    assert word in marked[0]


def test_the_check_of_a_clean_checkout_finds_the_test_command() -> None:
    script = ROOT / ".ci" / "readme_command.py"

    done = subprocess.run(
        [sys.executable, script, README], capture_output=True, text=True, check=True, timeout=60
    )

    assert done.stdout.strip().endswith(".venv/bin/pytest -q -n auto")


def test_the_readme_names_every_exit_code() -> None:
    codes = {value for module in (app, cli) for name, value in vars(module).items()
             if name.startswith("EXIT_")}  # fmt: skip

    named = {int(code) for code in re.findall(r"^\| (\d+) \|", README.read_text("utf-8"), re.M)}

    assert named == codes | {0}


def test_the_readme_names_every_type_of_json_output() -> None:
    texts = [
        (PACKAGE / "ui" / f"{name}.py").read_text("utf-8") for name in ("ndjson", "ndjson_direct")
    ]
    written = set(re.findall(r'(?:_line\(|return )"(\w+)", ', "\n".join(texts)))

    sentence = README.read_text("utf-8").partition("The types are ")[2].partition(". ")[0]

    assert set(re.findall(r"`(\w+)`", sentence)) == written


def test_the_changelog_has_a_section_for_the_version() -> None:
    assert f"\n## [{__version__}]" in (ROOT / "CHANGELOG.md").read_text("utf-8")


# --- Protocol ---------------------------------------------------------------------------------


def read_vectors() -> dict[str, bytes]:
    """Return the vectors as somebody else would read them out of the document."""
    block = block_in(PROTOCOL.read_text("utf-8"), "vectors")
    found = re.findall(r"^(\w.*):\n((?:    [0-9a-f]+\n)+)", block, re.MULTILINE)
    return {name: bytes.fromhex(lines) for name, lines in found}


def hkdf(label: bytes, name: bytes, secret: bytes, length: int) -> bytes:
    """RFC 5869 by hand, with one block of output."""
    key = hmac.digest(b"p2pchat/1 room", secret, "sha256")
    return hmac.digest(key, label + b"\0" + name + b"\1", "sha256")[:length]


def plain(payload: bytes) -> typing.Any:
    """Decode msgpack without any type of ours."""
    return msgspec.msgpack.decode(payload)


def test_the_vectors_follow_from_the_prose_without_our_code() -> None:
    given = read_vectors()
    ann, ben, signed = given["id of ann"], given["id of ben"], given["signed"]
    roles = {b"\1": "proof of the dialler", b"\2": "proof of the acceptor"}
    context = b"p2pchat/1 envelope\0"

    salt = hashlib.blake2b(b"p2pchat/1 passphrase\0cellar", digest_size=16).digest()
    assert given["salt of cellar"] == salt
    stretching = Argon2id(salt=salt, length=32, iterations=3, lanes=4, memory_cost=65_536)
    stretching.verify(given["passphrase of cellar"], given["secret of cellar"])
    secrets = {room: given[f"secret of {room}"] for room in ("attic", "cellar")}
    for room, secret in {"lobby": b"", **secrets}.items():
        name = room.encode()
        assert given[f"network id of {room}"] == hkdf(b"network id", name, secret, 16)
        assert given[f"proof key of {room}"] == hkdf(b"proof key", name, secret, 32)
    for room, secret in secrets.items():
        discovery_key = hkdf(b"discovery key", room.encode(), secret, 32)
        assert given[f"discovery key of {room}"] == discovery_key
    for role, proof in roles.items():
        content = role + given["exported"] + ann + ben
        assert given[proof] == hmac.digest(given["proof key of lobby"], content, "sha256")
    assert given["envelope id"] == hashlib.blake2b(context + signed, digest_size=16).digest()
    for number in (5, 6):
        place = ann + given["epoch of ann"] + struct.pack(">Q", number)
        expected = hashlib.blake2b(place, digest_size=16).digest()
        assert given[f"message id of number {number}"] == expected
    Ed25519PublicKey.from_public_bytes(ann).verify(given["signature"], context + signed)
    with pytest.raises(InvalidSignature):
        Ed25519PublicKey.from_public_bytes(ann).verify(given["signature"], signed)


def test_the_frames_of_the_vectors_are_plain_arrays_behind_their_length() -> None:
    given = read_vectors()
    payloads = {name: value[4:] for name, value in given.items() if name.endswith(" framed")}
    header = [
        given["network id of lobby"], given["id of ann"], given["epoch of ann"],
        1_700_000_000_000, 1, 5, 2, b"", given["body"], 0,
    ]  # fmt: skip
    carry = [16, 0, given["envelope id"], given["signature"], given["signed"]]

    for name, payload in payloads.items():
        assert given[name][:4] == struct.pack(">I", len(payload))
    assert plain(given["body"]) == ["ann", ["hello", "gr\u00fc\u00df dich"]]
    assert plain(given["signed"]) == header
    assert plain(payloads["Carry framed"]) == carry
    assert plain(payloads["Hello framed"]) == [
        1, 1, 1, ["membership", "map", "path", "direct", "who"], given["epoch of ann"],
    ]  # fmt: skip
    assert plain(payloads["Proof framed"]) == [2, given["proof of the dialler"]]
    assert plain(payloads["Refusal framed"]) == [4, 2]
    assert plain(payloads["Goodbye framed"]) == [7]


def test_the_frames_of_lazy_push_name_the_envelope() -> None:
    given = read_vectors()
    ann, epoch, name = given["id of ann"], given["epoch of ann"], given["envelope id"]

    assert payload_of("IHave") == [17, [[name, ann, epoch, 5, 2, 0]]]
    assert payload_of("Graft") == [18, [name]]
    assert payload_of("Prune") == [19]


def test_the_frames_of_repair_name_numbers_and_minutes() -> None:
    given = read_vectors()
    ann, epoch, name = given["id of ann"], given["epoch of ann"], given["envelope id"]
    minute = 1_700_000_000_000 // 60_000
    digests = b"".join(hashlib.blake2b(ids, digest_size=8).digest() for ids in (b"", name))

    assert payload_of("Digests") == [32, minute - 1, digests, True]
    assert payload_of("PageAsk") == [33, minute, b""]
    assert payload_of("Page") == [34, minute, b"", [[ann, epoch, [[5, 2]]]], True]
    assert payload_of("Offer") == [35, [[ann, epoch, [[5, 2]]]]]
    assert payload_of("Ask") == [36, 7, 64, 65_536, [[ann, epoch, [[3, 4]]]]]
    assert payload_of("Filled") == [37, 1, name, given["signature"], given["signed"]]
    assert payload_of("Answered") == [38, 7, True]
    assert payload_of("Gone") == [39, ann, epoch, 5]


def test_acknowledgements_and_queries_follow_from_the_prose() -> None:
    given = read_vectors()
    ben, wanted, time_ms = given["id of ben"], given["id of it"], 1_700_000_000_250
    context = b"p2pchat/1 envelope\0"
    acknowledged = wanted + ben + struct.pack(">Q", time_ms)
    flagged, query = plain(given["signed with the flag"]), plain(given["signed query"])

    assert given["acknowledged"] == acknowledged
    Ed25519PublicKey.from_public_bytes(ben).verify(
        given["signature of ben"], b"p2pchat/1 ack\0" + acknowledged
    )
    assert payload_of("Acks") == [20, wanted, [[wanted, ben, time_ms, given["signature of ben"]]]]
    assert flagged[4:8] == [1, 7, 1, b""]
    assert flagged[9] == 1
    assert query[4:8] == [65, 0, 0, bytes(range(16))]
    assert plain(query[8]) == [wanted]
    for name, signed in (("id of it", "signed with the flag"), ("id of the query", "signed query")):
        assert given[name] == hashlib.blake2b(context + given[signed], digest_size=16).digest()


def payload_of(frame: str) -> typing.Any:
    return plain(read_vectors()[f"{frame} framed"][4:])


FRAMES_IN_USE: Final = {taken for _, taken in TABLE} & set(typing.get_args(frames.Frame))
PARTS: Final[set[type[msgspec.Struct]]] = {
    Announced, Ack, Span, Entry, ReachQuery, SignedRecord, PassedRecord, RecordHeader,
    SignedStatement, StatementHeader, StatedNeighbour, PathHop, WhoQuery, WhoAnswer,
}  # fmt: skip


@pytest.mark.parametrize("kind", sorted({*FRAMES_IN_USE, *PARTS}, key=str))
def test_every_frame_is_explained_with_all_its_fields(kind: type[msgspec.Struct]) -> None:
    paragraphs = PROTOCOL.read_text("utf-8").split("\n\n")
    explaining = [text for text in paragraphs if text.startswith(f"**`{kind.__name__}`**")]
    # Ping and Pong share a paragraph that begins with the first of them.
    explaining = explaining or [text for text in paragraphs if f"**`{kind.__name__}`**" in text]

    missing = [name for name in kind.__struct_fields__ if f"`{name}`" not in explaining[0]]

    assert not missing


def test_every_frame_that_can_be_sent_is_in_use() -> None:
    assert set(typing.get_args(frames.Frame)) == FRAMES_IN_USE


def test_every_frame_has_a_vector() -> None:
    given = read_vectors()

    missing = [kind.__name__ for kind in FRAMES_IN_USE if f"{kind.__name__} framed" not in given]

    assert not missing


def test_the_vectors_are_taken_for_frames_by_the_codec() -> None:
    framed = {name: value for name, value in read_vectors().items() if name.endswith(" framed")}

    decoded = {name: decode(value[4:]) for name, value in framed.items()}

    assert {name: f"{type(frame).__name__} framed" for name, frame in decoded.items()} == {
        name: name for name in framed
    }


def test_header_texts_and_refusals_are_explained_field_by_field() -> None:
    text = PROTOCOL.read_text("utf-8")
    rows = [f"| {number} | `{name}` |" for kind in (Header, Texts)
            for number, name in zip(count(), kind.__struct_fields__)]  # fmt: skip
    rows += [f"| {reason.value} | {reason.words} |" for reason in RefusalReason]
    rows += [f"| {kind.value} | `{kind.name}` |" for kind in Kind]
    rows += [f"| {REACH_QUERY} | `REACH_QUERY` |"]

    missing = [row for row in rows if row not in text]

    assert not missing


def test_the_keys_that_nobody_owns_are_refused() -> None:
    listed = block_in(PROTOCOL.read_text("utf-8"), "small order").split("\n")[1:-2]

    assert len(listed) == 4
    for y in listed:
        key = bytearray.fromhex(y)
        assert not is_peer_id(bytes(key))
        key[31] |= 0x80
        assert not is_peer_id(bytes(key))


def test_what_the_protocol_calls_a_fault_is_one() -> None:
    token_as_text, missing_token = b"\x92\x05\xa1\x37", b"\x91\x05"
    two_values, unknown_below_128 = b"\x92\x05\x07\x00", b"\x92\x63\x07"

    for payload in (token_as_text, missing_token, two_values, unknown_below_128):
        with pytest.raises(FrameMalformed):
            decode(payload)
    assert decode(b"\x93\x05\x07\xc0") == Ping(7)
    assert decode(b"\x92\x05\xcd\x00\x07") == Ping(7)
    assert decode(b"\x92\xcc\x80\x07") == frames.Skipped(128)

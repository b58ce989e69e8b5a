"""What the documents take from the code.

It stands there between `<!-- generated: NAME -->` and `<!-- end -->`. To bring it up to date
after a change:

    .venv/bin/python -m tests.documents
"""

from __future__ import annotations

import re
import typing
from typing import TYPE_CHECKING, Final

from p2pchat import cli
from p2pchat.core import frames, limits
from p2pchat.core.announcements import Batch
from p2pchat.core.broadcast import Broadcast
from p2pchat.core.frames import Goodbye, GoodbyeSeen, Hello, Ping, Pong, Proof, Refusal, Welcome
from p2pchat.core.session import TABLE, RefusalReason
from p2pchat.core.setup import Setup
from p2pchat.core.values import Epoch, Kind, PeerId, fingerprint, message_id
from p2pchat.crypto import identity
from p2pchat.crypto.credentials import NodeCredentials
from p2pchat.crypto.identity import Identity
from p2pchat.crypto.room import Role, Room, make_proof
from p2pchat.settings import Settings
from p2pchat.ui import commands
from p2pchat.wire.codec import Codec, encode
from p2pchat.wire.framing import frame_bytes
from p2pchat.wire.plain_line import guest_line
from tests.sources import ROOT

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence
    from pathlib import Path

README: Final = ROOT / "README.md"
PROTOCOL: Final = ROOT / "docs" / "protocol.md"

BEGIN: Final = "<!-- generated: {} -->\n"
END: Final = "<!-- end -->\n"

LIMITS_SHOWN: Final = (
    ("FRAME_LIMIT_BYTES", "largest payload of a frame once the connection is open"),
    ("OPENING_FRAME_LIMIT_BYTES", "largest payload before that"),
    ("HANDSHAKE_LIMIT_BYTES", "bytes taken from the network before TLS is done"),
    ("CERTIFICATE_LIMIT_BYTES", "largest certificate, DER"),
    ("ABILITIES_LIMIT", "words in a `Hello`"),
    ("UNKNOWN_FRAMES_PER_S", "frames of unknown types from 128 up that are skipped each second"),
    ("OPENING_TIMEOUT_S", "whole opening, TLS included"),
    ("PING_AFTER_S", "silence before a `Ping`"),
    ("DEAD_AFTER_PING_S", "further silence before the connection is given up"),
    ("CROSSING_S", "two connections opened within this time may be crossing dials"),
    ("DUPLICATE_PING_S", "what an old connection has to answer before a newer one replaces it"),
    ("DRAIN_S", "how long the losing one of two connections stays"),
    ("LEAVE_TIMEOUT_S", "whole goodbye"),
    ("END_OF_STREAM_S", "part of it: reading to the end after one's own close_notify"),
    ("CONNECTIONS_LIMIT", "open connections of a node"),
    ("CONNECTIONS_PER_PEER", "of these of one peer, those included that are being closed"),
    ("OPENING_LIMIT", "accepted connections that are not open yet"),
    ("OPENING_PER_PUBLIC_ADDRESS", "of these from one public address"),
    ("OPENING_PER_PRIVATE_ADDRESS", "of these from one private address"),
    ("FORGERIES_LIMIT", "invalid signatures that get an address refused ..."),
    ("FORGERIES_WINDOW_S", "... when they come within this time ..."),
    ("FORGERIES_BAN_S", "... for so long; loopback is never refused"),
    ("SEND_QUEUE_LIMIT_BYTES", "frames waiting for one neighbour; above, it is dropped"),
    ("SEND_QUEUES_TOTAL_BYTES", "all of them together; above, the fullest is dropped"),
    ("STALLED_S", "a neighbour that takes nothing for so long is dropped"),
    ("TEXT_LIMIT_CHARACTERS", "code points of a text"),
    ("TEXT_LIMIT_BYTES", "UTF-8 bytes of a text"),
    ("NICK_LIMIT_CHARACTERS", "code points of a nick"),
    ("ROOM_LIMIT_BYTES", "UTF-8 bytes of a room's name"),
    ("ENVELOPE_TEXTS_LIMIT", "texts in one envelope"),
    ("ENVELOPE_BATCH_BYTES", "UTF-8 bytes of texts that an author gathers in one envelope"),
    ("HOPS_LIMIT", "hops are counted up to here"),
    ("AGE_PAST_S", "an envelope older than this is not taken"),
    ("AGE_FUTURE_S", "nor one so far ahead of one's own clock"),
    ("SEEN_GENERATIONS", "generations of the seen cache ..."),
    ("SEEN_GENERATION_S", "... each of this length ..."),
    ("SEEN_LIMIT_IDS", "... and ids in all of them together"),
    ("GUESTS_LIMIT", "guests of a node, dialled ones not counted"),
    ("GUEST_SILENCE_S", "a silent loopback connection is a guest after this"),
    ("GUEST_LINE_BYTES", "a line of a guest"),
    ("GUEST_BURST_LINES", "lines of a guest at once ..."),
    ("GUEST_LINES_PER_S", "... and each second in the long run"),
    ("GUEST_WAITING_LINES", "lines above that rate that wait; further ones are dropped"),
    ("GUEST_ECHO_S", "how long a line written to guests is known as an echo"),
    ("GUEST_ECHO_LINES", "so many such lines are remembered"),
)  # fmt: skip


# --- What is made from the code ---------------------------------------------------------------


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |\n"
                   for row in lines)  # fmt: skip


def commands_table() -> str:
    rows = [
        (f"`{spec.usage}`", spec.summary, ", ".join(f"`/{alias}`" for alias in spec.aliases))
        for spec in commands.COMMANDS
        if spec.built
    ]
    return table(("type", "to", "also"), rows)


def keys_table() -> str:
    rows = [(f"`{key}`".replace(", ", "`, `"), meaning) for key, meaning in commands._KEYS]
    return table(("key", "does"), rows)


def flags_table() -> str:
    parser = cli.make_parser()
    shown = [action for action in parser._actions if action.dest != "command"]
    rows = [(_flag(action), _variable(action.dest), action.help or "") for action in shown]
    return table(("flag", "variable", "meaning"), rows)


def _flag(action: argparse.Action) -> str:
    values = "|".join(action.choices) if action.choices else action.metavar
    value = f" {values or action.dest.upper()}" if action.nargs != 0 else ""
    *short, long = action.option_strings
    return ", ".join([*(f"`{name}`" for name in short), f"`{long}{value}`"])


def _variable(name: str) -> str:
    return f"`P2PCHAT_{name.upper()}`" if name in Settings.__dataclass_fields__ else ""


def frames_table() -> str:
    kinds = {taken for _, taken in TABLE} & set(typing.get_args(frames.Frame))
    rows = [
        (
            str(kind.__struct_config__.tag),
            f"`{kind.__name__}`",
            ", ".join(f"`{name}`" for name in kind.__struct_fields__) or "none",
        )
        for kind in kinds
    ]
    rows.sort(key=lambda row: int(row[0]))
    return table(("type", "frame", "fields, in this order"), rows)


def limits_table() -> str:
    rows = [(f"`{name}`", _number(getattr(limits, name)), what) for name, what in LIMITS_SHOWN]
    return table(("limit", "value", "what it bounds"), rows)


def _number(value: float) -> str:
    return f"{value:,.10g}".replace(",", " ")


def vectors() -> dict[str, bytes]:
    """Everything that another implementation has to compute alike, from fixed inputs."""
    ann, ben = Identity(bytes(range(32))), Identity(bytes(range(32, 64)))
    epoch, time_ms = Epoch(bytes.fromhex("a0a1a2a3a4a5a6a7")), 1_700_000_000_000
    lobby, attic = Room("lobby"), Room("attic", bytes(range(16)))
    exported = bytes([0x11]) * 32
    setup = Setup(ann.peer, epoch, lobby.network_id, "ann")
    credentials = NodeCredentials(ann, lobby)
    batch = Batch(Kind.TEXT, "ann", 5, ("hello", "gr\u00fc\u00df dich"))
    envelope = Broadcast(setup, Codec(), credentials).seal(batch, time_ms, 0.0)
    proof = make_proof(lobby.proof_key, Role.DIALLER, exported, ann.peer, ben.peer)
    answer = make_proof(lobby.proof_key, Role.ACCEPTOR, exported, ann.peer, ben.peer)
    sent: tuple[frames.Frame, ...] = (
        Hello(1, 1, (), epoch),
        Proof(proof),
        Welcome("ann", time_ms, ("192.0.2.7:55555", "[2001:db8::7]:55555")),
        Refusal(RefusalReason.WRONG_ROOM.value),
        Ping(7),
        Pong(7),
        Goodbye(),
        GoodbyeSeen(),
        envelope.carried(0),
    )
    return {
        "seed of ann": ann.seed,
        "id of ann": ann.peer,
        "seed of ben": ben.seed,
        "id of ben": ben.peer,
        "network id of lobby": lobby.network_id,
        "proof key of lobby": lobby.proof_key,
        "secret of attic": attic.secret or b"",
        "network id of attic": attic.network_id,
        "proof key of attic": attic.proof_key,
        "discovery key of attic": attic.discovery_key,
        "exported": exported,
        "proof of the dialler": proof,
        "proof of the acceptor": answer,
        "epoch of ann": epoch,
        "body": envelope.header.body,
        "signed": envelope.signed,
        "signature": envelope.signature,
        "envelope id": envelope.id,
        "message id of number 5": bytes.fromhex(message_id(ann.peer, epoch, 5)),
        "message id of number 6": bytes.fromhex(message_id(ann.peer, epoch, 6)),
        **{f"{type(frame).__name__} framed": frame_bytes(encode(frame)) for frame in sent},
        "line to a guest": guest_line("ann", "hello\nworld \x1b"),
    }


def vectors_block() -> str:
    lines = [
        f"{name}:\n" + "".join(f"    {line}\n" for line in re.findall(".{1,72}", value.hex()))
        for name, value in vectors().items()
    ]
    ann = PeerId(vectors()["id of ann"])
    lines.append(f"fingerprint of ann:\n    {fingerprint(ann)}\n")
    return "```text\n" + "".join(lines) + "```\n"


def small_order_block() -> str:
    ys = sorted(y.to_bytes(32, "little").hex() for y in identity._SMALL_ORDER)
    return "```text\n" + "".join(f"{y}\n" for y in ys) + "```\n"


BLOCKS: Final[dict[str, tuple[Path, Callable[[], str]]]] = {
    "commands": (README, commands_table),
    "keys": (README, keys_table),
    "flags": (README, flags_table),
    "frames": (PROTOCOL, frames_table),
    "limits": (PROTOCOL, limits_table),
    "small order": (PROTOCOL, small_order_block),
    "vectors": (PROTOCOL, vectors_block),
}


def block_in(text: str, name: str) -> str:
    """Return what stands between the marks, without the empty lines around it."""
    _, begin, rest = text.partition(BEGIN.format(name))
    block, end, _ = rest.partition(END)
    assert begin, f"no {BEGIN.format(name).strip()}"
    assert end, f"{BEGIN.format(name).strip()} has no end"
    return block.strip("\n") + "\n"


def write_all() -> None:
    """Put what the code says into the documents."""
    for name, (path, make) in BLOCKS.items():
        text = path.read_text("utf-8")
        block_in(text, name)  # complains where a mark is missing
        before, begin, rest = text.partition(BEGIN.format(name))
        after = rest.partition(END)[2]
        path.write_text(f"{before}{begin}\n{make()}\n{END}{after}", "utf-8")


if __name__ == "__main__":
    write_all()

"""An input as a sequence of steps of a world, and such sequences written as inputs."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Final

from p2pchat.core.events import (
    AddressFound,
    AskMap,
    AskPath,
    AskWho,
    AskWhoHas,
    BytesReceived,
    BytesTaken,
    ClockSet,
    DialEnded,
    HangUp,
    Leave,
    LinesReceived,
    LookAround,
    NetworkChanged,
    Probed,
    QueueFell,
    QueueRose,
    Rename,
    SendDirect,
)
from p2pchat.core.frames import Proof
from p2pchat.core.notices import Direction, How
from p2pchat.core.outbox import DirectId
from p2pchat.core.values import Address, Kind, Person
from p2pchat.errors import AnnounceOverflow, FrameMalformed, GuestRefused, NoAnswer, TextTooLong
from p2pchat.wire.codec import decode, encode
from p2pchat.wire.plain_line import LineSplitter
from tests.fuzz.target import Reader, piece
from tests.fuzz.world import HOSTS, PEERS, WALL_S, End, World

if TYPE_CHECKING:
    from collections.abc import Collection

    from p2pchat.core.frames import Frame

STEPS_LIMIT: Final = 32
"""Steps of one input that are taken."""

WAITS_S: Final = (
    0.0, 0.01, 0.1, 0.5, 1.0, 2.0, 4.0, 10.0, 30.0, 60.0, 130.0, 600.0, 1_300.0, 4_000.0, 90_000.0,
)  # fmt: skip


class Step(IntEnum):
    """What may happen next; each is followed by its arguments."""

    WAIT = 0
    FRAME = 1
    TRUE_FRAME = 2
    """As FRAME, after a forger with everybody's keys has mended it."""
    OPEN = 3
    START = 4
    SECURE = 5
    END = 6
    LINES = 7
    SIGN = 8
    """Bytes came, or a send queue rose or fell."""
    SAY = 9
    WISH = 10
    """Of the user, or the answer of the world to a wish of the core."""


def play(
    world: World,
    reader: Reader,
    steps: Collection[Step],
    frames: Collection[type] | None = None,
    most: int = STEPS_LIMIT,
) -> None:
    """Take the steps of an input, then look at the world.

    Args:
        world: Whom they happen to.
        reader: The input.
        steps: Which may be taken; a number stands for one of these.
        frames: Which frames may come; None for all.
        most: How many steps at most.
    """
    allowed = sorted(steps)
    for _ in range(most):
        if reader.is_empty:
            break
        _take(world, reader, allowed[reader.choice(len(allowed))], frames)
    world.wait(0.5)
    world.check()


def _take(world: World, reader: Reader, step: Step, frames: Collection[type] | None) -> None:
    match step:
        case Step.WAIT:
            world.wait(WAITS_S[reader.choice(len(WAITS_S))])
        case Step.FRAME | Step.TRUE_FRAME:
            end, payload = _end(world, reader), reader.piece()
            if end is not None:
                _receive(world, end, payload, frames, is_true=step is Step.TRUE_FRAME)
        case Step.OPEN | Step.START:
            number = reader.byte()
            peer, host = PEERS[number % len(PEERS)], HOSTS[(number >> 3) % len(HOSTS)]
            direction = Direction.OUT if number & 0x80 else Direction.IN
            if step is Step.OPEN:
                world.open(peer, direction, host)
            else:
                world.start(peer, direction, host, plain=bool(number & 0xC0 == 0xC0))
        case Step.SECURE:
            if (end := _end(world, reader)) is not None:
                world.secure(end)
        case Step.END:
            if (end := _end(world, reader)) is not None:
                world.end(end, "connection lost")
        case Step.LINES:
            if (end := _end(world, reader)) is not None:
                _hear(world, end, reader.piece())
        case Step.SIGN:
            if (end := _end(world, reader)) is not None:
                signs = (BytesReceived, QueueRose, QueueFell, BytesTaken)
                sign = signs[reader.choice(len(signs))]
                world.feed(sign(end.connection))
        case Step.SAY:
            _say(world, reader)
        case Step.WISH:
            _wish(world, reader)


def _end(world: World, reader: Reader) -> End | None:
    ends = [end for end in world.ends.values() if end.honest is None]
    number = reader.byte()
    return ends[number % len(ends)] if ends else None


def _receive(
    world: World, end: End, payload: bytes, frames: Collection[type] | None, *, is_true: bool
) -> None:
    if end.is_plain or not end.is_secured:
        return
    try:
        frame = decode(payload)
    except FrameMalformed as fault:
        world.end(end, str(fault))
        return
    if frames is not None and type(frame) not in frames:
        return
    if is_true:
        frame = world.forger.mended(frame, end.peer, world.now)
        frame = world.proof(end) if isinstance(frame, Proof) else frame
    world.receive(end, frame)


def _hear(world: World, end: End, data: bytes) -> None:
    if end.is_secured or (end.direction is Direction.OUT and not end.is_plain):
        return
    end.is_plain = True
    try:
        texts = LineSplitter().feed(data)
    except GuestRefused as fault:
        world.end(end, str(fault))
        return
    world.feed(LinesReceived(end.connection, tuple(texts)))


def _say(world: World, reader: Reader) -> None:
    wants_acks, text = bool(reader.byte() & 1), reader.piece().decode("utf-8", "replace")
    try:
        world.core.announce(text * (1 + reader.byte()), wants_acks=wants_acks)
    except (AnnounceOverflow, TextTooLong):
        return
    world.tick()


def _wish(world: World, reader: Reader) -> None:
    which, number = reader.choice(15), reader.byte()
    peer = PEERS[number % len(PEERS)]
    match which:
        case 0:
            world.feed(AskMap())
        case 1:
            world.feed(AskPath(number, bytes(peer[:16] if number & 1 else peer)))
        case 2:
            world.feed(AskWhoHas(None if number & 1 else number))
        case 3:
            message = DirectId(reader.byte().to_bytes(16, "big"))
            text = reader.piece().decode("utf-8", "replace")[:100]
            world.feed(SendDirect(message, Person(peer, "x"), Kind.TEXT, text))
        case 4:
            world.feed(LookAround())
        case 5:
            world.feed(NetworkChanged((Address(HOSTS[number % len(HOSTS)], 55555),)))
        case 6:
            address = Address(HOSTS[number % len(HOSTS)], 1_024 + number)
            known = peer if number & 1 else None
            how = How.LAN if number & 2 else How.MACHINE
            world.feed(AddressFound((address,), how, known, is_same_room=not number & 4))
        case 7 | 8:
            _dialled(world, number, is_open=which == 7)
        case 9:
            if world.probes:
                world.feed(Probed(world.probes.popleft().attempt, bool(number & 1)))
        case 10:
            world.feed(ClockSet(WALL_S + (number - 128) * 60))
        case 11:
            if world.ends:
                ends = list(world.ends)
                world.feed(HangUp(ends[number % len(ends)]))
        case 12:
            world.feed(Rename(f"me{number}"))
        case 14:
            world.feed(AskWho())
        case _:
            world.feed(Leave())


def _dialled(world: World, number: int, *, is_open: bool) -> None:
    """Answer the oldest dial of the core: somebody appears there, or nobody."""
    if not world.dials:
        return
    dial = world.dials.popleft()
    address = dial.addresses[0]
    if not is_open:
        world.feed(DialEnded(dial.attempt, NoAnswer(address, dial.timeout_s)))
        return
    peer = dial.expected if dial.expected is not None and number & 1 else PEERS[number % len(PEERS)]
    world.open(peer, Direction.OUT, HOSTS[1], dial.attempt)


# --- Writing inputs ---------------------------------------------------------------------------


class Script:
    """Writes an input, step by step, for a target that allows those steps."""

    def __init__(self, steps: Collection[Step]) -> None:
        self._numbers = {step: number for number, step in enumerate(sorted(steps))}
        self._written = b""

    def take(self, step: Step, *arguments: int, text: bytes | None = None) -> Script:
        """Add one step."""
        added = bytes((self._numbers[step], *arguments))
        self._written += added + (b"" if text is None else piece(text))
        return self

    def frame(self, frame: Frame, end: int = 0) -> Script:
        """Let a frame arrive that the forger makes true."""
        return self.take(Step.TRUE_FRAME, end, text=encode(frame))

    def bytes(self, begun: bytes = b"") -> bytes:
        """Return the input, behind what a target reads first."""
        return begun + self._written

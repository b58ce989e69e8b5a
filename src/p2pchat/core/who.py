"""Who is here: asks everybody, and answers others who ask."""

from __future__ import annotations

from collections.abc import Callable, Collection
from hashlib import blake2b
from typing import TYPE_CHECKING, Annotated, Final, Protocol

from msgspec import Meta, Struct, field
from msgspec.structs import replace

from p2pchat.core import limits
from p2pchat.core.alarms import earliest
from p2pchat.core.attendance import Attendee
from p2pchat.core.envelopes import NONCE_BYTES, Envelope
from p2pchat.core.events import Effect, Send
from p2pchat.core.holdings import Holding
from p2pchat.core.mesh_frames import WhoAnswer, WhoAnswers
from p2pchat.core.values import ConnectionId, EnvelopeId, PeerId, Person
from p2pchat.nicks import tame_nick

if TYPE_CHECKING:
    from random import Random

    from p2pchat.core.flood import Flood

WHO: Final = "who"
"""Ability: takes part in these questions."""

WHO_QUERY: Final = 68
"""Kind of the passing envelope by which somebody asks; its body is a WhoQuery."""

EVERYBODY: Final = 2**32
"""Share that everybody's mark is below."""

_ANSWER_BYTES: Final = 107
"""Of an answer in a frame, besides its nick."""

_FRAME_BYTES: Final = 32
"""Of a frame with answers, besides these; its length included."""


class WhoQuery(Struct, frozen=True, array_like=True):
    """Asks everybody whose mark for this question is below the share."""

    share: Annotated[int, Meta(ge=1, le=EVERYBODY)]


class WhoCodec(Protocol):
    """Bytes to values and back for the body of a question."""

    def encode_who(self, query: WhoQuery) -> bytes:
        """Make the body."""
        ...

    def decode_who(self, body: bytes) -> WhoQuery:
        """Read the body; FrameMalformed when it is none."""
        ...


class WhoSignatures(Protocol):
    """Signs answers of this node, checks those of all."""

    def sign_who(self, message: bytes) -> bytes:
        """Return this node's 64-byte signature of `who_bytes`, with WHO_CONTEXT."""
        ...

    def is_valid_who(self, peer: PeerId, message: bytes, signature: bytes) -> bool:
        """Tell whether that peer, and nobody else who could be, signed those `who_bytes`."""
        ...


def who_bytes(query: EnvelopeId, peer: PeerId, nick: str) -> bytes:
    """Return what an answer signs: 16 + 32 bytes, then the nick in UTF-8.

    The question's id has its network, author and nonce in it, so no answer fits another one.
    """
    return query + peer + nick.encode()


def mark_of(query: EnvelopeId, peer: PeerId) -> int:
    """Return that peer's mark for a question, 0 to 2^32 - 1: chance that everybody can check."""
    return int.from_bytes(blake2b(query + peer, digest_size=4).digest(), "big")


class _Way(Struct):
    """A question of somebody else that we take part in."""

    query: EnvelopeId
    towards: ConnectionId
    share: int
    ends_at: float
    left_bytes: int = limits.WHO_LIMIT_BYTES
    passed: int = 0
    waiting: list[WhoAnswer] = field(default_factory=list)
    due_at: float | None = None

    @property
    def halvings(self) -> int:
        """How often the share has been halved because so many answers went this way already."""
        above = self.passed - limits.WHO_WHOLE
        return 0 if above < 0 else min(limits.WHO_HALVINGS, 1 + above // limits.WHO_HALVED)

    def take(self, answer: WhoAnswer) -> None:
        """Let an answer wait for the next frame, if its turn and its size allow that."""
        halvings = max(answer.halvings, self.halvings)
        if mark_of(self.query, PeerId(answer.peer)) >= self.share >> halvings:
            return
        size_bytes = size_of(answer) + (0 if self.waiting else _FRAME_BYTES)
        if size_bytes > self.left_bytes:
            return
        self.left_bytes -= size_bytes
        self.passed += 1
        self.waiting.append(replace(answer, halvings=halvings))


class _Own(Struct):
    """A question of our own user."""

    query: EnvelopeId
    share: int
    expected: frozenset[PeerId]
    deadline: float
    quiet_at: float
    brought_bytes: dict[ConnectionId, int] = field(default_factory=dict)
    found: dict[PeerId, Attendee] = field(default_factory=dict)
    estimate: float = 0.0
    is_done: bool = False

    @property
    def ends_at(self) -> float:
        """When to wait no longer: earlier where everybody has answered who was expected."""
        are_all_here = bool(self.expected) and self.expected <= self.found.keys()
        return min(self.deadline, self.quiet_at) if are_all_here else self.deadline


class WhoIsHere:
    """Asks who is here, joins in when others ask, hands on what comes back.

    A question floods as a passing envelope. An answer goes to the neighbour that brought the
    question first; each relay lets answers wait WHO_JOIN_S, so that a neighbourhood shares a
    frame. A node takes part in one question in WHO_EVERY_S, whoever asks, and holds nothing of
    any other: that bounds what strangers can make it do.

    Not everybody has to answer, and not every answer has to arrive, for the asker to know how
    many there are. Everybody has a *mark* for each question, drawn by a hash; whose mark is not
    below the share stays silent. When WHO_WHOLE answers went along a way, the relay halves the
    share for all that follow, and again after each WHO_HALVED. What passes says how often that
    was done: it stands for 2^halvings people. The sum of these is right in the mean, whatever
    the order in which answers come (Horvitz and Thompson 1952).

    Relays do not verify, they count: keys are free, so valid answers cost a liar little more
    than invalid ones. He can invent people with keys of their own, and keep out those behind
    the same neighbour. He can't speak for a key that he does not have. Askers verify.
    """

    def __init__(
        self,
        me: Person,
        codec: WhoCodec,
        signatures: WhoSignatures,
        chance: Random,
        flood: Flood,
        is_blocked: Callable[[PeerId], bool] = lambda _: False,
    ) -> None:
        self._me = me
        self._codec = codec
        self._signatures = signatures
        self._chance = chance
        self._flood = flood
        self._is_blocked = is_blocked
        self._open: dict[ConnectionId, bool] = {}  # whether that neighbour takes part
        self._way: _Way | None = None
        self._own: _Own | None = None
        self._again_at = float("-inf")

    def rename(self, nick: str) -> None:
        """Call ourselves otherwise from now on."""
        self._me = Person(self._me.id, nick)

    def on_open(self, connection: ConnectionId, abilities: Collection[str] = ()) -> None:
        """A connection has been opened; `abilities` are those of the other side's Hello."""
        self._open[connection] = WHO in abilities

    def on_closed(self, connection: ConnectionId) -> None:
        """Nothing may be sent on that connection any more."""
        self._open.pop(connection, None)

    def holdings(self) -> tuple[Holding, ...]:
        """Count what strangers can make grow."""
        waiting = len(self._way.waiting) if self._way else 0
        found = len(self._own.found) if self._own else 0
        return (
            Holding("answers under way", waiting, limits.LIST_LIMIT),
            Holding("answers", found, limits.WHO_KEPT),
        )

    # --- The asker's side ---------------------------------------------------------------------

    def wait_s(self, now: float) -> float:
        """Return how long nobody would answer us, because everybody has just done so; else 0."""
        return max(0.0, self._again_at - now)

    @property
    def is_done(self) -> bool:
        """Whether nothing more is waited for: nothing changes until the next `ask`."""
        return self._own is None or self._own.is_done

    @property
    def answered(self) -> tuple[Attendee, ...]:
        """Who has answered the last question, in the order in which the answers came."""
        return tuple(self._own.found.values()) if self._own else ()

    @property
    def estimate(self) -> int:
        """How many would have, had everybody been asked and every answer fitted."""
        return round(self._own.estimate) if self._own else 0

    def ask(self, known: Collection[PeerId], now: float, wall_ms: int) -> list[Effect]:
        """Ask everybody, or a share of many; nothing happens before `wait_s` is 0.

        Args:
            known: Who was heard in the last 10 minutes, ourselves not counted.
            now: Monotonic seconds.
            wall_ms: Wall clock, for the question.
        """
        if self.wait_s(now):
            return []
        share = _share(len(known), self.estimate)
        body = self._codec.encode_who(WhoQuery(share))
        nonce = self._chance.randbytes(NONCE_BYTES)
        query, effects = self._flood(WHO_QUERY, body, nonce, None, now, wall_ms)
        deadline, quiet_at = now + limits.WHO_ANSWER_S, now + limits.WHO_QUIET_S
        self._own = _Own(query, share, frozenset(known), deadline, quiet_at)
        self._own.is_done = not any(self._open.values())
        self._again_at = now + limits.WHO_EVERY_S
        return effects

    # --- Everybody's side ---------------------------------------------------------------------

    def on_query(self, query: Envelope, connection: ConnectionId, now: float) -> list[Effect]:
        """Take part in somebody's question, unless that was done for another one just now.

        Args:
            query: Of kind WHO_QUERY, new and verified.
            connection: Who brought it.
            now: Monotonic seconds.

        Raises:
            FrameMalformed: It is no question.
        """
        asked = self._codec.decode_who(query.header.body)
        if self._way is not None and now < self._way.ends_at:
            return []
        if not self._open.get(connection) or self._is_blocked(query.author):
            return []
        ends_at = now + limits.WHO_EVERY_S
        self._again_at = max(self._again_at, ends_at)
        self._way = _Way(query.id, connection, asked.share, ends_at)
        self._way.take(self._answer(query.id))
        # Who has one neighbour only has nobody to wait for.
        return self._flush(self._way) if len(self._open) == 1 else self._wait(self._way, now)

    def on_answers(self, connection: ConnectionId, frame: WhoAnswers, now: float) -> list[Effect]:
        """Look at answers at the end of their way, hand them on before it."""
        own, way, query = self._own, self._way, EnvelopeId(frame.way)
        if connection not in self._open:
            return []
        if own is not None and query == own.query:
            self._find(own, connection, frame.answers, now)
            return []
        if way is None or query != way.query or now >= way.ends_at or connection == way.towards:
            return []
        effects: list[Effect] = []
        for answer in frame.answers:
            way.take(replace(answer, hops=min(answer.hops + 1, limits.HOPS_LIMIT)))
            if len(way.waiting) == limits.LIST_LIMIT:
                effects += self._flush(way)
        return effects + self._wait(way, now)

    # --- Time ---------------------------------------------------------------------------------

    def next_deadline(self) -> float | None:
        """When to call `on_time`; None for never."""
        return earliest(
            None if self._way is None else self._way.due_at,
            None if self._own is None or self._own.is_done else self._own.ends_at,
        )

    def on_time(self, now: float) -> list[Effect]:
        """Hand on what has waited long enough; stop waiting for answers."""
        if self._own is not None and self._own.ends_at <= now:
            self._own.is_done = True
        way = self._way
        if way is None or way.due_at is None or way.due_at > now:
            return []
        return self._flush(way)

    # --- Parts of the above -------------------------------------------------------------------

    def _answer(self, query: EnvelopeId) -> WhoAnswer:
        assert self._me.id is not None
        signature = self._signatures.sign_who(who_bytes(query, self._me.id, self._me.nick))
        return WhoAnswer(self._me.id, self._me.nick, signature, 0, 0)

    def _wait(self, way: _Way, now: float) -> list[Effect]:
        if way.waiting and way.due_at is None:
            way.due_at = now + limits.WHO_JOIN_S
        return []

    def _flush(self, way: _Way) -> list[Effect]:
        answers, way.waiting, way.due_at = tuple(way.waiting), [], None
        if not answers or way.towards not in self._open:
            return []
        return [Send((way.towards,), WhoAnswers(way.query, answers))]

    def _find(
        self, own: _Own, connection: ConnectionId, answers: tuple[WhoAnswer, ...], now: float
    ) -> None:
        if own.is_done:
            return
        for answer in answers:
            # Counted before it is verified, for that is what a liar would make expensive.
            brought = own.brought_bytes.get(connection, 0) + size_of(answer)
            if brought > limits.WHO_LIMIT_BYTES or len(own.found) >= limits.WHO_KEPT:
                return
            own.brought_bytes[connection] = brought
            if self._is_true(own, answer):
                person = Person(PeerId(answer.peer), tame_nick(answer.nick, PeerId(answer.peer)))
                hops = min(answer.hops + 1, limits.HOPS_LIMIT)
                own.found[PeerId(answer.peer)] = Attendee(person, hops)
                own.estimate += 2**answer.halvings * EVERYBODY / own.share
                own.quiet_at = now + limits.WHO_QUIET_S

    def _is_true(self, own: _Own, answer: WhoAnswer) -> bool:
        peer = PeerId(answer.peer)
        if peer == self._me.id or peer in own.found:
            return False
        if mark_of(own.query, peer) >= own.share >> answer.halvings:
            return False
        message = who_bytes(own.query, peer, answer.nick)
        return self._signatures.is_valid_who(peer, message, answer.signature)


def size_of(answer: WhoAnswer) -> int:
    """Return how many bytes an answer takes in a frame, at most."""
    return _ANSWER_BYTES + len(answer.nick.encode())


def _share(known: int, estimate: int) -> int:
    """Return which share is to answer, of EVERYBODY.

    The last estimate counts only in a room that is large by what we heard ourselves: liars could
    make a small one look empty by it.
    """
    if known < limits.WHO_SHARED_ABOVE:
        return EVERYBODY
    return EVERYBODY * limits.WHO_AIM // max(known, estimate, limits.WHO_AIM)

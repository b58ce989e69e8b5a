"""The opening of a connection: versions, proof of the room, welcomes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from p2pchat.core import limits
from p2pchat.core.events import Close, Closing, Effect, Failed, Note, Send, Tell
from p2pchat.core.frames import Hello, Proof, Refusal, Welcome
from p2pchat.core.notices import Remark
from p2pchat.core.session import RefusalReason, Session, State
from p2pchat.core.setup import Credentials, Setup
from p2pchat.core.values import Epoch, PeerId, short_fingerprint
from p2pchat.errors import (
    ConnectionEnded,
    DialFailed,
    KeyMismatch,
    NotP2PChat,
    OwnAddress,
    PeerBusy,
    SameIdentity,
    VersionMismatch,
    WrongRoom,
)

_REMARKS_EACH_S = 10.0
"""At most one line about refused strangers in this time: they must not fill the screen."""

_SAME_REMARK_S = 600.0
"""Nor a second one about the same address and reason: a node of another room that was once told to
dial us does so every few minutes."""

_REMARKED_LIMIT = 64
"""Addresses remembered for that; the oldest makes way."""


class Opening:
    """Answers the frames of an opening; says no aloud, and why."""

    def __init__(
        self, setup: Setup, credentials: Credentials, welcome: Callable[[Session, float], Welcome]
    ) -> None:
        self._setup = setup
        self._credentials = credentials
        self._welcome = welcome
        self._remarked_at: float | None = None
        self._remarked: OrderedDict[tuple[str, str], float] = OrderedDict()

    def greet(self, session: Session) -> list[Effect]:
        """Begin, now that the other side's key is known."""
        assert session.peer is not None
        if session.expected is not None and session.peer != session.expected:
            error = KeyMismatch(
                session.address,
                short_fingerprint(session.expected),
                short_fingerprint(session.peer),
                is_own_dial=bool(session.attempt),
            )
            return [
                Failed(session.connection, error),
                Close(session.connection, Closing.AT_ONCE, str(error)),
            ]
        hello = Hello(
            limits.PROTOCOL_LOWEST,
            limits.PROTOCOL_HIGHEST,
            self._setup.abilities,
            bytes(self._setup.epoch),
        )
        return [Send((session.connection,), hello)]

    def on_hello(self, session: Session, hello: Hello, now: float) -> list[Effect]:
        """Agree on a version and find out whether it is ourselves; the dialler then proves."""
        session.hello, session.epoch = hello, Epoch(hello.epoch)
        if min(hello.highest, limits.PROTOCOL_HIGHEST) < max(hello.lowest, limits.PROTOCOL_LOWEST):
            return self._refuse(session, RefusalReason.VERSION, now)
        if session.peer == self._setup.me:
            own_self = session.epoch == self._setup.epoch
            reason = RefusalReason.OWN_SELF if own_self else RefusalReason.SAME_IDENTITY
            return self._refuse(session, reason, now)
        if session.is_dialled:
            return [Send((session.connection,), Proof(self._prove(session)))]
        return []

    def on_proof(
        self, session: Session, proof: Proof, now: float, *, has_room: bool
    ) -> list[Effect]:
        """Check the other side's proof; the acceptor shows its own only then."""
        dialler, acceptor = self._roles(session)
        if not self._credentials.is_proof(
            proof.digest,
            as_dialler=not session.is_dialled,
            exported=session.exported,
            dialler=dialler,
            acceptor=acceptor,
        ):
            return self._refuse(session, RefusalReason.WRONG_ROOM, now)
        welcome = Send((session.connection,), self._welcome(session, now))
        if session.is_dialled:
            return [welcome]
        if not has_room:
            return self._refuse(session, RefusalReason.BUSY, now)
        return [Send((session.connection,), Proof(self._prove(session))), welcome]

    def on_refusal(self, session: Session, refusal: Refusal, now: float) -> list[Effect]:
        """The other side says no: tell whoever waits, and end."""
        try:
            reason = RefusalReason(refusal.reason)
        except ValueError:
            error: DialFailed = ConnectionEnded(
                session.address, f"the other side refused (reason {refusal.reason})"
            )
            words = f"refused with reason {refusal.reason}"
        else:
            error, words = self._error(session, reason), reason.words
        effects: list[Effect] = [
            Failed(session.connection, error),
            Close(session.connection, Closing.AFTER_LAST_FRAME, f"refused: {words}"),
        ]
        return effects + self._remark(session, words, now)

    def _refuse(self, session: Session, reason: RefusalReason, now: float) -> list[Effect]:
        session.state = State.CLOSED
        effects: list[Effect] = [
            Send((session.connection,), Refusal(reason.value)),
            Failed(session.connection, self._error(session, reason)),
            Close(session.connection, Closing.AFTER_LAST_FRAME, f"refused: {reason.words}"),
            Note(f"refused {session.address}: {reason.words}"),
        ]
        return effects + self._remark(session, reason.words, now)

    def _remark(self, session: Session, words: str, now: float) -> list[Effect]:
        """Tell the user of the side that did not dial; the dialler gets its error anyway."""
        if session.is_dialled or (
            session.peer == self._setup.me and session.epoch == (self._setup.epoch)
        ):
            return []
        if self._remarked_at is not None and now - self._remarked_at < _REMARKS_EACH_S:
            return []
        about = (session.host_ip, words)
        if now - self._remarked.get(about, -_SAME_REMARK_S) < _SAME_REMARK_S:
            return []
        self._remarked_at = self._remarked[about] = now
        self._remarked.move_to_end(about)
        if len(self._remarked) > _REMARKED_LIMIT:
            self._remarked.popitem(last=False)
        return [Tell(Remark(f"refused a connection from {session.host_ip}: {words}"))]

    def _error(self, session: Session, reason: RefusalReason) -> DialFailed:
        match reason:
            case RefusalReason.VERSION:
                theirs = session.hello.highest if session.hello else 0
                return VersionMismatch(session.address, theirs, limits.PROTOCOL_HIGHEST)
            case RefusalReason.WRONG_ROOM:
                return WrongRoom(session.address)
            case RefusalReason.OWN_SELF:
                return OwnAddress(session.address)
            case RefusalReason.SAME_IDENTITY:
                return SameIdentity(session.address)
            case RefusalReason.BUSY:
                return PeerBusy(session.address)
            case RefusalReason.DUPLICATE:
                return ConnectionEnded(session.address, "the other side is connected already")

    def _prove(self, session: Session) -> bytes:
        dialler, acceptor = self._roles(session)
        return self._credentials.prove(
            as_dialler=session.is_dialled,
            exported=session.exported,
            dialler=dialler,
            acceptor=acceptor,
        )

    def _roles(self, session: Session) -> tuple[PeerId, PeerId]:
        assert session.peer is not None
        me, other = self._setup.me, session.peer
        return (me, other) if session.is_dialled else (other, me)


def unopened(session: Session) -> DialFailed:
    """Tell why a connection did not open in time, as far as that can be seen."""
    has_tls = session.state is not State.SECURING
    why = "its opening stalled" if has_tls else f"no TLS in {limits.OPENING_TIMEOUT_S:g} s"
    return NotP2PChat(session.address, why)

"""Flood filling: which envelopes are taken, and what becomes of them."""

from __future__ import annotations

from p2pchat.core import limits
from p2pchat.core.announcements import Batch
from p2pchat.core.clock_check import is_timely
from p2pchat.core.envelopes import Envelope, EnvelopeCodec, Header, Texts, is_consistent
from p2pchat.core.frames import Carry
from p2pchat.core.seen import SeenCache
from p2pchat.core.setup import Credentials, Setup
from p2pchat.core.values import EnvelopeId, Kind, envelope_id
from p2pchat.errors import EnvelopeForged, EnvelopeRefused

_READABLE = frozenset(Kind)


class Broadcast:
    """Takes each envelope once, verifies it before anything else happens with it.

    `Arrivals` has the order of work. Only what was verified is remembered: so a forged copy with
    the right id in front can never keep the true one out.
    """

    def __init__(self, setup: Setup, codec: EnvelopeCodec, credentials: Credentials) -> None:
        self._setup = setup
        self._codec = codec
        self._credentials = credentials
        self.seen = SeenCache()
        self._looked_at: dict[EnvelopeId, None] = {}
        self.too_old_or_new = 0
        """Envelopes not taken for their age."""

    def seal(self, batch: Batch, flags: int, wall_ms: int, now: float) -> Envelope:
        """Make the envelope of own messages: encoded once, signed once."""
        body = self._codec.encode_texts(Texts(batch.nick, batch.texts))
        header = Header(
            self._setup.network,
            self._setup.me,
            self._setup.epoch,
            wall_ms,
            batch.kind.value,
            batch.first,
            len(batch.texts),
            b"",
            body,
            flags,
        )
        return self._sealed(header, now)

    def seal_passing(
        self, kind: int, body: bytes, nonce: bytes, wall_ms: int, now: float
    ) -> Envelope:
        """Make an own envelope that is only passed on; `nonce` is 16 random bytes."""
        setup = self._setup
        header = Header(setup.network, setup.me, setup.epoch, wall_ms, kind, 0, 0, nonce, body)
        return self._sealed(header, now)

    def _sealed(self, header: Header, now: float) -> Envelope:
        signed = self._codec.encode_header(header)
        envelope = Envelope(envelope_id(signed), header, self._credentials.sign(signed), signed)
        self.seen.remember(envelope.id, now)
        return envelope

    # --- The order of work on arrival: `knows`, `open_`, `check`, `remember` -------------------

    def knows(self, name: EnvelopeId) -> bool:
        """Tell whether that envelope was taken, or looked at for nothing: copies are worthless."""
        return name in self.seen or name in self._looked_at

    def open_(self, frame: Carry) -> Envelope:
        """Return the envelope of a frame, of whose signature nothing is known.

        Raises:
            EnvelopeRefused: It is not what it claims to be; whoever sent it did not verify it.
            FrameMalformed: Its signed bytes can't be read.
        """
        name = EnvelopeId(frame.id)
        if envelope_id(frame.signed) != name:
            raise EnvelopeRefused("the id in front is not its own")
        header = self._codec.decode_header(frame.signed)
        if not is_consistent(header, self._setup.network):
            raise EnvelopeRefused("of another network")
        return Envelope(name, header, frame.signature, frame.signed)

    def check(self, envelope: Envelope, wall_ms: int) -> bool:
        """Verify an envelope; False, and not verified, where it is too old or too new.

        Raises:
            EnvelopeForged: Its author did not sign it.
        """
        if not is_timely(envelope.header.time_ms, wall_ms):
            # No fault of who sent it: clocks differ, and its own may find it timely.
            self.too_old_or_new += 1
            return False
        if not self._credentials.is_valid(envelope.author, envelope.signed, envelope.signature):
            raise EnvelopeForged
        return True

    def remember(self, envelope: Envelope, now: float) -> None:
        """Take a verified envelope: whatever comes with its id is a copy from now on."""
        self.seen.remember(envelope.id, now)

    def pass_over(self, name: EnvelopeId) -> None:
        """Look no more at what comes live with that id, though it was not taken."""
        self._looked_at[name] = None
        if len(self._looked_at) > limits.LOOKED_AT_LIMIT_IDS:
            del self._looked_at[next(iter(self._looked_at))]

    @property
    def looked_at_count(self) -> int:
        """Envelopes that were not taken, and whose copies are recognised."""
        return len(self._looked_at)

    def read(self, envelope: Envelope) -> Texts | None:
        """Return what people read in it; None for kinds that this version does not know.

        Raises:
            EnvelopeRefused, FrameMalformed: Its author signed nonsense.
        """
        if envelope.header.kind not in _READABLE:
            return None
        texts = self._codec.decode_texts(envelope.header.body)
        if len(texts.texts) != envelope.header.count:
            raise EnvelopeRefused("it holds another number of messages than it says")
        return texts

"""Flood filling: which envelopes are taken, and what becomes of them."""

from __future__ import annotations

from collections.abc import Callable

from p2pchat.core import limits
from p2pchat.core.announcements import Batch
from p2pchat.core.envelopes import Envelope, EnvelopeCodec, Header, Texts, is_consistent
from p2pchat.core.frames import Carry
from p2pchat.core.seen import SeenCache
from p2pchat.core.setup import Credentials, Setup
from p2pchat.core.values import EnvelopeId, Kind, PeerId, envelope_id
from p2pchat.errors import EnvelopeForged, EnvelopeRefused

_READABLE = frozenset(Kind)


class Broadcast:
    """Takes each envelope once, verifies it before anything else happens with it.

    The order of work on arrival: size (the frame's), seen cache (copies are the common case),
    id, network, age, signature; only then it is remembered. A forged copy with the right id
    in front can thus never keep the true one out.
    """

    def __init__(self, setup: Setup, codec: EnvelopeCodec, credentials: Credentials) -> None:
        self._setup = setup
        self._codec = codec
        self._credentials = credentials
        self.seen = SeenCache()
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

    def take(
        self,
        frame: Carry,
        wall_ms: int,
        now: float,
        is_muted: Callable[[PeerId], bool] = lambda _author: False,
    ) -> Envelope | None:
        """Return the envelope of a frame when it is new, wanted and valid.

        None for a copy, for one that is too old or too new, and for one of a muted author:
        that is no fault of who brought it.

        Raises:
            EnvelopeRefused: It is not what it claims to be; whoever sent it did not verify it.
            FrameMalformed: Its signed bytes can't be read.
        """
        name = EnvelopeId(frame.id)
        if name in self.seen:
            return None
        if envelope_id(frame.signed) != name:
            raise EnvelopeRefused("the id in front is not its own")
        header = self._codec.decode_header(frame.signed)
        if not is_consistent(header, self._setup.network):
            raise EnvelopeRefused("of another network")
        envelope = Envelope(name, header, frame.signature, frame.signed)
        if not self._is_timely(envelope, wall_ms):
            # No fault of who sent it: clocks differ, and its own may find it timely.
            self.too_old_or_new += 1
            return None
        if is_muted(envelope.author):
            return None
        if not self._credentials.is_valid(envelope.author, frame.signed, frame.signature):
            raise EnvelopeForged
        self.seen.remember(envelope.id, now)
        return envelope

    def read(self, envelope: Envelope) -> Texts | None:
        """Return what people read in it; None for kinds that this version does not know.

        Raises:
            EnvelopeRefused, FrameMalformed: Its author signed nonsense.
        """
        if envelope.header.kind not in _READABLE:
            return None
        texts = self._codec.decode_texts(envelope.header.body)
        if len(texts.texts) != len(envelope.numbers):
            raise EnvelopeRefused("it holds another number of messages than it says")
        return texts

    @staticmethod
    def _is_timely(envelope: Envelope, wall_ms: int) -> bool:
        age_s = (wall_ms - envelope.header.time_ms) / 1000
        return -limits.AGE_FUTURE_S <= age_s <= limits.AGE_PAST_S

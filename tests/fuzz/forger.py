"""Makes altered frames true again: signed by whom they name, answering what was asked.

Otherwise nearly every mutation would end at a signature. Who attacks has keys, and can sign.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from p2pchat.core.direct_frames import KeyAnswer, Packet, Receipt
from p2pchat.core.direct_values import (
    SEALING_REQUEST,
    Inside,
    Outside,
    SealingKeyRecord,
    SignedInside,
    packet_id,
)
from p2pchat.core.envelopes import Header
from p2pchat.core.frames import (
    Ack,
    Acks,
    Answered,
    Ask,
    Carry,
    Filled,
    Frame,
    Incoming,
    Ping,
    Pong,
)
from p2pchat.core.mesh_frames import (
    Found,
    Introduce,
    MapAnswer,
    MapAsk,
    PassedRecord,
    PathAnswer,
    PathAsk,
    PlaceAnswer,
    Release,
    Shuffle,
    ShuffleAnswer,
    SignedRecord,
    SignedStatement,
    Walk,
    WhoAnswer,
    WhoAnswers,
)
from p2pchat.core.reach import ack_bytes
from p2pchat.core.values import EnvelopeId, NetworkId, PeerId, envelope_id
from p2pchat.core.who import WHO_QUERY, who_bytes
from p2pchat.errors import FrameMalformed, SealBroken
from p2pchat.sim.credentials import sim_signature
from p2pchat.sim.sealing import SimSealer
from p2pchat.wire.codec import Codec
from tests.fuzz.honest import HONEST

if TYPE_CHECKING:
    from p2pchat.core.values import Epoch

Kept = TypeVar("Kept")
Answering = TypeVar("Answering", bound=Frame)
Record = TypeVar("Record", SignedRecord, PassedRecord)

_UNSIGNED: Final = bytes(64)

ANSWERS: Final[dict[type[Struct], type[Struct]]] = {
    Pong: Ping,
    Answered: Ask,
    Found: Walk,
    ShuffleAnswer: Shuffle,
    MapAnswer: MapAsk,
    PathAnswer: PathAsk,
}
"""By each frame the one whose token it repeats."""


class Forger:
    """Plays everybody around one core, with simulated keys."""

    def __init__(
        self, me: PeerId, network: NetworkId, epoch: Epoch, sealer: SimSealer, codec: Codec
    ) -> None:
        self._me = me
        self._network = network
        self._epoch = epoch
        self._sealer = sealer
        self._codec = codec
        self._tokens: dict[type[Struct], Any] = {}
        self._request: tuple[EnvelopeId, bytes, PeerId] | None = None
        """The last request for a sealing key: its envelope, its nonce, who is asked for."""
        self._sealers: dict[PeerId, SimSealer] = {}
        self._packet: Packet | None = None
        self._carried: EnvelopeId | None = None
        self._question: EnvelopeId | None = None
        """The last one of the core who is here."""

    def note(self, frame: Frame) -> None:
        """Remember what the core sent, as far as it can be answered."""
        if hasattr(frame, "token"):
            self._tokens[type(frame)] = frame.token
        if isinstance(frame, Packet):
            self._packet = frame
        if isinstance(frame, Carry):
            header = self._codec.decode_header(frame.signed)
            if header.author != self._me:
                return
            self._carried = EnvelopeId(frame.id)
            if header.kind == WHO_QUERY:
                self._question = EnvelopeId(frame.id)
            if header.kind == SEALING_REQUEST:
                asked = self._codec.decode_sealing_request(header.body).recipient
                self._request = EnvelopeId(frame.id), header.nonce, PeerId(asked)

    def mended(self, frame: Incoming, sender: PeerId, now: float) -> Incoming:
        """Return the frame as its authors could have made it."""
        match frame:
            case Carry() | Filled():
                return self._envelope(frame)
            case Acks(way, acks):
                return Acks(self._carried or way, tuple(map(self._ack, acks)))
            case Introduce(record):
                return Introduce(self._record(record, sender))
            case Walk() | Found() | Shuffle() | PlaceAnswer() | Release() | ShuffleAnswer():
                return self._answering(self._with_records(frame))
            case MapAnswer(statements=statements):
                mended = tuple(map(self._statement, statements))
                return self._answering(replace(frame, statements=mended))
            case WhoAnswers(way, answers):
                way = self._question or way
                return WhoAnswers(way, tuple(self._answer(way, answer) for answer in answers))
            case Packet():
                return self._sealed(frame, now)
            case KeyAnswer():
                return self._key_answer(frame, now)
            case Receipt():
                return self._receipt(frame, now)
            case Pong() | Answered() | PathAnswer():
                return self._answering(frame)
            case _:
                return frame

    def _sign(self, who: PeerId, message: bytes) -> bytes:
        """Sign for anybody but the victim and the honest: their keys nobody has."""
        return _UNSIGNED if who in (self._me, HONEST) else sim_signature(who, message)

    def _read(self, read: Callable[[bytes], Kept], signed: bytes) -> Kept | None:
        try:
            return read(signed)
        except FrameMalformed:
            return None

    def _answering(self, frame: Answering) -> Answering:
        """Let an answer repeat the token of the last question of its kind."""
        question = ANSWERS.get(type(frame))
        token = None if question is None else self._tokens.get(question)
        return frame if token is None else replace(frame, token=token)

    def _envelope(self, frame: Carry | Filled) -> Carry | Filled:
        header: Header | None = self._read(self._codec.decode_header, frame.signed)
        if header is None:
            return frame
        signed = self._codec.encode_header(replace(header, network=self._network))
        signature = self._sign(PeerId(header.author), signed)
        return replace(frame, id=envelope_id(signed), signature=signature, signed=signed)

    def _ack(self, ack: Ack) -> Ack:
        about = self._carried or EnvelopeId(ack.envelope)
        who = PeerId(ack.acknowledger)
        signature = self._sign(who, b"ack" + ack_bytes(about, who, ack.time_ms))
        return replace(ack, envelope=about, signature=signature)

    def _record(self, record: Record, owner: PeerId | None = None) -> Record:
        header = self._read(self._codec.decode_record, record.signed)
        if header is None:
            return record
        owner = owner or PeerId(header.peer)
        signed = self._codec.encode_record(replace(header, network=self._network, peer=owner))
        return replace(record, signed=signed, signature=self._sign(owner, b"address" + signed))

    def _with_records(self, frame: Answering) -> Answering:
        if hasattr(frame, "record"):
            frame = replace(frame, record=self._record(frame.record))
        if hasattr(frame, "records"):
            frame = replace(frame, records=tuple(map(self._record, frame.records)))
        return frame

    def _answer(self, way: bytes, answer: WhoAnswer) -> WhoAnswer:
        who = PeerId(answer.peer)
        said = who_bytes(EnvelopeId(way), who, answer.nick)
        return replace(answer, signature=self._sign(who, b"who" + said))

    def _statement(self, statement: SignedStatement) -> SignedStatement:
        header = self._read(self._codec.decode_statement, statement.signed)
        if header is None:
            return statement
        signed = self._codec.encode_statement(replace(header, network=self._network))
        return SignedStatement(self._sign(PeerId(header.speaker), b"map" + signed), signed)

    # --- Messages to one person ---------------------------------------------------------------

    def _sealed(self, packet: Packet, now: float) -> Packet:
        """Seal to the core what stands unsealed in a packet, and sign it."""
        outside: Outside | None = self._read(self._codec.decode_outside, packet.signed)
        if outside is None:
            return packet
        outside = replace(outside, network=self._network)
        author = PeerId(outside.author)
        inside: Inside | None = self._read(self._codec.decode_inside, outside.sealed)
        if inside is not None:
            outside = replace(outside, recipient=self._me)
            key = self._sealer.public(now)
            inside = replace(
                inside, network=self._network, author=author, recipient=self._me, key_hash=key.hash
            )
            signed = self._codec.encode_inside(inside)
            signature = self._sign(author, b"inside" + signed)
            whole = self._codec.encode_signed_inside(SignedInside(signature, signed))
            try:
                sealed = self._sealer.seal(key, whole, outside.bound)
            except SealBroken:  # mutations may be too long
                return packet
            outside = replace(outside, sealed=sealed)
        signed = self._codec.encode_outside(outside)
        signature = self._sign(author, b"direct" + signed)
        return replace(packet, id=packet_id(signed), signature=signature, signed=signed)

    def _key_answer(self, answer: KeyAnswer, now: float) -> KeyAnswer:
        record: SealingKeyRecord | None = self._read(self._codec.decode_sealing_key, answer.signed)
        if record is None or self._request is None:
            return answer
        way, nonce, owner = self._request
        record = replace(
            record, network=self._network, owner=owner, requester=self._me, nonce=nonce
        )
        if record.suite == 1:
            record = replace(record, key=self._sealer_of(owner).public(now).key)
        signed = self._codec.encode_sealing_key(record)
        return KeyAnswer(way, self._sign(owner, b"sealing key" + signed), signed)

    def _sealer_of(self, peer: PeerId) -> SimSealer:
        return self._sealers.setdefault(peer, SimSealer(peer))

    def _receipt(self, receipt: Receipt, now: float) -> Receipt:
        """Open the last packet of the core as its recipient would, and answer it."""
        if self._packet is None:
            return receipt
        outside = self._codec.decode_outside(self._packet.signed)
        sealer = self._sealer_of(PeerId(outside.recipient))
        try:
            opened = sealer.open_(outside.sealed, outside.bound, now)
        except SealBroken:
            return receipt
        inside = self._codec.decode_inside(self._codec.decode_signed_inside(opened).signed)
        return Receipt(self._packet.id, sealer.receipt(inside.receipt_key, inside.message))

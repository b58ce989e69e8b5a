"""Makes and checks packets, answers with sealing keys, and receipts; decides no way."""

from __future__ import annotations

from msgspec import Struct

from p2pchat.core.direct_frames import KeyAnswer, Packet, Receipt
from p2pchat.core.direct_values import (
    DirectCodec,
    DirectSignatures,
    Inside,
    Outside,
    Sealer,
    SealingKey,
    SealingKeyRecord,
    SealingRequest,
    SignedInside,
    bound_to,
    packet_id,
)
from p2pchat.core.values import Epoch, NetworkId, PeerId
from p2pchat.errors import FrameMalformed, SealBroken


class Owner(Struct, frozen=True):
    """For whom packets are made and opened."""

    me: PeerId
    epoch: Epoch
    network: NetworkId


class DirectPackets:
    """One node's packets: every check of what is signed and sealed is in here, once."""

    def __init__(
        self, owner: Owner, codec: DirectCodec, signatures: DirectSignatures, sealer: Sealer
    ) -> None:
        self._owner = owner
        self._codec = codec
        self._signatures = signatures
        self._sealer = sealer

    def write(
        self,
        recipient: PeerId,
        key: SealingKey,
        message: bytes,
        kind: int,
        text: str,
        wall_ms: int,
        nick: str = "",
    ) -> Inside:
        """Write a message to one person; it draws the receipt key.

        Args:
            recipient: Who may read it.
            key: His, by `key_in`.
            message: 16 random bytes that name it at both ends.
            kind: `Kind.TEXT` or `Kind.ACTION`.
            text: Within the limits of any text.
            wall_ms: Wall clock, for people.
            nick: What we call ourselves.
        """
        me, network = self._owner.me, self._owner.network
        receipt_key = self._sealer.new_receipt_key()
        return Inside(
            network, me, recipient, key.hash, message, receipt_key, wall_ms, kind, text, nick
        )

    def pack(
        self, inside: Inside, key: SealingKey, nonce: bytes, wall_ms: int, *, is_flooded: bool
    ) -> Packet:
        """Seal and sign a message that `write` gave, for one attempt.

        Args:
            inside: Written to the same key.
            key: The recipient's.
            nonce: 16 random bytes, others for each attempt.
            wall_ms: Wall clock, for relays.
            is_flooded: Whether it goes to everybody.

        Raises:
            SealBroken: The key is none, or the text is far too long.
        """
        owner, recipient = self._owner, PeerId(inside.recipient)
        signed = self._codec.encode_inside(inside)
        signature = self._signatures.sign_inside(signed)
        plaintext = self._codec.encode_signed_inside(SignedInside(signature, signed))
        bound = bound_to(owner.network, owner.me, recipient, nonce)
        sealed = self._sealer.seal(key, plaintext, bound)
        return self._sign(
            Outside(owner.network, owner.me, owner.epoch, recipient, nonce, wall_ms, sealed),
            is_flooded=is_flooded,
        )

    def outside_of(self, packet: Packet) -> Outside:
        """Read what a packet says to relays; its signature is still to be checked.

        Raises:
            FrameMalformed: Its signed bytes are none of a packet.
            SealBroken: It is of another network, or its id is of another packet.
        """
        outside = self._codec.decode_outside(packet.signed)
        if outside.network != self._owner.network:
            raise SealBroken("a packet of another network")
        if packet.id != packet_id(packet.signed):
            raise SealBroken("the id of another packet")
        return outside

    def is_valid(self, packet: Packet, outside: Outside) -> bool:
        """Tell whether its author signed it; ask only after his and the connection's rates."""
        author = PeerId(outside.author)
        return self._signatures.is_valid_direct(author, packet.signed, packet.signature)

    def open_(self, outside: Outside, now: float) -> Inside:
        """Return the message in a valid packet to this node.

        No neighbour is to blame where that fails: relays can't look inside.

        Raises:
            SealBroken: It can't be opened, or was not written by its author for this node and
                this key.
        """
        opened = self._sealer.open_(outside.sealed, outside.bound, now)
        try:
            sealed = self._codec.decode_signed_inside(opened)
            inside = self._codec.decode_inside(sealed.signed)
        except FrameMalformed:
            raise SealBroken("what was sealed is no message") from None
        is_meant = (
            inside.network == outside.network == self._owner.network
            and inside.author == outside.author
            and inside.recipient == outside.recipient == self._owner.me
            # What was sealed begins with the hash of its key, or it would not have opened.
            and outside.sealed.startswith(inside.key_hash)
        )
        if not is_meant:
            raise SealBroken("a message for somebody else, or of somebody else")
        author = PeerId(inside.author)
        if not self._signatures.is_valid_inside(author, sealed.signed, sealed.signature):
            raise SealBroken("the signature inside is not its author's")
        return inside

    def answer(
        self, way: bytes, requester: PeerId, nonce: bytes, now: float, wall_ms: int
    ) -> KeyAnswer:
        """Sign this node's current sealing key for who asked; the caller keeps to the rates.

        Args:
            way: Id of the envelope with the request.
            requester: Its author.
            nonce: Of that envelope, 16 bytes.
            now: Monotonic seconds.
            wall_ms: Wall clock, for people.
        """
        owner, key = self._owner, self._sealer.public(now)
        record = SealingKeyRecord(
            owner.network, owner.me, owner.epoch, requester, nonce, key.suite, key.key, wall_ms
        )
        signed = self._codec.encode_sealing_key(record)
        return KeyAnswer(way, self._signatures.sign_sealing_key(signed), signed)

    def key_in(self, answer: KeyAnswer, recipient: PeerId, nonce: bytes) -> SealingKey:
        """Return the key in an answer to this node's own request.

        Args:
            answer: As it came.
            recipient: Whose key was asked for.
            nonce: Of the request's envelope.

        Raises:
            FrameMalformed: Its signed bytes are none of a key's record.
            SealBroken: It answers another request, or its owner did not sign it.
        """
        record = self.checked(answer, recipient, self._owner.me, nonce)
        return SealingKey(record.suite, record.key)

    def checked(
        self, answer: KeyAnswer, recipient: PeerId, requester: PeerId, nonce: bytes
    ) -> SealingKeyRecord:
        """Return what an answer to somebody's request says; relays check it as well.

        Args:
            answer: As it came.
            recipient: Whose key was asked for.
            requester: Who asked.
            nonce: Of the request's envelope.

        Raises:
            FrameMalformed: Its signed bytes are none of a key's record.
            SealBroken: It answers another request, or its owner did not sign it.
        """
        record = self._codec.decode_sealing_key(answer.signed)
        asked = (self._owner.network, recipient, requester, nonce)
        if (record.network, record.owner, record.requester, record.nonce) != asked:
            raise SealBroken("a sealing key for another request")
        if not self._signatures.is_valid_sealing_key(recipient, answer.signed, answer.signature):
            raise SealBroken("the signature of a sealing key is not its owner's")
        return record

    def request_in(self, body: bytes) -> tuple[PeerId, PeerId | None]:
        """Read a request: whose key is asked for, and whom the answer shall avoid.

        Raises:
            FrameMalformed: The body is none of a request.
        """
        request = self._codec.decode_sealing_request(body)
        return PeerId(request.recipient), PeerId(request.avoid) if request.avoid else None

    def request(self, recipient: PeerId, avoid: PeerId | None) -> bytes:
        """Make the body of a request."""
        return self._codec.encode_sealing_request(SealingRequest(recipient, avoid or b""))

    def next_deadline(self) -> float | None:
        """When to call `forget_old`; None for never."""
        return self._sealer.next_deadline()

    def forget_old(self, now: float) -> None:
        """Forget own sealing keys that are too old: what they opened is closed for good."""
        self._sealer.forget_old(now)

    def receipt(self, packet: bytes, inside: Inside) -> Receipt:
        """Answer a packet, after its message was written to disk."""
        return Receipt(packet, self._sealer.receipt(inside.receipt_key, inside.message))

    def is_receipt(self, receipt: Receipt, inside: Inside) -> bool:
        """Tell whether the recipient opened that message of ours; only he could answer so."""
        return self._sealer.is_receipt(receipt.proof, inside.receipt_key, inside.message)

    def _sign(self, outside: Outside, *, is_flooded: bool) -> Packet:
        signed = self._codec.encode_outside(outside)
        signature = self._signatures.sign_direct(signed)
        return Packet(packet_id(signed), signature, signed, is_flooded, 0)

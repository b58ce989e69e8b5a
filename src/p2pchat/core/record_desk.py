"""Makes this node's address records and reads those of others."""

from __future__ import annotations

from p2pchat.core import limits
from p2pchat.core.mesh_frames import PassedRecord, SignedRecord
from p2pchat.core.records import (
    UNDIALLABLE,
    AddressRecord,
    RecordCodec,
    RecordHeader,
    RecordSignatures,
    Scope,
    is_current,
    offerable,
    read_addresses,
    scope_of,
)
from p2pchat.core.values import Address, NetworkId, PeerId
from p2pchat.errors import FrameMalformed


class RecordDesk:
    """Signs a record for each distance, because loopback and private addresses stay near."""

    def __init__(
        self, me: PeerId, network: NetworkId, codec: RecordCodec, signatures: RecordSignatures
    ) -> None:
        self.me = me
        """Whose records are made here."""
        self._network = network
        self._codec = codec
        self._signatures = signatures
        self._addresses: tuple[Address, ...] = ()
        self._is_diallable = True
        self._own: dict[Scope, SignedRecord] = {}
        self._signed_ms = 0

    def set_addresses(self, addresses: tuple[Address, ...], *, is_diallable: bool) -> bool:
        """Take note of where this node can be dialled; True when that has changed."""
        if (addresses, is_diallable) == (self._addresses, self._is_diallable):
            return False
        self._addresses, self._is_diallable = addresses, is_diallable
        self._own.clear()
        return True

    def renew(self, wall_ms: int) -> bool:
        """Sign anew once RECORD_RENEW_S have passed; True when it is so."""
        if abs(wall_ms - self._signed_ms) < limits.RECORD_RENEW_S * 1000:
            return False
        self._own.clear()
        return True

    def own(self, scope: Scope, wall_ms: int) -> SignedRecord:
        """Return this node's record for a peer so far away."""
        record = self._own.get(scope)
        if record is None:
            signed = self._encoded(offerable(self._addresses, scope), wall_ms)
            record = SignedRecord(self._signatures.sign_record(signed), signed)
            self._own[scope] = record
            self._signed_ms = wall_ms
        return record

    def may_learn(self, frame: SignedRecord | PassedRecord, scope: Scope) -> bool:
        """Tell whether somebody so far away may learn all the addresses of a record.

        For what is only handed on: whether it is true is up to its reader.
        """
        try:
            header = self._codec.decode_record(frame.signed)
        except FrameMalformed:
            return False
        return _nearest(read_addresses(header.addresses)) >= scope

    def _encoded(self, addresses: tuple[Address, ...], wall_ms: int) -> bytes:
        """Encode as many of the addresses as fit; eight of IPv6 may be too long."""
        texts = tuple(map(str, addresses))
        flags = 0 if self._is_diallable and texts else UNDIALLABLE
        header = RecordHeader(self._network, self.me, wall_ms, texts, flags)
        signed = self._codec.encode_record(header)
        fits = len(signed) <= limits.RECORD_LIMIT_BYTES
        return signed if fits else self._encoded(addresses[:-1], wall_ms)

    def read(
        self, frame: SignedRecord | PassedRecord, from_scope: Scope, wall_ms: int
    ) -> AddressRecord | None:
        """Return a record that is of this room, current and signed by its owner; else None.

        Args:
            frame: As it came.
            from_scope: How far away its sender is: a public peer knows no private address.
            wall_ms: Own wall clock.
        """
        try:
            header = self._codec.decode_record(frame.signed)
        except FrameMalformed:
            return None
        peer = PeerId(header.peer)
        if (
            header.network != self._network
            or peer == self.me
            or not is_current(header.time_ms, wall_ms)
            or not self._signatures.is_valid_record(peer, frame.signed, frame.signature)
        ):
            return None
        stated = read_addresses(header.addresses)
        addresses = offerable(stated, from_scope)
        return AddressRecord(
            peer,
            header.time_ms,
            addresses,
            _nearest(stated),
            bool(addresses) and not header.flags & UNDIALLABLE,
            frame.signature,
            frame.signed,
        )


def _nearest(addresses: tuple[Address, ...]) -> Scope:
    return min((scope_of(address.host) for address in addresses), default=Scope.PUBLIC)

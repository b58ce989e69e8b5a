"""Address records of an overlay: each is read and verified once for all nodes."""

from __future__ import annotations

from typing import Final

from p2pchat.core.mesh_frames import PassedRecord, SignedRecord
from p2pchat.core.record_desk import RecordDesk
from p2pchat.core.records import AddressRecord, RecordHeader, Scope, is_current
from p2pchat.core.values import Address, PeerId
from p2pchat.sim.credentials import SimCredentials, sim_network_id
from p2pchat.wire.codec import Codec

_ROOM: Final = "lobby"
_NETWORK: Final = sim_network_id(_ROOM)
_CODEC: Final = Codec()


class _RecordCodec:
    """The real codec, without anything that can't be pickled."""

    def encode_record(self, header: RecordHeader) -> bytes:
        return _CODEC.encode_record(header)

    def decode_record(self, signed: bytes) -> RecordHeader:
        return _CODEC.decode_record(signed)


SharedRecords = dict[bytes, AddressRecord]
"""Valid records by their signed bytes; as many as the nodes of a run sign."""


class OverlayDesk(RecordDesk):
    """A desk behind a memory of what any node has read; all are public to one another."""

    def __init__(self, me: PeerId, address: Address, shared: SharedRecords) -> None:
        super().__init__(me, _NETWORK, _RecordCodec(), SimCredentials(me, _ROOM))
        self._shared = shared
        self.set_addresses((address,), is_diallable=True)

    def read(
        self, frame: SignedRecord | PassedRecord, from_scope: Scope, wall_ms: int
    ) -> AddressRecord | None:
        """Return a record, from memory where its very bytes were valid before."""
        known = self._shared.get(frame.signed)
        if known is None or known.signature != frame.signature:
            known = super().read(frame, from_scope, wall_ms)
            if known is not None:
                self._shared[frame.signed] = known
            return known
        is_mine = known.peer == self.me
        return None if is_mine or not is_current(known.time_ms, wall_ms) else known

    def may_learn(self, frame: SignedRecord | PassedRecord, scope: Scope) -> bool:
        """Tell it from memory where its very bytes were valid before."""
        known = self._shared.get(frame.signed)
        return super().may_learn(frame, scope) if known is None else known.scope >= scope

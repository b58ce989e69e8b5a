"""Two ends of direct messages, with real keys or simulated ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import pytest
from msgspec.structs import replace

from p2pchat.core.direct_frames import Packet
from p2pchat.core.direct_packets import DirectPackets, Owner
from p2pchat.core.direct_values import (
    DirectSignatures,
    Inside,
    Outside,
    Sealer,
    SealingKey,
    SignedInside,
    packet_id,
)
from p2pchat.core.values import Epoch, Kind, NetworkId, PeerId
from p2pchat.crypto.identity import Identity
from p2pchat.crypto.sealing import DirectCredentials, SealingKeys
from p2pchat.errors import FrameMalformed, SealBroken
from p2pchat.sim.sealing import SimDirectSignatures, SimSealer
from p2pchat.wire.direct_codec import DirectMsgpack

CODEC = DirectMsgpack()
NETWORK, OTHER_NETWORK = NetworkId(b"n" * 16), NetworkId(b"N" * 16)
NONCE, OTHER_NONCE = b"o" * 16, b"O" * 16
WAY, MESSAGE = b"w" * 16, b"m" * 16
WALL_MS = 1_700_000_000_000
NOW = 50.0


@dataclass
class End:
    """One node's half of the secrets, and what is made of them."""

    me: PeerId
    signatures: DirectSignatures
    sealer: Sealer
    network: NetworkId = NETWORK

    @property
    def packets(self) -> DirectPackets:
        owner = Owner(self.me, Epoch(b"e" * 8), self.network)
        return DirectPackets(owner, CODEC, self.signatures, self.sealer)

    @property
    def key(self) -> SealingKey:
        return self.sealer.public(NOW)

    def write(self, recipient: End, text: str = "hello") -> Inside:
        return self.packets.write(recipient.me, recipient.key, MESSAGE, Kind.TEXT, text, WALL_MS)

    def send(self, recipient: End, text: str = "hello") -> Packet:
        inside = self.write(recipient, text)
        return self.packets.pack(inside, recipient.key, NONCE, WALL_MS, is_flooded=False)

    def receive(self, packet: Packet, now: float = NOW) -> Inside:
        outside = self.packets.outside_of(packet)
        if not self.packets.is_valid(packet, outside):
            raise SealBroken("the signature is not its author's")
        return self.packets.open_(outside, now)

    def signed(self, outside: Outside) -> Packet:
        """Sign what this end would never make of itself."""
        signed = CODEC.encode_outside(outside)
        return Packet(packet_id(signed), self.signatures.sign_direct(signed), signed, False, 0)

    def sealed(self, inside: SignedInside, author: PeerId, recipient: End) -> Packet:
        """Seal to a recipient what somebody else may have signed, under the name of an author."""
        outside = Outside(self.network, author, bytes(8), recipient.me, NONCE, WALL_MS, b"")
        plaintext = CODEC.encode_signed_inside(inside)
        sealed = self.sealer.seal(recipient.key, plaintext, outside.bound)
        return self.signed(replace(outside, sealed=sealed))

    def sign_inside(self, inside: Inside) -> SignedInside:
        signed = CODEC.encode_inside(inside)
        return SignedInside(self.signatures.sign_inside(signed), signed)

    def unsealed(self, packet: Packet) -> SignedInside:
        """What a recipient has in his hands once he opened a packet."""
        outside = CODEC.decode_outside(packet.signed)
        return CODEC.decode_signed_inside(self.sealer.open_(outside.sealed, outside.bound, NOW))


def real(name: str) -> End:
    identity = Identity(name.encode().ljust(32, b"\1"))
    return End(identity.peer, DirectCredentials(identity), SealingKeys())


def simulated(name: str) -> End:
    me = PeerId(name.encode().ljust(32, b"\1"))
    return End(me, SimDirectSignatures(me), SimSealer(me))


Ends = Callable[[str], End]
BOTH: Final = pytest.mark.parametrize("end", [real, simulated])


def refused(bob: End, packet: Packet) -> bool:
    try:
        bob.receive(packet)
    except (SealBroken, FrameMalformed):
        return True
    return False

"""What is signed and sealed for one person, to bytes and back."""

from __future__ import annotations

from typing import Final, TypeVar

import msgspec

from p2pchat.core.direct_values import (
    Inside,
    Outside,
    SealingKeyRecord,
    SealingRequest,
    SignedInside,
)
from p2pchat.errors import FrameMalformed

Decoded = TypeVar("Decoded")

_encoder: Final = msgspec.msgpack.Encoder()
_outsides: Final = msgspec.msgpack.Decoder(Outside)
_insides: Final = msgspec.msgpack.Decoder(Inside)
_signed_insides: Final = msgspec.msgpack.Decoder(SignedInside)
_sealing_keys: Final = msgspec.msgpack.Decoder(SealingKeyRecord)
_requests: Final = msgspec.msgpack.Decoder(SealingRequest)


def _decode(decoder: msgspec.msgpack.Decoder[Decoded], payload: bytes) -> Decoded:
    try:
        return decoder.decode(payload)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as why:
        raise FrameMalformed(str(why)[:200]) from None


class DirectMsgpack:
    """The core's `DirectCodec`, in msgpack."""

    def encode_outside(self, outside: Outside) -> bytes:
        """Make the signed bytes of a packet."""
        return _encoder.encode(outside)

    def decode_outside(self, signed: bytes) -> Outside:
        """Read the signed bytes of a packet; FrameMalformed when they are none."""
        return _decode(_outsides, signed)

    def encode_inside(self, inside: Inside) -> bytes:
        """Make the signed bytes inside of what is sealed."""
        return _encoder.encode(inside)

    def decode_inside(self, signed: bytes) -> Inside:
        """Read the signed bytes inside; FrameMalformed when they are none."""
        return _decode(_insides, signed)

    def encode_signed_inside(self, sealed: SignedInside) -> bytes:
        """Make the bytes to be sealed."""
        return _encoder.encode(sealed)

    def decode_signed_inside(self, opened: bytes) -> SignedInside:
        """Read opened bytes; FrameMalformed when they are none."""
        return _decode(_signed_insides, opened)

    def encode_sealing_key(self, record: SealingKeyRecord) -> bytes:
        """Make the signed bytes of the record of a sealing key."""
        return _encoder.encode(record)

    def decode_sealing_key(self, signed: bytes) -> SealingKeyRecord:
        """Read the signed bytes of such a record; FrameMalformed when they are none."""
        return _decode(_sealing_keys, signed)

    def encode_sealing_request(self, request: SealingRequest) -> bytes:
        """Make the body of a request for a sealing key."""
        return _encoder.encode(request)

    def decode_sealing_request(self, body: bytes) -> SealingRequest:
        """Read the body of a request; FrameMalformed when it is none."""
        return _decode(_requests, body)

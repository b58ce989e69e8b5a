"""Types of the fields of frames and of what is inside them, each with its bounds."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from p2pchat.core import limits

Id16 = Annotated[bytes, Meta(min_length=16, max_length=16)]
Key = Annotated[bytes, Meta(min_length=32, max_length=32)]
Digest32 = Annotated[bytes, Meta(min_length=32, max_length=32)]
EpochBytes = Annotated[bytes, Meta(min_length=8, max_length=8)]
SignatureBytes = Annotated[bytes, Meta(min_length=64, max_length=64)]
Nick = Annotated[str, Meta(max_length=limits.NICK_LIMIT_CHARACTERS)]
Version = Annotated[int, Meta(ge=0, le=65_535)]
Number = Annotated[int, Meta(ge=0, le=2**53)]
Count = Annotated[int, Meta(ge=1, le=limits.ENVELOPE_TEXTS_LIMIT)]
Word = Annotated[str, Meta(min_length=1, max_length=32)]
AddressText = Annotated[str, Meta(max_length=280)]

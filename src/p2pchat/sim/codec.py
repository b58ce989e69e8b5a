"""The codec of a simulated network: each envelope is decoded once for all nodes."""

from __future__ import annotations

from typing import Final

from p2pchat.core.envelopes import Header, Texts
from p2pchat.core.presence import Here
from p2pchat.core.records import RecordHeader
from p2pchat.core.topology import StatementHeader
from p2pchat.core.values import EnvelopeId
from p2pchat.core.who import WhoQuery
from p2pchat.wire.codec import Codec
from p2pchat.wire.direct_codec import DirectMsgpack

_MEMORY_LIMIT: Final = 4_096
"""Decoded values that are kept; a flood is over long before so many others began."""


class MemoCodec(DirectMsgpack):
    """The real codec behind a bounded memory of what was decoded lately.

    Decoded values are frozen, so that nodes may share them. Bytes that can't be decoded are
    not remembered: they raise `FrameMalformed` each time.
    """

    def __init__(self) -> None:
        self._codec = Codec()
        self._headers: dict[bytes, Header] = {}
        self._texts: dict[bytes, Texts] = {}

    def encode_header(self, header: Header) -> bytes:
        """Make the bytes to be signed."""
        return self._codec.encode_header(header)

    def decode_header(self, signed: bytes) -> Header:
        """Read signed bytes; FrameMalformed when they are no header."""
        header = self._headers.get(signed)
        if header is None:
            header = self._codec.decode_header(signed)
            if len(self._headers) >= _MEMORY_LIMIT:
                self._headers.clear()
            self._headers[signed] = header
        return header

    def encode_texts(self, texts: Texts) -> bytes:
        """Make the body of a text envelope."""
        return self._codec.encode_texts(texts)

    def decode_texts(self, body: bytes) -> Texts:
        """Read the body of a text envelope; FrameMalformed when it is none."""
        texts = self._texts.get(body)
        if texts is None:
            texts = self._codec.decode_texts(body)
            if len(self._texts) >= _MEMORY_LIMIT:
                self._texts.clear()
            self._texts[body] = texts
        return texts

    def encode_query(self, about: EnvelopeId) -> bytes:
        """Make the body of a question about who has an envelope."""
        return self._codec.encode_query(about)

    def decode_query(self, body: bytes) -> EnvelopeId:
        """Read the body of such a question; FrameMalformed when it is none."""
        return self._codec.decode_query(body)

    def encode_presence(self, here: Here) -> bytes:
        """Make the body of a presence."""
        return self._codec.encode_presence(here)

    def decode_presence(self, body: bytes) -> Here:
        """Read the body of a presence; FrameMalformed when it is none."""
        return self._codec.decode_presence(body)

    def encode_who(self, query: WhoQuery) -> bytes:
        """Make the body of a question who is here."""
        return self._codec.encode_who(query)

    def decode_who(self, body: bytes) -> WhoQuery:
        """Read the body of such a question; FrameMalformed when it is none."""
        return self._codec.decode_who(body)

    def encode_record(self, header: RecordHeader) -> bytes:
        """Make the signed bytes of an address record."""
        return self._codec.encode_record(header)

    def decode_record(self, signed: bytes) -> RecordHeader:
        """Read the signed bytes of an address record; FrameMalformed when they are none."""
        return self._codec.decode_record(signed)

    def encode_statement(self, header: StatementHeader) -> bytes:
        """Make the signed bytes of a statement for the map."""
        return self._codec.encode_statement(header)

    def decode_statement(self, signed: bytes) -> StatementHeader:
        """Read the signed bytes of a statement; FrameMalformed when they are none."""
        return self._codec.decode_statement(signed)

"""The article's own protocol: one line of UTF-8 text is one message."""

from __future__ import annotations

import re
from typing import Final

from p2pchat.core.guests import line_of
from p2pchat.core.limits import GUEST_LINE_BYTES, TEXT_LIMIT_CHARACTERS
from p2pchat.errors import GuestRefused

_TLS_HANDSHAKE: Final = b"\x16"

# What telnet says about itself: IAC WILL/WONT/DO/DONT with an option, or a command alone.
# Its first byte occurs nowhere in UTF-8, so that nothing else can be taken for it.
_TELNET: Final = rb"\xff(?:[\xfb-\xfe].|[\xf1-\xf9])"

_CONTROL: Final = r"[\x00-\x08\x0a-\x1f\x7f-\x9f]"

# Any web page can make a browser send a request to a port of this machine, with a method of the
# page's choice.  A target that begins like one is enough then; "I like HTTP/2" is none.
# Patterns, which `re` compiles for the first guest, and remembers.
_FOREIGN: Final = {
    "HTTP or RTSP": (
        r"\S+ (?:[/*]|\w+://)\S* +[A-Z]+/\d"
        r"|[A-Z]{3,} \S+ (?:HTTP|RTSP|SIP)/\d"
        r"|(?:GET|HEAD|POST|PUT|DELETE|OPTIONS|PATCH|TRACE|PRI) [/*]"
        r"|(?:HTTP|RTSP|SIP)/\d"
    ),
    "SSH": r"SSH-\d",
    "SMTP": r"(?:EHLO|HELO)(?: \S+)?\s*$",
}


def looks_like_tls(first: bytes) -> bool:
    """Tell whether a connection whose first bytes these are begins a TLS handshake.

    One byte is enough; no text begins with it.
    """
    return first[:1] == _TLS_HANDSHAKE


def guest_line(nick: str, text: str) -> bytes:
    """Return `nick -> text` as the one cleaned line, newline included, that a guest gets."""
    return line_of(nick, text).encode() + b"\n"


class LineSplitter:
    """Cuts what a plain-line peer sends into lines, and refuses what is no chat.

    After an error nothing more may be asked of it.  Lines that were completed by the same piece
    of bytes as the refused one are lost with it.
    """

    def __init__(self, limit_bytes: int = GUEST_LINE_BYTES) -> None:
        self._limit_bytes = limit_bytes
        self._unfinished = bytearray()
        self._is_first = True

    def feed(self, data: bytes) -> list[str]:
        """Add received bytes and return the texts of the lines they complete.

        Empty lines are left out.  A line longer than a text may be comes in several texts.

        Raises:
            GuestRefused: A line is longer than the limit (raised before its end is there), is
                not UTF-8 or holds a control character other than tab and carriage return; or
                the first line is another protocol's, TLS included.
        """
        if not self._unfinished and self._is_first and looks_like_tls(data):
            raise GuestRefused("TLS where lines were expected")
        # Only the new bytes can hold a newline, so what waited is never searched again.
        first, *more = data.split(b"\n")
        self._unfinished += first
        if not more:
            self._check_length(self._unfinished)
            return []
        *complete, last = [bytes(self._unfinished), *more]
        self._unfinished = bytearray(last)
        texts = [text for line in complete for text in self._texts(line)]
        self._check_length(self._unfinished)
        return texts

    def finish(self) -> list[str]:
        """Return the last line of a stream that ended without a newline.

        Raises:
            GuestRefused: As by `feed`.
        """
        line, self._unfinished = bytes(self._unfinished), bytearray()
        return self._texts(line)

    def _texts(self, line: bytes) -> list[str]:
        self._check_length(line)
        text = self._decode(line)
        if not text.strip():
            return []
        if self._is_first:
            _refuse_foreign(text)
            self._is_first = False
        # A line of 4 KiB may be longer than 4,000 characters; whole, nobody could announce it.
        starts = range(0, len(text), TEXT_LIMIT_CHARACTERS)
        texts = (text[start : start + TEXT_LIMIT_CHARACTERS] for start in starts)
        return [text for text in texts if text.strip()]

    def _check_length(self, line: bytes | bytearray) -> None:
        if len(line) > self._limit_bytes:
            raise GuestRefused(f"a line of more than {self._limit_bytes} bytes")

    def _decode(self, line: bytes) -> str:
        try:
            text = re.sub(_TELNET, b"", line).decode()
        except UnicodeDecodeError:
            raise GuestRefused("not UTF-8") from None
        # Some programs on Windows end a line with two; inside one it only means "write over".
        text = text.rstrip("\r").replace("\r", " ")
        if re.search(_CONTROL, text):
            raise GuestRefused("a control character")
        return text


def _refuse_foreign(first_line: str) -> None:
    for protocol, shape in _FOREIGN.items():
        if re.match(shape, first_line):
            raise GuestRefused(f"it speaks {protocol}")

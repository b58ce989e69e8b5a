"""Every error that p2pchat raises, in one tree.

P2PChatError
├── ConnectionFault            one connection is unusable, everything else goes on
│   ├── RemoteFault            the other side broke the protocol
│   │   ├── FrameTooLarge
│   │   ├── FrameMalformed
│   │   ├── FrameUnexpected
│   │   ├── EnvelopeRefused
│   │   │   └── EnvelopeForged
│   │   ├── HandshakeFailed
│   │   │   └── PlainTextMet
│   │   ├── ChannelBroken
│   │   ├── RepairAbused
│   │   ├── GuestRefused
│   │   └── SealBroken
│   ├── OpeningTimedOut
│   ├── PeerSilent
│   └── SlowPeer
├── DialFailed                 a connection that was asked for did not open
│   ├── NobodyListening
│   ├── NoAnswer
│   ├── Unreachable
│   ├── NotP2PChat
│   │   └── SpeaksPlainText
│   ├── ConnectionEnded
│   ├── OwnAddress
│   ├── WrongRoom
│   ├── VersionMismatch
│   ├── KeyMismatch
│   ├── SameIdentity
│   └── PeerBusy
├── BadAddress
├── BadInvite
│   └── InviteTooNew
├── InviteExposed
├── BadNick
├── BadRoom
├── BadSecret
│   └── BadPassphrase
├── SecretExposed
├── TooLittleMemory
├── OtherRoom
├── BadUsage
├── TextTooLong
├── AnnounceOverflow
├── ListenFailed
├── BadSettings
├── TerminalGone
└── ProfileError
    ├── ProfileInUse
    ├── IdentityUnreadable
    ├── PassphraseNeeded
    ├── WrongPassphrase
    └── RoomUnreadable

Classes build their text from data; callers catch classes and never parse text.
`code` is the stable word of an error in `--json` output.
"""

from __future__ import annotations

from typing import ClassVar


class P2PChatError(Exception):
    """Base class; the command line turns it into one line and exit code 1."""

    code: ClassVar[str] = "bad-input"


class ConnectionFault(P2PChatError):
    """One connection is unusable; the node and its other connections go on."""


class RemoteFault(ConnectionFault):
    """The other side broke the protocol; close the connection and note the peer."""


class FrameTooLarge(RemoteFault):
    """A frame's header announced more bytes than the limit."""

    def __init__(self, size_bytes: int, limit_bytes: int) -> None:
        super().__init__(f"frame of {size_bytes} bytes, the limit is {limit_bytes}")
        self.size_bytes = size_bytes
        self.limit_bytes = limit_bytes


class FrameMalformed(RemoteFault):
    """The bytes of a frame are not a value of the protocol."""

    def __init__(self, why: str) -> None:
        super().__init__(f"malformed frame: {why}")


class FrameUnexpected(RemoteFault):
    """A well-formed frame at a time when the protocol does not allow it."""

    def __init__(self, frame: str, state: str) -> None:
        super().__init__(f"unexpected {frame} while {state}")


class EnvelopeRefused(RemoteFault):
    """An envelope is forged, altered, or of another network."""

    def __init__(self, why: str) -> None:
        super().__init__(f"envelope refused: {why}")


class EnvelopeForged(EnvelopeRefused):
    """Its signature is not its author's."""

    def __init__(self) -> None:
        super().__init__("its signature is not its author's")


class HandshakeFailed(RemoteFault):
    """TLS ended without an authenticated peer."""

    def __init__(self, why: str) -> None:
        super().__init__(f"handshake failed: {why}")


class ChannelBroken(RemoteFault):
    """The encrypted stream of an authenticated peer is damaged."""

    def __init__(self, why: str) -> None:
        super().__init__(f"encrypted stream broken: {why}")


class PlainTextMet(HandshakeFailed):
    """Who was dialled answered in plain text."""

    def __init__(self) -> None:
        super().__init__("it speaks plain text")


class RepairAbused(RemoteFault):
    """A neighbour keeps on promising what it does not deliver, or asking beyond measure."""

    def __init__(self, why: str) -> None:
        super().__init__(f"repair abused: {why}")


class GuestRefused(RemoteFault):
    """A plain-line connection sent something that is not chat."""

    def __init__(self, why: str) -> None:
        super().__init__(f"plain connection refused: {why}")


class SealBroken(RemoteFault):
    """What is sealed, or its key, is altered, forged, forgotten or meant for somebody else."""


class OpeningTimedOut(ConnectionFault):
    """The opening was not finished within its time."""

    def __init__(self, timeout_s: float) -> None:
        super().__init__(f"opening not finished after {timeout_s:g} s")


class PeerSilent(ConnectionFault):
    """Neither a byte came nor the send queue shrank: the connection is dead."""

    def __init__(self, silent_s: float) -> None:
        super().__init__(f"connection lost: silent for {silent_s:.0f} s")


class SlowPeer(ConnectionFault):
    """Its send queue overflowed or stood still: it reads slower than the room talks."""

    def __init__(self, queued_bytes: int) -> None:
        super().__init__(f"too slow: {queued_bytes} bytes waiting")


class DialFailed(P2PChatError):
    """A connection that was asked for did not open."""

    code = "refused"

    def __init__(self, address: object, text: str) -> None:
        super().__init__(text)
        self.address = address


class NobodyListening(DialFailed):
    """The machine answered that nothing listens on that port."""

    def __init__(self, address: object) -> None:
        super().__init__(
            address,
            f"could not connect to {address}: nobody is listening there. "
            "Check the port on the other side (it is printed when p2pchat starts).",
        )


class NoAnswer(DialFailed):
    """Nothing came back at all."""

    code = "timeout"

    def __init__(self, address: object, timeout_s: float) -> None:
        super().__init__(
            address,
            f"could not connect to {address}: no answer after {timeout_s:g} s. "
            "A firewall may be dropping it, or the machine is off.",
        )


class Unreachable(DialFailed):
    """The operating system could not even try: no route, no such host."""

    def __init__(self, address: object, why: str) -> None:
        super().__init__(address, f"could not connect to {address}: {why}.")


class NotP2PChat(DialFailed):
    """Something listens there, but it does not speak TLS."""

    def __init__(self, address: object, why: str) -> None:
        super().__init__(
            address,
            f"no p2pchat answers at {address} ({why}). "
            f"If it is netcat or the article's node: connect plain://{address}",
        )


class SpeaksPlainText(NotP2PChat):
    """What answers there talks plain text, or took us for somebody who does."""

    def __init__(self, address: object) -> None:
        super().__init__(address, "it speaks plain text")


class ConnectionEnded(DialFailed):
    """The other side closed before the connection was open."""

    def __init__(self, address: object, why: str) -> None:
        super().__init__(address, f"could not connect to {address}: {why}.")


class HungUp(ConnectionEnded):
    """The other side closed before it said anything: it may have taken us for a silent guest."""

    def __init__(self, address: object) -> None:
        super().__init__(address, "it hung up without a word")


class OwnAddress(DialFailed):
    """The address leads back to this very node."""

    code = "self"

    def __init__(self, address: object) -> None:
        super().__init__(address, "that is this node's own address.")


class WrongRoom(DialFailed):
    """The other side could not prove membership of our room, or we not of its."""

    code = "room-refused"

    def __init__(self, address: object) -> None:
        super().__init__(address, "that node is in another room, or its invite has another secret.")


class VersionMismatch(DialFailed):
    """No protocol version is spoken by both sides."""

    code = "version"

    def __init__(self, address: object, theirs: int, ours: int) -> None:
        older = "Update p2pchat." if theirs > ours else "It has to be updated."
        super().__init__(
            address, f"{address} speaks protocol {theirs}, this is protocol {ours}. {older}"
        )


class KeyMismatch(DialFailed):
    """Another key answered than the one that was expected."""

    code = "key-mismatch"

    def __init__(
        self, address: object, expected: str, found: str, *, is_own_dial: bool = False
    ) -> None:
        """Say so.

        Args:
            address: Where.
            expected: Beginning of the fingerprint that was expected.
            found: Of the one that answered.
            is_own_dial: Whether the node dialled somebody it had heard of by itself; otherwise
                the user did, by an invite.
        """
        whom = "was known there" if is_own_dial else "the invite names"
        self.host = str(getattr(address, "host", address))
        super().__init__(
            address,
            f"{address} is not who {whom}: expected key {expected}, found {found}. Not connected.",
        )


class SameIdentity(DialFailed):
    """A copy of this profile runs elsewhere."""

    code = "self"

    def __init__(self, address: object) -> None:
        super().__init__(
            address,
            f"{address} has the same key as this node: a copy of this profile runs there. "
            "Start one of them with --profile NAME.",
        )


class PeerBusy(DialFailed):
    """The other side has no room for a further connection."""

    code = "busy"

    def __init__(self, address: object) -> None:
        super().__init__(address, f"{address} has no room for a further connection. Try later.")


class BadAddress(P2PChatError):
    """A text that should be an address is none."""

    code = "bad-address"


class BadInvite(P2PChatError):
    """A text that should be an invite is none, or not whole."""

    code = "bad-address"

    def __init__(self, why: str) -> None:
        # What was read is not repeated: it may hold the secret of a room.
        super().__init__(f"that invite can't be read: {why}.")


class InviteTooNew(BadInvite):
    """A later version of p2pchat made the invite."""

    code = "version"

    def __init__(self) -> None:
        super().__init__("it was made by a newer p2pchat. Update p2pchat")


class InviteExposed(P2PChatError):
    """An invite with a secret stands where other users of the machine can read it."""

    def __init__(self, where: str) -> None:
        super().__init__(
            f"{where}: an invite with a secret must not stand there, where others can read it. "
            "Use --invite-file FILE, - for standard input, or type connect and the invite "
            "into the running program."
        )


class BadNick(P2PChatError):
    """A nick that nobody may have."""


class BadRoom(P2PChatError):
    """A room name that is empty, too long or not printable."""


class BadSecret(P2PChatError):
    """What should be the secret of a private room can't be one, or can't be read."""

    noun: ClassVar[str] = "secret"

    def __init__(self, why: str) -> None:
        # What was read is not repeated.
        super().__init__(f"that {self.noun} can't be used: {why}.")
        self.why = why


class BadPassphrase(BadSecret):
    """What should be the passphrase of a key can't be one, or can't be read."""

    noun = "passphrase"


class SecretExposed(P2PChatError):
    """A secret stands where other users of the machine can read it."""

    def __init__(self, where: str) -> None:
        super().__init__(
            f"{where}: a secret must not stand there, where others can read it. "
            "Use --secret-file FILE for that of a room, --passphrase-file FILE for that of your "
            "key; - instead of FILE for standard input or a prompt."
        )


class TooLittleMemory(P2PChatError):
    """This machine does not give the memory that a passphrase takes."""

    def __init__(self, memory_kib: int) -> None:
        super().__init__(
            f"a passphrase takes {memory_kib // 1024} MiB of memory for a moment, which cannot be "
            "had here."
        )


class OtherRoom(P2PChatError):
    """An invite is for another room than the one that this node is in."""

    code = "room-refused"

    def __init__(self, invited: str, here: str) -> None:
        if invited == here:
            super().__init__(f"that invite is for another room that is called {here} as well.")
        else:
            super().__init__(f"that invite is for the room {invited}; this is {here}.")


class BadUsage(P2PChatError):
    """Settings that each are good do not fit together; exit code 2."""


class TextTooLong(P2PChatError):
    """A text above the limit; nothing of it was sent."""

    code = "too-long"

    def __init__(self, size: int, limit: int, unit: str) -> None:
        shown, most = (f"{n:,}".replace(",", " ") for n in (size, limit))
        super().__init__(f"message is {shown} {unit}; the limit is {most}. Nothing was sent.")
        self.size = size
        self.limit = limit


class AnnounceOverflow(P2PChatError):
    """Own announcements are made faster than neighbours take them; nothing was sent."""

    code = "busy"

    def __init__(self) -> None:
        super().__init__("too much is waiting to be sent. Nothing was sent; wait with drain().")


class ListenFailed(P2PChatError):
    """The port to listen on can't be had."""

    def __init__(self, host: str, port: int, why: str) -> None:
        place = f"port {port}" if host in ("", "::", "0.0.0.0") else f"{host} port {port}"
        super().__init__(f"cannot listen on {place}: {why}.")


class BadSettings(P2PChatError):
    """The environment or the settings file asks for what there is not; exit code 78."""


class TerminalGone(P2PChatError):
    """The terminal was closed or its connection broke."""

    def __init__(self) -> None:
        super().__init__("the terminal is gone")


class ProfileError(P2PChatError):
    """The folder that holds identity and settings can't be used."""


class ProfileInUse(ProfileError):
    """Another process holds the lock of this profile."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"profile {name} is in use by another p2pchat. "
            "Choose another one with --profile NAME, or leave the choice to p2pchat."
        )


class IdentityUnreadable(ProfileError):
    """The key file is damaged or open to other users."""


class PassphraseNeeded(ProfileError):
    """The key of a profile has a passphrase, and nobody can be asked for it."""

    def __init__(self, profile: str) -> None:
        super().__init__(
            f"the key of profile {profile} has a passphrase. Without a terminal give it with "
            "--passphrase-file FILE, - for standard input; or choose another profile with "
            "--profile NAME."
        )


class WrongPassphrase(ProfileError):
    """That passphrase does not open the key of a profile."""

    def __init__(self, profile: str) -> None:
        super().__init__(
            f"that is not the passphrase of the key of profile {profile}. Nothing was changed. "
            "--profile NAME chooses another one."
        )


class RoomUnreadable(ProfileError):
    """A private room was remembered, and its file can't be used."""

    def __init__(self, room: str, problem: str) -> None:
        super().__init__(
            f"the secret of {room} can't be had: {problem} Join it again by an invite; or remove "
            "that file, and its name means an open room."
        )

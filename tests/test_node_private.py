"""Private rooms: who does not have the secret gets in by no way, and learns nothing."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import pytest

from p2pchat.core.frames import Hello, Incoming, Proof, Refusal
from p2pchat.core.invites import InvitePlace
from p2pchat.core.notices import Received, Remark
from p2pchat.core.values import Address, PeerId
from p2pchat.crypto.channel import SecureChannel
from p2pchat.crypto.identity import Identity
from p2pchat.crypto.passphrase import stretch
from p2pchat.errors import OtherRoom, WrongRoom
from p2pchat.net.conversation import SecureConversation
from p2pchat.wire.codec import decode
from p2pchat.wire.framing import FrameSplitter
from tests.deadline import DEADLINE_S
from tests.nodes import address_of, node, notice_of, take, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from p2pchat import Node
    from p2pchat.core.values import ConnectionId

SECRET: Final = bytes(range(16))
NICK: Final = "nobodys-business"

STRANGERS: Final[dict[str, dict[str, Any]]] = {
    "no secret": {"room": "tea"},
    "another secret": {"room": "tea", "secret": b"another secret!!"},
    "one wrong bit": {"room": "tea", "secret": SECRET[:-1] + b"\x0e"},
    "a guess": {"room": "tea", "secret": stretch("open sesame", "tea")},
    "another room": {"room": "coffee", "secret": SECRET},
    "the lobby": {},
}


def member(nick: str = NICK, **given: Any) -> Node:
    return node(nick, room="tea", secret=SECRET, **given)


def frames_in(plaintext: bytes) -> list[Incoming]:
    splitter = FrameSplitter(len(plaintext) + 1)
    splitter.feed(plaintext)
    found = []
    while (payload := splitter.next_frame()) is not None:
        found.append(decode(payload))
    return found


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> dict[PeerId, bytes]:
    """Keep all that reaches each node once TLS is undone, by the node's key."""
    heard: dict[PeerId, bytes] = {}
    owners: dict[int, PeerId] = {}
    begin, take_in = SecureConversation.__init__, SecureConversation._frames

    def noting_owner(
        self: SecureConversation, connection: ConnectionId, identity: Identity, *, dialling: bool
    ) -> None:
        begin(self, connection, identity, dialling=dialling)
        owners[id(self._channel)] = identity.peer

    def noting(self: SecureConversation, plaintext: bytes) -> Any:
        owner = owners[id(self._channel)]
        heard[owner] = heard.get(owner, b"") + plaintext
        return take_in(self, plaintext)

    monkeypatch.setattr(SecureConversation, "__init__", noting_owner)
    monkeypatch.setattr(SecureConversation, "_frames", noting)
    return heard


@pytest.mark.parametrize("is_stranger_dialling", [True, False], ids=["dials", "is dialled"])
@pytest.mark.parametrize("kind", STRANGERS)
async def test_without_the_secret_no_connection_opens_and_nothing_is_learnt(
    heard: dict[PeerId, bytes], kind: str, is_stranger_dialling: bool
) -> None:
    async with (
        asyncio.timeout(DEADLINE_S),
        member() as inside,
        node("stranger-danger", **STRANGERS[kind]) as outside,
    ):
        dialler, acceptor = (outside, inside) if is_stranger_dialling else (inside, outside)
        with pytest.raises(WrongRoom, match="in another room, or its invite has another secret"):
            await dialler.connect(address_of(acceptor))
        remark = await notice_of(Remark, acceptor)
        learnt = heard[outside.id]

        assert remark.text == "refused a connection from 127.0.0.1: another room or another secret"
        assert (inside.neighbour_count, outside.neighbour_count) == (0, 0)
        assert inside.peers() == outside.peers()
        kinds = [type(frame) for frame in frames_in(learnt)]
        assert kinds == ([Hello, Refusal] if is_stranger_dialling else [Hello, Proof])
        for told in (NICK, f":{inside.port}", "127.0.0.1", "tea"):
            assert told.encode() not in learnt
        assert SECRET not in learnt
        assert b"stranger-danger" not in heard[inside.id]


async def test_members_get_in_and_talk(heard: dict[PeerId, bytes]) -> None:
    async with asyncio.timeout(DEADLINE_S), member() as ann, member("ben") as ben:
        await ben.connect(address_of(ann))
        await until(lambda: ann.neighbour_count == 1)
        ben.announce("among us")

        assert [m.text for m in await take(1, ann)] == ["among us"]
        assert NICK.encode() in heard[ben.id], "the ear of these tests hears what there is"
        assert SECRET not in heard[ben.id] + heard[ann.id]


async def test_the_same_passphrase_is_the_same_room() -> None:
    secret = stretch("open sesame", "tea")
    async with (
        asyncio.timeout(DEADLINE_S),
        node("ann", room="tea", secret=secret) as ann,
        node("ben", room="tea", secret=secret) as ben,
    ):
        await ben.connect(ann.invite())

        assert ben.neighbour_count == 1
        assert ann.invite().secret == secret


# --- The man in the middle --------------------------------------------------------------------


class Middle:
    """Lets a member dial it, dials another one, and passes on whatever either says."""

    def __init__(self) -> None:
        self.identity = Identity.generate()
        self.seen = b""

    @asynccontextmanager
    async def before(self, port: int) -> AsyncIterator[str]:
        """Stand before the node at that port; yield where to dial instead."""

        async with asyncio.TaskGroup() as tasks:
            victims: list[asyncio.Task[None]] = []

            def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                victims.append(tasks.create_task(self._relay(reader, writer, port)))

            server = await asyncio.start_server(accept, "127.0.0.1", 0)
            yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
            server.close()
            for victim in victims:
                victim.cancel()

    async def _relay(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int
    ) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
        near = SecureChannel(self.identity, dialling=False)
        far = SecureChannel(self.identity, dialling=True)
        near.start()
        far.start()
        for channel, ends in ((far, (far_reader, far_writer)), (near, (reader, writer))):
            while not channel.is_secured:
                ends[1].write(channel.take_outgoing())
                if plaintext := channel.receive(await ends[0].read(65_536)):
                    self._pass(plaintext, far if channel is near else near)
            ends[1].write(channel.take_outgoing())
        far_writer.write(far.take_outgoing())
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._pump(near, reader, far, far_writer))
                both.create_task(self._pump(far, far_reader, near, writer))
        finally:
            writer.transport.abort()
            far_writer.transport.abort()

    async def _pump(
        self,
        source: SecureChannel,
        reader: asyncio.StreamReader,
        target: SecureChannel,
        writer: asyncio.StreamWriter,
    ) -> None:
        while received := await reader.read(65_536):
            if plaintext := source.receive(received):
                self._pass(plaintext, target)
                writer.write(target.take_outgoing())

    def _pass(self, plaintext: bytes, target: SecureChannel) -> None:
        self.seen += plaintext
        target.send(plaintext)


@pytest.mark.threat(13)
async def test_a_proof_that_a_man_in_the_middle_passes_on_opens_nothing() -> None:
    middle = Middle()
    async with (
        asyncio.timeout(DEADLINE_S),
        member() as ann,
        member("ben") as ben,
        middle.before(ann.port) as place,
    ):
        with pytest.raises(WrongRoom):
            await ben.connect(place)
        remark = await notice_of(Remark, ann)

        assert "another room" in remark.text
        assert (ann.neighbour_count, ben.neighbour_count) == (0, 0)
        kinds = [type(frame) for frame in frames_in(middle.seen)]
        assert kinds.count(Proof) == 1, "the proof was passed on, and none came back"
        assert NICK.encode() not in middle.seen
        assert b"127.0.0.1" not in middle.seen


# --- Other ways in ----------------------------------------------------------------------------


async def test_there_are_no_guests_in_a_private_room() -> None:
    async with asyncio.timeout(DEADLINE_S), member(guests="any") as ann, member("ben") as ben:
        await ben.connect(address_of(ann))
        reader, writer = await asyncio.open_connection("127.0.0.1", ann.port)
        writer.write(b"hello from outside\n")
        told = await reader.read()
        writer.close()
        ben.announce("hello from inside")
        message = await notice_of(Received, ann)

        assert told == b""
        assert message.message.text == "hello from inside"


async def test_an_invite_to_another_room_is_refused_before_anybody_is_dialled() -> None:
    async with asyncio.timeout(DEADLINE_S), member() as ann, node("ben") as ben:
        with pytest.raises(OtherRoom, match="for the room tea; this is lobby") as caught:
            await ben.connect(ann.invite())

        assert caught.value.code == "room-refused"
        assert SECRET.hex() not in str(caught.value)


@pytest.fixture
def place(tmp_path: Path) -> dict[str, Any]:
    """Where the nodes of one user are, so that they find each other."""
    return {"manual": False, "folder": tmp_path, "run_folder": tmp_path / "run"}


async def test_members_on_one_machine_find_each_other_and_strangers_do_not(
    place: dict[str, Any],
) -> None:
    async with (
        asyncio.timeout(DEADLINE_S),
        member(**place) as ann,
        node("sam", room="tea", **place) as sam,
        member("ben", **place) as ben,
    ):
        await until(lambda: ann.neighbour_count == 1 and ben.neighbour_count == 1)
        await until(lambda: sam.standing().others_rooms == 2)

        assert sam.neighbour_count == 0
        assert sam.standing().found == 0


async def test_where_members_were_is_tried_without_a_word(place: dict[str, Any]) -> None:
    gone = InvitePlace(PeerId(Identity.generate().peer), (Address("127.0.0.1", 1025),))
    async with asyncio.timeout(DEADLINE_S), member() as ann:
        there = InvitePlace(ann.id, (Address("127.0.0.1", ann.port),))
        async with member("ben", places=(gone, there), **place) as ben:
            await until(lambda: ben.neighbour_count == 1)

            (near,) = ben.peers().neighbours
            assert near.person.id == ann.id

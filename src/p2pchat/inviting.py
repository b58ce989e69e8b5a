"""`/invite` and `p2pchat invite`: an invite to the room, made by a node or without one."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Final

from p2pchat.core.address_book import AddressBook
from p2pchat.core.invites import INVITE_ADDRESSES, Invite, InvitePlace
from p2pchat.core.limits import DEFAULT_PORT
from p2pchat.core.records import Scope, offerable, scope_of
from p2pchat.core.values import Address, PeerId
from p2pchat.crypto.room import Room
from p2pchat.errors import ProfileInUse
from p2pchat.launch import tell
from p2pchat.net.interfaces import own_addresses
from p2pchat.node import Node
from p2pchat.rooms import DEFAULT_ROOM, Choice, choose
from p2pchat.sanitize import visible_line
from p2pchat.settings import Settings
from p2pchat.stdio import StandardOutput
from p2pchat.store.address_book import load_book
from p2pchat.store.profile import DEFAULT_NAME, default_folder, open_profile
from p2pchat.store.running import Running, others, run_folder
from p2pchat.ui.ndjson_answers import encode_invitation
from p2pchat.ui.plain import lines_of_invite
from p2pchat.ui.qr import drawn
from p2pchat.wire.invite import encode_invite

EXIT_FAILED: Final = 1

OTHERS: Final = 4
"""People of the address book in an invite, with one address each, so that it outlives us."""

_OWN: Final = INVITE_ADDRESSES - OTHERS
_CANDIDATES: Final = 4 * OTHERS
"""So many are looked at, for some can't be dialled from elsewhere."""


def invite_of(node: Node) -> tuple[str, str]:
    """Return an invite of a running node as text, and what to know about it."""
    made = node.invite()
    return encode_invite(made), note_on(made)


async def invite(settings: Settings, *, as_qr: bool) -> int:
    """Print an invite to the room, without taking part in it; return the exit code.

    It names the nodes of this user that run on this machine. When none does, it is an error,
    unless a profile is named: then it is told where that one is going to run.

    Raises:
        P2PChatError: A setting breaks the rules, or the profile that is named can't be read.
    """
    choice = await choose(settings)
    tell(choice.notes, settings)
    room, profiles = choice.room, default_folder()
    nodes = _running(room, profiles)
    note = ""
    if not nodes and (own := _to_run(settings, choice, profiles)) is not None:
        nodes = [own]
        port = own.port if settings.profile is not None else None
        note = f"Nobody runs there yet; start it: {_command(settings, room, port)}"
    if not nodes:
        sys.stderr.write(f"p2pchat: {_nobody(settings, room)}\n")
        return EXIT_FAILED
    book = (
        None if settings.ephemeral else profiles / (_profile_of(settings, choice) or DEFAULT_NAME)
    )
    made = make_invite(room, nodes, book)
    note = " ".join(filter(None, (note_on(made), note)))
    return await print_invite(settings, made, note, as_qr=as_qr)


def make_invite(room: Room, nodes: Sequence[Running], profile: Path | None) -> Invite:
    """Return an invite that names those nodes, and others who were met there.

    Args:
        room: Which one; of a private one the invite holds the secret.
        nodes: One or more of this machine; at most four are named.
        profile: The folder of the profile whose address book is looked into; None for none.
    """
    own = own_places(nodes)
    known = () if profile is None else known_places(room, profile, [n.peer for n in nodes])
    return Invite(room.name, room.secret, own + known)


# --- Places -----------------------------------------------------------------------------------


def own_places(nodes: Sequence[Running]) -> tuple[InvitePlace, ...]:
    """Return where nodes of this machine are, loopback only when there is nothing else."""
    share = max(1, _OWN // len(nodes))
    reached = {node.peer: own_addresses(Address(node.host, node.port)) for node in nodes}
    far = {peer: _far(addresses) for peer, addresses in reached.items()}
    if any(far.values()):
        reached = {peer: addresses for peer, addresses in far.items() if addresses}
    places = [InvitePlace(peer, addresses[:share]) for peer, addresses in reached.items()]
    return tuple(places[:_OWN])


def known_places(
    room: Room, profile: Path, without: Iterable[PeerId] = ()
) -> tuple[InvitePlace, ...]:
    """Choose people of an address book who can be dialled from elsewhere.

    The node that keeps the book may be writing it: it is replaced whole, so one state or the other
    is read.
    """
    state, _ = load_book(profile, room.network_id)
    if state is None:
        return ()
    rng, wall_ms = Random(os.urandom(16)), time.time_ns() // 1_000_000
    book = AddressBook(rng)
    book.restore(state, wall_ms)
    found = []
    for known in book.candidates(_CANDIDATES, rng, wall_ms, frozenset(without)):
        # Public ones first: nobody knows yet where the invite will be read.
        addresses = sorted(_far(known.addresses), key=lambda a: -scope_of(a.host))
        if addresses and (known.record is None or known.record.is_diallable):
            found.append(InvitePlace(known.peer, tuple(addresses[:1])))
    return tuple(found[:OTHERS])


def _far(addresses: Iterable[Address]) -> tuple[Address, ...]:
    return offerable(addresses, Scope.PRIVATE)


def note_on(made: Invite) -> str:
    """Say what to know before an invite is handed on: who can use it, and from where."""
    scopes = {scope_of(address.host) for place in made.places for address in place.addresses}
    sentences = [_who_can(made)]
    if scopes <= {Scope.MACHINE}:
        sentences.append("It leads to this machine only.")
    elif Scope.PUBLIC not in scopes:
        sentences.append("It leads here from this network, not from the internet.")
    if len(made.places) > 1:
        sentences.append("It works as long as one of those is here whom it names.")
    return " ".join(sentences)


def _who_can(made: Invite) -> str:
    if made.has_secret:
        return f"whoever reads this is a member of {made.room} for good."
    return f"{made.room} is an open room: whoever finds it can read it, with or without this."


# --- Who runs ---------------------------------------------------------------------------------


def _running(room: Room, profiles: Path) -> list[Running]:
    # Port 0 is nobody's: this process runs no node.
    found = others(run_folder(profiles), os.getpid(), 0)
    return [node for node in found if node.is_in(room)]


def _profile_of(settings: Settings, choice: Choice) -> str | None:
    known = choice.known
    return settings.profile or (known.profile if known is not None else None)


def _to_run(settings: Settings, choice: Choice, profiles: Path) -> Running | None:
    """Return what will run when a profile is started that is named or has founded the room."""
    name = _profile_of(settings, choice)
    if name is None or not (profiles / name / "key").is_file():
        return None
    try:
        profile = open_profile(name, profiles)
    except ProfileInUse:
        return None  # in another room
    profile.close()
    founded = choice.known.port if choice.known is not None else None
    port = settings.port or founded or DEFAULT_PORT
    return Running(0, settings.host, port, profile.peer)


def _command(settings: Settings, room: Room, port: int | None = None) -> str:
    """Return what to type to have somebody run there."""
    parts = ["p2pchat"]
    if settings.profile is not None:
        parts += ["--profile", settings.profile]
    if port is not None:
        parts += ["--port", str(port)]
    if room.name != DEFAULT_ROOM:
        parts += ["--room", room.name]
    if settings.host:
        parts += ["--host", settings.host]
    if settings.secret_file is not None:
        parts += ["--secret-file", settings.secret_file]
    return visible_line(shlex.join(parts))


def _nobody(settings: Settings, room: Room) -> str:
    return (
        f"no p2pchat of yours runs in {visible_line(room.name)} on this machine, so there is "
        f"nobody to invite to. Start one in another terminal: {_command(settings, room)}"
    )


# --- Printing ---------------------------------------------------------------------------------


async def print_invite(settings: Settings, made: Invite, note: str, *, as_qr: bool) -> int:
    """Print the invite for whoever reads standard output, the note for people."""
    url = encode_invite(made)
    if settings.json:
        return await _write([encode_invitation(url, note, datetime.now(UTC))])
    picture, complaint = _picture(url) if as_qr else (None, "")
    code = await _write(lines_of_invite(url, picture, ""))
    for line in filter(None, (complaint, note)):
        if not settings.quiet:
            sys.stderr.write(f"{visible_line(line)}\n")
    return code


async def _write(lines: Sequence[str]) -> int:
    output = StandardOutput()
    output.write("".join(f"{line}\n" for line in lines))
    await output.flush()
    return EXIT_FAILED if output.broken.is_set() else 0


def _picture(url: str) -> tuple[str | None, str]:
    """Return a QR code, or why there is none."""
    picture = drawn(url)
    if picture is None:
        return None, "this invite is too long for a QR code."
    columns = picture.index("\n")
    if sys.stdout.isatty() and shutil.get_terminal_size().columns < columns:
        return None, f"the QR code needs {columns} columns; make the window wider."
    return picture, ""

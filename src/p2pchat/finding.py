"""Where a node finds others, and what it knows of them from before: its side towards the system."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable, Coroutine
from pathlib import Path

from p2pchat.core.address_book import AddressBook
from p2pchat.core.events import AddressFound, Event, NetworkChanged
from p2pchat.core.notices import How
from p2pchat.core.values import Address, PeerId
from p2pchat.crypto.room import Room
from p2pchat.net.discovery import LanDiscovery, LanService
from p2pchat.net.interfaces import InterfaceWatch, own_addresses
from p2pchat.store.address_book import load_book, save_book
from p2pchat.store.running import Running, RunningNode, others, run_folder

log = logging.getLogger(__name__)


class Finder:
    """Discovery and address book of one node; tells the core what it finds.

    Nothing of it is started under `--manual`, and the LAN only when somebody asks for it.
    """

    def __init__(
        self,
        room: Room,
        bound: Address,
        peer: PeerId,
        handle: Callable[[Event], None],
        tasks: asyncio.TaskGroup,
    ) -> None:
        """Describe it; nothing is opened or sent yet.

        Args:
            room: Whose members are looked for.
            bound: Where the node listens.
            peer: This node.
            handle: Takes what is found, on the loop's thread.
            tasks: Owns everything that goes on.
        """
        self._room = room
        self._bound = bound
        self._peer = peer
        self._handle = handle
        self._tasks = tasks
        self._running: set[asyncio.Task[None]] = set()
        self._folder: Path | None = None
        self._announcement: RunningNode | None = None
        self._is_looking = False
        self.lan: LanDiscovery | None = None

    # --- Life ---------------------------------------------------------------------------------

    def start(self, profiles: Path, folder: Path | None = None) -> None:
        """Announce this node to others of this user on this machine, and watch the interfaces.

        Args:
            profiles: Where profiles live.
            folder: Where running nodes are announced; None for the usual place.
        """
        self._folder = run_folder(profiles, folder)
        if self._folder is not None:
            self._announcement = RunningNode(self._folder)
            problem = self._announcement.announce(
                self._bound.host, self._bound.port, self._peer, self._room
            )
            if problem:
                log.warning("%s", problem)
        watch = InterfaceWatch(self._bound)
        self._spawn(watch.run(self._on_interfaces), "interfaces")

    def start_lan(self) -> None:
        """Look for others on the LAN from now on; a second time changes nothing."""
        if self.lan is None:
            self.lan = LanDiscovery(self._bound, self._room, self._on_service)
            self._spawn(self.lan.run(), "discovery")

    def stop(self) -> None:
        """Be found no more."""
        for task in self._running:
            task.cancel()
        if self._announcement is not None:
            self._announcement.release()

    def _spawn(self, doing: Coroutine[None, None, None], name: str) -> None:
        task = self._tasks.create_task(doing, name=name)
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    # --- Looking ------------------------------------------------------------------------------

    def addresses(self) -> tuple[Address, ...]:
        """Return where this node can be dialled, as far as its interfaces tell."""
        return own_addresses(self._bound)

    def search(self) -> None:
        """Look again who runs on this machine; files are read in a thread."""
        if self._folder is not None and not self._is_looking:
            self._is_looking = True
            self._spawn(self._look_on_machine(self._folder), "looking around")
        if self.lan is not None:
            for service in self.lan.services:
                self._on_service(service)

    def advertise(self) -> None:
        """Let others on the LAN find this node."""
        self.start_lan()
        assert self.lan is not None
        self.lan.advertise()

    async def _look_on_machine(self, folder: Path) -> None:
        try:
            found = await asyncio.to_thread(others, folder, os.getpid(), self._bound.port)
        finally:
            self._is_looking = False
        for node in found:
            is_same = node.is_in(self._room)
            self._handle(AddressFound((_dialled(node),), How.MACHINE, node.peer, is_same))

    def _on_service(self, service: LanService) -> None:
        self._handle(AddressFound(service.addresses, How.LAN, is_same_room=service.is_same_room))

    def _on_interfaces(self, addresses: tuple[Address, ...]) -> None:
        if self.lan is not None:
            self.lan.refresh()
        self._handle(NetworkChanged(addresses))


def _dialled(node: Running) -> Address:
    """Return where a node of this machine is dialled; one that listens everywhere, on loopback."""
    if node.host in ("", "::", "0.0.0.0"):
        return Address("127.0.0.1", node.port)
    return Address(node.host, node.port)


class BookKeeper:
    """Keeps the address book of one room on disk."""

    def __init__(self, book: AddressBook, folder: Path | None, room: Room) -> None:
        """Read what is there.

        Args:
            book: Is filled.
            folder: Of the profile; None to keep nothing.
            room: Whose members are in it.
        """
        self._book = book
        self._folder = folder
        self._room = room
        self._has_failed = False
        state, self.messages = load_book(folder, room.network_id)
        if state is not None:
            book.restore(state, time.time_ns() // 1_000_000)
            book.take_changed()

    async def save(self) -> None:
        """Write the book where it has changed; a problem goes to the log, and is tried again."""
        if self._folder is None or not (self._book.take_changed() or self._has_failed):
            return
        state = self._book.snapshot()
        problem = await asyncio.to_thread(save_book, self._folder, self._room.network_id, state)
        self._has_failed = problem is not None
        if problem:
            log.warning("%s", problem)

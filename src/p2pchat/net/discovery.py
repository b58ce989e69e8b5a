"""Finding nodes on the LAN by multicast DNS, and being found there (RFC 6762, RFC 6763)."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Final

from p2pchat.core.allowance import Allowance
from p2pchat.core.limits import RECORD_ADDRESSES
from p2pchat.core.values import Address
from p2pchat.crypto.room import Room
from p2pchat.net.advertisements import (
    INSTANCE_BYTES,
    SERVICE_TYPE,
    LanService,
    instance_of,
    is_near,
    read_service,
    text_record,
)
from p2pchat.net.interfaces import InterfaceAddress, interface_addresses, own_addresses

if TYPE_CHECKING:
    from zeroconf import ServiceStateChange, Zeroconf
    from zeroconf.asyncio import AsyncZeroconf

__all__ = ["LanDiscovery", "LanService"]

log = logging.getLogger(__name__)

_LIBRARY_LOG: Final = logging.getLogger("zeroconf")

CANDIDATES_LIMIT: Final = 64
"""Services that are remembered; the oldest makes way, so that forged ones can't fill it for
long."""

SERVICES_PER_S: Final = 50.0
SERVICES_BURST: Final = 100.0
"""What is looked at of all that comes in; a network of people stays far below."""

NAMES_BURST: Final = 5_000.0
NAMES_PER_S: Final = 1.0
FLOODED_S: Final = 60.0
"""Names met above which discovery rests so long: the library remembers each for as long as the
name itself demands, so that only closing it bounds memory."""

LIFE_S: Final = 3600.0
"""After so long it starts afresh, for the same reason; also what has been found is told again."""

RETRY_S: Final = 60.0
"""After a failure, when no interface changes before."""

REFRESH_MS: Final = 60_000
"""Between two looks whether a service has to be asked for anew, which it is in the last quarter of
its 75 minutes. With the library's own 10 s an idle node wakes up for that six times as often."""

RESOLVERS: Final = 4
RESOLVE_TIMEOUT_MS: Final = 3_000
UNRESOLVED_LIMIT: Final = 64
"""Names that came without their addresses: so many are asked for at once, so long, and so many
wait. Forged names can't have us send more than about ten questions a second."""


class LanDiscovery:
    """Looks for nodes on those interfaces where this one listens; advertises it when told to.

    Looking says nothing about us but that somebody asks for p2pchat. Nothing here ever raises
    for what the network does: `problem` says what is the matter.
    """

    def __init__(self, bound: Address, room: Room, on_found: Callable[[LanService], None]) -> None:
        """Describe it; nothing is imported, opened or sent before `run()`.

        Args:
            bound: Where the node listens; nothing leaves any other interface.
            room: Whose members are to be recognised.
            on_found: Called on the loop's thread with what is new or has changed.
        """
        self.instance = os.urandom(INSTANCE_BYTES).hex()
        self.problem: str | None = None
        """Why nothing is found, for people to read; None while it works."""
        self._told: str | None = None
        self.dropped = 0
        """Services that were not looked at, for there were too many."""
        self._bound = bound
        self._room = room
        self._on_found = on_found
        self._own: list[InterfaceAddress] = []
        self._live: dict[str, LanService] = {}  # at most CANDIDATES_LIMIT, see _remember()
        self._is_advertised = False
        self._is_flooded = False
        self._ends = asyncio.Event()
        self._wakes = asyncio.Event()
        self._looks = Allowance(SERVICES_BURST, SERVICES_PER_S)
        self._names = Allowance(NAMES_BURST, NAMES_PER_S)
        self._unresolved: asyncio.Queue[str] = asyncio.Queue(UNRESOLVED_LIMIT)

    @property
    def services(self) -> tuple[LanService, ...]:
        """What is there now, as far as it says so itself."""
        return tuple(self._live.values())

    @property
    def is_advertised(self) -> bool:
        """Whether others may find this node."""
        return self._is_advertised

    @property
    def may_advertise(self) -> bool:
        """Whether `advertise` does anything in this room."""
        return not self._room.is_guessable

    def advertise(self) -> None:
        """Let others find this node from now on; a second time changes nothing.

        Nor does anything where the secret of the room may come from a passphrase: whoever hears an
        advertisement could try passphrases at its tag.
        """
        self._is_advertised = self.may_advertise
        self._wakes.set()

    def refresh(self) -> None:
        """Look again on the interfaces that there are now; what is found is told again."""
        self._ends.set()
        self._wakes.set()

    async def run(self) -> None:
        """Look until cancelled; then say goodbye."""
        # In a thread, for it takes long enough to be felt.
        await asyncio.to_thread(import_module, "zeroconf.asyncio")
        if not _LIBRARY_LOG.handlers:
            # Without a handler its warnings would be printed over the chat.
            _LIBRARY_LOG.addHandler(logging.NullHandler())
        while True:
            self._ends.clear()
            self._live.clear()
            rest_s = await self._live_once()
            if rest_s:
                self._complain(rest_s)
                await _wait(self._ends, rest_s)

    def _complain(self, rest_s: float) -> None:
        if self.problem != self._told:  # a machine without multicast has none all day
            self._told = self.problem
            log.warning("LAN discovery rests for %g s: %s", rest_s, self.problem)

    async def _live_once(self) -> float:
        """Run until something ends it; return how long to rest, in seconds."""
        from zeroconf import Error  # noqa: PLC0415 - imported by now

        failures: list[Exception] = []
        try:
            async with self._zeroconf() as zeroconf:
                self.problem = None
                await self._look(zeroconf)
        except* (OSError, RuntimeError, Error) as group:
            failures += group.exceptions
        if failures:
            self.problem = str(failures[0]) or type(failures[0]).__name__
            return RETRY_S
        if self._is_flooded:
            self._is_flooded = False
            self._ends.clear()
            self.problem = "somebody floods this network with advertisements"
            return FLOODED_S
        return 0.0

    # --- Sockets -------------------------------------------------------------------------------

    @asynccontextmanager
    async def _zeroconf(self) -> AsyncIterator[AsyncZeroconf]:
        from zeroconf.asyncio import AsyncZeroconf  # noqa: PLC0415 - imported by now

        self._own = interface_addresses(self._bound)
        interfaces = _one_each_family(self._own)
        if not interfaces:
            raise OSError("no interface can do multicast")
        opened = AsyncZeroconf(interfaces=interfaces)
        is_leaving = True
        try:
            await opened.zeroconf.async_wait_for_start()
            if not self._bound.is_any:
                _confine(opened.zeroconf, self._own[0])
            yield opened
            is_leaving = False
        finally:
            goodbye = opened.zeroconf.generate_unregister_all_services()
            if goodbye and is_leaving:
                # Once: closing by itself would repeat it and take a quarter of a second.
                opened.zeroconf.async_send(goodbye)
            await opened.async_close()

    async def _look(self, zeroconf: AsyncZeroconf) -> None:
        from zeroconf.asyncio import AsyncServiceBrowser  # noqa: PLC0415 - imported by now

        self._names = Allowance(NAMES_BURST, NAMES_PER_S)
        async with asyncio.TaskGroup() as tasks:
            resolving = [
                tasks.create_task(self._resolve(zeroconf.zeroconf), name="lan")
                for _ in range(RESOLVERS)
            ]
            browser = AsyncServiceBrowser(
                zeroconf.zeroconf, SERVICE_TYPE, handlers=[self._on_change], delay=REFRESH_MS
            )
            try:
                await self._serve(zeroconf)
            finally:
                await browser.async_cancel()
                for task in resolving:
                    task.cancel()

    async def _serve(self, zeroconf: AsyncZeroconf) -> None:
        """Advertise as soon as that is wished; return when it is time to start afresh."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + LIFE_S
        is_registered = False
        while not self._ends.is_set() and (left_s := deadline - loop.time()) > 0:
            self._wakes.clear()
            if self._is_advertised and not is_registered:
                is_registered = True
                await self._register(zeroconf)
            elif not self._ends.is_set():
                await _wait(self._wakes, left_s)

    async def _register(self, zeroconf: AsyncZeroconf) -> None:
        from zeroconf import ServiceInfo  # noqa: PLC0415 - imported by now

        service = ServiceInfo(
            SERVICE_TYPE,
            f"{self.instance}.{SERVICE_TYPE}",
            port=self._bound.port,
            properties=text_record(self._room, self.instance),
            # The name of the machine is often that of its owner.
            server=f"{self.instance}.local.",
            parsed_addresses=self._advertised_ips(),
        )
        # Nobody else has that name, so it need not be asked for first.
        sending = await zeroconf.async_register_service(service, cooperating_responders=True)
        await sending

    def _advertised_ips(self) -> list[str]:
        own = [address.host for address in own_addresses(self._bound)]
        away = [one.ip for one in self._own if not one.is_loopback]
        global_ones = [ip for ip in own if ip in away]
        return (global_ones or away or own)[:RECORD_ADDRESSES]

    # --- What comes in -------------------------------------------------------------------------

    def _on_change(
        self,
        zeroconf: Zeroconf,
        service_type: str,
        name: str,
        state_change: ServiceStateChange,
    ) -> None:
        instance = instance_of(name)
        if state_change.name == "Removed":
            self._live.pop(instance or "", None)
            return
        if instance == self.instance or not self._may_look():
            return
        if instance is not None and not self._take_known(zeroconf, name):
            self._ask_for(name)

    def _may_look(self) -> bool:
        now = asyncio.get_running_loop().time()
        if not self._names.spend(1, now):
            self._is_flooded = True
            self.refresh()
        elif self._looks.spend(1, now):
            return True
        if not self.dropped:
            log.warning("too many advertisements on this network: not all are looked at")
        self.dropped += 1
        return False

    def _take_known(self, zeroconf: Zeroconf, name: str) -> bool:
        """Take a service whose addresses came along with its name."""
        from zeroconf.asyncio import AsyncServiceInfo  # noqa: PLC0415 - imported by now

        found = AsyncServiceInfo(SERVICE_TYPE, name)
        if not found.load_from_cache(zeroconf):
            return False
        self._remember(read_service(found, self._room, self._is_near))
        return True

    def _ask_for(self, name: str) -> None:
        try:
            self._unresolved.put_nowait(name)
        except asyncio.QueueFull:
            self.dropped += 1

    async def _resolve(self, zeroconf: Zeroconf) -> None:
        from zeroconf.asyncio import AsyncServiceInfo  # noqa: PLC0415 - imported by now

        while True:
            found = AsyncServiceInfo(SERVICE_TYPE, await self._unresolved.get())
            if await found.async_request(zeroconf, RESOLVE_TIMEOUT_MS):
                self._remember(read_service(found, self._room, self._is_near))

    def _is_near(self, ip: str) -> bool:
        return is_near(ip, self._own)

    def _remember(self, service: LanService | None) -> None:
        if service is None or self._live.get(service.instance) == service:
            return
        self._live.pop(service.instance, None)
        self._live[service.instance] = service
        if len(self._live) > CANDIDATES_LIMIT:
            del self._live[next(iter(self._live))]
        # Not from within: an error of whoever is called would close the library's socket.
        asyncio.get_running_loop().call_soon(self._on_found, service)


async def _wait(event: asyncio.Event, timeout_s: float) -> None:
    try:
        async with asyncio.timeout(timeout_s):
            await event.wait()
    except TimeoutError:
        return


def _one_each_family(own: list[InterfaceAddress]) -> list[str]:
    """Return an address of each interface and family that can do multicast.

    Loopback has none in IPv6; there a link-local address is preferred (RFC 6762, section 15).
    """
    chosen: dict[tuple[str, bool], str] = {}
    for one in sorted(own, key=lambda one: one.is_ipv6 and not one.is_link_local):
        if not (one.is_ipv6 and one.is_loopback) and _can_multicast(one):
            chosen.setdefault((one.device, one.is_ipv6), one.ip)
    return list(dict.fromkeys(chosen.values()))


def _can_multicast(own: InterfaceAddress) -> bool:
    """Tell whether an interface can be in the group, for the library gives up on one that can't."""
    family = socket.AF_INET6 if own.is_ipv6 else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as trying:
            if own.is_ipv6:
                group = socket.inet_pton(family, "ff02::fb")
                index = socket.if_nametoindex(own.device).to_bytes(4, sys.byteorder)
                trying.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, group + index)
            else:
                group = socket.inet_aton("224.0.0.251") + socket.inet_aton(own.ip)
                trying.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group)
    except OSError:
        return False
    return True


def _confine(zeroconf: Zeroconf, own: InterfaceAddress) -> None:
    """Tie all sockets to one interface: the library's own choice holds for what it begins only.

    It also answers on a socket that hears every interface, when it is asked directly.

    Raises:
        OSError: That can't be had, and nothing may leave this machine.
    """
    if sys.platform != "linux":
        if own.is_loopback:
            raise OSError("it can't be kept within this machine on this system")
        return
    for reader in zeroconf.engine.readers:
        opened = reader.transport.get_extra_info("socket")
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, own.device.encode())

"""Looks for nodes on a LAN and reports: `python -m tests.net.lan_host ADDRESS PORT ROOM [SECRET]`.

Only ever started inside a network namespace. Each line of standard input is a command, and
each line of standard output a JSON object.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time

from p2pchat.core.values import Address
from p2pchat.crypto.room import Room
from p2pchat.net.discovery import LanDiscovery, LanService
from p2pchat.net.interfaces import InterfaceWatch


def say(**fields: object) -> None:
    print(json.dumps(fields), flush=True)


def found(service: LanService) -> None:
    addresses = [str(address) for address in service.addresses]
    say(found=service.instance, addresses=addresses, same=service.is_same_room)


def report(discovery: LanDiscovery) -> None:
    say(
        instance=discovery.instance,
        problem=discovery.problem,
        live=len(discovery.services),
        dropped=discovery.dropped,
        cpu_s=time.process_time(),
        peak_kib=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
    )


async def obey(discovery: LanDiscovery) -> None:
    loop = asyncio.get_running_loop()
    while command := (await loop.run_in_executor(None, sys.stdin.readline)).strip():
        if command == "advertise":
            discovery.advertise()
        report(discovery)


async def run(bound: Address, room: Room) -> None:
    discovery = LanDiscovery(bound, room, found)

    def refresh(addresses: tuple[Address, ...]) -> None:
        say(changed=[address.host for address in addresses])
        discovery.refresh()

    async with asyncio.TaskGroup() as tasks:
        running = [
            tasks.create_task(discovery.run()),
            tasks.create_task(InterfaceWatch(bound).run(refresh)),
        ]
        await obey(discovery)
        for task in running:
            task.cancel()


if __name__ == "__main__":
    secret = sys.argv[4].encode() if len(sys.argv) > 4 else None
    asyncio.run(run(Address(sys.argv[1], int(sys.argv[2])), Room(sys.argv[3], secret)))

"""A node that a test drives: one JSON object a line in, one a line out.

In: {"connect": "host:port"} or {"write": "key in hex", "text": "..."}.
Out: {"type": "ready" | "Connected" | "DirectArrived" | "DirectReceipt" | ..., ...}.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from pathlib import Path

from p2pchat import Node
from p2pchat.core.notices import (
    Connected,
    Direct,
    DirectArrived,
    DirectReceipt,
    DirectSent,
    DirectWaits,
    Disconnected,
    Notice,
)
from p2pchat.core.values import PeerId, Person


def tell(kind: str, **fields: object) -> None:
    sys.stdout.write(json.dumps({"type": kind, **fields}) + "\n")
    sys.stdout.flush()


def tell_notice(notice: Notice) -> None:
    match notice:
        case DirectArrived(Direct() as message) | DirectSent(Direct() as message):
            tell(type(notice).__name__, id=message.id, text=message.text, nick=message.person.nick)
        case DirectReceipt(name) | DirectWaits(name):
            tell(type(notice).__name__, id=name)
        case Connected() | Disconnected():
            assert notice.person.id is not None, "a guest"
            tell(type(notice).__name__, peer=notice.person.id.hex())


async def obey(node: Node) -> None:
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        match json.loads(line):
            case {"connect": str(address)}:
                await node.connect(address)
            case {"write": str(peer), "text": str(text)}:
                node.write(Person(PeerId(bytes.fromhex(peer)), "somebody"), text)


async def listen(node: Node) -> None:
    async for notice in node.notices():
        tell_notice(notice)


async def main(nick: str, folder: Path, port: int) -> None:
    node = Node(nick, "127.0.0.1", port, profile=nick, folder=folder, manual=True)
    async with node, asyncio.TaskGroup() as tasks:
        tell("ready", id=node.id.hex(), port=node.port, waiting=node.waiting_count)
        listening = tasks.create_task(listen(node))
        await obey(node)
        listening.cancel()


if __name__ == "__main__":
    HOME = Path(sys.argv[2])
    HOME.mkdir(parents=True, exist_ok=True)
    logging.basicConfig(filename=HOME / "log.txt", level=logging.DEBUG)
    asyncio.run(main(sys.argv[1], HOME, int(sys.argv[3])))

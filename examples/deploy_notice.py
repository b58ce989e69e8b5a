"""Tell a room what was deployed, and end well only when enough people have it.

    .venv/bin/python examples/deploy_notice.py localhost:55555 2 "version 7 is live"

Everybody who gets the notice acknowledges it with a signature, and each one is checked: so the
2 above are two people, wherever they are in the network. The program prints who has the notice. It
ends with 0 when they are enough, else with 1 once the time is up.
"""

from __future__ import annotations

import argparse
import asyncio
import sys

from p2pchat import Node, P2PChatError, Person


async def tell(arguments: argparse.Namespace) -> tuple[Person, ...]:
    """Announce the notice; return who has acknowledged it in time."""
    async with Node(arguments.nick, "127.0.0.1", 0, ephemeral=True, manual=True) as node:
        await node.connect(arguments.address)
        notice = node.announce(arguments.text, wants_acks=True)
        reach = await node.reach(notice, arguments.people, arguments.timeout)
    return reach.has


def main() -> None:
    parser = argparse.ArgumentParser(description="Tell a room what was deployed.")
    parser.add_argument("address", metavar="ADDRESS", help="a node of the room: host:port")
    parser.add_argument("people", metavar="PEOPLE", type=int, help="how many have to get it")
    parser.add_argument("text", metavar="TEXT")
    parser.add_argument("--nick", default="deploy")
    parser.add_argument("--timeout", type=float, default=10.0, metavar="SECONDS")
    arguments = parser.parse_args()
    try:
        people = asyncio.run(tell(arguments))
    except P2PChatError as error:
        sys.exit(f"deploy_notice: {error}")
    # A nick is free of blanks and of whatever could steer a terminal: the node saw to that.
    print(f"{len(people)} have it:", *(person.nick for person in people))
    sys.exit(0 if len(people) >= arguments.people else 1)


if __name__ == "__main__":
    main()

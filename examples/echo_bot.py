"""A bot that answers whoever speaks to it by name.

Start p2pchat in a terminal, then in another one, with the address that p2pchat printed:

    .venv/bin/python examples/echo_bot.py localhost:55555

Type `echo: hello` in p2pchat, and it shows `* echo heard ann: hello`. Ctrl+C ends the bot.

Bots that answer each other never stop, so this one speaks in actions and never answers one; it
never answers guests either, whom nobody vouches for, and it is never fast.
"""

from __future__ import annotations

import argparse
import asyncio
import sys

from p2pchat import Message, Node, P2PChatError, PeerId

EVERYBODY_EACH_S = 1.0
ONE_PERSON_EACH_S = 3.0
"""At most one answer in this time; who asks more often is not answered."""

QUOTED_CHARACTERS = 200
PEOPLE_LIMIT = 1_000


class Patience:
    """Says when it is too early for another answer."""

    def __init__(self) -> None:
        self._next_at = 0.0
        self._next_at_of: dict[PeerId | None, float] = {}

    def allows(self, who: PeerId | None, now: float) -> bool:
        """Tell whether to answer somebody now, and count it as an answer."""
        if now < max(self._next_at, self._next_at_of.get(who, 0.0)):
            return False
        if len(self._next_at_of) >= PEOPLE_LIMIT:
            self._next_at_of.clear()
        self._next_at = now + EVERYBODY_EACH_S
        self._next_at_of[who] = now + ONE_PERSON_EACH_S
        return True


def question_in(message: Message, nick: str) -> str | None:
    """Return what somebody says to this bot; None where it is not spoken to."""
    if message.action or message.guest:
        return None
    name, colon, question = message.text.partition(":")
    spoken_to = name.strip().removeprefix("@").casefold()
    if not colon or spoken_to != nick.casefold():
        return None
    return question.strip() or None


async def run(arguments: argparse.Namespace) -> str | None:
    """Answer until cancelled; return what went wrong, if anything did.

    Leaving the `async with`, however that comes about, says goodbye to the neighbours.
    """
    patience = Patience()
    loop = asyncio.get_running_loop()
    async with Node(arguments.nick, arguments.host, arguments.port, ephemeral=True) as node:
        print(f"listening on port {node.port}", flush=True)
        try:
            for address in arguments.addresses:
                await node.connect(address)
        except P2PChatError as error:
            return f"echo_bot: {error}"
        # Own messages do not come along here, so it never answers itself.
        async for message in node.messages():
            question = question_in(message, node.nick)
            if question and patience.allows(message.author.id, loop.time()):
                quoted = f"heard {message.author.nick}: {question[:QUOTED_CHARACTERS]}"
                node.announce(quoted, action=True)
    return None


def main() -> None:
    parser = argparse.ArgumentParser(description="Answer whoever says NICK: something.")
    parser.add_argument("addresses", nargs="*", metavar="ADDRESS", help="nodes to connect to")
    parser.add_argument("--nick", default="echo")
    parser.add_argument("--host", default="", help="address to listen on (default: all)")
    parser.add_argument("--port", type=int, default=0, help="port to listen on (default: any)")
    try:
        sys.exit(asyncio.run(run(parser.parse_args())))
    except KeyboardInterrupt:
        return
    except P2PChatError as error:
        sys.exit(f"echo_bot: {error}")


if __name__ == "__main__":
    main()

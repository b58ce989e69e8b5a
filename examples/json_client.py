"""Ask a room something and print the first answer, with p2pchat as a child process.

    .venv/bin/python examples/json_client.py localhost:55555 "Is the kettle on?"

Nothing of p2pchat is imported here: whatever can start a program, write lines and read JSON can
do the same, in any language. Requests have a `ref`, which comes back in what they caused.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import AsyncIterator
from typing import Any

COMMAND = (sys.executable, "-m", "p2pchat", "--json", "--quiet", "--ephemeral", "--manual")
LINE_LIMIT_BYTES = 1024 * 1024


class Failed(Exception):
    """Something did not work; the text is for people."""


class Chat:
    """A running p2pchat, spoken to in JSON."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._process, self._input, self._output = process, process.stdin, process.stdout

    def ask(self, **request: str) -> None:
        """Write one request."""
        self._input.write(json.dumps(request).encode() + b"\n")

    async def events(self) -> AsyncIterator[dict[str, Any]]:
        """Yield what the program tells, until it ends."""
        while line := await self._output.readline():
            yield json.loads(line)

    async def first(self, kind: str) -> dict[str, Any]:
        """Wait for the next event of that type, passing over others."""
        async for event in self.events():
            if event["type"] == "error":
                raise Failed(event["message"])
            if event["type"] == kind:
                return event
        raise Failed("p2pchat has ended")

    async def leave(self) -> None:
        """Close its input, which makes it leave, and wait until it is gone."""
        self._input.close()
        async for event in self.events():
            if event["type"] == "bye":
                break
        await self._process.wait()


async def ask(address: str, question: str, nick: str) -> str:
    """Return the first thing that anybody says after the question."""
    process = await asyncio.create_subprocess_exec(
        *COMMAND, "--nick", nick, "--host", "127.0.0.1", "--port", "0",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=LINE_LIMIT_BYTES,
    )  # fmt: skip
    chat = Chat(process)
    try:
        await chat.first("ready")
        chat.ask(type="connect", address=address, ref="dial")
        await chat.first("connected")
        chat.ask(type="send", text=question, ref="question")
        await chat.first("sent")
        answer = await chat.first("message")
        await chat.leave()
        return f"{answer['from']['nick']}: {answer['text']}"
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def ask_in_time(arguments: argparse.Namespace) -> str:
    """Ask, and give up when nobody answers."""
    try:
        async with asyncio.timeout(arguments.timeout):
            return await ask(arguments.address, arguments.question, arguments.nick)
    except TimeoutError:
        raise Failed(f"no answer in {arguments.timeout:g} s") from None


def main() -> None:
    parser = argparse.ArgumentParser(description="Ask a room something, print the first answer.")
    parser.add_argument("address", metavar="ADDRESS", help="a node of the room: host:port")
    parser.add_argument("question", metavar="QUESTION")
    parser.add_argument("--nick", default="asker")
    parser.add_argument("--timeout", type=float, default=60.0, metavar="SECONDS")
    try:
        answer = asyncio.run(ask_in_time(parser.parse_args()))
    except Failed as fault:
        sys.exit(f"json_client: {fault}")
    # Texts in JSON are exact; ascii() spells out whatever could steer a terminal.
    print(ascii(answer)[1:-1])


if __name__ == "__main__":
    main()

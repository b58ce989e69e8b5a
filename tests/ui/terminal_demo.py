"""A tiny program on the terminal, for tests: it repeats what was entered."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import sys

from rich.table import Table
from rich.text import Text

from p2pchat.errors import TerminalGone
from p2pchat.sanitize import visible
from p2pchat.ui.model import Toolbar
from p2pchat.ui.terminal import Terminal

TOOLBAR = Toolbar("lobby", 0, 55555)


def talk(terminal: Terminal, number: int = 0) -> None:
    terminal.show(Text(f"line {number} of many"))
    asyncio.get_running_loop().call_later(0.002, talk, terminal, number + 1)


def table() -> Table:
    made = Table(box=None)
    made.add_column("name")
    made.add_column("address")
    made.add_row("bob", "127.0.0.1:55556")
    return made


def carry_out(terminal: Terminal, line: str) -> None:
    command, _, rest = line.partition(" ")
    match command:
        case "flood":
            for number in range(int(rest)):
                terminal.show(Text(f"flood {number}"))
        case "hostile":
            terminal.show(
                Text(visible("\x1b[2J\x1b[31mowned\r\n\x9b5A \u202eabc \x1b]0;title\x07"))
            )
        case "refuse":
            terminal.put_back(line)
        case "ring":
            terminal.bell()
            terminal.bell()
        case "peers":
            terminal.set_toolbar(Toolbar("lobby", int(rest), 55555))
        case "nick":
            terminal.set_prompt(rest)
        case "table":
            terminal.show(table())
        case "clear":
            terminal.clear()
        case _:
            terminal.show(Text(f"got {line!r}"))


async def main(*, is_talking: bool) -> None:
    async with Terminal("alice", TOOLBAR) as terminal:
        terminal.show(Text("ready"))
        if is_talking:
            talk(terminal)
        async for line in terminal.lines():
            carry_out(terminal, line)
        terminal.show(Text("farewell"))
    print("bye")


if __name__ == "__main__":
    if errors := os.environ.get("ERRORS"):
        os.dup2(os.open(errors, os.O_WRONLY | os.O_CREAT), sys.stderr.fileno())
    if "--ignore-hangup" in sys.argv:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    if "--slow-start" in sys.argv:
        print("not raw yet", flush=True)
        select.select([sys.stdin], [], [])  # until a whole line was typed
    try:
        asyncio.run(main(is_talking="--talk" in sys.argv))
    except TerminalGone:
        sys.exit(129)

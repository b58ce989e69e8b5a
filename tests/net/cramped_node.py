"""Runs one node that may open few files, and reports: `python -m tests.net.cramped_node 64`."""

from __future__ import annotations

import asyncio
import json
import logging
import resource
import sys
import time
from typing import Any

from p2pchat import Node
from p2pchat.logs import Thinned


class Counted(logging.Handler):
    """Counts lines and forgets them."""

    lines = 0

    def emit(self, _record: logging.LogRecord) -> None:
        self.lines += 1


async def run() -> None:
    """Report after each line of standard input, until that ends."""
    reported: list[str] = []
    counted = Counted()
    counted.addFilter(Thinned())
    logging.getLogger().addHandler(counted)
    logging.getLogger().setLevel(logging.INFO)
    loop = asyncio.get_running_loop()

    def complain(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        reported.append(str(context))

    loop.set_exception_handler(complain)
    async with Node("ann", "127.0.0.1", 0, manual=True, ephemeral=True) as node:
        port = node.port
        while True:
            report = {
                "port": port,
                "cpu_s": time.process_time(),
                "lines": counted.lines,
                "reported": reported,
                "connections": len(node.connections),
            }
            print(json.dumps(report), flush=True)
            if not await loop.run_in_executor(None, sys.stdin.readline):
                return


if __name__ == "__main__":
    files = int(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    asyncio.run(run())

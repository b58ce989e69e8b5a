"""`p2pchat send`: say one thing, and end when it has arrived."""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from datetime import UTC, datetime

from p2pchat.core.invites import Invite
from p2pchat.core.notices import Reach
from p2pchat.core.values import Address
from p2pchat.errors import DialFailed
from p2pchat.launch import node_for
from p2pchat.logs import logging_to
from p2pchat.node import COMPANY_S, Node
from p2pchat.settings import Settings
from p2pchat.ui import ndjson, plain


async def send(settings: Settings, text: str, wait_acks: int, timeout_s: float) -> int:
    """Connect, announce the text, wait for it, leave; return the exit code.

    Args:
        settings: Of the run; `connect` names whom to dial.
        text: Sent as it is.
        wait_acks: How many people have to acknowledge it; 0 to be content with the neighbours'
            word that they took it.
        timeout_s: How long to wait for acknowledgements.

    Raises:
        P2PChatError: It could not start, or the text may not be sent.
    """
    node, targets = node_for(settings)
    async with node:
        with logging_to(settings, node.profile):
            await _dial_all(node, targets)
            await _wait_for_company(node, settings)
            message = node.announce(text, wants_acks=wait_acks > 0)
            await node.drain()
            if not wait_acks:
                return 0 if await node.leave() else 1
            reach = await node.reach(message, wait_acks, timeout_s)
            _tell(settings, reach, wait_acks)
            return 0 if len(reach.has) >= wait_acks else 1


async def _dial_all(node: Node, targets: tuple[Address | Invite, ...]) -> None:
    for target in targets:
        try:
            await node.connect(target)
        except DialFailed as error:
            sys.stderr.write(f"p2pchat: {error}\n")


async def _wait_for_company(node: Node, settings: Settings) -> None:
    """Give a node that finds others by itself a moment for it."""
    if settings.manual or node.neighbour_count:
        return
    node.look_on_lan()
    with suppress(TimeoutError):
        async with asyncio.timeout(COMPANY_S):
            await node.wait_for_neighbour()


def _tell(settings: Settings, reach: Reach, wanted: int) -> None:
    if settings.json:
        said = ndjson.encode_reach("send", reach, datetime.now(UTC))
    else:
        missing = wanted - len(reach.has)
        said = plain.line_of_reach(reach) + (f" (wanted {wanted})" if missing > 0 else "")
    sys.stdout.write(f"{said}\n")

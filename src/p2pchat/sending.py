"""`p2pchat send`: say one thing, and end when it has arrived."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime

from p2pchat.core.invites import Invite
from p2pchat.core.naming import Ambiguous, Found, Resolution, Unknown, explain, resolve
from p2pchat.core.notices import (
    DirectGivenUp,
    DirectReceipt,
    DirectSent,
    DirectWaits,
    Notice,
    Reach,
)
from p2pchat.core.values import Address, Person
from p2pchat.errors import DialFailed
from p2pchat.launch import node_for
from p2pchat.logs import logging_to
from p2pchat.node import COMPANY_S, Node
from p2pchat.sanitize import visible_line
from p2pchat.settings import Settings
from p2pchat.ui import ndjson, plain
from p2pchat.ui.names import name_alone


async def send(
    settings: Settings, text: str, wait_acks: int, timeout_s: float, to: str | None = None
) -> int:
    """Connect, say the text, wait until it has arrived, leave; return the exit code.

    Args:
        settings: Of the run; `connect` names whom to dial.
        text: Sent as it is.
        wait_acks: How many people have to acknowledge it; 0 to be content with the neighbours'
            word that they took it.
        timeout_s: How long to wait for acknowledgements, or for the receipt.
        to: Who alone is to read it; None for everybody.

    Raises:
        P2PChatError: It could not start, or the text may not be sent.
    """
    node, targets = await node_for(settings)
    async with node:
        with logging_to(settings, node.profile):
            await _dial_all(node, targets)
            await _wait_for_company(node, settings)
            if to is not None:
                return await _write(settings, node, to, text, timeout_s)
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
            sys.stderr.write(f"p2pchat: {visible_line(str(error))}\n")


async def _wait_for_company(node: Node, settings: Settings) -> None:
    """Give a node that finds others by itself a moment for it."""
    if settings.manual or node.neighbour_count:
        return
    node.look_on_lan()
    with suppress(TimeoutError):
        async with asyncio.timeout(COMPANY_S):
            await node.wait_for_neighbour()


# --- To one person ----------------------------------------------------------------------------


async def _write(settings: Settings, node: Node, to: str, text: str, timeout_s: float) -> int:
    """Write to one person; 0 only when his receipt came in time."""
    notices = node.notices()
    person: Person | None = None
    message = ""
    with suppress(TimeoutError):
        async with asyncio.timeout(timeout_s):
            person = await _person(node, to, notices)
            if person is None:
                return 1
            if person.id is not None and node.contacts.is_blocked(person.id):
                return _fail(f"{to} is blocked, so his answer would not be shown.")
            message = node.write(person, text)
            if await _has_arrived(settings, message, notices):
                return 0
    if person is None:
        outcome = _resolve(node, to)
        return _fail(explain(to, outcome if isinstance(outcome, Unknown) else Unknown(), at=""))
    return _fail(_unanswered(node, person, timeout_s))


async def _person(node: Node, to: str, notices: AsyncIterator[Notice]) -> Person | None:
    """Return who is called so, as soon as he is heard of; None, and a word, for several."""
    outcome: Resolution = _resolve(node, to)
    while isinstance(outcome, Unknown):
        await anext(notices)  # whatever it is, somebody else may be known after it
        outcome = _resolve(node, to)
    match outcome:
        case Found(person):
            return person
        case Ambiguous():
            _fail(explain(to, outcome, at=""))
    return None


def _resolve(node: Node, to: str) -> Resolution:
    peers = node.peers()
    people = [near.person for near in peers.neighbours]
    people += [far.person for far in peers.heard]
    return resolve(to, people, node.contacts)


async def _has_arrived(settings: Settings, message: str, notices: AsyncIterator[Notice]) -> bool:
    async for notice in notices:
        match notice:
            case DirectSent(direct) if direct.id == message:
                _tell_json(settings, notice)
            case DirectWaits(found) | DirectGivenUp(found) if found == message:
                _tell_json(settings, notice)
            case DirectReceipt(found) if found == message:
                _tell_json(settings, notice)
                return True
    return False


def _unanswered(node: Node, person: Person, timeout_s: float) -> str:
    name = name_alone(person)
    late = f"{name} has not confirmed it within {timeout_s:g} s"
    if node.profile.folder is None:
        return f"{late}; it is lost, because nothing is kept with --ephemeral."
    return f"{late}; it waits in the outbox of this profile and goes when p2pchat runs again."


def _tell_json(settings: Settings, notice: Notice) -> None:
    if settings.json:
        for line in ndjson.encode(notice, datetime.now(UTC)):
            sys.stdout.write(f"{line}\n")


def _fail(text: str) -> int:
    sys.stderr.write(f"p2pchat: {visible_line(text)}\n")
    return 1


def _tell(settings: Settings, reach: Reach, wanted: int) -> None:
    if settings.json:
        said = ndjson.encode_reach("send", reach, datetime.now(UTC))
    else:
        missing = wanted - len(reach.has)
        said = plain.line_of_reach(reach) + (f" (wanted {wanted})" if missing > 0 else "")
    sys.stdout.write(f"{said}\n")

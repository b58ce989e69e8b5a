"""`/doctor` and `p2pchat doctor`: looks for what is wrong with a node and with its network."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from p2pchat.core.invites import Invite
from p2pchat.core.notices import Direction, Finding, Health
from p2pchat.core.records import Scope, scope_of
from p2pchat.core.values import Address
from p2pchat.errors import BadInvite, DialFailed
from p2pchat.examining import Facts, Lan, findings
from p2pchat.launch import node_for
from p2pchat.logs import logging_to, unexpected_count
from p2pchat.net.interfaces import own_addresses
from p2pchat.node import Node
from p2pchat.settings import Settings
from p2pchat.stdio import StandardOutput
from p2pchat.ui.findings import lines_of_findings
from p2pchat.ui.ndjson_answers import encode_findings

EXIT_BAD: Final = 1

PATIENCE_S: Final = 6.0
"""How long the subcommand waits for somebody to be found and to answer. A dial takes up to 5 s
where nobody answers; who waits longer in front of a command that says nothing takes it for dead."""

LAN_ANSWER_S: Final = 2.0
"""How long others on the LAN have to answer: the second question of DNS-SD is asked after 1 s, and
answers come within 0.12 s (RFC 6762)."""

_LOOK_S: Final = 0.05
_TRIAL_BYTES: Final = 4096
"""A block of a usual file system: less may fit into a full one."""


def examine(node: Node, failed_dials: tuple[str, ...] = ()) -> tuple[Finding, ...]:
    """Look at a running node; takes some milliseconds, for a file is written as a trial.

    Args:
        node: Which one.
        failed_dials: What became of dials that did not open, a sentence each.
    """
    return findings(_facts(node, failed_dials))


async def doctor(settings: Settings) -> int:
    """Start a node, look who is there, and print what was found; return the exit code.

    Takes PATIENCE_S when nobody is there, and up to twice as long when somebody who is to be
    dialled does not answer. The code is 1 when something keeps its user from chatting.

    Raises:
        P2PChatError: It could not even start; the text says what to do.
    """
    node, targets = await node_for(settings)
    async with node:
        with logging_to(settings, node.profile):
            node.look_on_lan()
            failed = await _dial_all(node, targets)
            await _look(node)
            found = examine(node, failed)
    is_bad = any(finding.health is Health.BAD for finding in found)
    is_read = await _print(found, as_json=settings.json)
    return EXIT_BAD if is_bad or not is_read else 0


async def _print(found: Sequence[Finding], *, as_json: bool) -> bool:
    """Tell whether somebody read it."""
    lines = [encode_findings(found, datetime.now(UTC))] if as_json else lines_of_findings(found)
    output = StandardOutput()
    output.write("".join(f"{line}\n" for line in lines))
    await output.flush()
    return not output.broken.is_set()


# --- Looking ----------------------------------------------------------------------------------


async def _dial_all(node: Node, targets: tuple[Address | Invite, ...]) -> tuple[str, ...]:
    """Dial all at once; return what became of those that did not open, in their order."""
    async with asyncio.TaskGroup() as tasks:
        dials = [tasks.create_task(_failure_of(node, target), name="dial") for target in targets]
    return tuple(failure for dial in dials if (failure := dial.result()))


async def _failure_of(node: Node, target: Address | Invite) -> str:
    try:
        await node.connect(target)
    except (DialFailed, BadInvite) as error:
        return str(error)
    return ""


async def _look(node: Node) -> None:
    """Wait until everything is known that can be, at most PATIENCE_S."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    # Nothing tells of all that is looked at.
    while not _is_known(node, loop.time() - began):  # noqa: ASYNC110
        await asyncio.sleep(_LOOK_S)


def _is_known(node: Node, waited_s: float) -> bool:
    if waited_s >= PATIENCE_S:
        return True
    return _is_company_known(node) and _is_lan_known(node, waited_s)


def _is_company_known(node: Node) -> bool:
    standing = node.standing()
    if standing.neighbours:
        return standing.is_reachable is not None or not _can_ask(node)
    if not standing.joins:
        return True
    # Who is on the LAN waits for our user's consent, and nobody else is there to be dialled.
    return bool(standing.found) and not standing.has_lan_consent and not standing.known_before


def _can_ask(node: Node) -> bool:
    """Tell whether there is a neighbour who is asked to dial us, by the core's own rule."""
    return node.standing().joins and Direction.OUT in _directions(node)


def _directions(node: Node) -> frozenset[Direction]:
    """Return who dialled, of the connections with neighbours on other machines."""
    return frozenset(
        status.direction
        for status in node.peers().neighbours
        if not status.guest and scope_of(status.address.host) is not Scope.MACHINE
    )


def _is_lan_known(node: Node, waited_s: float) -> bool:
    lan = node.lan
    return lan is None or bool(lan.problem or lan.services) or waited_s >= LAN_ANSWER_S


# --- Facts ------------------------------------------------------------------------------------


def _facts(node: Node, failed_dials: tuple[str, ...]) -> Facts:
    folder = node.profile.folder
    return Facts(
        standing=node.standing(),
        port=node.port,
        addresses=node.addresses,
        machine=_machine(node.port),
        lan=_lan(node),
        room=node.room,
        is_open=not node.is_private,
        profile=node.profile.name,
        folder="" if folder is None else str(folder),
        was_dialled=Direction.IN in _directions(node),
        disk_problem="" if folder is None else disk_problem(folder),
        files=files_limit(),
        tasks=len(asyncio.all_tasks()),
        unexpected=unexpected_count(asyncio.get_running_loop()),
        failed_dials=failed_dials,
    )


def _machine(port: int) -> tuple[Address, ...]:
    everywhere = own_addresses(Address("::", port))
    return tuple(a for a in everywhere if scope_of(a.host) is not Scope.MACHINE)


def _lan(node: Node) -> Lan | None:
    lan = node.lan
    if lan is None:
        return None
    return Lan(lan.problem, len(lan.services), lan.is_advertised, lan.may_advertise)


def disk_problem(folder: Path) -> str:
    """Return why nothing can be written to a folder; an empty text where it can."""
    try:
        with tempfile.TemporaryFile(dir=folder) as trial:
            trial.write(bytes(_TRIAL_BYTES))
    except OSError as error:
        return error.strerror or type(error).__name__
    return ""


def files_limit() -> int | None:
    """Return how many files this process may open; None where the system sets no limit."""
    if sys.platform == "win32":
        return None
    import resource  # noqa: PLC0415 - there is none on Windows

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if soft == resource.RLIM_INFINITY else soft

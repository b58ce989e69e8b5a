"""What `/trace` and `/ping` say: the way of a message, the way to somebody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from p2pchat.core.limits import PATH_ANSWER_S
from p2pchat.sanitize import visible_line
from p2pchat.ui.words import span

if TYPE_CHECKING:
    from p2pchat.core.notices import Path, PathStep
    from p2pchat.core.values import Message, Person
    from p2pchat.ui.chart import Naming

HIDDEN: Final = "somebody who hides"

_QUOTED_CHARACTERS: Final = 40


def lines_of_trace(path: Path, message: Message, name: Naming) -> list[str]:
    """Say which way a message came, the nearest node first: a heading, then a line for each.

    Args:
        path: What each of them told; nobody can check it.
        message: Delays count from when it was written, by its author's clock.
        name: What people are called, clean.
    """
    quoted = f'"{visible_line(message.text, _QUOTED_CHARACTERS)}" from {name(message.author)}'
    if not path.steps:
        if path.is_complete:
            return [f"{quoted} began its way here. /seen tells who has it"]
        return [f"nobody told the way of {quoted} within {PATH_ANSWER_S:g} s"]
    answered = "" if path.rtt_ms is None else f", which took {path.rtt_ms:.1f} ms"
    lines = [f"the way of {quoted}, from here back, as told by each of them{answered}:"]
    lines += [
        f"  {number}  {_who(step, name)}: {_when(step, message)}"
        for number, step in enumerate(path.steps, start=1)
    ]
    if not path.is_complete:
        lines.append(f"  the rest of the way to {name(message.signer)} is not known")
    return lines


def line_of_ping(path: Path, person: Person, name: Naming) -> str:
    """Say how far somebody is.

    Args:
        path: What the nodes on the way told.
        person: Who was asked for.
        name: What people are called, clean.
    """
    who = name(person)
    via = ", ".join(_who(step, name) for step in path.steps[:-1])
    if path.is_complete and path.rtt_ms is not None:
        hops = f"over {len(path.steps)} hops (via {via})" if via else "directly, as a neighbour"
        return f"{who}: {path.rtt_ms:.1f} ms {hops}"
    if path.steps:
        return f"{who}: the way is known only as far as {_who(path.steps[-1], name)}"
    return f"{who}: no answer within {PATH_ANSWER_S:g} s"


def delay_ms(step: PathStep, message: Message) -> int | None:
    """Return how long after it was written a node had a message; negative if clocks differ."""
    return step.wall_ms - message.time_ms if step.wall_ms else None


def _who(step: PathStep, name: Naming) -> str:
    return HIDDEN if step.person is None else name(step.person)


def _when(step: PathStep, message: Message) -> str:
    if step.person is not None and step.person.id == message.signer.id:
        return "announced it" if message.guest else "wrote it"
    delay = delay_ms(step, message)
    if delay is None:
        return "did not say when it had it"
    if delay < 0:
        return f"had it {_length(-delay)} before it was written, so the clocks differ"
    return f"had it {_length(delay)} after it was written"


def _length(ms: int) -> str:
    if ms < 1_000:
        return f"{ms} ms"
    return f"{ms / 1_000:.1f} s" if ms < 10_000 else span(ms / 1_000)

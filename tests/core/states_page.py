"""Writes `docs/states.md` from the table of states: `python -m tests.core.states_page`."""

from __future__ import annotations

from pathlib import Path

from p2pchat.core.session import TABLE, State

PAGE = Path(__file__).parents[2] / "docs" / "states.md"

_INTRODUCTION = """\
# States of a connection

Made from the table in `src/p2pchat/core/session.py` by `python -m tests.core.states_page`; a test
fails when the two differ. What is not here is a fault of the other side and ends the connection.

A connection that is *securing* becomes *closed* without a step of its own when its bytes stop, as
any other does: the shell tells the core, which forgets it.
"""

_END = State.CLOSED


def states_page() -> str:
    """The whole page, with one arrow for each pair of states."""
    arrows: dict[tuple[State, State], list[str]] = {}
    for (state, happened), following in TABLE.items():
        arrows.setdefault((state, following), []).append(happened.__name__)
    order = list(State)
    lines = [
        f"    {state.value} --> {following.value}: {', '.join(sorted(names))}"
        for (state, following), names in sorted(
            arrows.items(), key=lambda item: (order.index(item[0][0]), order.index(item[0][1]))
        )
    ]
    start = f"    [*] --> {State.SECURING.value}: ConnectionStarted"
    end = f"    {_END.value} --> [*]"
    diagram = "\n".join(["```mermaid", "stateDiagram-v2", start, *lines, end, "```"])
    return f"{_INTRODUCTION}\n{diagram}\n"


if __name__ == "__main__":
    PAGE.write_text(states_page(), encoding="utf-8")

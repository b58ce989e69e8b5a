"""Everything that a measure can run over, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.benchmarks.control import CONTROLS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.benchmarks.system import System

OURS: Final = "p2pchat"


def _ours() -> System:
    # Imported late: a control's process must not pay for what p2pchat imports.
    from tests.benchmarks.ours import Ours  # noqa: PLC0415

    return Ours()


SYSTEMS: Final[dict[str, Callable[[], System]]] = {**CONTROLS, OURS: _ours}

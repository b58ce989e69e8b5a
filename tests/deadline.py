"""How long a test waits for what has to come."""

from __future__ import annotations

from typing import Final

DEADLINE_S: Final = 60.0
"""Until a condition has to hold. No promise of the program: only what is broken comes so late, also
where two cores run many programs at once. A promise about time has a bound of its own."""

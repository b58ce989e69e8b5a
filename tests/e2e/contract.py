"""The lines that programs may rely on in line mode."""

from __future__ import annotations

import re
from typing import Final


def is_contract_line(line: str) -> bool:
    """Tell whether line mode may print that line on standard output."""
    return _CONTRACT.fullmatch(line) is not None


_CONTRACT: Final = re.compile(
    r"Listening for connection requests at \S+:\d+|Requesting connection: \S+"
    r"|(?:Connected|Disconnected): \S+ \(\S+\)|(?:\(direct\) )?\S+ -> .*|\* \S+ .*|Error: .*"
    r"|      .*"
)

"""What `--version` says."""

from __future__ import annotations

import sys

from p2pchat import __version__
from p2pchat.core.limits import PROTOCOL_HIGHEST


def version() -> str:
    """Return program, Python, system and protocol, each with its version."""
    python = ".".join(str(part) for part in sys.version_info[:3])
    return f"p2pchat {__version__} (Python {python}, {sys.platform}, protocol {PROTOCOL_HIGHEST})"

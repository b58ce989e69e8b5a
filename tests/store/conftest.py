"""What the tests of profiles share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return where profiles are to be; nothing is there yet."""
    return tmp_path / "deep" / "p2pchat"

"""All fuzz targets, by name."""

from __future__ import annotations

from typing import Final

from tests.fuzz.core_targets import CORE
from tests.fuzz.crypto_targets import CRYPTO
from tests.fuzz.store_targets import STORE
from tests.fuzz.target import Target
from tests.fuzz.ui_targets import UI
from tests.fuzz.wire_targets import WIRE

TARGETS: Final[dict[str, Target]] = WIRE | CRYPTO | CORE | STORE | UI

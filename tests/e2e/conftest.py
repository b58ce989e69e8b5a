"""What the end-to-end tests share."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.e2e.processes import Programs
from tests.e2e.village import Villages

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.e2e.village import Village


@pytest.fixture
def programs(tmp_path: Path) -> Iterator[Programs]:
    with closing(Programs(tmp_path)) as started:
        yield started


@pytest.fixture(scope="module")
def villages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Villages]:
    with closing(Programs(tmp_path_factory.mktemp("villages"))) as programs:
        yield Villages(programs)


@pytest.fixture
def village(villages: Villages) -> Village:
    return villages.village()

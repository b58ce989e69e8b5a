"""Print the tests that failed in the last run of pytest, one a line.

    python .ci/failed_tests.py .pytest_cache

Ends with 1 if no run is on record that got as far as a failing test.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path


def failed_in(cache: Path) -> list[str]:
    """Return the tests that pytest has noted as failed in its cache; a broken note is an error."""
    record = cache / "v" / "cache" / "lastfailed"
    return list(json.loads(record.read_text("utf-8"))) if record.exists() else []


if __name__ == "__main__":
    failed = failed_in(Path(sys.argv[1]))
    sys.stdout.write("".join(f"{test}\n" for test in failed))
    sys.exit(not failed)

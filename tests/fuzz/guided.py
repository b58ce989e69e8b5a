"""One target under atheris, in a process of its own: libFuzzer ends the process that it runs in.

python -m tests.fuzz.guided TARGET SLOW_FOLDER ARGUMENTS_OF_LIBFUZZER...
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["p2pchat"]):
    from tests.fuzz.targets import TARGETS

from tests.fuzz.corpus import write
from tests.fuzz.cost import TIME_LIMIT_S, time_of


def main() -> None:
    """Fuzz until libFuzzer ends."""
    program, name, slow, *arguments = sys.argv
    run, slow_folder = TARGETS[name].run, Path(slow)

    def one_input(data: bytes) -> None:
        # Watched code is slower, so this is only a suspicion; who started us measures again.
        if time_of(run, data) > TIME_LIMIT_S:
            write(slow_folder, [data])

    atheris.Setup([program, *arguments], one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()

"""Print the command that the README gives for running the tests.

It stands in the first fenced block after the line `<!-- ci: test command -->`.
"""

from __future__ import annotations

import sys
from pathlib import Path

MARK = "<!-- ci: test command -->"
FENCE = "```"


def command_in(text: str) -> str:
    """Return the lines of the marked block; ends the program when there is none."""
    _, mark, rest = text.partition(MARK)
    if not mark:
        raise SystemExit(f"README.md has no {MARK}")
    before, fence, block = rest.partition(FENCE)
    if not fence or before.strip():
        raise SystemExit(f"{MARK} is not followed by a block of {FENCE}")
    _, _, lines = block.partition("\n")  # behind the fence stands the language
    command, fence, _ = lines.partition(FENCE)
    if not fence or not command.strip():
        raise SystemExit(f"the block after {MARK} is empty or has no end")
    return "\n".join(line.removeprefix("$ ") for line in command.strip().splitlines())


if __name__ == "__main__":
    sys.stdout.write(command_in(Path(sys.argv[1]).read_text("utf-8")) + "\n")

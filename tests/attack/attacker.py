"""One attacker: `python -m tests.attack.attacker WEAPON PORT ROOM ALICE SECONDS`.

Says `ready` when all is prepared, strikes at the next line of standard input, and says at its end
what it did, as one line of JSON.
"""

from __future__ import annotations

import json
import resource
import sys

from tests.attack.target import Target
from tests.attack.weapons import WEAPONS


def main(weapon: str, port: str, room: str, alice: str, seconds: str) -> None:
    """Prepare, wait, strike, tell."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    strike = WEAPONS[weapon](Target(int(port), room, bytes.fromhex(alice)))
    print("ready", flush=True)
    sys.stdin.readline()
    print(json.dumps(strike(float(seconds))), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])

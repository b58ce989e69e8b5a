"""The arguments of `p2pchat id`."""

from __future__ import annotations

import argparse
from enum import Enum


class KeyChange(Enum):
    """What becomes of the key file."""

    NONE = "none"
    SET_PASSPHRASE = "set"
    REMOVE_PASSPHRASE = "remove"


def add_id_flags(parser: argparse.ArgumentParser) -> None:
    """Add those of `id`."""
    changes = parser.add_mutually_exclusive_group()
    changes.add_argument("--set-passphrase", action="store_const", dest="change",
        const=KeyChange.SET_PASSPHRASE,
        help="seal the key under a passphrase, or under another one")  # fmt: skip
    changes.add_argument("--remove-passphrase", action="store_const", dest="change",
        const=KeyChange.REMOVE_PASSPHRASE, help="keep the key without one")  # fmt: skip
    parser.add_argument("--new-passphrase-file", metavar="FILE",
        help="the passphrase to set; - asks for it, as without this flag")  # fmt: skip

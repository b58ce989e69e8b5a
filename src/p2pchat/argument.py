"""Reads single arguments of the command line; each says what is wrong, as argparse wants it."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from p2pchat.core import limits
from p2pchat.errors import P2PChatError

LONGEST_TIMEOUT_S: Final = 3600.0


def port(text: str) -> int:
    """Read a port, 0 to 65535."""
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and int(text) <= 65535):
        raise argparse.ArgumentTypeError(f"must be 0-65535, got {text}")
    return int(text)


def minutes(text: str) -> int:
    """Read how much backlog is wanted, in minutes."""
    most = limits.STORE_MINUTES
    if not (text.isascii() and text.isdigit() and len(text) <= 4 and int(text) <= most):
        raise argparse.ArgumentTypeError(f"must be 0-{most}, got {text}")
    return int(text)


def count(text: str) -> int:
    """Read how many people have to acknowledge."""
    most = limits.ACKS_AIM
    if not (text.isascii() and text.isdigit() and len(text) <= 6 and 1 <= int(text) <= most):
        raise argparse.ArgumentTypeError(f"must be 1-{most}, got {text}")
    return int(text)


def seconds(text: str) -> float:
    """Read a length of time in seconds."""
    try:
        length_s = float(text)
    except ValueError:
        length_s = -1.0
    if not 0 < length_s <= LONGEST_TIMEOUT_S:
        most = f"{LONGEST_TIMEOUT_S:g}"
        raise argparse.ArgumentTypeError(f"must be above 0 and at most {most}, got {text}")
    return length_s


@contextmanager
def _as_usage() -> Iterator[None]:
    """Have the parser say what is wrong with an argument."""
    try:
        yield
    except P2PChatError as error:
        raise argparse.ArgumentTypeError(str(error).rstrip(".")) from None


def nick(text: str) -> str:
    """Read a nick."""
    from p2pchat.nicks import check_nick  # noqa: PLC0415

    with _as_usage():
        return check_nick(text)


def target(text: str) -> str:
    """Read an address or an invite without a secret."""
    from p2pchat.invite_input import check_target  # noqa: PLC0415

    with _as_usage():
        return check_target(text)


def text(text: str) -> str:
    """Take a text as it is, unless it holds an invite with a secret."""
    from p2pchat.invite_input import refuse_exposed  # noqa: PLC0415

    with _as_usage():
        refuse_exposed({"on the command line": text})
    return text


def room(text: str) -> str:
    """Take a room's name of a fitting length."""
    from p2pchat.invite_input import refuse_exposed  # noqa: PLC0415

    with _as_usage():  # an error later on might repeat it
        refuse_exposed({"on the command line": text})
    if not text or len(text.encode("utf-8", "replace")) > limits.ROOM_LIMIT_BYTES:
        raise argparse.ArgumentTypeError(f"a room name has 1 to {limits.ROOM_LIMIT_BYTES} bytes")
    return text

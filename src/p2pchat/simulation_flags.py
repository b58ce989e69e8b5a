"""The arguments of `p2pchat simulate`."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable

from p2pchat.core import limits


def add_simulation_flags(parser: argparse.ArgumentParser) -> None:
    """Add those of `simulate`."""
    add = parser.add_argument
    add("--nodes", type=_within(int, 2, 20_000), metavar="N", help="default: 100")
    add("--degree", type=_within(int, 2, 60), metavar="D", help="neighbours of each (default: 5)")
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--messages", type=_within(int, 1, 1_000_000), metavar="M",
        help="default: 100")  # fmt: skip
    length.add_argument("--minutes", type=_within(float, 0.01, 1_440), metavar="MINUTES",
        help="talk for so long in virtual time, instead of so many messages")  # fmt: skip
    add("--rate", type=_within(float, 0.01, 10_000), metavar="PER_S",
        help="messages a virtual second, of all together (default: 10)")  # fmt: skip
    add("--authors", type=_within(int, 1, 20_000), metavar="K", help="who speaks (default: all)")
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--size", type=_within(int, 1, limits.TEXT_LIMIT_CHARACTERS),
        metavar="BYTES", help="length of a text (default: 64)")  # fmt: skip
    size.add_argument("--large", action="store_true", help="texts that are pushed lazily")
    add("--churn", type=_within(float, 0, 1_000), metavar="PERCENT",
        help="nodes that go and come back, each minute (default: 0)")  # fmt: skip
    add("--loss", type=_within(float, 0, 100), metavar="PERCENT",
        help="connections that fall silent during the talk (default: 0)")  # fmt: skip
    add("--partition", type=_within(float, 0, 3_600), metavar="SECONDS",
        help="how long the network lies in two halves (default: 0)")  # fmt: skip
    add("--seed", type=_within(int, 0, 2**53), metavar="S",
        help="the same seed gives the same output (default: 0)")  # fmt: skip
    add("--strategy", choices=["flood", "lazy"],
        help="for large texts; small ones always flood (default: lazy)")  # fmt: skip
    add("--json", action="store_true", help="print one JSON object")


def add_sweep_flags(parser: argparse.ArgumentParser) -> None:
    """Add those of `simulate sweep`."""
    add = parser.add_argument
    add("--nodes", type=_within(int, 100, 20_000), metavar="N", help="default: 10000")
    add("--messages", type=_within(int, 1, 1_000), metavar="M",
        help="broadcasts after each crash (default: 100)")  # fmt: skip
    add("--fractions", type=_fractions, metavar="PERCENT,...",
        help="how many die (default: 10,20,30,40,50,60,70,80,90,95)")  # fmt: skip
    add("--seed", type=_within(int, 0, 2**53), metavar="S",
        help="the same seed gives the same output (default: 0)")  # fmt: skip
    add("--jobs", type=_within(int, 1, 64), metavar="J", help="processes (default: 1)")
    add("--json", action="store_true", help="print one JSON object")
    add("--svg", metavar="FILE", help="draw a picture as well")


def _fractions(text: str) -> tuple[int, ...]:
    read = _within(int, 1, 99)
    return tuple(int(read(part)) for part in text.split(","))


def _within(kind: Callable[[str], float], least: float, most: float) -> Callable[[str], float]:
    """Make a reader of numbers between two bounds, these included."""

    def read(text: str) -> float:
        try:
            number = kind(text)
        except ValueError:
            number = math.nan
        if not least <= number <= most:
            raise argparse.ArgumentTypeError(f"must be {least:g}-{most:g}, got {text}")
        return number

    return read

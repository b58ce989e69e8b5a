"""Measures messages to one person: CPU, bytes, delays, and what churn does to them."""

from __future__ import annotations

import argparse
import asyncio
import math
import platform
import statistics
import sys
import time
from typing import TYPE_CHECKING, Final

from p2pchat.core.direct_packets import DirectPackets, Owner
from p2pchat.core.notices import DirectArrived
from p2pchat.core.values import Epoch, Kind, NetworkId, Person
from p2pchat.crypto.identity import Identity
from p2pchat.crypto.sealing import DirectCredentials, SealingKeys
from p2pchat.wire.codec import Codec, decode, encode
from p2pchat.wire.framing import frame_bytes
from tests.benchmarks.simulator import table
from tests.nodes import line_of
from tests.sim.direct_support import ATTEMPTS_S, under_churn

if TYPE_CHECKING:
    from collections.abc import Callable

    from p2pchat import Node
    from p2pchat.core.direct_frames import Packet
    from p2pchat.core.direct_values import Inside

NETWORK: Final = NetworkId(bytes(16))
HOPS: Final = (1, 3, 6)
LENGTHS: Final = (20, 900, 4_000)
"""Characters of a text: a line, a long one, the longest."""

SETTLE_S: Final = 0.5
"""After the openings: what neighbours tell each other at first is not measured."""


class End:
    """Somebody with real keys."""

    def __init__(self) -> None:
        identity = Identity.generate()
        self.me = identity.peer
        self._sealer = SealingKeys()
        owner = Owner(self.me, Epoch(bytes(8)), NETWORK)
        self.packets = DirectPackets(owner, Codec(), DirectCredentials(identity), self._sealer)

    def write(self, recipient: End, text: str) -> tuple[Inside, Packet]:
        """Do what a sender does for each message."""
        key = recipient._sealer.public(0.0)
        inside = self.packets.write(recipient.me, key, bytes(16), Kind.TEXT, text, 0)
        return inside, self.packets.pack(inside, key, bytes(16), 0, is_flooded=False)


# --- CPU and bytes ----------------------------------------------------------------------------


def microseconds(work: Callable[[], object], times: int) -> float:
    """Return the median of the CPU time that something takes."""
    taken = []
    for _ in range(times):
        began_ns = time.process_time_ns()
        work()
        taken.append((time.process_time_ns() - began_ns) / 1000)
    return statistics.median(taken)


def cost_row(length: int, times: int) -> list[str]:
    """Measure a message of so many characters at each who has it in his hands."""
    ann, relay, bob = End(), End(), End()
    text = "x" * length
    inside, packet = ann.write(bob, text)
    on_the_wire = encode(packet)
    receipt = bob.packets.receipt(packet.id, inside)

    def send() -> None:
        encode(ann.write(bob, text)[1])
        ann.packets.is_receipt(receipt, inside)

    def pass_on() -> None:
        passed: Packet = decode(on_the_wire)  # type: ignore[assignment]
        assert relay.packets.is_valid(passed, relay.packets.outside_of(passed))
        encode(passed)
        encode(receipt)

    def receive() -> None:
        passed: Packet = decode(on_the_wire)  # type: ignore[assignment]
        outside = bob.packets.outside_of(passed)
        assert bob.packets.is_valid(passed, outside)
        encode(bob.packets.receipt(passed.id, bob.packets.open_(outside, 0.0)))

    costs = [microseconds(work, times) for work in (send, pass_on, receive)]
    sizes = len(frame_bytes(on_the_wire)), len(frame_bytes(encode(receipt)))
    return [f"{length:,}", *(f"{cost:.0f}" for cost in costs), *(f"{size:,}" for size in sizes),
            f"{1e6 / costs[1]:,.0f}"]  # fmt: skip


COST_HEADING: Final = (
    "characters", "sender us", "relay us", "recipient us", "bytes a hop", "receipt", "relay a s",
)  # fmt: skip


# --- Delays -----------------------------------------------------------------------------------


async def delays_row(hops: int, messages: int) -> list[str]:
    """Measure from `write` to the notice, over real connections on this machine."""
    async with line_of(*(f"n{number}" for number in range(hops + 1))) as nodes:
        await asyncio.sleep(SETTLE_S)
        taken = [await _delay_ms(nodes[0], nodes[-1]) for _ in range(messages)]
    return [f"{hops}", f"{taken[0]:.1f}", f"{statistics.median(taken[1:]):.1f}"]


async def _delay_ms(author: Node, recipient: Node) -> float:
    began_s = time.perf_counter()
    author.write(Person(recipient.id, recipient.nick), "hello")
    async for notice in recipient.notices():
        if isinstance(notice, DirectArrived):
            break
    return (time.perf_counter() - began_s) * 1000


DELAY_HEADING: Final = ("hops", "first ms, with its request", "further ones ms")


# --- Churn ------------------------------------------------------------------------------------


def churn_row(size: int, messages: int) -> list[str]:
    """Simulate a network of which 30 % vanish within a minute."""
    post = under_churn(size, 1, messages=messages)
    delays = sorted(post.delays_s())
    trails = post.own_packets[False] / sum(post.own_packets.values())
    return [
        f"{size:,}",
        f"{messages}",
        f"{1 - len(post.late(ATTEMPTS_S)) / messages:.1%}",
        f"{trails:.1%}",
        f"{statistics.median(delays) * 1000:.0f}",
        f"{delays[math.ceil(0.99 * len(delays)) - 1] * 1000:.0f}",
        f"{sum(len(times) > 1 for times in post.shown.values())}",
    ]


CHURN_HEADING: Final = (
    "nodes", "messages", "within 10 s", "by trail", "p50 ms", "p99 ms", "shown twice",
)  # fmt: skip


def main(arguments: list[str]) -> int:
    """Measure, print."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.direct")
    parser.add_argument("--quick", action="store_true", help="fewer, and 200 nodes only")
    is_quick = parser.parse_args(arguments).quick
    times, sizes = (200, (200,)) if is_quick else (2_000, (200, 1_000))
    print(f"Python {platform.python_version()}, {platform.system()} {platform.machine()}\n")
    print(table(COST_HEADING, [cost_row(length, times) for length in LENGTHS]), end="\n\n")
    delays = [asyncio.run(delays_row(hops, 10)) for hops in HOPS]
    print(table(DELAY_HEADING, delays), end="\n\n")
    print(table(CHURN_HEADING, [churn_row(size, 100) for size in sizes]))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

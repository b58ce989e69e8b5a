"""What networks do to connections: delay, cuts, silence, forgetting what is idle."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import pytest

from tests.e2e.proxy import Flow, Proxy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.e2e.processes import Program, Programs

REPLACED_S: Final = 45.0
"""From the moment a connection is dead until another one is there."""

IDLE_S: Final = 30.0
"""After so long without a byte a strict proxy forgets a connection."""


class Line:
    """Ann, whom bob reaches by a proxy; everything that bob hears is what ann said."""

    def __init__(self, ann: Program, bob: Program, proxy: Proxy) -> None:
        self.ann = ann
        self.bob = bob
        self.proxy = proxy
        bob.say(f"connect {proxy.address}")
        bob.wait_for("Connected: ann")
        ann.wait_for("Connected: bob")

    @property
    def connections(self) -> int:
        return sum(line.startswith("Connected: ann") for line in self.bob.out)

    def goes_on(self) -> None:
        self.ann.say("still here")
        self.bob.wait_for("ann -> still here")
        self.bob.say("so am I")
        self.ann.wait_for("bob -> so am I")


@pytest.fixture
def people(programs: Programs) -> list[Program]:
    return programs.people("ann", "bob")


@pytest.fixture
def line(people: list[Program]) -> Iterator[Line]:
    ann, bob = people
    with Proxy(ann.port) as proxy:
        yield Line(ann, bob, proxy)


def test_a_slow_line_only_delays(people: list[Program]) -> None:
    ann, bob = people
    with Proxy(ann.port, delay_s=0.3) as proxy:
        Line(ann, bob, proxy).goes_on()


@pytest.mark.threat(2)
@pytest.mark.parametrize(
    "happens",
    [Proxy.cut, Proxy.end_one_side],
    ids=["cut", "half closed"],
)
def test_a_connection_that_breaks_is_replaced_at_once_and_nothing_is_lost(
    line: Line, happens: Callable[[Proxy], None]
) -> None:
    happens(line.proxy)
    line.ann.say("in between")

    line.bob.wait_for("ann -> in between")
    line.bob.wait_until(lambda: line.connections == 2, "connected again")
    line.goes_on()
    assert line.bob.heard == ["ann -> in between", "ann -> still here"]


def deaf_to_bob(flow: Flow) -> None:
    flow.is_deaf_to_dialler = True


def deaf_to_ann(flow: Flow) -> None:
    flow.is_deaf_to_target = True


@pytest.mark.threat(2)
@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "happens", [Flow.swallow, deaf_to_bob, deaf_to_ann], ids=["both", "from bob", "from ann"]
)
def test_a_connection_that_goes_silent_is_replaced_in_time_and_nothing_is_lost(
    line: Line, happens: Callable[[Flow], None], record_property: Callable[[str, object], None]
) -> None:
    began_at = time.monotonic()
    line.proxy.each(happens)
    line.ann.say("into the void")
    while line.connections < 2 and time.monotonic() < began_at + 2 * REPLACED_S:
        time.sleep(0.1)  # as in wait_until, but for longer than its deadline
    took_s = time.monotonic() - began_at

    line.bob.wait_for("ann -> into the void")
    line.goes_on()
    assert line.bob.heard == ["ann -> into the void", "ann -> still here"]
    assert took_s <= REPLACED_S
    record_property("reached", f"replaced after {took_s:.0f} s of a black hole")


@pytest.mark.threat(23)
@pytest.mark.long
@pytest.mark.timeout(900)
def test_a_proxy_that_forgets_idle_connections_forgets_none_of_ours(
    people: list[Program], record_property: Callable[[str, object], None]
) -> None:
    ann, bob = people
    with Proxy(ann.port, idle_s=IDLE_S) as proxy:
        line = Line(ann, bob, proxy)
        began_at = time.monotonic()
        time.sleep(600)  # it is the length that is promised

        line.goes_on()
        lived_s = time.monotonic() - began_at

    assert line.connections == 1
    assert len(proxy.flows) == 1
    record_property("reached", f"one connection for {lived_s / 60:.0f} minutes")

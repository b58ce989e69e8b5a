"""Forged advertisements against a real program, on a LAN that consists of network namespaces.

An advertisement names no key, only an address and a room: so a forged one leads to a node with a
wrong key, here a real one of another room, or claims a room whose tag it cannot make.
"""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import pytest

from p2pchat.core import limits
from tests.deadline import DEADLINE_S
from tests.e2e import virtual_lan
from tests.sources import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.e2e.processes import JsonProgram, Programs
    from tests.e2e.virtual_lan import LanHost

pytestmark = pytest.mark.skipif(bool(virtual_lan.why_not()), reason=virtual_lan.why_not())

FORGED: Final = 3_000
FORGED_PER_S: Final = 1_000
LURED: Final = "10.77.100"
"""A network of which every address leads to the machine of eve."""

SECRET: Final = "key:00112233445566778899aabbccddeeff"


@pytest.fixture
def hosts() -> Iterator[list[LanHost]]:
    with virtual_lan.virtual_lan(3) as made:
        ann, _, eve = made
        ann.do(f"ip route add {LURED}.0/24 dev eth0")
        eve.do("ip link set lo up")
        eve.do(f"ip route add local {LURED}.0/24 dev lo")
        yield made


@contextmanager
def dials_of(host: LanHost) -> Iterator[list[str]]:
    """Collect where the programs of a machine try to connect to, known at the end."""
    command = [*host.inside, sys.executable, "-m", "tests.net.syn_counter", "eth0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as counting:
        assert counting.stdout is not None
        assert counting.stdout.readline() == "ready\n"
        dials: list[str] = []
        try:
            yield dials
        finally:
            counting.terminate()
            dials += [line.split()[0] for line in counting.stdout]


def flood(host: LanHost, port: int, room: str, tag: str = "") -> None:
    """Say a thousand times a second that somebody new is at that port."""
    subprocess.run(
        [*host.inside, sys.executable, "-m", "tests.net.forger", host.ip, str(FORGED),
         str(FORGED_PER_S), LURED, str(port), room, tag],
        cwd=ROOT, check=True, timeout=DEADLINE_S,
    )  # fmt: skip


def met(program: JsonProgram) -> list[str]:
    return sorted({str(told["peer"]["nick"]) for told in program.of_type("connected")})


@pytest.mark.threat(29)
@pytest.mark.parametrize("is_private", [False, True], ids=["open", "private"])
def test_a_thousand_forged_advertisements_a_second_cost_few_dials_and_connect_to_nobody(
    programs: Programs,
    hosts: list[LanHost],
    tmp_path: Path,
    record_property: Callable[[str, object], None],
    *,
    is_private: bool,
) -> None:
    flags: list[str] = []
    if is_private:
        (secret := tmp_path / "secret").write_text(SECRET)
        secret.chmod(0o600)
        flags = ["-r", "tea", "--secret-file", str(secret)]
    eve = virtual_lan.start(programs, hosts[2], "eve", "-r", "elsewhere")
    ann = virtual_lan.start(programs, hosts[0], "ann", "--lan", *flags)
    bob = virtual_lan.start(programs, hosts[1], "bob", "--lan", *flags)
    ann.wait_for_object("connected")
    bob.wait_for_object("connected")

    began_at = time.monotonic()
    with dials_of(hosts[0]) as dials:
        # In a private room nobody else can make the tag of an instance; this one is of none.
        flood(hosts[2], eve.port, "lobby", "0123456789abcdef" if is_private else "")
        bob.request("send", text="after the flood")
        ann.wait_for_object("message", text="after the flood")
    took_s = time.monotonic() - began_at
    lured = [ip for ip in dials if ip.startswith(LURED)]

    allowed = limits.DIALS_BURST + limits.DIALS_PER_S * took_s
    assert len(lured) <= (0 if is_private else allowed)
    assert is_private or len(lured) > 1, "an open room has to find out who is there"
    assert ann.leave() == eve.leave() == 0
    assert met(ann) == ["bob"]
    assert met(eve) == []
    room = "a private room" if is_private else "an open room"
    record_property("reached", f"{len(lured)} dials in {took_s:.1f} s in {room}, no connection")

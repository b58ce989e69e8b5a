"""One core that joins by itself, among people who lie about addresses."""

from __future__ import annotations

import pytest

from p2pchat.core import limits
from p2pchat.core.events import AddressFound, Dial, DialEnded, Effect, Probe, Tell
from p2pchat.core.mesh_frames import (
    Join,
    PassedRecord,
    ReachabilityAnswer,
    ReachabilityAsk,
    Shuffle,
)
from p2pchat.core.notices import How
from p2pchat.core.values import Address
from p2pchat.errors import KeyMismatch, NoAnswer
from p2pchat.sim.credentials import sim_peer_id
from tests.core.mesh import passed as passed_at
from tests.core.mesh import record_of as record_at
from tests.core.support import OneCore, of, sent


def joiner() -> OneCore:
    return OneCore(joins=True)


def find(one: OneCore, name: str = "bob", ip: str = "10.1.0.2") -> list[Effect]:
    address = Address(ip, 55555)
    return one.feed(AddressFound((address,), How.MACHINE, sim_peer_id(name)))


@pytest.mark.threat(8)
def test_ten_thousand_addresses_of_one_victim_cost_it_three_dials_and_us_little() -> None:
    one = joiner()
    bob, _ = one.open("bob", ip="8.8.8.8")
    one.frame(bob, Join(False))
    dials: list[Dial] = []

    def follow(effects: list[Effect]) -> None:
        for dial in of(effects, Dial):
            dials.append(dial)
            error = NoAnswer(dial.addresses[0], dial.timeout_s)
            follow(one.feed(DialEnded(dial.attempt, error)))

    for number in range(1_250):
        records = tuple(
            passed_at(f"sybil{number}-{n}", f"9.9.9.9:{1024 + 8 * number + n}") for n in range(8)
        )
        token = number.to_bytes(16, "big")
        follow(one.frame(bob, Shuffle(token, 0, record_at("bob"), records)))
        follow(one.wait(limits.DIALS_PER_IP_S / 1_300))
    learnt = one.core.holdings()

    at_victim = [d for d in dials if any(a.host == "9.9.9.9" for a in d.addresses)]
    assert 1 <= len(at_victim) <= limits.DIALS_PER_IP
    counts = {holding.what: holding.count for holding in learnt}
    assert counts["peers heard of from one source"] <= limits.BOOK_PER_SOURCE
    cid, _ = one.open("cid", ip="7.7.7.7")
    asked = one.frame(cid, Shuffle(b"c" * 16, 0, record_at("cid"), ()))
    handed_on = [r for e in sent(asked, cid) for r in getattr(e, "records", ())]
    assert all(isinstance(record, PassedRecord) and record.passed > 0 for record in handed_on)


def test_a_question_whether_we_reach_somebody_leads_to_him_and_nowhere_else() -> None:
    one = joiner()
    bob, _ = one.open("bob", ip="8.8.8.8")

    (probe,) = of(one.frame(bob, ReachabilityAsk(2000)), Probe)

    assert probe.address == Address("8.8.8.8", 2000)
    assert not of(one.frame(bob, ReachabilityAsk(2001)), Probe)


def test_an_answer_that_nobody_asked_for_does_not_tell_us_that_we_are_reachable() -> None:
    one = joiner()
    bob, _ = one.open("bob", ip="8.8.8.8")

    one.frame(bob, ReachabilityAnswer(True))

    assert one.core.standing(one.now).is_reachable is None


def test_a_node_under_manual_knocks_for_nobody() -> None:
    one = OneCore()
    bob, _ = one.open("bob", ip="8.8.8.8")

    assert not of(one.frame(bob, ReachabilityAsk(2000)), Probe)


def test_a_dial_that_leads_to_another_key_is_told_and_counts_as_failed() -> None:
    one = joiner()
    (dial,) = of(find(one), Dial)

    error = KeyMismatch(dial.addresses[0], "one", "other", is_own_dial=True)
    effects = one.feed(DialEnded(dial.attempt, error))

    assert "one" in str([tell.notice for tell in of(effects, Tell)])
    assert not of(one.wait(1.0), Dial)


def test_on_this_machine_another_key_at_a_port_is_no_news() -> None:
    one = joiner()
    (dial,) = of(find(one), Dial)

    error = KeyMismatch(Address("127.0.0.1", 55555), "one", "other", is_own_dial=True)
    effects = one.feed(DialEnded(dial.attempt, error))

    assert not of(effects, Tell)

"""Addresses in records: how far they reach, which of them anybody may have us dial."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2pchat.core import limits
from p2pchat.core.records import (
    Scope,
    is_current,
    is_offerable,
    netgroup,
    normal_ip,
    offerable,
    read_addresses,
    scope_of,
)
from p2pchat.core.values import Address
from tests.effort import EFFORT

IPS = st.ip_addresses().map(str)
ADDRESSES = st.builds(Address, IPS | st.text(max_size=20), st.integers(0, 65_535), st.booleans())


@pytest.mark.parametrize(
    ("ip", "scope"),
    [
        ("127.0.0.1", Scope.MACHINE),
        ("::1", Scope.MACHINE),
        ("::ffff:127.0.0.1", Scope.MACHINE),
        ("10.1.2.3", Scope.PRIVATE),
        ("fd00::1", Scope.PRIVATE),
        ("fe80::1%eth0", Scope.PRIVATE),
        ("::ffff:192.168.1.1", Scope.PRIVATE),
        ("8.8.8.8", Scope.PUBLIC),
        ("2001:4860:4860::8888", Scope.PUBLIC),
        ("example.org", Scope.PUBLIC),
        ("", Scope.PUBLIC),
    ],
)
def test_an_address_reaches_as_far_as_its_network(ip: str, scope: Scope) -> None:
    assert scope_of(ip) is scope


@pytest.mark.threat(8)
@pytest.mark.parametrize(
    "text",
    [
        "127.0.0.1:22",
        "8.8.8.8:1023",
        "224.0.0.1:55555",
        "[ff02::1]:55555",
        "0.0.0.0:55555",
        "[::]:55555",
        "255.255.255.255:55555",
        "169.254.1.1:55555",
        "[fe80::1]:55555",
        "[::ffff:169.254.1.1]:55555",
        "[::ffff:224.0.0.1]:55555",
        "example.org:55555",
        "localhost:55555",
        "2130706433:55555",
        "127.1:55555",
        "plain://8.8.8.8:55555",
    ],
)
def test_nobody_may_have_us_dial_what_is_no_address_of_a_peer(text: str) -> None:
    assert not is_offerable(Address.parse(text))
    assert offerable([Address.parse(text)], Scope.MACHINE) == ()


@pytest.mark.parametrize("port", ["0000070000", "000001", "0" * 5_000 + "9" * 5_000, "-1", "1e3"])
def test_a_port_that_is_none_makes_no_address(port: str) -> None:
    assert read_addresses([f"10.0.0.7:{port}"]) == ()


def test_a_peer_learns_and_tells_only_what_reaches_as_far_as_he_is() -> None:
    addresses = read_addresses(["127.0.0.1:55555", "10.1.2.3:55555", "8.8.8.8:55555"])

    assert offerable(addresses, Scope.MACHINE) == addresses
    assert offerable(addresses, Scope.PRIVATE) == addresses[1:]
    assert offerable(addresses, Scope.PUBLIC) == addresses[2:]


@pytest.mark.threat(27)
def test_one_address_in_many_spellings_is_one() -> None:
    texts = ["[::ffff:8.8.8.8]:55555", "8.8.8.8:55555", "[::FFFF:0808:0808]:55555"]

    assert offerable(read_addresses(texts), Scope.PUBLIC) == (Address("8.8.8.8", 55555),)


def test_what_is_no_address_is_left_out_when_read() -> None:
    texts = ["nonsense", "8.8.8.8:99999", "", "[::1", "8.8.8.8:55555", "\x1b[2J:1"]

    assert read_addresses(texts) == (Address("8.8.8.8", 55555),)


@settings(max_examples=EFFORT.property_examples)
@given(st.lists(ADDRESSES, max_size=20), st.sampled_from(Scope))
def test_whatever_is_offered_few_numeric_and_distinct_addresses_are_left(
    addresses: list[Address], farthest: Scope
) -> None:
    found = offerable(addresses, farthest)

    assert len(found) == len(set(found)) <= limits.RECORD_ADDRESSES
    for address in found:
        assert ipaddress.ip_address(address.host)
        assert address.port >= limits.LEAST_PORT
        assert not address.plain
        assert scope_of(address.host) >= farthest
    assert offerable(found, farthest) == found


@settings(max_examples=EFFORT.property_examples)
@given(IPS | st.text(max_size=40))
def test_a_normal_address_stays_what_it_is_and_means_the_same(ip: str) -> None:
    normal = normal_ip(ip)

    assert normal_ip(normal) == normal
    assert scope_of(normal) is scope_of(ip)
    assert netgroup(normal) == netgroup(ip)


def test_a_link_local_address_keeps_its_scope_without_which_nobody_is_reached() -> None:
    assert normal_ip("fe80::1%eth0") == "fe80::1%eth0"


@pytest.mark.parametrize(
    ("ip", "group"),
    [
        ("8.8.200.1", "8.8.0.0/16"),
        ("::ffff:8.8.1.1", "8.8.0.0/16"),
        ("2001:4860:1:2::3", "2001:4860::/32"),
        ("10.1.2.3", None),
        ("127.0.0.1", None),
        ("example.org", None),
    ],
)
def test_public_addresses_are_grouped_by_what_one_can_rent(ip: str, group: str | None) -> None:
    assert netgroup(ip) == group


@pytest.mark.parametrize(
    ("age_s", "is_valid"),
    [
        (0.0, True),
        (limits.RECORD_LIFE_S, True),
        (limits.RECORD_LIFE_S + 1, False),
        (-limits.RECORD_AHEAD_S, True),
        (-limits.RECORD_AHEAD_S - 1, False),
    ],
)
def test_a_record_is_valid_for_a_day_and_not_before_its_time(age_s: float, is_valid: bool) -> None:
    now_ms = 1_700_000_000_000

    assert is_current(now_ms - int(age_s * 1000), now_ms) is is_valid

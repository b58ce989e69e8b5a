"""What somebody says on a LAN is believed only as far as it can be dialled there."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2pchat.core.limits import LEAST_PORT, RECORD_ADDRESSES
from p2pchat.core.values import Address
from p2pchat.crypto.room import Room
from p2pchat.net.advertisements import (
    SERVICE_TYPE,
    LanService,
    instance_of,
    is_near,
    read_service,
    text_record,
)
from p2pchat.net.discovery import LanDiscovery
from p2pchat.net.interfaces import InterfaceAddress
from tests.effort import EFFORT

INSTANCE = "0123456789abcdef"
LOBBY, DEN = Room("lobby"), Room("den", b"s3cret")


def own(*addresses: str) -> list[InterfaceAddress]:
    found = [ipaddress.ip_interface(address) for address in addresses]
    return [InterfaceAddress("eth0", str(one.ip), one.network) for one in found]


LAN = own("127.0.0.1/8", "::1/128", "192.168.1.5/24", "198.18.7.1/16", "2001:db8:5::1/64")


@dataclass
class Found:
    """What DNS-SD has found."""

    name: str = f"{INSTANCE}.{SERVICE_TYPE}"
    port: int | None = 5555
    properties: dict[bytes, bytes | None] = field(default_factory=lambda: said(LOBBY))
    ips: list[str] = field(default_factory=lambda: ["192.168.1.7"])

    def parsed_scoped_addresses(self) -> list[str]:
        return self.ips


def said(room: Room, instance: str = INSTANCE) -> dict[bytes, bytes | None]:
    return {key.encode(): value.encode() for key, value in text_record(room, instance).items()}


def read(found: Found, room: Room = LOBBY) -> LanService | None:
    return read_service(found, room, lambda ip: is_near(ip, LAN))


def test_what_is_said_is_read() -> None:
    assert read(Found()) == LanService(INSTANCE, (Address("192.168.1.7", 5555),), True)


def test_neither_nick_nor_key_nor_room_name_is_said() -> None:
    assert text_record(LOBBY, INSTANCE).keys() == {"v", "room"}
    assert text_record(DEN, INSTANCE).keys() == {"v", "tag"}
    assert len(text_record(LOBBY, INSTANCE)["room"]) == 8
    assert len(text_record(DEN, INSTANCE)["tag"]) == 16
    assert text_record(DEN, INSTANCE) != text_record(DEN, "f" * 16), "nobody can follow a room"


@pytest.mark.parametrize(
    ("theirs", "ours", "is_same"),
    [
        (LOBBY, LOBBY, True),
        (DEN, DEN, True),
        (LOBBY, DEN, False),
        (DEN, LOBBY, False),
        (Room("den"), DEN, False),
        (Room("den", b"another"), DEN, False),
        (Room("lounge"), LOBBY, False),
    ],
)
def test_only_members_recognise_a_room(theirs: Room, ours: Room, is_same: bool) -> None:
    service = read(Found(properties=said(theirs)), ours)

    assert service is not None
    assert service.is_same_room is is_same


def test_a_tag_that_was_copied_from_another_instance_is_not_recognised() -> None:
    service = read(Found(properties=said(DEN, "f" * 16)), DEN)

    assert service is not None
    assert not service.is_same_room


@pytest.mark.parametrize(
    "found",
    [
        Found(name=SERVICE_TYPE),
        Found(name=INSTANCE),
        Found(name=f"ann.{SERVICE_TYPE}"),
        Found(name=f"{INSTANCE.upper()}.{SERVICE_TYPE}"),
        Found(name=f"{INSTANCE}\n.{SERVICE_TYPE}"),
        Found(name=f"x.{INSTANCE}.{SERVICE_TYPE}"),
        Found(port=None),
        Found(port=0),
        Found(port=LEAST_PORT - 1),
        Found(port=65_536),
        Found(properties={}),
        Found(properties={b"v": b"2"}),
        Found(properties={b"v": None}),
        Found(ips=[]),
        Found(ips=["8.8.8.8", "fe80::1", "127.0.0.1"]),
        Found(ips=["not an address"]),
    ],
)
def test_what_can_not_be_dialled_here_is_nothing(found: Found) -> None:
    assert read(found) is None


@pytest.mark.threat(29)
@pytest.mark.parametrize(
    ("ip", "expected"),
    [
        ("192.168.1.7", True),
        ("10.9.8.7", True),
        ("198.18.200.1", True),
        ("2001:db8:5::77", True),
        ("fd00::7", True),
        ("fe80::1%2", True),
        ("fe80::1", False),
        ("8.8.8.8", False),
        ("2606:4700::1", False),
        ("127.0.0.1", False),
        ("::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:192.168.1.7", True),
        ("0.0.0.0", False),
        ("::", False),
        ("224.0.0.251", False),
        ("ff02::fb", False),
        ("240.0.0.1", False),
        ("255.255.255.255", False),
        ("169.254.169.254", False),
        ("", False),
        ("nonsense", False),
    ],
)
def test_only_addresses_of_this_network_are_near(ip: str, expected: bool) -> None:
    assert is_near(ip, LAN) is expected


def test_loopback_is_near_where_there_is_nothing_else() -> None:
    alone = own("127.0.0.1/8")

    assert is_near("127.0.0.1", alone)
    assert not is_near("8.8.8.8", alone)


def test_link_local_ipv4_is_near_for_who_has_such_an_address() -> None:
    assert is_near("169.254.3.4", own("169.254.1.1/16"))


def test_a_scope_is_kept_and_repetitions_are_not() -> None:
    ips = ["fe80::1%2", "192.168.1.7", "::ffff:192.168.1.7"]

    service = read(Found(ips=ips))

    assert service is not None
    assert service.addresses == (Address("fe80::1%2", 5555), Address("192.168.1.7", 5555))


texts = st.binary(max_size=300)
ips = st.one_of(
    st.ip_addresses().map(str),
    st.ip_addresses(network="192.168.0.0/16").map(str),
    st.ip_addresses(network="fe80::/16").map(lambda ip: f"{ip}%3"),
    st.text(max_size=40),
)
names = st.one_of(
    st.text(max_size=80),
    st.from_regex(r"[0-9a-f]{16}", fullmatch=True).map(lambda hex_: f"{hex_}.{SERVICE_TYPE}"),
)
properties = st.dictionaries(
    st.one_of(st.sampled_from([b"v", b"room", b"tag"]), texts),
    st.one_of(st.none(), st.just(b"1"), texts),
    max_size=6,
)


@pytest.mark.threat(29)
@settings(max_examples=EFFORT.property_examples)
@given(st.builds(Found, names, st.integers(-1, 70_000), properties, st.lists(ips, max_size=20)))
def test_whatever_is_said_becomes_something_to_dial_or_nothing(found: Found) -> None:
    service = read(found)

    if service is None:
        return
    assert instance_of(found.name) == service.instance
    assert 1 <= len(service.addresses) <= RECORD_ADDRESSES
    assert len(set(service.addresses)) == len(service.addresses)
    for address in service.addresses:
        assert LEAST_PORT <= address.port <= 65_535
        assert is_near(address.host, LAN)
        ip = ipaddress.ip_address(address.host)
        assert not any((ip.is_multicast, ip.is_unspecified, ip.is_loopback))


@pytest.mark.threat(15)
def test_a_room_that_may_be_guessed_is_never_advertised() -> None:
    def advertised(room: Room) -> bool:
        discovery = LanDiscovery(Address("127.0.0.1", 5555), room, lambda _: None)
        discovery.advertise()
        return discovery.is_advertised

    assert advertised(Room("den"))
    assert advertised(Room("den", bytes(16)))
    assert not advertised(Room("den", bytes(32)))

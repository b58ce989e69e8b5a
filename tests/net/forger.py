"""Floods a LAN with nodes that are none: `python -m tests.net.forger ADDRESS COUNT PER_SECOND`.

With `NETWORK PORT ROOM TAG` behind it, each names another address of that network, such as
10.77.100, and that port, as a node of that open room, or with that tag of a private one.
Only ever started inside a network namespace.
"""

from __future__ import annotations

import os
import random
import socket
import sys
import time
from dataclasses import dataclass

from zeroconf._dns import DNSAddress, DNSPointer, DNSService, DNSText
from zeroconf._protocol.outgoing import DNSOutgoing

from p2pchat.crypto.room import Room
from p2pchat.net.advertisements import SERVICE_TYPE, text_record

ANSWER = 0x8400
PTR, SRV, TXT, A, IN = 12, 33, 16, 1, 1
LONG_S = 2_000_000_000


@dataclass(frozen=True)
class Lure:
    """Where the forged nodes are said to be, and in which room."""

    network: str
    port: int
    room: str
    tag: str

    def addresses(self) -> list[bytes]:
        return [socket.inet_aton(f"{self.network}.{random.randrange(1, 255)}")]

    def text(self, instance: str) -> bytes:
        record = text_record(Room(self.room), instance)
        if self.tag:
            del record["room"]
            record["tag"] = self.tag
        pairs = [f"{key}={value}".encode() for key, value in record.items()]
        return b"".join(bytes([len(pair)]) + pair for pair in pairs)


class Nowhere:
    """Addresses far away and near, where nobody listens; nothing said of a room."""

    port = 5555

    def addresses(self) -> list[bytes]:
        return [os.urandom(4), b"\x0a\x01\x02\x03"]

    def text(self, _instance: str) -> bytes:
        return b"\x03v=1"


def forged(lure: Lure | Nowhere) -> bytes:
    instance = os.urandom(8).hex()
    name, server = f"{instance}.{SERVICE_TYPE}", f"{instance}.local."
    answer = DNSOutgoing(ANSWER)
    answer.add_answer_at_time(DNSPointer(SERVICE_TYPE, PTR, IN, LONG_S, name), 0)
    answer.add_answer_at_time(DNSService(name, SRV, IN, LONG_S, 0, 0, lure.port, server), 0)
    answer.add_answer_at_time(DNSText(name, TXT, IN, LONG_S, lure.text(instance)), 0)
    for address in lure.addresses():
        answer.add_answer_at_time(DNSAddress(server, A, IN, LONG_S, address), 0)
    return answer.packets()[0]


def main(own: str, count: int, per_s: float, lure: Lure | Nowhere) -> None:
    packets = [forged(lure) for _ in range(count)]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sending:
        sending.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(own))
        began_at = time.monotonic()
        for number, packet in enumerate(packets):
            sending.sendto(packet, ("224.0.0.251", 5353))
            time.sleep(max(0.0, began_at + number / per_s - time.monotonic()))


if __name__ == "__main__":
    own, count, per_s, *lured = sys.argv[1:]
    main(
        own,
        int(count),
        float(per_s),
        Lure(lured[0], int(lured[1]), lured[2], lured[3]) if lured else Nowhere(),
    )

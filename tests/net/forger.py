"""Floods a LAN with nodes that are none: `python -m tests.net.forger ADDRESS COUNT PER_SECOND`.

Only ever started inside a network namespace.
"""

from __future__ import annotations

import os
import socket
import sys
import time

from zeroconf._dns import DNSAddress, DNSPointer, DNSService, DNSText
from zeroconf._protocol.outgoing import DNSOutgoing

from p2pchat.net.advertisements import SERVICE_TYPE

ANSWER = 0x8400
PTR, SRV, TXT, A, IN = 12, 33, 16, 1, 1
LONG_S = 2_000_000_000


def forged() -> bytes:
    instance = os.urandom(8).hex()
    name, server = f"{instance}.{SERVICE_TYPE}", f"{instance}.local."
    answer = DNSOutgoing(ANSWER)
    answer.add_answer_at_time(DNSPointer(SERVICE_TYPE, PTR, IN, LONG_S, name), 0)
    answer.add_answer_at_time(DNSService(name, SRV, IN, LONG_S, 0, 0, 5555, server), 0)
    answer.add_answer_at_time(DNSText(name, TXT, IN, LONG_S, b"\x03v=1"), 0)
    answer.add_answer_at_time(DNSAddress(server, A, IN, LONG_S, os.urandom(4)), 0)
    answer.add_answer_at_time(DNSAddress(server, A, IN, LONG_S, b"\x0a\x01\x02\x03"), 0)
    return answer.packets()[0]


def main(own: str, count: int, per_s: float) -> None:
    packets = [forged() for _ in range(count)]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sending:
        sending.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(own))
        began_at = time.monotonic()
        for number, packet in enumerate(packets):
            sending.sendto(packet, ("224.0.0.251", 5353))
            time.sleep(max(0.0, began_at + number / per_s - time.monotonic()))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))

"""Tells each TCP connection that a machine tries to open: `python -m tests.net.syn_counter CARD`.

A line for each, the first packet of it only: the address and port that it goes to. Says `ready`
when it listens. Only ever started inside a network namespace.
"""

from __future__ import annotations

import socket
import struct
import sys

EVERYTHING, IPV4, TCP = 0x0003, b"\x08\x00", 6
SYN, ACK = 0x02, 0x10
OUTGOING = 4
"""PACKET_OUTGOING of linux/if_packet.h."""


def opened(frame: bytes) -> tuple[str, int, int] | None:
    """Return address, port and own port of an Ethernet frame that opens a connection."""
    kind, packet = frame[12:14], frame[14:]
    if kind != IPV4 or len(packet) < 40 or packet[9] != TCP:
        return None
    segment = packet[4 * (packet[0] & 0x0F) :]
    if segment[13] & (SYN | ACK) != SYN:
        return None
    own_port, port = struct.unpack("!HH", segment[:4])
    return socket.inet_ntoa(packet[16:20]), port, own_port


def main(card: str) -> None:
    """Listen until killed."""
    seen: set[tuple[str, int, int]] = set()
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(EVERYTHING)) as listening:
        listening.bind((card, EVERYTHING))  # one protocol alone would show what comes in only
        print("ready", flush=True)
        while True:
            frame, place = listening.recvfrom(2_048)
            found = opened(frame) if place[2] == OUTGOING else None
            if found is not None and found not in seen:  # the system repeats what is not answered
                seen.add(found)
                print(f"{found[0]} {found[1]}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1])

"""Asks one machine itself who chats there: `python -m tests.net.asker ADDRESS`.

Only ever started inside a network namespace.
"""

from __future__ import annotations

import socket
import sys

from zeroconf._dns import DNSQuestion
from zeroconf._protocol.outgoing import DNSOutgoing

from p2pchat.net.advertisements import SERVICE_TYPE
from tests.deadline import DEADLINE_S

QUERY, PTR, IN = 0, 12, 1


def main(ip: str) -> str:
    question = DNSOutgoing(QUERY, multicast=False)
    question.add_question(DNSQuestion(SERVICE_TYPE, PTR, IN))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(DEADLINE_S)
        asking.connect((ip, 5353))
        asking.send(question.packets()[0])
        try:
            asking.recv(9_000)
        except ConnectionRefusedError:
            return "refused"
    return "answered"


if __name__ == "__main__":
    print(main(sys.argv[1]))

"""The `--json` form of the answers about people."""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from p2pchat.core.notices import HeardStatus, NeighbourStatus
from p2pchat.core.values import fingerprint
from p2pchat.ui.ndjson import encode_result
from p2pchat.ui.ndjson_values import person_of, time_of_ms
from p2pchat.ui.people import AboutPerson, Marked, SafetyNumber, Way, Whois


def encode_about(told: AboutPerson, ts: datetime, ref: str | None = None) -> str:
    """Return the line that answers `/whois`, `/verify`, `/block` or `/unblock`."""
    who: dict[str, object] = {"who": person_of(told.person)}
    match told:
        case Whois():
            return encode_result("whois", who | _whois(told), ts, ref)
        case SafetyNumber(number=number, is_verified=is_verified):
            facts = {"number": number, "verified": is_verified}
            return encode_result("verify", who | facts, ts, ref)
        case Marked(_, command, is_verified, is_blocked, is_new):
            marks = {"verified": is_verified, "blocked": is_blocked, "new": is_new}
            return encode_result(command, who | marks, ts, ref)
        case _:
            assert_never(told)


def _whois(told: Whois) -> dict[str, object]:
    return {
        "fingerprint": None if told.person.id is None else fingerprint(told.person.id),
        "me": told.is_me,
        "first_seen": time_of_ms(told.first_seen_ms),
        "last_seen": time_of_ms(told.last_seen_ms),
        "verified_since": time_of_ms(told.verified_ms),
        "blocked_since": time_of_ms(told.blocked_ms),
        "former_nick": told.former_nick,
        "way": _way(told.way),
        "protocol": told.version,
    }


def _way(way: Way | None) -> dict[str, object] | None:
    match way:
        case None:
            return None
        case HeardStatus(hops=hops):
            return {"hops": hops}
        case NeighbourStatus(address=address, rtt_ms=rtt_ms):
            rtt = None if rtt_ms is None else round(rtt_ms, 3)
            return {"hops": 1, "address": str(address), "rtt_ms": rtt}

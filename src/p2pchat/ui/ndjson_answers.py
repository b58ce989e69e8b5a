"""The `--json` form of what can be asked of the network: who, map, ways, doctor, invite."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from p2pchat.core.attendance import Attendance
from p2pchat.core.notices import Finding, Health, NetworkMap, Path
from p2pchat.core.values import Message, Person, fingerprint
from p2pchat.ui.chart import naming_in
from p2pchat.ui.commands import MapForm
from p2pchat.ui.drawing import dot, mermaid
from p2pchat.ui.ndjson import encode_result
from p2pchat.ui.ndjson_values import person_of
from p2pchat.ui.ways import delay_ms
from p2pchat.ui.words import Verdict, nobody_is_verified

_HEALTH: Final = {Health.GOOD: "ok", Health.UNSURE: "unsure", Health.BAD: "bad"}


def encode_map(found: NetworkMap, form: MapForm, ts: datetime, ref: str | None = None) -> str:
    """Return the line that answers `/map`; with the text for a drawing, if that was asked for."""
    told: dict[str, object] = {
        "me": person_of(found.me),
        "people": [
            {"who": person_of(known.person), "answered": known.has_answered}
            | {"hidden": known.is_hidden}
            for known in found.people
        ],
        "edges": [
            {"one": edge.one.hex(), "other": edge.other.hex(), "mutual": edge.is_mutual}
            for edge in found.edges
        ],
        "weak": [
            {"who": person_of(weak.person), "cut_off": [person_of(p) for p in weak.cut_off]}
            for weak in found.weak
        ],
        "complete": found.is_complete,
    }
    if form is not MapForm.TREE:
        draw = mermaid if form is MapForm.MERMAID else dot
        told[form.value] = draw(found, naming_in(found))
    return encode_result("map", told, ts, ref)


def encode_attendance(
    found: Attendance,
    ts: datetime,
    ref: str | None = None,
    is_verified: Verdict = nobody_is_verified,
) -> str:
    """Return the line that answers `/who`."""

    def trusted(person: Person) -> dict[str, object]:
        sure = person.id is not None and is_verified(person.id)
        return {"who": person_of(person), "verified": sure}

    told = {
        "answered": [trusted(each.person) | {"hops": each.hops} for each in found.answered],
        "silent": [trusted(person) for person in found.silent],
        "blocked": found.blocked,
        "estimate": found.estimate,
        "exact": found.is_exact,
    }
    return encode_result("who", told, ts, ref)


def encode_path(path: Path, about: Message | Person, ts: datetime, ref: str | None = None) -> str:
    """Return the line that answers `/trace` or `/ping`; all lengths of time are in ms."""
    rtt_ms = None if path.rtt_ms is None else round(path.rtt_ms, 3)
    told: dict[str, object] = {"complete": path.is_complete, "rtt_ms": rtt_ms}
    whom = [None if step.person is None else person_of(step.person) for step in path.steps]
    if not isinstance(about, Message):
        return encode_result("ping", {"who": person_of(about), "steps": whom, **told}, ts, ref)
    steps = [
        {"who": who, "delay_ms": delay_ms(step, about)}
        for who, step in zip(whom, path.steps, strict=True)
    ]
    of = {"message": about.id, "from": person_of(about.author)}
    return encode_result("trace", {**of, "steps": steps, **told}, ts, ref)


def encode_findings(findings: Iterable[Finding], ts: datetime, ref: str | None = None) -> str:
    """Return the line that answers `/doctor`."""
    told = [
        {
            "what": finding.what,
            "health": _HEALTH[finding.health],
            "text": finding.text,
            "advice": finding.advice,
        }
        for finding in findings
    ]
    return encode_result("doctor", told, ts, ref)


def encode_invitation(url: str, note: str, ts: datetime, ref: str | None = None) -> str:
    """Return the line that answers `/invite`."""
    return encode_result("invite", {"url": url, "note": note}, ts, ref)


def encode_identity(
    me: Person, profile: str, folder: str, ts: datetime, *, has_passphrase: bool
) -> str:
    """Return the line that answers `p2pchat id`."""
    told = {
        "me": person_of(me),
        "fingerprint": None if me.id is None else fingerprint(me.id),
        "profile": profile,
        "folder": folder,
        "passphrase": has_passphrase,
    }
    return encode_result("id", told, ts)

"""The `--json` form of notices about messages to one person."""

from __future__ import annotations

from typing import assert_never

from p2pchat.core.notices import (
    Direct,
    DirectArrived,
    DirectGivenUp,
    DirectReceipt,
    DirectSent,
    DirectWaits,
)
from p2pchat.core.values import Kind
from p2pchat.sanitize import visible_line
from p2pchat.ui.ndjson_values import person_of, time_of_ms
from p2pchat.ui.words import DirectNotice, of_given_up


def fields_of(notice: DirectNotice) -> tuple[str, dict[str, object]]:
    """Return the type of the object, and what stands in it besides what all objects have."""
    match notice:
        case DirectArrived(direct):
            author_time = {"time": time_of_ms(direct.time_ms)}
            return "dm", {"from": person_of(direct.person), **_message(direct), **author_time}
        case DirectSent(direct):
            return "sent", {"to": person_of(direct.person), **_message(direct)}
        case DirectReceipt(message_id, to):
            return "receipt", {"id": message_id, "to": person_of(to)}
        case DirectWaits(message_id, to):
            return "waiting", {"id": message_id, "to": person_of(to)}
        case DirectGivenUp(message_id, to):
            text = of_given_up(visible_line(to.nick))
            what = {"message": text, "code": "timeout"}
            return "error", {**what, "id": message_id, "to": person_of(to)}
        case _:
            assert_never(notice)


def _message(direct: Direct) -> dict[str, object]:
    action = {"action": True} if direct.kind == Kind.ACTION else {}
    return {"id": direct.id, "text": direct.text, **action}

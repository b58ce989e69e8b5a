"""The `--json` form of notices and requests: one object a line.

Texts are exact here, nothing is cleaned: whoever shows them has to. All lines are ASCII; a
character beyond is a JSON escape, even half a surrogate pair, so every string comes through.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Final, assert_never

from msgspec import Struct

from p2pchat.core.notices import (
    Around,
    Connected,
    Dialling,
    DirectArrived,
    DirectGivenUp,
    DirectReceipt,
    DirectSent,
    DirectWaits,
    Disconnected,
    Gap,
    HeardStatus,
    How,
    Joined,
    Left,
    Listening,
    NeighbourStatus,
    NickChanged,
    Notice,
    Peers,
    Reach,
    Received,
    Remark,
    Seam,
    Sent,
    Skipped,
    Trouble,
)
from p2pchat.core.values import Address, Message, Person
from p2pchat.errors import BadAddress, BadInvite
from p2pchat.sanitize import visible_line
from p2pchat.ui.commands import Command, Connect, Say, SetBack, Write
from p2pchat.ui.grammar import parse
from p2pchat.ui.ndjson_direct import fields_of
from p2pchat.ui.ndjson_values import person_of, time_of
from p2pchat.ui.typed import BROKEN_TEXT, SECRET_TEXT, is_whole, without_invisible
from p2pchat.ui.words import Verdict, nobody_is_verified
from p2pchat.wire.invite import holds_secret, read_target

if TYPE_CHECKING:
    from collections.abc import Iterable

VERSION: Final = 1
"""Fields and types may be added under it, never changed."""

REF_LIMIT_CHARACTERS: Final = 64

REQUEST_LIMIT_CHARACTERS: Final = 128 * 1024
"""Longest line taken for JSON; the longest text, wholly escaped, needs 48,000."""

_FIELDS: Final = {
    "send": frozenset({"text"}),
    "dm": frozenset({"to", "text"}),
    "connect": frozenset({"address"}),
    "command": frozenset({"line"}),
}
"""What stands in a request besides `type` and perhaps `ref`, all of it strings."""


class Request(Struct, frozen=True):
    """One line of standard input."""

    command: Command
    ref: str | None = None
    """Goes back in the answer that the request causes."""


class _BadRequest(Exception):
    """A line that begins like an object, but is no request."""

    def __init__(self, text: str, ref: str | None = None) -> None:
        super().__init__(text)
        self.ref = ref


def encode(notice: Notice, ts: datetime, ref: str | None = None) -> list[str]:
    """Return the lines, without newline, that tell of a notice; narration gives none.

    Args:
        notice: What happened.
        ts: When, with its time zone.
        ref: Of the request that caused it.
    """
    match notice:
        case Listening():
            return [_line("ready", ts, None, _ready(notice))]
        case Connected():
            return [_line("connected", ts, ref, _connected(notice))]
        case Disconnected():
            return [_line("disconnected", ts, ref, _disconnected(notice))]
        case Received(message):
            return [_line("message", ts, None, _message(message))]
        case Sent(message, neighbours):
            return [_line("sent", ts, ref, _sent(message, neighbours))]
        case DirectArrived() | DirectSent() | DirectReceipt() | DirectWaits() | DirectGivenUp():
            kind, fields = fields_of(notice)
            return [_line(kind, ts, ref if kind == "sent" else None, fields)]
        case Joined(who, via, hops):
            joined = {"who": person_of(who), "via": person_of(via), "hops": hops}
            return [_line("join", ts, None, joined)]
        case Left(who):
            return [_line("leave", ts, None, {"who": person_of(who)})]
        case NickChanged(who, old):
            return [_line("nick", ts, ref, {"who": person_of(who), "old": old})]
        case Trouble(text, code):
            return [encode_error(text, code, ts, ref)]
        case Gap(author, missing):
            return [_line("gap", ts, None, {"author": person_of(author), "missing": missing})]
        case Seam(people, apart_s, recovered):
            seam: dict[str, object] = {
                "apart_s": round(apart_s, 3),
                "recovered": recovered,
                "people": people,
            }
            return [_line("seam", ts, None, seam)]
        case Dialling() | Around() | Remark() | Skipped():
            return []
        case _:
            assert_never(notice)


def encode_error(text: str, code: str, ts: datetime, ref: str | None = None) -> str:
    """Return the line that tells what went wrong."""
    return _line("error", ts, ref, {"message": text, "code": code})


def encode_result(command: str, found: object, ts: datetime, ref: str | None = None) -> str:
    """Return the line that answers a command.

    Args:
        command: Its name, without slash.
        found: What JSON can hold, never prose.
        ts: When.
        ref: Of the request that asked.
    """
    return _line("result", ts, ref, {"command": command, "data": found})


def encode_peers(
    peers: Peers,
    ts: datetime,
    ref: str | None = None,
    is_verified: Verdict = nobody_is_verified,
) -> str:
    """Return the line that answers `/peers`; lengths of time in seconds, round trips in ms."""

    def trust(person: Person) -> dict[str, object]:
        is_sure = person.id is not None and is_verified(person.id)
        return {"verified": is_sure, "blocked": person.id in peers.blocked}

    found = {
        "neighbours": [_neighbour(each) | trust(each.person) for each in peers.neighbours],
        "heard": [_heard(each) | trust(each.person) for each in peers.heard],
    }
    return encode_result("peers", found, ts, ref)


def encode_reach(command: str, reach: Reach, ts: datetime, ref: str | None = None) -> str:
    """Return the line that tells who has a message."""
    found = {
        "has": [person_of(person) for person in reach.has],
        "waiting": [person_of(person) for person in reach.waiting],
        "estimate": reach.estimate,
    }
    return encode_result(command, found, ts, ref)


def encode_history(messages: Iterable[Message], ts: datetime, ref: str | None = None) -> str:
    """Return the line that answers `/history`: messages as in `message`, one's own as well."""
    return encode_result("history", [_message(message) for message in messages], ts, ref)


def encode_bye(ts: datetime) -> str:
    """Return the last line."""
    return _line("bye", ts, None, {})


def parse_request(line: str) -> Request:
    """Return what one line of standard input asks for; never raises, whatever the line.

    A line whose first visible character is `{` is an object; any other follows the grammar.
    """
    core = without_invisible(line)
    if not core.startswith("{"):
        return Request(parse(line))
    if len(core) > REQUEST_LIMIT_CHARACTERS:
        text = f"a request may have {REQUEST_LIMIT_CHARACTERS} characters. Nothing was sent."
        return Request(SetBack(text, "too-long", line))
    try:
        fields = _fields_of(core)
        ref = fields.pop("ref", None)
        return Request(_command_of(fields, ref, line), ref)
    except _BadRequest as fault:
        text = f"{fault} Nothing was sent. A text that begins so goes with /say"
        return Request(SetBack(text, "bad-input", line), fault.ref)


def _line(kind: str, ts: datetime, ref: str | None, fields: dict[str, object]) -> str:
    whole: dict[str, object] = {"v": VERSION, "type": kind, "ts": time_of(ts), **fields}
    if ref is not None:
        whole["ref"] = ref
    return json.dumps(whole, ensure_ascii=True, allow_nan=False, separators=(",", ":"))


def _ready(notice: Listening) -> dict[str, object]:
    fields: dict[str, object] = {
        **person_of(notice.person),
        "room": notice.room,
        "port": notice.address.port,
        "addresses": [str(address) for address in notice.reachable_at],
    }
    if notice.is_private:
        fields["private"] = True
    return fields


def _connected(notice: Connected) -> dict[str, object]:
    fields = _end(notice.person, notice.address, guest=notice.guest)
    fields["direction"] = notice.direction.value
    if notice.already:
        fields["already"] = True
    if notice.how is not None:
        fields["how"] = _how(notice.how)
    if not notice.is_news:
        fields["news"] = False
    return fields


def _disconnected(notice: Disconnected) -> dict[str, object]:
    fields = _end(notice.person, notice.address, guest=notice.guest)
    if notice.direction is not None:
        fields["direction"] = notice.direction.value
    fields["reason"] = notice.reason
    if not notice.is_news:
        fields["news"] = False
    return fields


def _how(how: How) -> str:
    return how.name.lower()


def _end(person: Person, address: Address, *, guest: bool) -> dict[str, object]:
    fields: dict[str, object] = {"peer": person_of(person), "address": str(address)}
    if guest:
        fields["guest"] = True
    return fields


def _message(message: Message) -> dict[str, object]:
    fields: dict[str, object] = {
        "id": message.id,
        "from": person_of(message.author),
        "text": message.text,
        "time": time_of(message.time),
        "hops": message.hops,
        "earlier": message.earlier,
    }
    if message.via is not None:
        fields |= {"guest": True, "via": person_of(message.via)}
    if message.action:
        fields["action"] = True
    return fields


def _sent(message: Message, neighbours: int) -> dict[str, object]:
    fields: dict[str, object] = {
        "id": message.id,
        "text": message.text,
        "neighbours": neighbours,
    }
    if message.action:
        fields["action"] = True
    return fields


def _neighbour(status: NeighbourStatus) -> dict[str, object]:
    fields = _end(status.person, status.address, guest=status.guest)
    return fields | {
        "direction": status.direction.value,
        "rtt_ms": None if status.rtt_ms is None else round(status.rtt_ms, 3),
        "heard_s": round(status.heard_s, 3),
        "connected_s": round(status.connected_s, 3),
        "place": status.place.value,
        "how": None if status.how is None else _how(status.how),
    }


def _heard(status: HeardStatus) -> dict[str, object]:
    return {
        "who": person_of(status.person),
        "hops": status.hops,
        "heard_s": round(status.heard_s, 3),
    }


def _fields_of(core: str) -> dict[str, str]:
    """Decode an object of strings, or raise `_BadRequest` with the `ref` if there is one."""
    try:
        found: object = json.loads(
            core, object_pairs_hook=_without_duplicates, parse_constant=_no_constant
        )
    except _BadRequest:
        raise
    except RecursionError:
        raise _BadRequest("that is nested too deeply.") from None
    except ValueError as fault:  # JSONDecodeError, or a number of thousands of digits
        raise _BadRequest(f"that is no JSON object: {visible_line(str(fault), 80)}.") from None
    # It begins with a brace, so a whole JSON text is an object.
    assert isinstance(found, dict)
    ref = found.get("ref")
    if ref is not None and not (isinstance(ref, str) and len(ref) <= REF_LIMIT_CHARACTERS):
        raise _BadRequest(f"ref must be a string of at most {REF_LIMIT_CHARACTERS} characters.")
    _check_fields(found, ref)
    return {key: value for key, value in found.items() if value is not None}


def _without_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _BadRequest("that has a field twice.")
    return found


def _no_constant(name: str) -> object:
    raise _BadRequest(f"{name} is no JSON.")


def _check_fields(found: dict[str, object], ref: str | None) -> None:
    kind = found.get("type")
    if not isinstance(kind, str) or kind not in _FIELDS:
        raise _BadRequest(f"type must be one of {', '.join(_FIELDS)}.", ref)
    fields = _FIELDS[kind]
    # A field that nobody expects is an error: a stray "to" may mean that the text is private.
    if found.keys() - {"type", "ref"} != fields:
        raise _BadRequest(f"{kind} has the fields {', '.join(sorted(fields))}, no others.", ref)
    for name in sorted(fields):
        if not isinstance(found[name], str):
            raise _BadRequest(f"{name} must be a string.", ref)


def _command_of(fields: dict[str, str], ref: str | None, line: str) -> Command:
    match fields:
        case {"type": "send", "text": text}:
            return _fault_of(text, line) or Say(text)
        case {"type": "dm", "to": to, "text": text}:
            return _fault_of(f"{to} {text}", line) or Write(to.removeprefix("@"), text, line)
        case {"type": "connect", "address": address}:
            return _connect(address, line)
        case {"line": typed}:
            return _typed(typed, ref, line)
    raise AssertionError(fields)  # _check_fields lets nothing else through


def _fault_of(text: str, line: str) -> SetBack | None:
    """Refuse what must not be sent by mistake, or can't be written down."""
    if holds_secret(text):
        return SetBack(SECRET_TEXT, "bad-input", line)
    return None if is_whole(text) else SetBack(BROKEN_TEXT, "bad-input", line)


def _connect(address: str, line: str) -> Command:
    try:
        return Connect(read_target(address))
    except (BadAddress, BadInvite) as fault:
        return SetBack(visible_line(str(fault), 300), fault.code, line)


def _typed(typed: str, ref: str | None, line: str) -> Command:
    """Return what a typed line means, unless it is just text: that goes with `send`."""
    core = without_invisible(typed)
    if "\n" in core:
        raise _BadRequest("line must be a single line.", ref)
    command = parse(typed)
    if isinstance(command, Say) and not core.startswith(("/", "@")):
        raise _BadRequest("that line is no command.", ref)
    if isinstance(command, SetBack):
        return SetBack(command.text, command.code, line)
    return command

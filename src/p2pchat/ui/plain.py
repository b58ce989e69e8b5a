"""Line mode: notices become lines without any control character.

Standard output holds just what scripts read; everything else is narration for people and goes
to standard error. Foreign text is cleaned here, and the further lines of a text are indented, so
that no text can pose as a line of the program.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, assert_never

from p2pchat.core.notices import (
    Around,
    Connected,
    Dialling,
    Direct,
    DirectArrived,
    DirectGivenUp,
    DirectReceipt,
    DirectSent,
    DirectWaits,
    Disconnected,
    Gap,
    HeardStatus,
    Joined,
    Left,
    Listening,
    NeighbourStatus,
    NetworkMap,
    NickChanged,
    Notice,
    Path,
    Peers,
    Reach,
    Received,
    Remark,
    Seam,
    Sent,
    Skipped,
    Trouble,
)
from p2pchat.core.values import Address, Message, Person, fingerprint, short_fingerprint
from p2pchat.nicks import label
from p2pchat.sanitize import visible, visible_line
from p2pchat.ui.chart import chart_of, lines_of_tree, naming_in
from p2pchat.ui.commands import MapForm
from p2pchat.ui.drawing import dot, mermaid
from p2pchat.ui.ways import line_of_ping, lines_of_trace
from p2pchat.ui.words import (
    NOBODY_CONNECTED,
    NOTHING_SAID,
    DirectNotice,
    Verdict,
    nobody_is_verified,
    of_direct,
    of_gap,
    of_given_up,
    of_reach,
    of_seam,
    of_trust,
    of_waiting,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

INDENT: Final = "      "
"""Six columns in front of each further line of a text."""


class Lines(NamedTuple):
    """What one notice prints, each without newline."""

    out: list[str]
    """For standard output."""
    err: list[str]
    """For standard error."""


def lines_of(notice: Notice) -> Lines:
    """Return what line mode prints for one notice."""
    match notice:
        case Listening():
            return _listening(notice)
        case Dialling(address):
            return _out(f"Requesting connection: {_address(address)}")
        case Connected():
            return _connected(notice)
        case Disconnected():
            return _disconnected(notice)
        case Received(message):
            return Lines(_message(message), [])
        case Sent():
            return Lines([], [])
        case DirectArrived() | DirectSent() | DirectReceipt() | DirectWaits() | DirectGivenUp():
            return _about_direct(notice)
        case Joined() | Left() | NickChanged():
            return _err(_change(notice))
        case Trouble(text):
            return _out(f"Error: {visible_line(text)}")
        case Remark(text) | Around(text):
            return _err(visible_line(text))
        case Gap():
            return _err(of_gap(notice, visible_line(notice.author.nick)))
        case Seam():
            return _err(of_seam(notice))
        case Skipped(count):
            return _err(f"{count} lines skipped: they came faster than they could be shown")
        case _:
            assert_never(notice)


def lines_of_peers(peers: Peers, is_verified: Verdict = nobody_is_verified) -> list[str]:
    """Return one labelled line for each neighbour, then for whoever was heard through them."""
    if not peers.neighbours and not peers.heard:
        return [NOBODY_CONNECTED]
    people = [status.person for status in peers.neighbours]
    people += [status.person for status in peers.heard]

    def trust(person: Person) -> list[str]:
        if person.id is None:
            return []
        return [of_trust(person, is_verified), *(["blocked"] if person.id in peers.blocked else [])]

    return [
        *(_neighbour(status, people, trust(status.person)) for status in peers.neighbours),
        *(_heard(status, people, trust(status.person)) for status in peers.heard),
    ]


def line_of_reach(reach: Reach) -> str:
    """Return who has a message, and who not yet."""
    people = [*reach.has, *reach.waiting]
    return of_reach(reach, lambda person: visible_line(label(person, people)))


def lines_of_map(found: NetworkMap, form: MapForm, known: Iterable[Person] = ()) -> list[str]:
    """Return who is connected to whom, as an indented tree or as text for other programs.

    Args:
        found: What others told.
        form: What it should look like.
        known: Who else is around: people of one nick are told apart.
    """
    name = naming_in(found, known)
    match form:
        case MapForm.MERMAID:
            return mermaid(found, name).split("\n")
        case MapForm.DOT:
            return dot(found, name).split("\n")
    chart = chart_of(found, name)
    return [NOBODY_CONNECTED] if chart is None else [*lines_of_tree(chart.tree), *chart.notes]


def lines_of_path(path: Path, about: Message | Person, known: Iterable[Person] = ()) -> list[str]:
    """Return which way a message came, or how far somebody is.

    Args:
        path: What the nodes on the way told.
        about: A message for `/trace`, a person for `/ping`.
        known: Who else is around: people of one nick are told apart.
    """
    person = about.signer if isinstance(about, Message) else about
    people = [person, *(step.person for step in path.steps if step.person is not None), *known]

    def name(person: Person) -> str:
        return visible_line(label(person, people))

    if isinstance(about, Message):
        return lines_of_trace(path, about, name)
    return [line_of_ping(path, about, name)]


def lines_of_invite(url: str, qr: str | None, note: str) -> list[str]:
    """Return an invite, its picture above it where there is one, a note below."""
    lines = [*(qr.split("\n") if qr else ()), visible_line(url)]
    return [*lines, visible_line(note)] if note else lines


def lines_of_history(messages: Iterable[Message]) -> list[str]:
    """Return the messages in the form in which they were first printed, one's own as well."""
    return [line for message in messages for line in _message(message)] or [NOTHING_SAID]


def _out(line: str) -> Lines:
    return Lines([line], [])


def _err(line: str) -> Lines:
    return Lines([], [line])


def _listening(notice: Listening) -> Lines:
    out = [f"Listening for connection requests at {_address(notice.address)}"]
    person = notice.person
    key = f" (key {short_fingerprint(person.id)})" if person.id is not None else ""
    err = [f"you are {visible_line(person.nick)}{key} in {visible_line(notice.room)}"]
    if notice.is_private:
        err[0] += " (private room, members only)"
    if notice.reachable_at:
        err.append("others type: connect " + " or ".join(map(_address, notice.reachable_at)))
    return Lines(out, err)


def _connected(notice: Connected) -> Lines:
    who = f"{_nick(notice.person)} ({_address(notice.address)})"
    if notice.already:
        return _err(f"already connected to {who}")
    return _out(f"Connected: {who}")


def _disconnected(notice: Disconnected) -> Lines:
    nick = _nick(notice.person)
    out = [f"Disconnected: {nick} ({_address(notice.address)})"]
    if notice.left or not notice.reason:
        return Lines(out, [])
    return Lines(out, [f"{nick} is gone: {visible_line(notice.reason)}"])


def _message(message: Message) -> list[str]:
    nick = _nick(message.author)
    first, *more = visible(message.text).removesuffix("\n").split("\n")
    head = f"* {nick} {first}" if message.action else f"{nick} -> {first}"
    return [head, *(INDENT + line for line in more)]


def _change(notice: Joined | Left | NickChanged) -> str:
    match notice:
        case Joined(who, via, hops):
            return f"{_nick(who)} joined via {_nick(via)} ({hops} hops)"
        case Left(who):
            return f"{_nick(who)} left"
        case NickChanged(who, old):
            return f"{visible_line(old)} is now {visible_line(who.nick)}"


def _about_direct(notice: DirectNotice) -> Lines:
    match notice:
        case DirectArrived(direct):
            return Lines(_direct(direct), [])
        case DirectSent() | DirectReceipt():
            return Lines([], [])
        case DirectWaits(to=to):
            return _err(of_waiting(_nick(to)))
        case DirectGivenUp(to=to):
            return _err(of_given_up(_nick(to)))
        case _:
            assert_never(notice)


def _direct(direct: Direct) -> list[str]:
    first, *more = of_direct(direct, visible(direct.text)).split("\n")
    head = f"(direct) {_nick(direct.person)} -> {first}"
    return [head, *(INDENT + line for line in more)]


def _nick(person: Person) -> str:
    return visible_line(label(person, ()))


def _address(address: Address) -> str:
    return visible_line(str(address))


def _neighbour(status: NeighbourStatus, people: Iterable[Person], trust: list[str]) -> str:
    rtt = "unknown" if status.rtt_ms is None else f"{status.rtt_ms:.1f} ms"
    parts = [
        f"name {visible_line(label(status.person, people))}",
        f"address {_address(status.address)}",
        f"connection {status.direction.value}",
        f"for {_span(status.connected_s)}",
        f"kept as {status.place.value}",
        f"rtt {rtt}",
        f"heard {_span(status.heard_s)} ago",
        f"key {_key(status.person)}",
        *trust,
    ]
    return "  ".join(parts)


def _heard(status: HeardStatus, people: Iterable[Person], trust: list[str]) -> str:
    parts = [
        f"name {visible_line(label(status.person, people))}",
        f"hops {status.hops}",
        f"heard {_span(status.heard_s)} ago",
        f"key {_key(status.person)}",
        *trust,
    ]
    return "  ".join(parts)


def lines_of_identity(me: Person, profile: str, folder: str, *, has_passphrase: bool) -> list[str]:
    """Write who somebody is, a labelled line for each thing."""
    places = {
        "nick": me.nick,
        "key": _key(me),
        "fingerprint": "" if me.id is None else fingerprint(me.id),
        "id": "" if me.id is None else me.id.hex(),
        "profile": profile,
        "folder": folder,
        "passphrase": "yes" if has_passphrase else "no: whoever reads the key file can be you",
    }
    return [f"{label:<12} {visible_line(text)}" for label, text in places.items()]


def _key(person: Person) -> str:
    return "none (unverified guest)" if person.id is None else short_fingerprint(person.id)


def _span(seconds: float) -> str:
    """Return a length of time in its largest fitting unit: `12 s`, `3 min`, `5 h`."""
    if seconds < 60:
        return f"{max(0, int(seconds))} s"
    if seconds < 3600:
        return f"{int(seconds // 60)} min"
    return f"{int(seconds // 3600)} h"

"""What `/doctor` makes of the facts: a judgement on each, and what to do about it; pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from p2pchat.core import limits
from p2pchat.core.clock_check import NOTICED_S
from p2pchat.core.notices import Finding, Health, Standing
from p2pchat.core.values import Address

FILES_ENOUGH: Final = 128
"""Files that a node needs to be able to open: neighbours, strangers at the door, own dials, and
its profile. A guess on the safe side; the usual limit of a system is 1,024, or 256 on macOS."""


@dataclass(frozen=True, slots=True)
class Lan:
    """What looking for strangers on the LAN has come to."""

    problem: str | None
    """Why multicast does not work; None while it does."""
    seen: int
    """Nodes of whatever room that say now that they are there."""
    is_advertised: bool
    """Whether others may find this node."""
    may_advertise: bool = True
    """Whether they ever may: not where whoever hears it could try passphrases at it."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known about a running node, before any judgement."""

    standing: Standing
    port: int
    addresses: tuple[Address, ...]
    """What others can type, loopback last."""
    machine: tuple[Address, ...]
    """Addresses of the machine besides loopback, whether the node listens there or not."""
    lan: Lan | None
    """None where nothing looks on the LAN."""
    room: str
    is_open: bool
    """Whether anybody who knows the room's name may join."""
    profile: str
    folder: str
    """Where the profile is kept; empty for an ephemeral one."""
    was_dialled: bool = False
    """Whether a neighbour on another machine is here because he dialled this node."""
    disk_problem: str = ""
    """Why nothing can be written there; empty where it can."""
    files: int | None = None
    """Files that the process may open; None where there is no limit."""
    tasks: int = 0
    """Tasks on the node's event loop."""
    unexpected: int = 0
    """What asyncio has reported in this run: each is a fault of the program."""
    failed_dials: tuple[str, ...] = ()
    """What became of dials that the user asked for, a sentence each."""

    @property
    def is_confined(self) -> bool:
        """Whether the node listens where only this machine comes."""
        return all(_is_loopback(address) for address in self.addresses)


def findings(facts: Facts) -> tuple[Finding, ...]:
    """Judge every fact, the most basic first.

    BAD is only what keeps somebody from chatting; UNSURE is what may, or what is not known yet.
    """
    return (
        _port(facts),
        _network(facts),
        _lan(facts),
        _reachable(facts),
        *_dials(facts),
        _people(facts),
        _room(facts),
        _clock(facts.standing),
        _profile(facts),
        _book(facts.standing),
        _files(facts),
        _run(facts),
    )


# --- The way here -----------------------------------------------------------------------------


def _port(facts: Facts) -> Finding:
    far = [address for address in facts.addresses if not _is_loopback(address)]
    whence = "others type" if far else "on this machine, others type"
    ways = _alternatives(f"connect {address}" for address in far or facts.addresses)
    return _good("port", f"listening on TCP port {facts.port}; {whence}: {ways}")


def _network(facts: Facts) -> Finding:
    if not facts.machine:
        # Neighbours on this machine are company enough.
        health = Health.UNSURE if facts.standing.neighbours else Health.BAD
        text = "there is no network: only this machine can be reached"
        return Finding("network", health, text, "connect this machine to a network")
    hosts = _alternatives(dict.fromkeys(address.host for address in facts.machine))
    if facts.is_confined:
        text = f"this machine is {hosts}, but this node can be reached from the machine itself only"
        return Finding("network", Health.UNSURE, text, "start without --host to listen everywhere")
    return _good("network", f"this machine is {hosts}")


def _lan(facts: Facts) -> Finding:
    if facts.lan is None:
        why = "" if facts.standing.joins else " (--manual)"
        return _good("LAN", f"not looked at{why}")
    if facts.lan.problem:
        text = f"multicast does not work here: {facts.lan.problem}"
        advice = "nobody on this network is found by himself: use an invite, or connect host:port"
        return Finding("LAN", Health.UNSURE, text, advice)
    if not facts.lan.seen and not facts.machine:
        return Finding("LAN", Health.UNSURE, "there is no network to look on")
    if not facts.lan.seen:
        text = f"nobody has answered{_hidden(facts.lan)}"
        advice = (
            "where others are on this network, it may keep machines apart (guest Wi-Fi does) or "
            "a firewall may drop UDP port 5353: use an invite, or connect host:port"
        )
        return Finding("LAN", Health.UNSURE, text, advice)
    return _good("LAN", f"{_people_are(facts.lan.seen)} on this network{_hidden(facts.lan)}")


def _hidden(lan: Lan) -> str:
    if not lan.may_advertise:
        return (
            "; a room with a passphrase is not advertised, so members need an invite or an address"
        )
    return "" if lan.is_advertised else "; this node is found only once you have typed connect"


def _reachable(facts: Facts) -> Finding:
    standing = facts.standing
    if standing.is_reachable is None and facts.was_dialled:
        return _good("reachable", "somebody on another machine has dialled this node")
    if standing.is_reachable is None:
        why = "" if standing.neighbours else ": there is no neighbour who could"
        return Finding("reachable", Health.UNSURE, f"nobody has tried to dial this node{why}")
    if not standing.is_reachable:
        text = "nobody who was asked could dial this node: a router or a firewall is before it"
        advice = (
            "it works nevertheless, by connections that it opens itself. To be dialled, allow TCP "
            f"port {facts.port} in the firewall and forward it on the router"
        )
        return Finding("reachable", Health.UNSURE, text, advice)
    seen = f", from outside at {_alternatives(standing.outside)}" if standing.outside else ""
    return _good("reachable", f"a neighbour could dial this node{seen}")


def _dials(facts: Facts) -> Iterator[Finding]:
    for failed in facts.failed_dials:
        yield Finding("connect", Health.BAD, failed)


# --- Who is here ------------------------------------------------------------------------------


def _people(facts: Facts) -> Finding:
    """Tell apart why nobody is here: each reason has another remedy."""
    if facts.standing.neighbours:
        count = facts.standing.neighbours
        return _good("people", f"{_people_are(count)} connected to this node")
    return Finding("people", Health.UNSURE, *_alone(facts))


def _alone(facts: Facts) -> tuple[str, str]:
    standing = facts.standing
    if standing.found:
        text = f"somebody of {facts.room} was found, and nobody is connected"
        if standing.has_lan_consent:
            return text, "he may be gone, or a firewall keeps him apart: see the log for the dials"
        return text, "type connect in p2pchat to join, or start it with --lan"
    if standing.others_rooms:
        text = f"alone in {facts.room}: those who were found are in other rooms"
        if not facts.is_open:
            return f"{text}, or have another secret", "use an invite of somebody who is in it"
        return text, "agree on a room, and start with --room NAME"
    if not standing.joins:
        text = "nobody is connected, and this node looks for nobody (--manual)"
        return text, "connect host:port dials somebody"
    if not facts.machine:
        text = "nobody else runs on this machine, and there is no network to look on"
        return text, "run p2pchat in another terminal, or connect this machine to a network"
    text = "nobody was found on this machine, on this network or from before"
    return text, "run p2pchat elsewhere, or use somebody's address or invite"


def _room(facts: Facts) -> Finding:
    if facts.is_open:
        text = f"{facts.room} is open: whoever reaches somebody in it can read it and write to it"
    else:
        text = f"{facts.room} is private: only who has its secret can read it and write to it"
    return _good("room", text)


def _clock(standing: Standing) -> Finding:
    ahead_s = standing.clock_ahead_s
    if ahead_s is None:
        return Finding("clock", Health.UNSURE, "not compared: that takes three neighbours")
    if abs(ahead_s) <= NOTICED_S:
        return _good("clock", f"within {_span(NOTICED_S)} of what the neighbours' show")
    text = f"{_span(abs(ahead_s))} {'ahead of' if ahead_s > 0 else 'behind'} the neighbours'"
    if abs(ahead_s) <= limits.AGE_FUTURE_S:
        return Finding("clock", Health.UNSURE, text, "set the clock, or people see wrong times")
    # What is so far ahead is not taken: our messages by others, or theirs by us.
    text = f"{text}, so that messages are not taken"
    return Finding("clock", Health.BAD, text, "set the clock of this machine")


# --- This machine -----------------------------------------------------------------------------


def _profile(facts: Facts) -> Finding:
    if not facts.folder:
        return _good("profile", "ephemeral: nothing is kept on disk")
    text = f"{facts.profile}, kept in {facts.folder}"
    if not facts.disk_problem:
        return _good("profile", text)
    text = f"{text}, which can't be written to: {facts.disk_problem}"
    advice = "make room there or allow writing, or what is learnt now is lost at the end"
    return Finding("profile", Health.UNSURE, text, advice)


def _book(standing: Standing) -> Finding:
    if not standing.known_before:
        return _good("book", "nobody is in the address book of this room")
    return _good("book", f"{_people_are(standing.known_before)} in the address book of this room")


def _files(facts: Facts) -> Finding:
    if facts.files is None:
        return _good("files", "as many as wanted may be open")
    text = f"{facts.files} may be open at once"
    if facts.files >= FILES_ENOUGH:
        return _good("files", text)
    advice = "each connection is one. Before the start: ulimit -n 1024"
    return Finding("files", Health.UNSURE, text, advice)


def _run(facts: Facts) -> Finding:
    tasks = f"{facts.tasks} tasks"
    if not facts.unexpected:
        return _good("run", f"{tasks}, and nothing unexpected has happened")
    times = "once" if facts.unexpected == 1 else f"{facts.unexpected} times"
    text = f"{tasks}; something unexpected has happened {times} since the start"
    advice = "that is a fault of the program: please report it, with what the log says about it"
    return Finding("run", Health.UNSURE, text, advice)


# --- Words ------------------------------------------------------------------------------------


def _good(what: str, text: str) -> Finding:
    return Finding(what, Health.GOOD, text)


def _alternatives(what: Iterable[object]) -> str:
    return " or ".join(map(str, what))


def _people_are(count: int) -> str:
    return "1 person is" if count == 1 else f"{count} people are"


def _span(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"


def _is_loopback(address: Address) -> bool:
    try:
        return ipaddress.ip_address(address.host.partition("%")[0]).is_loopback
    except ValueError:
        return address.host == "localhost"

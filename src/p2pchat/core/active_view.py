"""The active view: neighbours kept on purpose, and who gives way to whom."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from p2pchat.core import limits
from p2pchat.core.allowance import Allowance
from p2pchat.core.insistence import Insistence
from p2pchat.core.notices import How
from p2pchat.core.records import AddressRecord, Scope, netgroup, scope_of
from p2pchat.core.values import Address, ConnectionId, PeerId

if TYPE_CHECKING:
    from random import Random

_GROUPS_LIMIT = 1_024
"""Networks for which somebody was evicted that are remembered; the oldest is forgotten first."""

_FRAMES_BURST = 256
_FRAMES_PER_S = 10.0
"""Frames about membership that one neighbour may send; others are not looked at. In a burst of 200
newcomers through one node, each of its neighbours gets 200 walks."""
_RECORDS_BURST = 64
_RECORDS_PER_S = 1.0
"""Records in the samples of one neighbour; others are not looked at. Shuffles bring 16 a minute."""

_CROWDED: Final = limits.CONNECTIONS_LIMIT - limits.ACTIVE_LIMIT
"""Above so many connections whoever has no place goes, so that newcomers still get in."""


@dataclass(slots=True)
class Link:
    """A neighbour, as membership sees him."""

    peer: PeerId
    connection: ConnectionId
    is_dialled: bool
    """Whether we dialled him."""
    address: Address
    """Where we reached him, or where he comes from."""
    opened_at: float
    how: How
    host_ip: str = ""
    """His numeric IP address, which the address may have no word of: a name was typed."""
    takes_part: bool = True
    """Whether he knows what membership is; otherwise his user chose all his connections."""
    is_pinned: bool = False
    """Whether our user typed it: never released."""
    is_pinned_there: bool = False
    """Whether his user did."""
    is_in_view: bool = False
    is_instead: bool = False
    """Whether we want him for an own dial in the place of another one."""
    is_asked: bool = False
    """Whether we wait for his answer about a place."""
    is_released: bool = False
    """Whether one side has given the place to somebody else: it ends, and nobody has left."""
    is_refused: bool = False
    """Whether he has no place for us."""
    stays_until: float | None = None
    """When he has to go, where he has no place."""
    record: AddressRecord | None = None
    is_answer_due: bool = False
    """Whether he has not answered yet what we asked about a place, or told him of a pin."""
    walks_from: float = 0.0
    """When his record may go on walks again."""
    hearsay: Allowance = field(default_factory=lambda: Allowance(_RECORDS_BURST, _RECORDS_PER_S))
    frames: Allowance = field(default_factory=lambda: Allowance(_FRAMES_BURST, _FRAMES_PER_S))
    refusals: int = 0
    """How often in a row he had none, before this time."""
    useful: int = 0
    useful_before: int = 0
    """First deliveries in this half of USEFUL_S, and in the one before."""
    scope: Scope = field(init=False)
    """How far away he is; asked for too often to read the address each time."""

    def __post_init__(self) -> None:
        self.host_ip = self.host_ip or self.address.host
        self.scope = scope_of(self.host_ip)

    @property
    def addresses(self) -> tuple[Address, ...]:
        """Where he can be dialled, as far as known."""
        stated = self.record.addresses if self.record is not None else ()
        return (self.address, *stated)

    @property
    def is_beside(self) -> bool:
        """Whether he is here for a reason of his own, or for a moment."""
        return not (self.is_in_view or self.is_pinned)

    def take_place(self) -> None:
        """Both sides have each other in their views, or one pins the other."""
        self.is_asked = self.is_released = self.is_refused = False
        self.refusals = 0

    def carry_over(self, old: Link) -> None:
        """This connection counts for a neighbour from now on; what he is here for stays."""
        if old.is_dialled and not self.is_dialled:
            # We chose him, whichever of two crossing dials was kept: he takes no place of those
            # that others choose.
            self.is_dialled, self.address = True, old.address
            self.host_ip, self.scope = old.host_ip, old.scope
        self.is_in_view, self.is_asked, self.stays_until = (
            old.is_in_view,
            old.is_asked,
            old.stays_until,
        )
        self.is_pinned = self.is_pinned or old.is_pinned
        self.is_pinned_there, self.is_released = old.is_pinned_there, old.is_released
        self.record, self.opened_at = self.record or old.record, old.opened_at
        self.is_refused, self.refusals = old.is_refused, old.refusals
        self.walks_from, self.hearsay, self.frames = old.walks_from, old.hearsay, old.frames
        self.useful, self.useful_before, self.how = old.useful, old.useful_before, old.how


class ActiveView:
    """All links, by connection and by peer; counts places and finds whom to release.

    Of ACTIVE_LIMIT places ACTIVE_ACCEPTED_LIMIT at most go to connections that others dialled, and
    those evict only one another: whoever makes keys, and they are free, can't replace the view.
    Of these the ones in the network with most of them go first, as in Bitcoin Core's choice of
    whom to disconnect: networks have to be rented.
    """

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._links: dict[PeerId, Link] = {}
        self._by_connection: dict[ConnectionId, Link] = {}
        self.insistence = Insistence()
        self._evicted_for: dict[str | None, float] = {}
        """Until when a network may have nobody evicted."""
        self._evictions = Allowance(limits.EVICT_BURST, 1 / limits.EVICT_EVERY_S)
        self._useful_turned_at = 0.0

    def __len__(self) -> int:
        return len(self._links)

    def __iter__(self) -> Iterator[Link]:
        return iter(self._links.values())

    def __contains__(self, peer: object) -> bool:
        return peer in self._links

    def get(self, peer: PeerId) -> Link | None:
        """Return the link to that peer."""
        return self._links.get(peer)

    def of(self, connection: ConnectionId) -> Link | None:
        """Return the link over that connection."""
        return self._by_connection.get(connection)

    def reaches(self, addresses: tuple[Address, ...]) -> bool:
        """Tell whether somebody with one of those addresses is a neighbour."""
        known = {a for link in self._links.values() for a in link.addresses}
        return not known.isdisjoint(addresses)

    def put(self, link: Link) -> None:
        """Take in a link, or the one that takes its place."""
        old = self._links.get(link.peer)
        if old is not None:
            self._by_connection.pop(old.connection, None)
        self._links[link.peer] = link
        self._by_connection[link.connection] = link

    def pop(self, connection: ConnectionId) -> Link | None:
        """Forget a link that has ended."""
        link = self._by_connection.pop(connection, None)
        return None if link is None else self._links.pop(link.peer)

    # --- Places -------------------------------------------------------------------------------

    @property
    def members(self) -> list[Link]:
        """Those in the view."""
        return [link for link in self._links.values() if link.is_in_view]

    @property
    def kept(self) -> int:
        """How many are here to stay: in the view, or pinned by us."""
        return sum(link.is_in_view or link.is_pinned for link in self._links.values())

    def places(self) -> tuple[int, int]:
        """Return how many places are in use or asked for, and how many of them by own dials."""
        taken = dialled = 0
        for link in self._links.values():  # a plain loop, because this is asked after most events
            if link.is_in_view or link.is_asked:
                taken += 1
                dialled += link.is_dialled
        return taken, dialled

    @property
    def taken(self) -> int:
        """Places in use, with those that were asked for."""
        return self.places()[0]

    @property
    def dialled(self) -> int:
        """Of these, own dials."""
        return self.places()[1]

    @property
    def is_needy(self) -> bool:
        """Whether another one's place may be asked for.

        Neighbours who dialled us do not count instead of own dials: strangers bring as many as
        they like.
        """
        is_short = self.dialled < limits.ACTIVE_DIALLED_LEAST
        # With one or two a node that nobody can dial would ask in vain for ever: views are full.
        return is_short or self.kept < limits.ACTIVE_DIALLED_AIM

    @property
    def wants_more_dials(self) -> bool:
        """Whether too few neighbours are of our own choice."""
        taken, dialled = self.places()
        return taken < limits.ACTIVE_AIM or dialled < limits.ACTIVE_DIALLED_AIM

    @property
    def refused(self) -> int:
        """Neighbours that had no place for us, and stay for a moment."""
        return sum(link.is_refused for link in self._links.values())

    def partners(self, *without: PeerId) -> list[Link]:
        """Return whom frames about membership may go to: the view, and who is pinned."""
        return [
            link
            for link in self._links.values()
            if link.takes_part
            and (link.is_in_view or link.is_pinned or link.is_pinned_there)
            and link.peer not in without
        ]

    def groups(self) -> set[str]:
        """Return the netgroups that own dials lead to."""
        found = {netgroup(link.host_ip) for link in self._links.values() if link.is_dialled}
        return {group for group in found if group is not None}

    def has_place_for(self, link: Link, limit: int = limits.ACTIVE_LIMIT) -> bool:
        """Tell whether that link fits into the view, which may have so many members by it."""
        others = [o for o in self._links.values() if o is not link and (o.is_in_view or o.is_asked)]
        if len(others) >= limit:
            return False
        accepted = sum(not other.is_dialled for other in others)
        return link.is_dialled or accepted < limits.ACTIVE_ACCEPTED_LIMIT

    def crowd(self, newcomer: Link) -> list[Link]:
        """Return who goes, of those without a place, where too many have none."""
        beside = [li for li in self if li.is_beside and not li.is_released and li is not newcomer]
        staying = [li for li in beside if li.is_pinned_there or not li.takes_part]
        leaving = [link for link in beside if link not in staying]
        too_many = max(len(staying) - limits.BESIDE_LIMIT, len(self) - _CROWDED - len(leaving), 0)
        gone = staying[:too_many]
        return gone + leaving[: max(0, len(self) - len(gone) - _CROWDED)]

    def note_join(self, link: Link, now: float) -> None:
        """That neighbour asks for a place, be it another one's."""
        self.insistence.note(netgroup(link.host_ip), now)

    def is_insistent(self, link: Link, now: float) -> bool:
        """Tell whether his network has taken more than its turn."""
        return self.insistence.of(netgroup(link.host_ip), now)

    def debtor(self, newcomer: Link, now: float) -> Link | None:
        """Return who gives way to anybody who asks: his place is only lent to his network.

        Age and use protect nobody here: who withholds stays, and is quick.
        """
        if self.is_insistent(newcomer, now):
            return None
        accepted = [link for link in self.members if not link.is_dialled]
        lent = [link for link in accepted if self.is_insistent(link, now)]
        return self._rng.choice(lent) if lent else None

    def victim(self, newcomer: Link, now: float) -> Link | None:
        """Return who gives way to somebody who has few neighbours, if it is time for that.

        The network with most places gives way first. And each that is not private may have
        somebody evicted once in EVICT_PER_GROUP_S: else whoever has many keys in few networks
        would have everybody evicted in turn, and use up what is meant for all.
        """
        accepted = [link for link in self.members if not link.is_dialled]
        safe = self._protected(accepted)
        choice = [link for link in accepted if link.peer not in safe]
        group = netgroup(newcomer.host_ip)
        if not choice or now < self._evicted_for.get(group, now):
            return None
        if not self._evictions.spend(1, now):
            return None
        self._note_eviction(group, now)
        return self._rng.choice(_most_crowded(choice, accepted, group))

    def _note_eviction(self, group: str | None, now: float) -> None:
        if group is None:
            return
        self._evicted_for.pop(group, None)
        self._evicted_for[group] = now + limits.EVICT_PER_GROUP_S
        if len(self._evicted_for) > _GROUPS_LIMIT:
            del self._evicted_for[next(iter(self._evicted_for))]

    def _protected(self, members: list[Link]) -> set[PeerId]:
        oldest = sorted(members, key=lambda link: link.opened_at)[: limits.PROTECTED_OLDEST]
        by_use = sorted(members, key=lambda link: -(link.useful + link.useful_before))
        useful = [link for link in by_use if link.useful + link.useful_before]
        return {link.peer for link in oldest + useful[: limits.PROTECTED_USEFUL]}

    def note_useful(self, connection: ConnectionId, now: float) -> None:
        """That neighbour brought something first."""
        if now - self._useful_turned_at > limits.USEFUL_S / 2:
            self._useful_turned_at = now
            for link in self._links.values():
                link.useful_before, link.useful = link.useful, 0
        useful = self._by_connection.get(connection)
        if useful is not None:
            useful.useful += 1


def _most_crowded(choice: list[Link], accepted: list[Link], newcomer: str | None) -> list[Link]:
    """Return those of the network with most places that others dialled for, his own counted.

    Private addresses are nobody's network: each counts for itself.
    """
    groups = {link.peer: netgroup(link.host_ip) for link in accepted}
    places = Counter([*groups.values(), newcomer])
    places[None] = 1
    most = max(places[groups[link.peer]] for link in choice)
    return [link for link in choice if places[groups[link.peer]] == most]

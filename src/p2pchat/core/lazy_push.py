"""Lazy push: which neighbours get an envelope whole, which ones only its announcement."""

from __future__ import annotations

import math
from collections.abc import Callable

from msgspec import Struct, field

from p2pchat.core import limits
from p2pchat.core.alarms import earlier
from p2pchat.core.envelopes import Envelope
from p2pchat.core.events import Close, Closing, Effect, Send
from p2pchat.core.frames import Announced, Graft, IHave, Prune
from p2pchat.core.grafts import Grafts
from p2pchat.core.holdings import Holding
from p2pchat.core.values import ConnectionId, EnvelopeId, PeerId, is_kept


class _Offer(Struct):
    """An own announcement that the neighbour may answer with a graft."""

    author: PeerId
    hops: int


class _Branch(Struct):
    """One connection, as this node sees it in the tree."""

    is_eager: bool = True
    is_behind: bool = False
    pruned_at: float = -math.inf
    gathered: dict[EnvelopeId, Announced] = field(default_factory=dict)
    """Announcements for the next IHave; all of them are among the offers."""
    offers: dict[EnvelopeId, _Offer] = field(default_factory=dict)
    outstanding: dict[PeerId, tuple[EnvelopeId, float]] = field(default_factory=dict)
    """The latest large envelope of an author that was only announced, and until when it counts."""
    grafted: dict[EnvelopeId, int] = field(default_factory=dict)
    """Envelopes that the neighbour asked for and that were not sent yet, with their hops."""
    paid_from: float = -math.inf
    paid_bytes: int = 0

    def offer(self, envelope: Envelope, hops: int) -> None:
        header = envelope.header
        self.gathered[envelope.id] = Announced(
            envelope.id, header.author, header.epoch, header.first, header.count, hops
        )
        self.offers[envelope.id] = _Offer(envelope.author, hops)
        if len(self.offers) > limits.OFFERS_LIMIT_IDS:
            self.settle(next(iter(self.offers)))

    def settle(self, name: EnvelopeId) -> _Offer | None:
        """The neighbour has it, or has asked for it: nothing is outstanding any more."""
        offer = self.offers.pop(name, None)
        if offer is None:
            return None
        self.gathered.pop(name, None)
        latest = self.outstanding.get(offer.author)
        if latest is not None and latest[0] == name:
            del self.outstanding[offer.author]
        return offer

    def hold_back(self, envelope: Envelope, now: float) -> None:
        """Let small envelopes of that author follow this large one."""
        self.outstanding.pop(envelope.author, None)
        self.outstanding[envelope.author] = (envelope.id, now + limits.OUTSTANDING_S)
        if len(self.outstanding) > limits.OUTSTANDING_AUTHORS:
            del self.outstanding[next(iter(self.outstanding))]

    def holds_back(self, author: PeerId, now: float) -> bool:
        latest = self.outstanding.get(author)
        return latest is not None and now < latest[1]


class LazyPush:
    """Plumtree (Leitão, Pereira, Rodrigues 2007) for large envelopes, plain flooding for small.

    A connection is *eager* until it brings a copy of something large: then it becomes *lazy* on
    both sides (Prune), and large envelopes are only announced along it (IHave). What is left of
    the eager connections is a tree that all authors share, for it has no direction. Where it
    breaks, an announcement is not followed by its envelope; after a while the envelope is asked
    for, and the connection is eager again (Graft). Nobody knows more than its own connections.

    Departures from the paper: a neighbour that announced an envelope is never sent it; only
    what was announced on a connection can be grafted there, once; grafts that are due together
    share a frame; who announces without delivering is asked last, in the end dropped.

    Order: while a large envelope of an author is only announced on a connection, what follows
    of that author is announced there too, so that it cannot overtake. That ends when the
    neighbour asks for it, shows that it has it, or after OUTSTANDING_S.

    A neighbour that is behind gets announcements only, and nothing of the passing kinds, which
    are worth nothing later.
    """

    def __init__(
        self,
        is_known: Callable[[EnvelopeId], bool],
        find: Callable[[EnvelopeId], Envelope | None],
        large_above_bytes: int = limits.LAZY_ABOVE_BYTES,
    ) -> None:
        """Begin without connections.

        Args:
            is_known: Whether an envelope is here, or is not wanted.
            find: Returns a stored envelope; None when it is not stored any more.
            large_above_bytes: Signed bytes above which an envelope is large.
        """
        self._is_known = is_known
        self._find = find
        self._large_above_bytes = large_above_bytes
        self._branches: dict[ConnectionId, _Branch] = {}
        self._grafts = Grafts()
        self._gathering: dict[ConnectionId, _Branch] = {}
        self._paying: dict[ConnectionId, _Branch] = {}

    @property
    def eager(self) -> tuple[ConnectionId, ...]:
        """The connections that get large envelopes whole, oldest first."""
        return tuple(connection for connection, b in self._branches.items() if b.is_eager)

    @property
    def missing_count(self) -> int:
        """Envelopes that were announced and are not here."""
        return len(self._grafts)

    def holdings(self) -> tuple[Holding, ...]:
        """Count what strangers can make grow."""
        branches = self._branches.values()
        offers = sum(len(branch.offers) for branch in branches)
        grafted = sum(len(branch.grafted) for branch in branches)
        outstanding = sum(len(branch.outstanding) for branch in branches)
        return (
            *self._grafts.holdings(),
            Holding("own announcements", offers, len(branches) * limits.OFFERS_LIMIT_IDS),
            Holding("grafted envelopes", grafted, len(branches) * limits.OFFERS_LIMIT_IDS),
            Holding("outstanding", outstanding, len(branches) * limits.OUTSTANDING_AUTHORS),
        )

    def is_awaited(self, author: PeerId, epoch: bytes, number: int, now: float) -> bool:
        """Tell whether a graft may well bring that message, so that repair can wait a moment."""
        return self._grafts.is_awaited(author, epoch, number, now)

    # --- Connections --------------------------------------------------------------------------

    def on_open(self, connection: ConnectionId) -> None:
        """A connection has been opened: it is eager until it turns out to bring copies."""
        self._branches[connection] = _Branch()
        self._grafts.on_open(connection)

    def on_closed(self, connection: ConnectionId) -> None:
        """Forget a connection that nothing may be sent to any more."""
        self._branches.pop(connection, None)
        self._gathering.pop(connection, None)
        self._paying.pop(connection, None)
        self._grafts.on_closed(connection)

    def on_queue(self, connection: ConnectionId, *, is_high: bool) -> None:
        """Take note that a send queue rose above SEND_QUEUE_HIGH_BYTES, or fell again."""
        branch = self._branches.get(connection)
        if branch is None:
            return
        branch.is_behind = is_high
        self._watch_payment(connection, branch)

    # --- Envelopes ----------------------------------------------------------------------------

    def route(
        self,
        envelope: Envelope,
        to: tuple[ConnectionId, ...],
        sender: ConnectionId | None,
        hops: int,
        now: float,
    ) -> list[Effect]:
        """Hand on an envelope that is new here; no `on_taken` is needed before.

        Args:
            envelope: Verified, and to be found by `find` from now on, where of a kept kind.
            to: Every connection that it may go along.
            sender: Who brought it; None for one's own.
            hops: Connections crossed so far.
            now: Monotonic seconds.
        """
        holders = self._grafts.settle(envelope.id, sender)
        is_large = len(envelope.signed) > self._large_above_bytes
        whole: list[ConnectionId] = []
        for connection in to:
            if connection in holders:
                continue
            if self._goes_whole(connection, envelope, now, is_large=is_large):
                whole.append(connection)
            else:
                self._announce(connection, envelope, hops, now, is_large=is_large)
        effects: list[Effect] = []
        if whole:
            effects.append(Send(tuple(whole), envelope.carried(hops)))
        if is_large and sender is not None:
            effects += self._on_news(sender, hops, holders, now)
        return effects

    def on_copy(
        self, connection: ConnectionId, name: EnvelopeId, size_bytes: int, now: float
    ) -> list[Effect]:
        """A Carry brought what is known already; `size_bytes` are its signed ones."""
        self._grafts.settle(name, connection)
        branch = self._branches.get(connection)
        if branch is None:
            return []
        branch.settle(name)
        if size_bytes <= self._large_above_bytes:
            return []
        # A lazy one is told again only after a while: its copies were probably under way. It
        # may also have grafted while it was pruned, so that the two sides disagree.
        if not branch.is_eager and now < branch.pruned_at + limits.PRUNE_AGAIN_S:
            return []
        branch.is_eager, branch.pruned_at = False, now
        return [Send((connection,), Prune())]

    def on_taken(self, name: EnvelopeId, connection: ConnectionId | None) -> None:
        """An envelope is here that is not routed on, or not wanted: nobody is asked for it."""
        self._grafts.settle(name, connection)

    def on_lost(self, name: EnvelopeId, connection: ConnectionId) -> None:
        """A Carry was not looked at: that neighbour kept its word, others may be asked."""
        self._grafts.keep_word(connection, name)

    # --- Frames -------------------------------------------------------------------------------

    def on_ihave(self, connection: ConnectionId, frame: IHave, now: float) -> None:
        """A neighbour announces envelopes; what is missing will be asked for when it's time."""
        branch = self._branches.get(connection)
        if branch is None:
            return
        for announced in frame.announced:
            name = EnvelopeId(announced.id)
            branch.settle(name)
            if not self._is_known(name):
                self._grafts.on_announced(connection, announced, now)

    def on_graft(self, connection: ConnectionId, frame: Graft, now: float) -> list[Effect]:
        """A neighbour wants large envelopes whole from now on, and some that were announced."""
        branch = self._branches.get(connection)
        if branch is None:
            return []
        branch.is_eager = True
        for name in map(EnvelopeId, frame.ids):
            offer = branch.settle(name)
            if offer is not None and len(branch.grafted) < limits.OFFERS_LIMIT_IDS:
                branch.grafted[name] = offer.hops
        return self._pay(connection, branch, now)

    def on_prune(self, connection: ConnectionId) -> None:
        """A neighbour gets large envelopes from elsewhere first."""
        branch = self._branches.get(connection)
        if branch is not None:
            branch.is_eager = False

    # --- Time ---------------------------------------------------------------------------------

    def next_deadline(self) -> float | None:
        """When to call `on_time`; minus infinity for the engine's next turn, None for never."""
        if self._gathering:
            return -math.inf
        grafts = self._grafts.next_deadline()
        if not self._paying:
            return grafts
        paid_from = min(branch.paid_from for branch in self._paying.values())
        return earlier(grafts, paid_from + limits.GRAFT_PAUSE_S)

    def forgive(self, late_s: float) -> None:
        """Blame nobody for the time that we ourselves were asleep."""
        self._grafts.forgive(late_s)

    def on_time(self, now: float) -> list[Effect]:
        """Announce what was gathered, ask for what has not come, send what was asked for."""
        effects = self._send_gathered()
        for connection in self._grafts.overdue(now):
            reason = "announces envelopes that it does not deliver"
            effects.append(Close(connection, Closing.AT_ONCE, reason))
            self.on_closed(connection)
        for connection, names in self._grafts.due(now).items():
            self._branches[connection].is_eager = True
            for start in range(0, len(names), limits.LIST_LIMIT):
                graft = Graft(tuple(names[start : start + limits.LIST_LIMIT]))
                effects.append(Send((connection,), graft))
        for connection, branch in list(self._paying.items()):
            effects += self._pay(connection, branch, now)
        return effects

    # --- Parts of the above -------------------------------------------------------------------

    def _goes_whole(
        self, connection: ConnectionId, envelope: Envelope, now: float, *, is_large: bool
    ) -> bool:
        branch = self._branches.get(connection)
        if branch is None:
            return True
        if branch.is_behind:
            return False
        if not is_kept(envelope.header.kind):
            return True  # nobody stores it, so nobody could graft it
        if is_large:
            return branch.is_eager
        return not branch.holds_back(envelope.author, now)

    def _announce(
        self,
        connection: ConnectionId,
        envelope: Envelope,
        hops: int,
        now: float,
        *,
        is_large: bool,
    ) -> None:
        if not is_kept(envelope.header.kind):
            return
        branch = self._branches[connection]
        branch.offer(envelope, hops)
        self._gathering[connection] = branch
        # Small ones are not counted as outstanding, else a steady talker would stay behind
        # his one large envelope for ever.
        if is_large:
            branch.hold_back(envelope, now)

    def _on_news(
        self, sender: ConnectionId, hops: int, holders: dict[ConnectionId, int], now: float
    ) -> list[Effect]:
        """Keep who brought something large first, unless an announcer is much nearer."""
        branch = self._branches.get(sender)
        if branch is None:
            return []
        branch.is_eager = True
        if not holders:
            return []
        nearest = min(holders, key=lambda connection: holders[connection])
        if hops - (holders[nearest] + 1) < limits.OPTIMISE_HOPS or nearest == sender:
            return []
        branch.is_eager, branch.pruned_at = False, now
        self._branches[nearest].is_eager = True
        return [Send((sender,), Prune()), Send((nearest,), Graft(()))]

    def _send_gathered(self) -> list[Effect]:
        # Neighbours with the same announcements share one frame, encoded once.
        groups: dict[tuple[Announced, ...], list[ConnectionId]] = {}
        for connection, branch in self._gathering.items():
            groups.setdefault(tuple(branch.gathered.values()), []).append(connection)
            branch.gathered.clear()
        self._gathering.clear()
        return [
            Send(tuple(connections), IHave(announced[start : start + limits.LIST_LIMIT]))
            for announced, connections in groups.items()
            for start in range(0, len(announced), limits.LIST_LIMIT)
        ]

    def _pay(self, connection: ConnectionId, branch: _Branch, now: float) -> list[Effect]:
        """Send what was grafted, at a pace that lets the queue be seen to rise."""
        if now >= branch.paid_from + limits.GRAFT_PAUSE_S:
            branch.paid_from, branch.paid_bytes = now, 0
        effects: list[Effect] = []
        while (
            branch.grafted and not branch.is_behind and branch.paid_bytes < limits.GRAFT_BURST_BYTES
        ):
            name, hops = next(iter(branch.grafted.items()))
            del branch.grafted[name]
            envelope = self._find(name)
            if envelope is not None:
                branch.paid_bytes += len(envelope.signed)
                effects.append(Send((connection,), envelope.carried(hops)))
        self._watch_payment(connection, branch)
        return effects

    def _watch_payment(self, connection: ConnectionId, branch: _Branch) -> None:
        if branch.grafted and not branch.is_behind:
            self._paying[connection] = branch
        else:
            self._paying.pop(connection, None)

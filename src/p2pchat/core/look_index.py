"""Who is called so that it looks alike, found without comparing everybody with everybody."""

from __future__ import annotations

from p2pchat.core.values import PeerId
from p2pchat.lookalikes import looks


class LookIndex:
    """People by the looks of their nicks; whoever came to a look first stands first there.

    As large as whoever fills it lets it become.
    """

    def __init__(self) -> None:
        self._looks: dict[PeerId, tuple[str, ...]] = {}
        self._people: dict[str, dict[PeerId, None]] = {}

    def __len__(self) -> int:
        return len(self._looks)

    def __contains__(self, peer: object) -> bool:
        return peer in self._looks

    def put(self, peer: PeerId, nick: str) -> None:
        """Take note of a nick, in the place of the one before; he keeps his place in a look."""
        before, after = self._looks.get(peer, ()), looks(nick)
        self._looks[peer] = after
        for look in after:
            self._people.setdefault(look, {}).setdefault(peer)
        for look in before:
            if look not in after:
                self._leave(peer, look)

    def discard(self, peer: PeerId) -> None:
        """Forget somebody, if he is there."""
        for look in self._looks.pop(peer, ()):
            self._leave(peer, look)

    def earlier(self, peer: PeerId, nick: str) -> PeerId | None:
        """Return who came first to a look of that nick; None where it was the peer himself."""
        for look in looks(nick):
            first = next(iter(self._people.get(look, ())), peer)
            if first != peer:
                return first
        return None

    def alike(self, nick: str) -> set[PeerId]:
        """Return everybody whose nick looks like that one."""
        return {peer for look in looks(nick) for peer in self._people.get(look, ())}

    def _leave(self, peer: PeerId, look: str) -> None:
        people = self._people[look]
        del people[peer]
        if not people:
            del self._people[look]

"""A small network of machines that draw maps; people have one letter each."""

from __future__ import annotations

from itertools import pairwise

from p2pchat.core.events import Effect
from p2pchat.core.mapping import Mapping
from p2pchat.core.mesh_frames import MapAnswer, MapAsk
from p2pchat.core.notices import NetworkMap
from p2pchat.core.values import ConnectionId, Person
from tests.core.asking_network import ABILITIES, WALL_MS, AskingNetwork, mapping_of


def handle(node: Mapping, connection: ConnectionId, frame: object, now: float) -> list[Effect]:
    assert isinstance(frame, MapAsk | MapAnswer)
    return node.on_frame(connection, frame, now, WALL_MS + round(now * 1000))


def open_(node: Mapping, connection: ConnectionId, far: Person) -> None:
    node.on_open(connection, far, ABILITIES)


class MapNetwork(AskingNetwork[Mapping]):
    def __init__(self, *edges: str, hidden: str = "", seed: int | None = None) -> None:
        super().__init__(handle, open_, seed)
        for name in sorted(set("".join(edges))):
            self.nodes[name] = mapping_of(name, is_hidden=name in hidden)
        for edge in edges:
            self.connect(edge[0], edge[1])

    def look(self, name: str) -> NetworkMap:
        """Let somebody look at the map, and wait as long as he would."""
        node = self.nodes[name]
        self.perform(name, node.ask(self.now))
        self.run()
        deadline = node.next_deadline()
        if deadline is not None:
            self.now = max(self.now, deadline)
            node.on_time(self.now)
        assert node.is_done
        return node.result(self.now)


def chain(names: str) -> list[str]:
    return ["".join(pair) for pair in pairwise(names)]


def answered(result: NetworkMap) -> set[str]:
    return {each.person.nick for each in result.people if each.has_answered}


def seen(result: NetworkMap) -> set[str]:
    return {each.person.nick for each in result.people}

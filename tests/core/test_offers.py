from __future__ import annotations

from p2pchat.core import limits
from p2pchat.core.entries import unpacked
from p2pchat.core.events import Effect, Send
from p2pchat.core.frames import Offer
from p2pchat.core.offers import Offers
from p2pchat.core.series import Series
from p2pchat.core.values import ConnectionId

ANN, BEN, CEM = ConnectionId(1), ConnectionId(2), ConnectionId(3)
BOB, CAROL = Series(b"b" * 40), Series(b"c" * 40)


def offered(effects: list[Effect]) -> dict[tuple[ConnectionId, ...], list[object]]:
    found: dict[tuple[ConnectionId, ...], list[object]] = {}
    for effect in effects:
        assert isinstance(effect, Send)
        assert isinstance(effect.frame, Offer)
        found.setdefault(effect.connections, []).extend(unpacked(effect.frame.entries))
    return found


def test_what_came_by_repair_is_offered_together_to_everybody_else() -> None:
    offers = Offers()
    offers.add(BOB, (0, 1), ANN, 0.0)
    offers.add(BOB, (1, 3), ANN, 0.2)
    offers.add(CAROL, (7, 8), BEN, 0.3)
    assert offers.pump([ANN, BEN, CEM], limits.OFFER_EVERY_S - 0.01) == []

    found = offered(offers.pump([ANN, BEN, CEM], limits.OFFER_EVERY_S))

    assert found == {(BEN, CEM): [(BOB, (0, 3))], (ANN, CEM): [(CAROL, (7, 8))]}
    assert offers.next_deadline() is None


def test_with_one_neighbour_there_is_nobody_to_offer_it_to() -> None:
    offers = Offers()
    offers.add(BOB, (0, 1), ANN, 0.0)

    assert offers.pump([ANN], 1.0) == []
    assert offers.next_deadline() is None


def test_what_waits_to_be_offered_is_bounded() -> None:
    offers = Offers()

    for number in range(10 * limits.OFFER_LIMIT_SERIES):
        offers.add(Series(number.to_bytes(40, "big")), (0, 1), ConnectionId(number % 64), 0.0)
    effects = offers.pump([ANN, BEN], 1.0)

    assert len(effects) <= limits.OFFER_FRAMES


def test_as_much_as_the_budget_lets_in_is_offered_whole() -> None:
    offers = Offers()
    count = int(limits.REPAIR_VERIFICATIONS_PER_S * (1 + limits.OFFER_EVERY_S))

    for number in range(count):
        offers.add(Series(number.to_bytes(40, "big")), (0, 1), ANN, 0.0)
    found = offered(offers.pump([ANN, BEN], 1.0))

    assert len(found[(BEN,)]) == count

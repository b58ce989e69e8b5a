"""How the user's messages go, where an open room lets them go slowly."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from p2pchat.core.notices import Remark
from p2pchat.errors import AnnounceOverflow
from p2pchat.handing_over import HandingOver
from tests.stage import FakeFront

if TYPE_CHECKING:
    from p2pchat import Node


class SlowNode:
    """Sends so many of what waits each time that somebody waits for it."""

    def __init__(self, per_wait: int) -> None:
        self.unsent_count = 0
        self.said: list[str] = []
        self.limit = 1_000
        self._per_wait = per_wait

    def announce(self, text: str, *, action: bool) -> str:
        if self.unsent_count >= self.limit:
            raise AnnounceOverflow
        self.said.append(text)
        self.unsent_count += 1
        return text

    async def drain(self) -> None:
        self.unsent_count = max(0, self.unsent_count - self._per_wait)
        if self.unsent_count:
            raise TimeoutError  # as if the caller's time were over


def told(front: FakeFront) -> list[str]:
    return [notice.text for notice, _ in front.shown if isinstance(notice, Remark)]


async def test_what_goes_at_once_is_not_worth_a_line() -> None:
    front, slow = FakeFront(), SlowNode(per_wait=10)
    handing = HandingOver(cast("Node", slow), front)
    for number in range(10):
        await handing.announce(str(number), action=False)

    await handing.finish()
    handing.farewell()

    assert handing.has_spoken
    assert told(front) == []


async def test_who_waits_is_told_how_far_it_is() -> None:
    front, slow = FakeFront(), SlowNode(per_wait=1_200)
    slow.limit = 5_000
    handing = HandingOver(cast("Node", slow), front)
    for number in range(5_000):
        await handing.announce(str(number), action=False)

    await handing.finish()

    assert [text.partition(" messages")[0] for text in told(front)] == [
        "1,200 of 5,000", "2,400 of 5,000", "3,600 of 5,000", "4,800 of 5,000",
    ]  # fmt: skip


async def test_when_too_much_waits_the_next_one_waits_until_all_has_gone() -> None:
    front, slow = FakeFront(), SlowNode(per_wait=600)
    handing = HandingOver(cast("Node", slow), front)
    for number in range(1_001):
        await handing.announce(str(number), action=False)

    assert slow.said == [str(number) for number in range(1_001)]
    assert slow.unsent_count == 1
    assert told(front)[0].startswith("600 of 1,000 messages")


@pytest.mark.parametrize(("count", "words"), [(1, "1 message was"), (1_200, "1,200 messages were")])
def test_who_did_not_want_to_wait_is_told_what_was_not_sent(count: int, words: str) -> None:
    front, slow = FakeFront(), SlowNode(per_wait=1)
    slow.unsent_count = count

    HandingOver(cast("Node", slow), front).farewell()

    assert told(front) == [f"{words} not sent any more"]

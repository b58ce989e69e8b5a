"""Dials that the user asked for, and what is tried again."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from p2pchat import connecting
from p2pchat.connecting import Connecting
from p2pchat.core.values import Address
from p2pchat.errors import NobodyListening, OwnAddress
from tests.stage import FakeFront

if TYPE_CHECKING:
    from p2pchat.errors import DialFailed
    from p2pchat.node import Node

HERE = Address("127.0.0.1", 1)


class Refusing:
    """A node whose dials fail, one after the other."""

    def __init__(self, *errors: DialFailed) -> None:
        self.errors = list(errors)
        self.dials: list[bool] = []
        """Of each, whether it was one that had been tried before."""

    async def connect(self, _: object, *, is_again: bool = False) -> object:
        self.dials.append(is_again)
        if self.errors:
            raise self.errors.pop(0)
        return object()


async def dials_until_done(monkeypatch: pytest.MonkeyPatch, *errors: DialFailed) -> list[bool]:
    monkeypatch.setattr(connecting, "REDIAL_FIRST_S", 0.001)
    node = Refusing(*errors)
    await Connecting(cast("Node", node), FakeFront(), keeps=True).dial_again(HERE)
    return node.dials


async def test_what_failed_is_dialled_again_until_it_opens_and_told_of_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    refused = [NobodyListening(HERE) for _ in range(3)]

    assert await dials_until_done(monkeypatch, *refused) == [True] * 4


async def test_the_own_address_stays_the_own_one(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await dials_until_done(monkeypatch, OwnAddress(HERE)) == [True]

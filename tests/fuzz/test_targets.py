"""Every fuzz target, with its seeds, the kept corpus and some mutations; `python -m tests.fuzz`
goes on from there."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import HealthCheck, example, given, settings

from p2pchat.core.frames import Frame
from p2pchat.wire.codec import Codec
from tests.effort import EFFORT
from tests.fuzz import corpus
from tests.fuzz.core_targets import (
    CORE,
    DIRECT,
    FLOODING,
    JOINING,
    OPENING,
    REPAIR,
    SURVEY,
)
from tests.fuzz.cost import cost_of
from tests.fuzz.mutation import mutations
from tests.fuzz.targets import TARGETS
from tests.fuzz.wire_targets import SIGNED_PARTS

_CORE_SHARE = 5
"""A whole node takes so much longer than a parser."""


def known(name: str) -> list[bytes]:
    return [*TARGETS[name].seeds(), *corpus.kept(name)]


@pytest.mark.parametrize("name", TARGETS)
def test_what_is_known_raises_nothing(name: str) -> None:
    for data in known(name):
        TARGETS[name].run(data)


@pytest.mark.parametrize("name", TARGETS)
def test_mutations_of_what_is_known_raise_nothing(name: str) -> None:
    examples = EFFORT.fuzz_inputs // (_CORE_SHARE if name in CORE else 1)

    @settings(
        max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck), database=None
    )
    @given(mutations(TARGETS[name], corpus.kept(name)))
    @example(b"")
    def run(data: bytes) -> None:
        TARGETS[name].run(data)

    run()


@pytest.mark.parametrize("name", TARGETS)
def test_what_is_kept_is_small_and_reaches_further_than_the_seeds(name: str) -> None:
    kept = corpus.kept(name)

    assert sum(map(len, kept)) <= corpus.KEPT_LIMIT_BYTES
    assert not set(kept) & set(TARGETS[name].seeds())


def test_every_frame_is_in_a_family_of_its_own_target() -> None:
    families = (OPENING, FLOODING, REPAIR, JOINING, SURVEY, DIRECT)

    assert set(get_args(Frame)) <= frozenset[type]().union(*families)


def test_every_reader_of_the_codec_is_in_a_target() -> None:
    readers = {name for name in dir(Codec) if name.startswith("decode_")}

    assert readers == {f"decode_{name}" for _, name in SIGNED_PARTS}


def test_every_folder_of_the_corpus_is_that_of_a_target() -> None:
    assert {path.name for path in corpus.FOLDER.iterdir()} <= set(TARGETS)


@pytest.mark.long
@pytest.mark.parametrize("name", TARGETS)
def test_no_known_input_costs_too_much(name: str) -> None:
    for data in known(name):
        assert not cost_of(TARGETS[name].run, data).is_too_high

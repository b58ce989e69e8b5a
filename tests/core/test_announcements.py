from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pchat.core import limits
from p2pchat.core.announcements import Announcements, Batch
from p2pchat.core.values import Kind
from p2pchat.errors import AnnounceOverflow, TextTooLong


def take_all(announcements: Announcements) -> list[Batch]:
    batches = []
    while (batch := announcements.take()) is not None:
        batches.append(batch)
    return batches


def test_nothing_waits_at_first() -> None:
    assert Announcements().take() is None
    assert len(Announcements()) == 0


_TEXTS = st.lists(
    st.tuples(
        st.sampled_from([Kind.TEXT, Kind.ACTION]),
        st.sampled_from(["bob", "robert"]),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
        | st.integers(0, limits.TEXT_LIMIT_CHARACTERS).map("x".__mul__),
    ),
    max_size=60,
)


@given(_TEXTS, st.integers(1, 5))
def test_everything_comes_out_once_in_order_under_its_number(
    said: list[tuple[Kind, str, str]], every: int
) -> None:
    announcements = Announcements()
    batches: list[Batch] = []

    for number, (kind, nick, text) in enumerate(said):
        assert announcements.add(kind, nick, text) == number
        if number % every == 0 and (batch := announcements.take()):
            batches.append(batch)
    batches += take_all(announcements)

    out = [(batch.kind, batch.nick, text) for batch in batches for text in batch.texts]
    assert out == said
    assert [batch.first for batch in batches] == [
        sum(len(b.texts) for b in batches[:place]) for place in range(len(batches))
    ]
    assert len(announcements) == 0


@given(_TEXTS)
def test_a_batch_keeps_to_the_limits_of_an_envelope(said: list[tuple[Kind, str, str]]) -> None:
    announcements = Announcements()
    for kind, nick, text in said:
        announcements.add(kind, nick, text)

    for batch in take_all(announcements):
        assert 1 <= len(batch.texts) <= limits.ENVELOPE_TEXTS_LIMIT
        size_bytes = sum(len(text.encode()) for text in batch.texts)
        assert size_bytes <= limits.ENVELOPE_BATCH_BYTES or len(batch.texts) == 1


def test_all_that_waits_shares_a_batch() -> None:
    announcements = Announcements()
    for number in range(limits.ENVELOPE_TEXTS_LIMIT + 1):
        announcements.add(Kind.TEXT, "bob", str(number))

    sizes = [len(batch.texts) for batch in take_all(announcements)]

    assert sizes == [limits.ENVELOPE_TEXTS_LIMIT, 1]


def test_a_run_that_lets_go_of_what_was_taken_goes_on_with_full_batches() -> None:
    announcements = Announcements()
    said = [f"{number:064}" for number in range(20_000)]
    for text in said:
        announcements.add(Kind.TEXT, "bob", text)

    batches = take_all(announcements)

    assert [text for batch in batches for text in batch.texts] == said
    full = limits.ENVELOPE_BATCH_BYTES // 64
    assert {len(batch.texts) for batch in batches[:-1]} == {full}


def test_another_nick_or_kind_begins_another_batch() -> None:
    announcements = Announcements()
    for kind, nick in (
        (Kind.TEXT, "bob"),
        (Kind.TEXT, "bob"),
        (Kind.TEXT, "robert"),
        (Kind.ACTION, "robert"),
    ):
        announcements.add(kind, nick, "hi")

    assert [(b.kind, b.nick, b.first) for b in take_all(announcements)] == [
        (Kind.TEXT, "bob", 0),
        (Kind.TEXT, "robert", 2),
        (Kind.ACTION, "robert", 3),
    ]


def test_texts_up_to_the_limit_are_taken_and_longer_ones_refused() -> None:
    announcements = Announcements()
    announcements.add(Kind.TEXT, "bob", "x" * limits.TEXT_LIMIT_CHARACTERS)
    announcements.add(Kind.TEXT, "bob", "\U0001f600" * limits.TEXT_LIMIT_CHARACTERS)

    with pytest.raises(TextTooLong, match="4 001 characters; the limit is 4 000"):
        announcements.add(Kind.TEXT, "bob", "x" * (limits.TEXT_LIMIT_CHARACTERS + 1))
    with pytest.raises(TextTooLong, match="bytes"):
        announcements.add(Kind.TEXT, "bob", "\U0001f600" * 5_000)

    assert len(announcements) == 2


def test_too_many_waiting_texts_are_refused_and_change_nothing() -> None:
    announcements = Announcements()
    for _ in range(limits.ANNOUNCEMENTS_LIMIT_TEXTS):
        announcements.add(Kind.TEXT, "bob", "")

    with pytest.raises(AnnounceOverflow):
        announcements.add(Kind.TEXT, "bob", "one more")
    announcements.take()

    assert announcements.add(Kind.TEXT, "bob", "again") == limits.ANNOUNCEMENTS_LIMIT_TEXTS


def test_too_many_waiting_bytes_are_refused() -> None:
    announcements = Announcements()
    text = "x" * 4_000
    for _ in range(limits.ANNOUNCEMENTS_LIMIT_BYTES // len(text)):
        announcements.add(Kind.TEXT, "bob", text)

    with pytest.raises(AnnounceOverflow):
        announcements.add(Kind.TEXT, "bob", text)


@given(st.text(max_size=20))
def test_whatever_is_taken_can_be_encoded(text: str) -> None:
    announcements = Announcements()

    announcements.add(Kind.TEXT, "bob", text + "\ud83d")

    (batch,) = take_all(announcements)
    assert batch.texts[0].encode()

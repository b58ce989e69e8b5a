from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from p2pchat.core import limits
from p2pchat.core.entries import entry_of
from p2pchat.core.frames import (
    Answered,
    Ask,
    Carry,
    Digests,
    Filled,
    Frame,
    Gone,
    Offer,
    Page,
    PageAsk,
)
from p2pchat.core.refusals import Muted
from p2pchat.core.series import Series, series_of
from p2pchat.core.values import ConnectionId
from tests.core.repair_network import (
    CODEC,
    WALL_S,
    Node,
    RepairNetwork,
    connection_to,
    envelope,
    epoch,
    peer,
)

EVERYTHING = 2**53
BOTH = series_of(peer("honest"), epoch("honest"))


def test_an_author_who_signs_two_for_one_number_is_muted_and_told_of() -> None:
    net = RepairNetwork()
    ann, ben = net.add("ann", "ben")
    net.connect(ann, ben)
    net.run(1.0)
    connection = connection_to(ben, ann)
    for made in (envelope("eve", 0), envelope("eve", 0, body=b"other"), envelope("eve", 1)):
        net.inject(ben, connection, made.carried(0))

    assert ben.shown == [(peer("eve"), 0)]
    assert [item for item in ben.news if isinstance(item, Muted)] == [Muted(peer("eve"))]
    assert ben.repair.refusals.is_muted(peer("eve"), net.now)


def liar_between(net: RepairNetwork) -> tuple[Node, Node, Node, ConnectionId]:
    """Connect a victim to an honest node and to one that the test speaks for."""
    victim, honest, liar = net.add("victim", "honest", "liar")
    net.connect(victim, honest)
    net.connect(victim, liar)
    net.run(1.0)
    liar.damage = lambda _: []  # from now on it says only what the test makes it say
    return victim, honest, liar, connection_to(victim, liar)


def test_answers_that_nobody_asked_for_are_not_verified_and_end_the_connection() -> None:
    net = RepairNetwork()
    victim, _, _, connection = liar_between(net)
    for number in range(limits.STRIKES_BURST + 1):
        made = envelope("eve", number)
        frame = Filled(0, made.id, made.signature, made.signed)
        net.inject(victim, connection, frame)

    assert victim.shown == []
    assert connection not in victim.links
    assert "nobody asked" in victim.closed_for[0]


def test_offers_up_to_two_to_the_fifty_three_that_never_come_end_the_connection() -> None:
    net = RepairNetwork()
    victim, honest, _, connection = liar_between(net)
    token = 0
    while connection in victim.links and net.now < 600.0:
        entries = tuple(
            entry_of(Series((64 * token + n).to_bytes(40, "big")), [(0, EVERYTHING)])
            for n in range(64)
        )
        net.inject(victim, connection, Offer(entries))
        token += 1
        net.run(net.now + 0.5)
    net.say(honest)
    net.run(net.now + 5.0)

    assert "does not answer" in victim.closed_for[0]
    assert net.now < 600.0
    assert victim.shown == [(honest.me, 0)]


def test_a_liar_never_keeps_a_message_from_coming_by_another_way() -> None:
    net = RepairNetwork()
    victim, honest, liar, connection = liar_between(net)
    series = series_of(honest.me, honest.epoch)
    honest.damage = lambda frame: [] if isinstance(frame, Carry) else [frame]
    for _ in range(3):
        net.say(honest)
    net.inject(victim, connection, Offer((entry_of(series, [(0, EVERYTHING)]),)))
    honest.damage = lambda frame: [frame]
    net.say(honest)

    net.run(net.now + 3.0 + 1.2 * limits.COMPARE_EVERY_S)

    assert {number for who, number in victim.shown if who == honest.me} == {0, 1, 2, 3}
    assert liar.next_number == 0


def test_withholding_an_author_is_made_up_for_by_another_and_ends_the_connection() -> None:
    net = RepairNetwork()
    victim, honest, withholder = net.add("victim", "honest", "withholder")
    author = net.add("author")[0]
    for one, other in ((author, honest), (author, withholder), (withholder, victim)):
        net.connect(one, other)
    net.connect(honest, victim)
    net.run(1.0)

    def withhold(frame: Frame) -> list[Frame]:
        # Brings every second message of the author, and claims to lack the others.
        if isinstance(frame, Carry | Filled):
            return [frame] if CODEC.decode_header(frame.signed).body == b"brought" else []
        return [] if isinstance(frame, Page | Digests | Offer) else [frame]

    withholder.damage = withhold
    honest.damage = lambda frame: [] if isinstance(frame, Carry) else [frame]  # slow, not bad
    connection = connection_to(victim, withholder)
    while connection in victim.links and net.now < 600.0:
        net.say(author, body=b"withheld")
        net.run(net.now + 1.0)
        net.say(author, body=b"brought")
        net.run(net.now + 1.0)
    net.run(net.now + 60.0)

    assert net.now < 600.0
    assert "withholds" in victim.closed_for[0]
    assert set(victim.shown) == {(author.me, n) for n in range(author.next_number)}


FRAMES = st.one_of(
    st.builds(Digests, st.integers(0, EVERYTHING), st.binary(max_size=512), st.booleans()),
    st.builds(PageAsk, st.integers(0, EVERYTHING), st.binary(max_size=40)),
    st.builds(Answered, st.integers(0, 2**32 - 1), st.booleans()),
    st.builds(
        Gone,
        st.sampled_from([peer("honest"), peer("eve")]),
        st.just(epoch("honest")),
        st.integers(1, 2**54),
    ),
    st.builds(
        lambda token, first, count: Ask(
            token, 64, 65_536, (entry_of(BOTH, [(first, first + count)]),)
        ),
        st.integers(0, 9),
        st.integers(0, EVERYTHING),
        st.integers(1, EVERYTHING),
    ),
    st.builds(
        lambda first, count: Offer((entry_of(BOTH, [(first, first + count)]),)),
        st.integers(0, EVERYTHING),
        st.integers(1, EVERYTHING),
    ),
    st.builds(
        lambda minute, after, first, is_last: Page(
            minute, after, (entry_of(BOTH, [(first, first + 5)]),), is_last
        ),
        st.integers(int(WALL_S) // 60 - 20, int(WALL_S) // 60 + 10),
        st.sampled_from([b"", bytes(40)]),
        st.integers(0, EVERYTHING),
        st.booleans(),
    ),
    st.builds(
        lambda first, body: Filled(0, *parts(first, body)),
        st.integers(0, 20),
        st.sampled_from([b"", b"x"]),
    ),
)


def parts(first: int, body: bytes) -> tuple[bytes, bytes, bytes]:
    made = envelope("eve", first, body=body)
    return made.id, made.signature, made.signed


@given(st.lists(st.tuples(FRAMES, st.floats(0.0, 2.0)), max_size=40), st.integers(0, 99))
@settings(max_examples=50, deadline=None)
def test_whatever_a_neighbour_says_the_others_are_heard(
    said: list[tuple[Frame, float]], seed: int
) -> None:
    net = RepairNetwork(seed)
    victim, honest, _, connection = liar_between(net)
    for frame, wait_s in said:
        net.inject(victim, connection, frame)
        net.say(honest)
        net.run(net.now + wait_s)

    net.run(net.now + 2 * 1.2 * limits.COMPARE_EVERY_S)

    heard = [number for who, number in victim.shown if who == honest.me]
    assert sorted(heard) == list(range(honest.next_number))


def test_asking_for_everything_again_and_again_ends_the_connection() -> None:
    net = RepairNetwork()
    victim, _, _, connection = liar_between(net)
    net.say(victim)
    asks = 0
    while connection in victim.links and asks < 10_000:
        asks += 1
        entries = (entry_of(series_of(victim.me, victim.epoch), [(0, EVERYTHING)]),)
        net.inject(victim, connection, Ask(asks, 64, 65_536, entries))

    assert asks == limits.REQUESTS_BURST + limits.STRIKES_BURST + 1
    assert "asks too often" in victim.closed_for[0]


def test_nobody_is_asked_for_one_s_own_messages_nor_for_a_muted_author_s() -> None:
    net = RepairNetwork()
    victim, _, _, connection = liar_between(net)
    for body in (b"one", b"other"):
        made = envelope("eve", 0, body=body)
        net.inject(victim, connection, made.carried(0))
    asked = net.sent.get("Ask", 0)

    for author, of_epoch in ((victim.me, victim.epoch), (peer("eve"), epoch("eve"))):
        offer = Offer((entry_of(series_of(author, of_epoch), [(5, 9)]),))
        net.inject(victim, connection, offer)
    net.run(net.now + 3.0)

    assert net.sent.get("Ask", 0) == asked


def test_nothing_that_strangers_fill_grows_beyond_its_limit() -> None:
    net = RepairNetwork()
    victim, _, _, connection = liar_between(net)
    for number in range(3_000):
        made = envelope(f"stranger {number % 700}", 3 * (number // 700), body=bytes(900))
        net.inject(victim, connection, made.carried(0))
        row = tuple(
            entry_of(Series(n.to_bytes(40, "big")), [(n, n + 1)]) for n in range(number, number + 9)
        )
        if number % 10 == 0:
            net.inject(victim, connection, Offer(row))

    for holding in victim.repair.holdings():
        assert holding.count <= holding.limit, holding

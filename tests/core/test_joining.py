"""One core that joins by itself: discovery, typed connections, and what its user is told."""

from __future__ import annotations

from p2pchat.core import limits
from p2pchat.core.events import (
    AddressFound,
    Advertise,
    ClockSet,
    ConnectionEnded,
    Dial,
    DialEnded,
    Effect,
    HangUp,
    LookAround,
    NetworkChanged,
    SaveBook,
    Search,
    Tell,
)
from p2pchat.core.frames import Goodbye, Ping
from p2pchat.core.joining import JoiningFrame
from p2pchat.core.lookout import LanPolicy
from p2pchat.core.mesh_frames import (
    Introduce,
    Join,
    PlaceAnswer,
    PlaceAsk,
    ReachabilityAsk,
    Release,
    Walk,
)
from p2pchat.core.notices import Around, Connected, Direction, Disconnected, How
from p2pchat.core.values import Address, ConnectionId
from p2pchat.errors import NoAnswer
from p2pchat.sim.credentials import sim_peer_id
from tests.core.mesh import record_of as record_at
from tests.core.support import WALL_S, OneCore, closed, of, sent

WALL_MS = int(WALL_S * 1000)
BOB = sim_peer_id("bob")


def joiner(lan: LanPolicy = LanPolicy.OFF) -> OneCore:
    return OneCore(joins=True, lan=lan)


def told(effects: list[Effect]) -> list[Connected | Disconnected]:
    notices = [tell.notice for tell in of(effects, Tell)]
    return [notice for notice in notices if isinstance(notice, Connected | Disconnected)]


def words(effects: list[Effect]) -> list[str]:
    notices = [tell.notice for tell in of(effects, Tell)]
    return [notice.text for notice in notices if isinstance(notice, Around)]


def find(one: OneCore, name: str = "bob", ip: str = "10.1.0.2") -> list[Effect]:
    address = Address(ip, 55555)
    return one.feed(AddressFound((address,), How.MACHINE, sim_peer_id(name)))


def end(one: OneCore, connection: ConnectionId) -> list[Effect]:
    return one.feed(ConnectionEnded(connection, "connection lost"))


# --- Finding ----------------------------------------------------------------------------------


def test_who_runs_on_this_machine_is_dialled_and_told_when_he_stays() -> None:
    one = joiner()

    (dial,) = of(find(one), Dial)
    bob, opened = one.open("bob", Direction.OUT, attempt=dial.attempt)
    answered = one.frame(bob, PlaceAnswer(True, ()))
    again = one.frame(bob, PlaceAnswer(True, ()))

    assert dial.expected == BOB
    mesh = [frame for frame in sent(opened, bob) if isinstance(frame, JoiningFrame)]
    assert [type(frame) for frame in mesh] == [Introduce, Join, ReachabilityAsk]
    assert told(opened) == []
    (connected,) = told(answered)
    assert isinstance(connected, Connected)
    assert (connected.person.id, connected.how) == (BOB, How.MACHINE)
    assert told(again) == []


def test_who_is_found_again_and_again_counts_once() -> None:
    one = joiner()

    for _ in range(5):
        find(one)

    assert one.core.standing(one.now).found == 1


def test_we_do_not_dial_ourselves_nor_those_of_another_room() -> None:
    one = joiner()

    own = find(one, "alice")
    others = one.feed(
        AddressFound((Address("10.1.0.9", 55555),), How.MACHINE, BOB, is_same_room=False)
    )

    assert not of(own, Dial)
    assert not of(others, Dial)
    assert one.core.standing(one.now).others_rooms == 1


def test_strangers_on_the_lan_are_dialled_only_after_the_users_word() -> None:
    one = joiner(LanPolicy.ASK)
    stranger = AddressFound((Address("10.1.0.9", 55555),), How.LAN)

    before = one.feed(stranger) + one.wait(60.0)
    after = one.feed(LookAround())

    assert not of(before, Dial)
    assert not of(before, Advertise)
    assert words(before) == ["1 person is in lobby on this network. Type connect to join"]
    assert [dial.addresses for dial in of(after, Dial)] == [stranger.addresses]
    assert of(after, Advertise)
    assert of(after, Search)


def test_an_accepted_connection_does_not_make_us_forget_the_lan() -> None:
    one = joiner(LanPolicy.ASK)
    one.feed(AddressFound((Address("10.1.0.9", 55555),), How.LAN))

    one.open("bob")

    assert len(of(one.feed(LookAround()), Dial)) == 1


def test_a_node_under_manual_looks_nowhere_and_says_so() -> None:
    one = OneCore()

    found = find(one)
    effects = one.feed(LookAround())

    assert not of(found + effects + one.wait(300.0), Dial)
    assert words(effects) == ["this node connects only where you say (--manual)"]


def test_forged_services_at_a_thousand_a_second_cost_two_dials_a_second() -> None:
    one = joiner(LanPolicy.AUTO)
    dials = []

    for number in range(10_000):
        one.now += 0.001
        host = f"10.{number >> 8}.{number & 255}.1"
        effects = one.feed(AddressFound((Address(host, 55555),), How.LAN))
        for dial in of(effects, Dial):
            dials.append(dial)
            error = NoAnswer(dial.addresses[0], 1.0)
            dials += of(one.feed(DialEnded(dial.attempt, error)), Dial)

    assert len(dials) <= limits.DIALS_BURST + 10 * limits.DIALS_PER_S


# --- Who is told of ---------------------------------------------------------------------------


def test_a_visit_of_a_moment_is_nobodys_news() -> None:
    one = joiner()

    bob, opened = one.open("bob")
    one.answer(bob, opened)
    later = one.wait(limits.PING_AFTER_S)
    one.answer(bob, later)
    later += one.wait(limits.JOINER_S + 1 - limits.PING_AFTER_S)
    ended = end(one, bob)

    assert sent(later, bob)[-1] == Goodbye()
    assert told(opened + later + ended) == []


def test_a_neighbour_that_joins_is_told_of_once_however_often_he_asks() -> None:
    one = joiner()
    bob, _ = one.open("bob")

    effects = [e for _ in range(5) for e in one.frame(bob, Join(False))]

    (connected,) = told(effects)
    assert isinstance(connected, Connected)
    assert connected.how is How.CALLED


def test_a_neighbour_that_is_lost_is_news_and_one_that_gave_up_his_place_is_not() -> None:
    lost, released = joiner(), joiner()
    for one in (lost, released):
        one.open("bob")
        one.frame(ConnectionId(1), Join(False))

    released.frame(ConnectionId(1), Release(()))
    (gone,) = told(end(lost, ConnectionId(1)))
    (let_go,) = told(released.frame(ConnectionId(1), Goodbye()))

    assert isinstance(gone, Disconnected)
    assert isinstance(let_go, Disconnected)
    assert (gone.is_news, let_go.is_news) == (True, False)
    assert not let_go.left, "he is still in the room"


def test_who_only_gave_up_his_place_is_still_around() -> None:
    stayed, left = joiner(), joiner()
    for one in (stayed, left):
        one.open("bob")
        one.frame(ConnectionId(1), Join(False))

    stayed.frame(ConnectionId(1), Release(()))
    for one in (stayed, left):
        one.frame(ConnectionId(1), Goodbye())

    assert [status.person.id for status in stayed.core.peers(stayed.now).heard] == [BOB]
    assert left.core.peers(left.now).heard == ()


def test_a_peer_under_manual_is_told_of_at_once_and_not_asked() -> None:
    one = joiner()
    one.abilities = ()

    bob, opened = one.open("bob")

    assert not [frame for frame in sent(opened, bob) if isinstance(frame, JoiningFrame)]
    assert len(told(opened)) == 1


# --- Typed connections ------------------------------------------------------------------------


def test_a_typed_connection_that_breaks_is_dialled_again() -> None:
    for joins in (True, False):
        one = OneCore(joins=joins)
        bob, opened = one.open("bob", Direction.OUT, is_typed=True)

        (gone,) = told(end(one, bob))
        (dial,) = [d for d in of(one.wait(1.0), Dial) if d.attempt < 0]

        assert len(told(opened)) == 1
        assert isinstance(gone, Disconnected)
        assert gone.reason.endswith("dialling again")
        assert gone.is_news
        again, opened = one.open("bob", Direction.OUT, attempt=dial.attempt)
        assert len(told(opened)) == 1
        assert one.core.neighbours[BOB] == again
        assert not [d for d in of(one.wait(5.0), Dial) if d.attempt < 0]


def test_a_typed_connection_whose_peer_came_back_with_another_key_is_still_pinned() -> None:
    one = joiner()
    bob, _ = one.open("bob", Direction.OUT, is_typed=True)
    end(one, bob)
    (dial,) = [d for d in of(one.wait(1.0), Dial) if d.attempt < 0]

    cid, opened = one.open("cid", Direction.OUT, attempt=dial.attempt)

    assert Join(True) in sent(opened, cid)
    assert len(told(opened)) == 1


def test_a_typed_dial_that_never_opened_is_not_repeated() -> None:
    one = joiner()
    connection, _ = one.start(Direction.OUT, is_typed=True)

    end(one, connection)

    assert not of(one.wait(600.0), Dial)


def test_who_said_goodbye_was_released_or_hung_up_on_is_not_called_back() -> None:
    left, released, hung_up = joiner(), joiner(), joiner()
    for one in (left, released, hung_up):
        one.open("bob", Direction.OUT, is_typed=True)
    bob = ConnectionId(1)

    left.frame(bob, Goodbye())
    released.frame(bob, Release(()))
    released.frame(bob, Goodbye())
    hung_up.feed(HangUp(bob))
    for one in (left, released, hung_up):
        end(one, bob)

    for one in (left, released, hung_up):
        assert not [dial for dial in of(one.wait(600.0), Dial) if dial.attempt < 0]


def test_who_was_refused_and_is_typed_then_is_dialled_again_when_he_breaks() -> None:
    one = joiner()
    one.open("friend")
    one.frame(ConnectionId(1), Join(False))
    (dial,) = of(find(one), Dial)
    bob, _ = one.open("bob", Direction.OUT, attempt=dial.attempt)
    one.frame(bob, PlaceAnswer(False, ()))

    typed, _ = one.open("bob", Direction.OUT, is_typed=True)
    one.answer(bob, one.wait(1.0) or one.feed(NetworkChanged(())))
    (neighbour,) = [c for peer, c in one.core.neighbours.items() if peer == BOB]
    for connection in (bob, typed):
        if connection != neighbour:
            end(one, connection)
    end(one, neighbour)

    assert [dial for dial in of(one.wait(1.0), Dial) if dial.attempt < 0]


# --- Dials and time ---------------------------------------------------------------------------


def test_a_dial_to_a_neighbour_whose_connection_ends_in_vain_is_not_lost_count_of() -> None:
    one = joiner()
    bob, opened = one.open("bob")
    one.answer(bob, opened)
    one.wait(limits.CROSSING_S + 1)
    dials = 0

    for _ in range(2 * limits.DIALS_AT_ONCE):
        one.frame(bob, Ping(1))
        (dial,) = of(find(one, "cid") + one.wait(1.0), Dial)
        dials += 1
        # Another key answers there: bob's, who is a neighbour; then that connection breaks.
        spare, _ = one.open("bob", Direction.OUT, attempt=dial.attempt)
        end(one, spare)

    assert dials == 2 * limits.DIALS_AT_ONCE
    counts = {holding.what: holding.count for holding in one.core.holdings()}
    assert counts["dials"] == 0


def test_after_eight_hours_of_sleep_everybody_is_asked_and_what_failed_is_tried() -> None:
    one = joiner()
    bob, opened = one.open("bob")
    one.answer(bob, opened)
    one.frame(bob, Join(False))
    (dial,) = of(find(one, "cid"), Dial)
    one.feed(DialEnded(dial.attempt, NoAnswer(dial.addresses[0], 1.0)))

    effects = one.feed(ClockSet(WALL_S + 8 * 3600.0))

    assert any(isinstance(frame, Ping) for frame in sent(effects, bob))
    assert of(effects, Search)
    assert [d.expected for d in of(effects, Dial)] == [sim_peer_id("cid")]
    assert bob in closed(one.wait(limits.WOKEN_PING_S + 1)), "he was given five seconds"


def test_the_book_is_written_when_somebody_was_learnt_and_at_the_end() -> None:
    one = joiner()
    bob, _ = one.open("bob")
    one.frame(bob, Introduce(record_at("bob")))

    effects = one.wait(limits.BOOK_SAVE_EVERY_S + 1)

    assert of(effects, SaveBook)


def test_walks_and_places_are_no_words_for_the_user() -> None:
    one = joiner()
    bob, _ = one.open("bob")

    effects = one.frame(bob, PlaceAsk()) + one.frame(bob, Walk(bytes(16), 0, record_at("newcomer")))

    assert [type(n) for n in told(effects)] == [Connected]

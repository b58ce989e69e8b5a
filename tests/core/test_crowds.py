"""Who is one of the most crowded network, beside counting everybody anew."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from p2pchat.core.crowds import Crowds
from p2pchat.core.notices import How
from p2pchat.core.passive_view import Known
from p2pchat.core.records import netgroup
from p2pchat.core.values import Address, PeerId

_HOSTS = ["20.1.0.1", "20.1.0.2", "20.2.0.1", "20.3.0.1", "10.0.0.1", "10.0.0.2", ""]


def _known(number: int, host: str, *, was_dialled: bool) -> Known:
    addresses = (Address(host, 5_000),) if host else ()
    dialled_at = 0.0 if was_dialled else None
    return Known(PeerId(bytes([number] * 32)), addresses, How.MESH, dialled_at=dialled_at)


def _anybody(_known: Known) -> bool:
    return True


_people = st.lists(st.tuples(st.sampled_from(_HOSTS), st.booleans()), max_size=12)


@given(_people, st.sets(st.integers(0, 11)), st.sampled_from(_HOSTS), st.booleans(), st.randoms())
def test_the_victim_is_of_the_largest_network_as_counted_anew(
    people: list[tuple[str, bool]], gone: set[int], host: str, is_safe: bool, rng: Random
) -> None:
    crowds: Crowds[Known] = Crowds(rng)
    everybody = [_known(n, at, was_dialled=dialled) for n, (at, dialled) in enumerate(people)]
    for known in everybody:
        crowds.add(known.network, known)
    for number, known in enumerate(everybody):
        if number in gone:
            crowds.remove(known.network, known)
    here = [known for number, known in enumerate(everybody) if number not in gone]
    newcomer = _known(99, host, was_dialled=False)
    crowds.add(newcomer.network, newcomer)

    def may_go(known: Known) -> bool:
        return known is not newcomer and (known.dialled_at is None or not is_safe)

    victim = crowds.one_of_the_largest(may_go)

    def crowd(known: Known) -> int:
        network = netgroup(known.ip)
        if network is None:
            return 1
        return sum(netgroup(other.ip) == network for other in [*here, newcomer])

    may = [known for known in here if may_go(known)]
    if not may:
        assert victim is None
    else:
        assert victim in may
        assert crowd(victim) == max(map(crowd, may))


def test_everybody_of_the_largest_network_may_be_drawn() -> None:
    crowds: Crowds[Known] = Crowds(Random(1))
    everybody = [_known(n, host, was_dialled=False) for n, host in enumerate(_HOSTS[:3])]
    for known in everybody:
        crowds.add(known.network, known)

    found = {crowds.one_of_the_largest(_anybody) for _ in range(50)}

    assert found == set(everybody[:2])

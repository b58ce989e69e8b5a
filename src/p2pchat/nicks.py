"""What people call themselves, by rules that hold for everybody."""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from p2pchat.core.limits import NICK_LIMIT_CHARACTERS
from p2pchat.core.values import PeerId, Person, fingerprint
from p2pchat.errors import BadNick
from p2pchat.lookalikes import folded, looks
from p2pchat.sanitize import is_invisible, visible_line

if TYPE_CHECKING:
    from collections.abc import Iterable

_RESERVED: Final = "@/#:"
"""Each means something in what people type or read: `@bob`, `/quit`, `bob#k3f9`, `bob: hi`."""

_GUEST_MARK: Final = "~"
"""Begins the nick of somebody whom no key vouches for, and no other."""

_LINE_MARKS: Final = frozenset({"*", "->", "-->", "<--", "-!-", "--", ">>"})
"""They tell what kind of line it is, so nobody may be called so."""

SUFFIX_DIGITS: Final = 4
"""Fewest digits of a fingerprint behind a nick: 20 bits tell people apart, they prove nothing."""


_CACHED_KEYS: Final = 8_192
"""Keys whose digits are remembered, as many as nicks whose looks are; some 2 MiB."""


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_ADJECTIVES: Final = _words(
    """
    agile airy alert amber ample apt arctic ardent autumn awake azure balmy blithe bold brave
    breezy bright brisk bronze bubbly calm candid caring cheery chipper civil clear clever cobalt
    coral cosmic cosy crimson crisp curious dapper daring dawning deft devoted dreamy eager early
    earnest easy elated fair faithful fancy fearless festive fleet fluffy fond frank free fresh
    gentle giddy glad gleaming golden graceful grand happy hardy hazel hearty helpful honest
    humble indigo ivory jaunty jolly jovial joyful keen kind lilac lively loyal lucid lucky lunar
    mellow merry mild minty misty modest musical neat nimble noble olive patient peachy placid
    playful plucky polite prime proud quick quiet radiant ready rosy rustic sandy serene silver
    smooth snowy snug solar spry steady sunny swift tidy tranquil
    upbeat velvet vivid warm witty
    """
)

_ANIMALS: Final = _words(
    """
    alpaca antelope avocet badger bat beaver bee beetle bison bittern bluebird bobcat bunting
    camel caribou cat cheetah chickadee chipmunk cicada condor coot cormorant crane cricket
    curlew deer dingo dolphin donkey dove dragonfly duck dunlin eagle egret elk ermine falcon
    ferret finch firefly flamingo fox gannet gazelle gecko gibbon giraffe goldfinch goose grebe
    grouse gull hamster hare hawk hedgehog heron hoopoe horse ibex ibis iguana impala jackdaw jay
    kestrel kingfisher kiwi koala koi ladybird lapwing lark lemur leopard linnet llama lynx
    magpie manatee marmot marten meerkat mole moose moth narwhal newt nuthatch ocelot octopus
    orca oriole osprey otter owl panda parrot partridge pelican penguin petrel pheasant pigeon
    pika plover pony puffin quail rabbit raccoon raven robin salmon seal sparrow squirrel stork
    swallow swan tern turtle walrus wombat wren zebra
    """
)


def check_nick(text: str) -> str:
    """Return the nick in Unicode form NFC, if it is one that somebody may have.

    1 to 24 printable characters, no blank, nothing invisible, none of `@ / # :`, no `~` at the
    beginning, at most four combining marks on a character.

    Raises:
        BadNick: With the rule that it breaks.
    """
    # A bound before the work: the text may come from a stranger.
    nick = unicodedata.normalize("NFC", text[: 8 * NICK_LIMIT_CHARACTERS])
    fault = _fault_of(nick)
    if fault:
        raise BadNick(f'"{visible_line(nick, 40)}" cannot be a nick: {fault}.')
    return nick


def tame_nick(text: str, peer: PeerId) -> str:
    """Return the nick as `check_nick` does, or the one from the key if it breaks the rules."""
    try:
        return check_nick(text)
    except BadNick:
        return default_nick(peer)


def default_nick(peer: PeerId) -> str:
    """Return two friendly words that follow from the key, such as `amber-otter`.

    There are 16,384 such nicks, so two people may well have the same one.
    """
    first, second = blake2b(peer, digest_size=2).digest()
    adjective = _ADJECTIVES[first % len(_ADJECTIVES)]
    return f"{adjective}-{_ANIMALS[second % len(_ANIMALS)]}"


def comparable(nick: str) -> str:
    """Return what is equal for nicks that are the same to whoever types one.

    Upper or lower case, wide or narrow, one code point or several make no difference, as in
    RFC 8266. For what merely looks the same, ask `looks_like`.
    """
    return folded(nick)


def label(person: Person, others: Iterable[Person]) -> str:
    """Return what to call somebody so that nobody else is meant.

    The nick alone, or `nick#k3f9` when the nick of somebody else among the others looks like it;
    the digits begin the fingerprint, and there are more than four when four would not differ.
    `~nick` for a guest. The person may be among the others.
    """
    if person.id is None:
        return _GUEST_MARK + person.nick
    own = looks(person.nick)
    rivals = [
        other
        for other in others
        if other.id is not None
        and other.id != person.id
        and (other.nick == person.nick or not set(own).isdisjoint(looks(other.nick)))
    ]
    return full_label(person, rivals) if rivals else person.nick


def full_label(person: Person, others: Iterable[Person]) -> str:
    """Return `nick#k3f9`, with as many digits as tell the key from those of all others.

    `~nick` for a guest. The person may be among the others.
    """
    if person.id is None:
        return _GUEST_MARK + person.nick
    own = _digits(person.id)
    rivals = [_digits(other.id) for other in others if other.id not in (None, person.id)]
    size = SUFFIX_DIGITS
    while any(rival.startswith(own[:size]) for rival in rivals):
        size += 1
    return f"{person.nick}#{own[:size]}"


@lru_cache(maxsize=_CACHED_KEYS)
def _digits(peer: PeerId) -> str:
    return fingerprint(peer).replace("-", "")


def _fault_of(nick: str) -> str | None:
    if not nick:
        return "it is empty"
    if len(nick) > NICK_LIMIT_CHARACTERS:
        return f"it has more than {NICK_LIMIT_CHARACTERS} characters"
    if any(character.isspace() for character in nick):
        return "it has a blank in it"
    if any(is_invisible(c) or not c.isprintable() for c in nick):
        return "it has an invisible or unprintable character in it"
    if any(character in _RESERVED for character in nick):
        return "none of @ / # : may be in it"
    if nick.startswith(_GUEST_MARK):
        return "~ begins the nicks of guests"
    if nick in _LINE_MARKS:
        return "it marks a kind of line"
    if unicodedata.combining(nick[0]) or visible_line(nick) != nick:
        return "it has too many combining marks"
    return None

"""A map as text from which other programs make a drawing: Mermaid, and the DOT of Graphviz.

Nicks are foreign text, and both languages have more than one way out of a quoted label. So a
label holds letters, digits, hyphens and low lines only; whatever else is in a name becomes its
number in the way of that language.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from p2pchat.core.notices import MapPerson, NetworkMap
    from p2pchat.core.values import PeerId
    from p2pchat.ui.chart import Naming

_PLAIN: Final = "-_"


def mermaid(found: NetworkMap, name: Naming) -> str:
    """Draw a map as a Mermaid flowchart; what one side only says is dotted.

    Args:
        found: The map; edges between others than its people are left out.
        name: What people are called.
    """
    lines = ["graph LR"]
    lines += [
        f'    p{number}["{_spelled(name(known.person), "#{};")}{_note(known)}"]'
        for number, known in enumerate(found.people)
    ]
    lines += [
        f"    p{one} {'---' if is_mutual else '-.-'} p{other}"
        for one, other, is_mutual in _edges(found)
    ]
    return "\n".join(lines)


def dot(found: NetworkMap, name: Naming) -> str:
    """Draw a map as a graph of Graphviz; what one side only says is dashed.

    Args:
        found: The map; edges between others than its people are left out.
        name: What people are called.
    """
    lines = ["graph p2pchat {"]
    lines += [
        f'    p{number} [label="{_spelled(name(known.person), "&#{};")}{_note(known)}"];'
        for number, known in enumerate(found.people)
    ]
    lines += [
        f"    p{one} -- p{other}{'' if is_mutual else ' [style=dashed]'};"
        for one, other, is_mutual in _edges(found)
    ]
    return "\n".join([*lines, "}"])


def _spelled(text: str, entity: str) -> str:
    """Return a text in which nothing can end a label or mean anything inside one."""
    return "".join(
        character if character.isalnum() or character in _PLAIN else entity.format(ord(character))
        for character in text
    )


def _note(known: MapPerson) -> str:
    if known.is_hidden:
        return " (hidden)"
    return "" if known.has_answered else " (has not answered)"


def _edges(found: NetworkMap) -> list[tuple[int, int, bool]]:
    numbers: dict[PeerId | None, int] = {
        known.person.id: number for number, known in enumerate(found.people)
    }
    return [
        (numbers[edge.one], numbers[edge.other], edge.is_mutual)
        for edge in found.edges
        if edge.one in numbers and edge.other in numbers
    ]

"""Which style each part of a line has."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from hashlib import sha1
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from p2pchat.core.values import PeerId


class ColourMode(Enum):
    """Which colours of nicks somebody can tell apart."""

    AUTO = "auto"
    RED_GREEN = "redgreen"
    BLUE = "blue"
    OFF = "off"


PALETTE: Final[tuple[tuple[int, int], ...]] = (
    (3, 197), (12, 160), (21, 202), (26, 166), (35, 130), (47, 137), (61, 136), (86, 100),
    (109, 64), (128, 28), (152, 29), (192, 30), (230, 31), (246, 32), (254, 33), (261, 27),
    (266, 63), (272, 99), (281, 135), (284, 129), (290, 134), (295, 165), (308, 164), (322, 200),
    (330, 169), (344, 162), (353, 198),
)  # fmt: skip
"""Hue in degrees, and the colour of the 256-colour terminal palette that has it.

Hues are those of CIELUV, which XEP-0392 uses.  Each colour has a contrast of at least 3:1
against black as well as white, because nobody tells us which background the terminal has.
"""


def hue(peer: PeerId) -> float:
    """Return the consistent hue of a key in degrees, 0 up to 360 (XEP-0392)."""
    return int.from_bytes(sha1(peer, usedforsecurity=False).digest()[:2], "little") / 65536 * 360


def corrected(angle: float, mode: ColourMode) -> float:
    """Move a hue in degrees into the half circle in which that reader tells hues apart."""
    match mode:
        case ColourMode.RED_GREEN:
            return ((angle + 90) % 180 - 90) % 360
        case ColourMode.BLUE:
            return angle % 180
        case ColourMode.AUTO | ColourMode.OFF:
            return angle


def _nearest(angle: float) -> int:
    def distance(entry: tuple[int, int]) -> float:
        apart = abs(entry[0] - angle)
        return min(apart, 360 - apart)

    return min(PALETTE, key=distance)[1]


@dataclass(frozen=True, slots=True)
class Theme:
    """Styles in rich's notation; each also stands in words or marks in the line itself."""

    mode: ColourMode = ColourMode.AUTO

    def nick(self, peer: PeerId | None) -> str:
        """Return the style of a nick: from the key, so that an impostor's looks different.

        Guests have no key, so all of them look alike.
        """
        if peer is None:
            return self.quiet
        if self.mode is ColourMode.OFF:
            return "bold"
        return f"color({_nearest(corrected(hue(peer), self.mode))})"

    @property
    def quiet(self) -> str:
        """Times, guests, lines about who comes and goes."""
        return "dim"

    @property
    def trouble(self) -> str:
        """Lines that the user should not miss."""
        return "bold" if self.mode is ColourMode.OFF else "bold color(160)"

    @property
    def mention(self) -> str:
        """Texts that name the user."""
        return "bold"

"""Styles: who gets which colour."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pchat.core.values import PeerId
from p2pchat.ui.theme import PALETTE, ColourMode, Theme, corrected, hue

KEYS = st.binary(min_size=32, max_size=32).map(PeerId)


def key_of(seed: int) -> PeerId:
    return PeerId(sha256(str(seed).encode()).digest())


def luminance(number: int) -> float:
    steps = (0, 95, 135, 175, 215, 255)
    red, rest = divmod(number - 16, 36)
    green, blue = divmod(rest, 6)
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
        for c in (steps[red] / 255, steps[green] / 255, steps[blue] / 255)
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_the_hue_is_that_of_xep_0392() -> None:
    # Test vectors of XEP-0392; the hash takes any bytes, so texts do as well.
    assert hue(PeerId(b"Romeo")) == pytest.approx(327.255249)
    assert hue(PeerId(b"juliet@capulet.lit")) == pytest.approx(209.410400)
    assert hue(PeerId("😺".encode())) == pytest.approx(331.199341)


@pytest.mark.parametrize("number", [number for _, number in PALETTE])
def test_every_colour_is_readable_on_black_as_well_as_white(number: int) -> None:
    shade = luminance(number)

    assert (shade + 0.05) / 0.05 >= 3
    assert 1.05 / (shade + 0.05) >= 3


def test_the_palette_goes_round_without_a_gap_wider_than_forty_degrees() -> None:
    hues = [angle for angle, _ in PALETTE]

    gaps = [after - before for before, after in zip(hues, [*hues[1:], hues[0] + 360], strict=True)]

    assert hues == sorted(hues)
    assert max(gaps) <= 40


def test_many_keys_get_many_colours() -> None:
    styles = {Theme().nick(key_of(seed)) for seed in range(500)}

    assert len(styles) >= 20


@given(KEYS)
def test_the_style_follows_from_the_key_alone(key: PeerId) -> None:
    assert Theme().nick(key) == Theme().nick(PeerId(bytes(key)))


@given(st.floats(min_value=0, max_value=360, exclude_max=True))
def test_corrected_hues_stay_in_the_half_circle_of_the_reader(angle: float) -> None:
    red_green = corrected(angle, ColourMode.RED_GREEN)

    assert red_green >= 270 or red_green <= 90
    assert 0 <= corrected(angle, ColourMode.BLUE) < 180
    assert corrected(angle, ColourMode.AUTO) == angle


def test_without_colours_no_style_names_one() -> None:
    theme = Theme(ColourMode.OFF)

    styles = [theme.nick(key_of(1)), theme.nick(None), theme.quiet, theme.trouble, theme.mention]

    assert all("color" not in style for style in styles)


def test_guests_all_look_alike_and_unlike_peers() -> None:
    theme = Theme()

    assert theme.nick(None) == theme.quiet
    assert theme.nick(key_of(1)) != theme.nick(None)

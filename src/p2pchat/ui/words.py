"""Sentences that every face of the program says alike."""

from __future__ import annotations

from p2pchat.core.notices import Gap, Seam


def of_gap(gap: Gap, nick: str) -> str:
    """Say what is missing, of whom."""
    if gap.missing == 1:
        return f"1 earlier message of {nick} is missing"
    return f"{gap.missing} earlier messages of {nick} are missing"


def of_seam(seam: Seam) -> str:
    """Say that two parts of the network met again, and what that brought."""
    people = "1 person" if seam.people == 1 else f"{seam.people} people"
    messages = "1 message" if seam.recovered == 1 else f"{seam.recovered} messages"
    return f"together again with {people} after {span(seam.apart_s)} apart: {messages} recovered"


def span(seconds: float) -> str:
    """Say a length of time in the unit that people would use."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 90 else f"{minutes / 60:.0f} h"

"""How people and times are written in every object of `--json`."""

from __future__ import annotations

from datetime import UTC, datetime

from p2pchat.core.values import Person


def person_of(person: Person) -> dict[str, object]:
    """Return how everybody is named."""
    return {"id": None if person.id is None else person.id.hex(), "nick": person.nick}


def time_of(moment: datetime) -> str:
    """Return a moment in UTC, with milliseconds."""
    utc = moment.astimezone(UTC).replace(tzinfo=None)
    return utc.isoformat(timespec="milliseconds") + "Z"


def time_of_ms(wall_ms: int | None) -> str | None:
    """Return a time in ms since 1970; None for None, and for a number that no calendar has."""
    if wall_ms is None:
        return None
    try:
        return time_of(datetime.fromtimestamp(wall_ms / 1000, UTC))
    except (OverflowError, OSError, ValueError):
        return None

"""The rates of open rooms, as the protocol document shows them."""

from __future__ import annotations

from typing import Final

RATES_SHOWN: Final = (
    ("AUTHOR_ENVELOPES", "envelopes taken of one author at once, in an open room ..."),
    ("AUTHOR_ENVELOPES_PER_S", "... and each second in the long run ..."),
    ("AUTHOR_BYTES", "... and signed bytes of them at once ..."),
    ("AUTHOR_BYTES_PER_S", "... and each second in the long run"),
    ("OWN_PACE", "share of that which a node sends itself"),
    ("HELD_LIMIT_ENVELOPES", "own passing envelopes that wait for it"),
    ("AUTHORS_METERED", "authors whose rate is remembered"),
    ("DISORDER_S", "older than the latest by this, a time says nothing of its author's pace"),
    ("OVER_LIMIT_ENVELOPES", "envelopes above his rate that get an author muted ..."),
    ("OVER_WINDOW_S", "... when they come within this time ..."),
    ("TOO_FAST_MUTE_S", "... for so long"),
    ("CONNECTION_ENVELOPES", "first copies looked at of a connection at once, in an open room ..."),
    ("CONNECTION_ENVELOPES_PER_S", "... and each second in the long run ..."),
    ("CONNECTION_BYTES", "... and signed bytes of them at once ..."),
    ("CONNECTION_BYTES_PER_S", "... and each second in the long run"),
    ("COPIES_PER_S", "copies looked at of one connection, in an open room; as many at once"),
    ("ROOM_ENVELOPES", "envelopes taken of all together at once, in an open room ..."),
    ("ROOM_ENVELOPES_PER_S", "... and each second in the long run ..."),
    ("ROOM_BYTES", "... and signed bytes of them at once ..."),
    ("ROOM_BYTES_PER_S", "... and each second in the long run"),
    ("KEPT_FOR_OTHERS", "share of that which the one who spent everything leaves for others"),
    ("SPENT_FADES_S", "after this 1/e counts of what was spent"),
    ("LOOKED_AT_LIMIT_IDS", "envelopes looked at and not taken, whose copies are recognised"),
)

"""What the documents take from the code.

It stands there between `<!-- generated: NAME -->` and `<!-- end -->`. To bring it up to date
after a change:

    .venv/bin/python -m tests.documents
"""

from __future__ import annotations

import argparse
import re
import typing
from typing import TYPE_CHECKING, Final

from p2pchat import cli
from p2pchat.core import frames, limits
from p2pchat.core.safety import safety_number
from p2pchat.core.session import TABLE
from p2pchat.core.values import PeerId, fingerprint
from p2pchat.crypto import identity
from p2pchat.settings import Settings
from p2pchat.ui import command_table, help_text
from tests.direct_limits import DIRECT_LIMITS_SHOWN, direct_limit
from tests.rate_limits import RATES_SHOWN
from tests.sources import ROOT
from tests.vectors import vectors

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

README: Final = ROOT / "README.md"
PROTOCOL: Final = ROOT / "docs" / "protocol.md"

BEGIN: Final = "<!-- generated: {} -->\n"
END: Final = "<!-- end -->\n"

LIMITS_SHOWN: Final = (
    ("FRAME_LIMIT_BYTES", "largest payload of a frame once the connection is open"),
    ("OPENING_FRAME_LIMIT_BYTES", "largest payload before that"),
    ("HANDSHAKE_LIMIT_BYTES", "bytes taken from the network before TLS is done"),
    ("CERTIFICATE_LIMIT_BYTES", "largest certificate, DER"),
    ("ABILITIES_LIMIT", "words in a `Hello`"),
    ("UNKNOWN_FRAMES_PER_S", "frames of unknown types from 128 up that are skipped each second"),
    ("OPENING_TIMEOUT_S", "whole opening, TLS included"),
    ("PING_AFTER_S", "silence before a `Ping`"),
    ("DEAD_AFTER_PING_S", "further silence before the connection is given up"),
    ("FRAGMENT_S", "how long bytes that complete no frame are a sign of life"),
    ("CROSSING_S", "two connections opened within this time may be crossing dials"),
    ("DUPLICATE_PING_S", "what an old connection has to answer before a newer one replaces it"),
    ("DRAIN_S", "how long the losing one of two connections stays"),
    ("LEAVE_TIMEOUT_S", "whole goodbye"),
    ("END_OF_STREAM_S", "part of it: reading to the end after one's own close_notify"),
    ("CONNECTIONS_LIMIT", "open connections of a node"),
    ("CONNECTIONS_PER_PEER", "of these of one peer, those included that are being closed"),
    ("OPENING_LIMIT", "accepted connections that are not open yet"),
    ("OPENING_PER_PUBLIC_ADDRESS", "of these from one public address"),
    ("OPENING_PER_PRIVATE_ADDRESS", "of these from one private address"),
    ("FORGERIES_LIMIT", "invalid signatures that get an address refused ..."),
    ("FORGERIES_WINDOW_S", "... when they come within this time ..."),
    ("FORGERIES_BAN_S", "... for so long; loopback is never refused"),
    *RATES_SHOWN,
    ("SEND_QUEUE_LIMIT_BYTES", "frames waiting for one neighbour; above, it is dropped"),
    ("SEND_QUEUES_TOTAL_BYTES", "all of them together; above, the fullest is dropped"),
    ("SEND_QUEUE_HIGH_BYTES", "above it a neighbour is *behind* ..."),
    ("SEND_QUEUE_LOW_BYTES", "... until its queue is below this"),
    ("STALLED_S", "a neighbour that takes nothing for so long is dropped"),
    ("TEXT_LIMIT_CHARACTERS", "code points of a text"),
    ("TEXT_LIMIT_BYTES", "UTF-8 bytes of a text"),
    ("NICK_LIMIT_CHARACTERS", "code points of a nick"),
    ("ROOM_LIMIT_BYTES", "UTF-8 bytes of a room's name"),
    ("ROOM_SECRET_BYTES", "bytes of a secret that was drawn at random"),
    ("PASSPHRASE_LIMIT_BYTES", "UTF-8 bytes of a passphrase"),
    ("PASSPHRASE_MEMORY_KIB", "memory of Argon2id in KiB ..."),
    ("PASSPHRASE_PASSES", "... its passes ..."),
    ("PASSPHRASE_LANES", "... and its lanes"),
    ("ENVELOPE_TEXTS_LIMIT", "texts in one envelope"),
    ("ENVELOPE_BATCH_BYTES", "UTF-8 bytes of texts that an author gathers in one envelope"),
    ("HOPS_LIMIT", "hops are counted up to here"),
    ("AGE_PAST_S", "an envelope older than this is not taken"),
    ("AGE_FUTURE_S", "nor one so far ahead of one's own clock"),
    ("SEEN_GENERATIONS", "generations of the seen cache ..."),
    ("SEEN_GENERATION_S", "... each of this length ..."),
    ("SEEN_LIMIT_IDS", "... and ids in all of them together"),
    ("LAZY_ABOVE_BYTES", "signed bytes above which an envelope is large"),
    ("GRAFT_AFTER_S", "from the first announcement until the envelope is asked for"),
    ("GRAFT_NEXT_S", "until the next who announced it is asked"),
    ("OPTIMISE_HOPS", "an announcer so many hops nearer takes the place of who brought it"),
    ("PRUNE_AGAIN_S", "a neighbour is told to prune again at the earliest after this"),
    ("OUTSTANDING_S", "how long an announced large envelope keeps its author's small ones behind"),
    ("OUTSTANDING_AUTHORS", "authors with such an envelope on one connection"),
    ("OFFERS_LIMIT_IDS", "own announcements that one neighbour may still ask for"),
    ("ANNOUNCED_LIMIT_IDS", "missing envelopes that one neighbour has announced"),
    ("ANNOUNCERS_LIMIT", "neighbours remembered for one missing envelope"),
    ("GRAFTS_UNDER_WAY", "envelopes asked of one neighbour that it has not brought"),
    ("GRAFT_OVERDUE_S", "after this one of them counts as withheld"),
    ("WITHHELD_WEIGHT", "points for each one withheld; each one brought takes a point off"),
    ("WITHHELD_LIMIT", "points at which the neighbour is dropped"),
    ("GRAFT_BURST_BYTES", "grafted envelopes sent at once ..."),
    ("GRAFT_PAUSE_S", "... before a pause of this"),
    ("STORE_MINUTES", "author's time for which kept envelopes are stored"),
    ("STORE_LIMIT_BYTES", "the whole store"),
    ("STORED_OVERHEAD_BYTES", "what a stored envelope counts besides its signed bytes"),
    ("INTERVALS_LIMIT", "intervals of numbers received of one author"),
    ("RECEIVED_LIFE_S", "how long they outlive the author's last envelope"),
    ("RECEIVED_LIMIT_SERIES", "authors whose numbers are remembered; each epoch counts"),
    ("NEW_AUTHORS_BURST", "authors not heard before, at once, in an open room ..."),
    ("NEW_AUTHORS_PER_S", "... and each second in the long run"),
    ("CONFLICT_MUTE_S", "how long an author with two envelopes for one number is not heard"),
    ("MUTED_LIMIT_AUTHORS", "authors muted so"),
    ("AUTHOR_MINUTE_ENVELOPES",
        "envelopes that repair takes of one author and minute, in an open room"),
    ("LIST_LIMIT", "elements of a list in a frame"),
    ("BULK_FRAME_BYTES", "frames of repair stay below, where an envelope is not larger"),
    ("COMPARE_EVERY_S", "between comparisons with a random neighbour ..."),
    ("COMPARE_SPREAD", "... more or less by this share"),
    ("COMPARED_MINUTES_PAST", "minutes compared, the present one included ..."),
    ("COMPARED_MINUTES_AHEAD", "... and those ahead of one's own clock"),
    ("YOUNG_MINUTE_S", "a minute that began so recently is left out"),
    ("PAGE_EVERY_S", "between two pages asked of one neighbour"),
    ("ROUND_PAGES", "pages of one round"),
    ("FRUITLESS_LIMIT", "rounds without progress, or looks at one minute, before it is left"),
    ("GAP_WAIT_S", "from a jump in the numbers until the missing ones are asked for"),
    ("GAP_NEXT_S", "without progress for so long, the next neighbour is asked"),
    ("GONE_WITNESSES", "neighbours that no longer have a message close its gap"),
    ("WANTS_LIMIT", "spans of numbers looked for, in all ..."),
    ("WANTS_PER_CONNECTION", "... of one neighbour ..."),
    ("WANTS_PER_SERIES", "... and of one author"),
    ("ASK_EVERY_S", "between two requests to one neighbour"),
    ("ASK_ENVELOPES", "envelopes that one `Ask` may want ..."),
    ("ASK_BYTES", "... and signed bytes ..."),
    ("ASK_SPANS", "... and spans of it that are looked up"),
    ("ASK_MEMORY", "past requests to one neighbour whose late answers are taken"),
    ("ASK_PATIENCE_S", "a request without progress for so long is given up"),
    ("REPAIR_BYTES_PER_S", "signed bytes that come by repair each second ..."),
    ("REPAIR_VERIFICATIONS_PER_S", "... and envelopes; a second's worth at once"),
    ("REQUESTS_BURST", "what one neighbour may ask or offer at once, in units ..."),
    ("REQUESTS_PER_S", "... and each second in the long run"),
    ("ANSWER_BYTES_BURST", "signed bytes that one neighbour gets as answers at once ..."),
    ("ANSWER_BYTES_PER_S", "... and each second in the long run"),
    ("OFFER_EVERY_S", "how long what came by repair gathers before it is offered"),
    ("OFFER_FRAMES", "frames of one round of offers"),
    ("STRIKES_BURST", "broken promises that a neighbour is forgiven ..."),
    ("STRIKES_PER_S", "... and each second in the long run"),
    ("ORDER_WAIT_S", "how long later messages wait without progress ..."),
    ("ORDER_WAIT_LONGEST_S", "... and in all ..."),
    ("ORDER_LIMIT_MESSAGES", "... so many of one author ..."),
    ("ORDER_LIMIT_BYTES", "... so many signed bytes of one author ..."),
    ("ORDER_LIMIT_TOTAL_BYTES", "... and of all"),
    ("ORDER_LATE_S", "a node that is later than that itself lets them wait as much longer"),
    ("NUMBERING_SETTLES_S", "how long a new neighbour may let backlog wait for what is before it"),
    ("BEGIN_LOOK_EVERY_S", "between two looks whether it has to"),
    ("BACKLOG_MINUTES", "what was said before the start and is shown, unless told otherwise"),
    ("SEAM_OLD_S", "what is younger does not tell of a time apart"),
    ("SEAM_QUIET_S", "a seam is told when nothing has come for so long ..."),
    ("SEAM_LONGEST_S", "... or after this"),
    ("ACK_JOIN_S", "acknowledgements wait at a relay for company"),
    ("ACKS_AIM", "people who are meant to answer one author"),
    ("ACKS_PER_CONNECTION", "acknowledgements taken of one neighbour along one way"),
    ("ACKS_KEPT", "verified acknowledgements kept of one own envelope"),
    ("ACKS_WAITING", "acknowledgements waiting for company, over all ways"),
    ("ACKS_BURST", "acknowledgements that a node signs at once ..."),
    ("ACKS_PER_S", "... and each second in the long run"),
    ("WAYS_LIMIT", "ways back that a relay remembers ..."),
    ("WAY_S", "... for so long"),
    ("REACH_ENVELOPES", "own envelopes, or questions about them, that are counted"),
    ("REACH_QUERY_EVERY_S", "one question of an author is answered in this time"),
    ("ACTIVE_AIM", "places in the active view below which others are dialled"),
    ("ACTIVE_LIMIT", "places in it"),
    ("ACTIVE_ACCEPTED_LIMIT", "of these for connections that others dialled"),
    ("ACTIVE_DIALLED_AIM", "with fewer own dials among them, a visit asks for a place"),
    ("REINTRODUCE_BELOW", "places taken up to which a `PlaceAsk` is granted one"),
    ("PASSIVE_LIMIT", "peers in the passive view"),
    ("WALK_STEPS", "steps of a walk before anybody takes the newcomer ..."),
    ("WALK_EXTRA_STEPS", "... and after that, until somebody does"),
    ("WALK_LIMIT_STEPS", "steps that a `Walk` or `Shuffle` may state"),
    ("PASSIVE_WALK_STEPS", "steps left at which a newcomer enters a passive view"),
    ("WALKS_LIMIT", "ways back of walks that a node remembers; as many of shuffles, of maps ..."),
    ("WALK_S", "... for so long"),
    ("SHUFFLE_EVERY_S", "between two shuffles, and two visits ..."),
    ("SHUFFLE_SPREAD", "... more or less by this share"),
    ("SHUFFLE_ACTIVE", "neighbours in a shuffle ..."),
    ("SHUFFLE_PASSIVE", "... and others at least"),
    ("JOINER_S", "how long somebody without a place stays"),
    ("BESIDE_LIMIT", "how many stay longer because their own users want it"),
    ("EVICT_BURST", "places taken away for newcomers at once ..."),
    ("EVICT_EVERY_S", "... and one in this time in the long run ..."),
    ("EVICT_PER_GROUP_S", "... and one in this time for newcomers of one public network"),
    ("NEWCOMER_S", "so long after its start a node asks for each place with a `Join`"),
    ("INSISTENT_JOINS", "of a network that has joined so often a place is only lent ..."),
    ("INSISTENT_HALVED_S", "... where what is so old counts half ..."),
    ("INSISTENT_AGAIN_S", "... and what was so before a start is so for this time"),
    ("EXCHANGE_EVERY_S", "between two exchanges of an own dial, times 0.5 to 1.5"),
    ("PROTECTED_OLDEST", "neighbours safe from that because they are oldest ..."),
    ("PROTECTED_USEFUL", "... and because they brought most first ..."),
    ("USEFUL_S", "... in this time"),
    ("DIALS_BURST", "dials that a node makes by itself at once ..."),
    ("DIALS_PER_S", "... and each second in the long run ..."),
    ("DIALS_AT_ONCE", "... so many under way ..."),
    ("DIALS_PER_IP", "... of one IP address so many in vain ..."),
    ("DIALS_PER_IP_S", "... within this time"),
    ("DIAL_TIMEOUT_S", "a dial ..."),
    ("REPLACE_TIMEOUT_S", "... where there are other neighbours"),
    ("HAPPY_EYEBALLS_DELAY_S", "until the next address of the same peer is tried as well"),
    ("DIAL_BACKOFF_S", "wait after a dial in vain, doubled each time ..."),
    ("DIAL_BACKOFF_LONGEST_S", "... up to this ..."),
    ("DIAL_BACKOFF_SPREAD", "... more or less by this share"),
    ("LOST_S", "who was just lost is not dialled for so long"),
    ("RECORD_LIMIT_BYTES", "signed bytes of an address record"),
    ("RECORD_ADDRESSES", "addresses in it"),
    ("RECORDS_PER_FRAME", "records in a frame"),
    ("RECORD_PASSED_LIMIT", "how often a record is passed on that nobody dialled"),
    ("RECORD_LIFE_S", "how long a record is valid ..."),
    ("RECORD_RENEW_S", "... and after which its owner signs another one"),
    ("RECORD_AHEAD_S", "how far its owner's clock may be ahead"),
    ("LEAST_PORT", "lowest port that is dialled because somebody says so"),
    ("WOKE_AFTER_S", "wall clock ahead of the monotonic one: the machine has slept"),
    ("WOKEN_PING_S", "how long everybody has to answer then"),
    ("REACHABILITY_EVERY_S", "between two questions whether others can dial us"),
    ("REACHABILITY_ANSWERS_S", "between two answers to one neighbour"),
    ("MAP_DEPTH", "hops that a map reaches"),
    ("MAP_NODES", "statements of one neighbour for one map"),
    ("MAP_LIMIT_BYTES", "signed bytes of these"),
    ("MAP_STATEMENT_BYTES", "signed bytes of one statement"),
    ("MAP_EVERY_S", "between two requests of one neighbour in the long run"),
    ("MAP_CACHE_S", "how long a statement is used again"),
    ("MAP_ANSWER_S", "how long the asker waits"),
    ("MAP_REPAIR_EVERY_S", "between two dials that mend a weak place"),
    ("WHO_AIM", "people who are meant to answer who is here ..."),
    ("WHO_SHARED_ABOVE", "... once so many are known"),
    ("WHO_WHOLE", "answers along one way before half of those that follow are left out ..."),
    ("WHO_HALVED", "... and half again after each so many more ..."),
    ("WHO_HALVINGS", "... so often at most"),
    ("WHO_LIMIT_BYTES", "answers to one question on one connection"),
    ("WHO_KEPT", "answers that an asker keeps"),
    ("WHO_JOIN_S", "answers wait at a relay for company"),
    ("WHO_ANSWER_S", "how long the asker waits ..."),
    ("WHO_QUIET_S", "... or so long after the last answer, once everybody known has answered"),
    ("WHO_EVERY_S", "a node takes part in one such question in this time"),
    ("ARRIVALS_LIMIT", "envelopes of which is known who brought them first"),
    ("TRAILS_LIMIT", "authors of whom is known who brought the latest one ..."),
    ("TRAIL_S", "... for so long"),
    ("PATH_ANSWER_S", "how long a question along a way waits for its answer"),
    ("PATHS_LIMIT", "such questions that are remembered"),
    ("PATHS_BURST", "questions of one neighbour at once ..."),
    ("PATHS_PER_S", "... and each second in the long run"),
    ("GUESTS_LIMIT", "guests of a node, dialled ones not counted"),
    ("GUEST_SILENCE_S", "a silent loopback connection is a guest after this"),
    ("GUEST_LINE_BYTES", "a line of a guest"),
    ("GUEST_BURST_LINES", "lines of a guest at once ..."),
    ("GUEST_LINES_PER_S", "... and each second in the long run"),
    ("GUEST_WAITING_LINES", "lines above that rate that wait; further ones are dropped"),
    ("GUEST_ECHO_S", "how long a line written to guests is known as an echo"),
    ("GUEST_ECHO_LINES", "so many such lines are remembered"),
)  # fmt: skip


# --- What is made from the code ---------------------------------------------------------------


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |\n"
                   for row in lines)  # fmt: skip


def commands_table() -> str:
    rows = [
        (f"`{spec.usage}`", spec.summary, ", ".join(f"`/{alias}`" for alias in spec.aliases))
        for spec in command_table.COMMANDS
        if spec.built
    ]
    return table(("type", "to", "also"), rows)


def keys_table() -> str:
    rows = [(f"`{key}`".replace(", ", "`, `"), meaning) for key, meaning in help_text.KEYS]
    return table(("key", "does"), rows)


def flags_table() -> str:
    parser = cli.make_parser()
    shown = [action for action in parser._actions if action.dest != "command"]
    rows = [(_flag(action), _variable(action.dest), action.help or "") for action in shown]
    return table(("flag", "variable", "meaning"), rows)


def _flag(action: argparse.Action) -> str:
    values = "|".join(action.choices) if action.choices else action.metavar
    value = f" {values or action.dest.upper()}" if action.nargs != 0 else ""
    *short, long = action.option_strings
    return ", ".join([*(f"`{name}`" for name in short), f"`{long}{value}`"])


def _variable(name: str) -> str:
    return f"`P2PCHAT_{name.upper()}`" if name in Settings.__dataclass_fields__ else ""


def other_commands_table() -> str:
    rows = [(f"`p2pchat {name}`", what) for name, what in cli.COMMANDS.items()]
    return table(("command", "does"), rows)


def send_flags_table() -> str:
    """What only `p2pchat send` takes: everything else it shares with the program itself."""
    parser = cli.make_parser()
    others = next(a for a in parser._actions if isinstance(a, argparse._SubParsersAction))
    shared = {action.dest for action in parser._actions}
    own = [action for action in others.choices["send"]._actions if action.dest not in shared]
    rows = [
        (_flag(action) if action.option_strings else f"`{action.metavar}`", action.help or "")
        for action in own
    ]
    return table(("argument", "meaning"), rows)


def frames_table() -> str:
    kinds = {taken for _, taken in TABLE} & set(typing.get_args(frames.Frame))
    rows = [
        (
            str(kind.__struct_config__.tag),
            f"`{kind.__name__}`",
            ", ".join(f"`{name}`" for name in kind.__struct_fields__) or "none",
        )
        for kind in kinds
    ]
    rows.sort(key=lambda row: int(row[0]))
    return table(("type", "frame", "fields, in this order"), rows)


def limits_table() -> str:
    rows = [(f"`{name}`", _number(getattr(limits, name)), what) for name, what in LIMITS_SHOWN]
    return table(("limit", "value", "what it bounds"), rows)


def direct_limits_table() -> str:
    rows = [(f"`{name}`", _numbers(direct_limit(name)), what) for name, what in DIRECT_LIMITS_SHOWN]
    return table(("limit", "value", "what it bounds"), rows)


def _numbers(value: float | tuple[float, ...]) -> str:
    return ", ".join(map(_number, value)) if isinstance(value, tuple) else _number(value)


def _number(value: float) -> str:
    return f"{value:,.10g}".replace(",", " ")


def vectors_block() -> str:
    lines = [
        f"{name}:\n" + "".join(f"    {line}\n" for line in re.findall(".{1,72}", value.hex()))
        for name, value in vectors().items()
    ]
    ann, ben = PeerId(vectors()["id of ann"]), PeerId(vectors()["id of ben"])
    lines.append(f"fingerprint of ann:\n    {fingerprint(ann)}\n")
    lines.append(f"safety number of ann and ben:\n    {safety_number(ann, ben)}\n")
    return "```text\n" + "".join(lines) + "```\n"


def small_order_block() -> str:
    ys = sorted(y.to_bytes(32, "little").hex() for y in identity._SMALL_ORDER)
    return "```text\n" + "".join(f"{y}\n" for y in ys) + "```\n"


BLOCKS: Final[dict[str, tuple[Path, Callable[[], str]]]] = {
    "commands": (README, commands_table),
    "keys": (README, keys_table),
    "flags": (README, flags_table),
    "other commands": (README, other_commands_table),
    "send": (README, send_flags_table),
    "frames": (PROTOCOL, frames_table),
    "limits": (PROTOCOL, limits_table),
    "direct limits": (PROTOCOL, direct_limits_table),
    "small order": (PROTOCOL, small_order_block),
    "vectors": (PROTOCOL, vectors_block),
}


def block_in(text: str, name: str) -> str:
    """Return what stands between the marks, without the empty lines around it."""
    _, begin, rest = text.partition(BEGIN.format(name))
    block, end, _ = rest.partition(END)
    assert begin, f"no {BEGIN.format(name).strip()}"
    assert end, f"{BEGIN.format(name).strip()} has no end"
    return block.strip("\n") + "\n"


def write_all() -> None:
    """Put what the code says into the documents."""
    for name, (path, make) in BLOCKS.items():
        text = path.read_text("utf-8")
        block_in(text, name)  # complains where a mark is missing
        before, begin, rest = text.partition(BEGIN.format(name))
        after = rest.partition(END)[2]
        path.write_text(f"{before}{begin}\n{make()}\n{END}{after}", "utf-8")


if __name__ == "__main__":
    write_all()

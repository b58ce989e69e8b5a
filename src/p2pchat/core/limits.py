"""Every number of the protocol, with its unit, its source and what it costs to be wrong.

"Design" as a source means a guess to argue with: change it when a measurement says so.
"""

from __future__ import annotations

from typing import Final

PROTOCOL_LOWEST: Final = 1
PROTOCOL_HIGHEST: Final = 1
"""Versions of the protocol that this program speaks, both ends included."""

DEFAULT_PORT: Final = 55555
"""First TCP port that a node tries; the article's own."""

PORT_TRIES: Final = 100
"""How many ports upward from the default are tried before giving up."""

# --- Frames -----------------------------------------------------------------------------------

FRAME_LIMIT_BYTES: Final = 64 * 1024
"""Largest frame of an open connection. Design; bounds what one frame can make us allocate."""

OPENING_FRAME_LIMIT_BYTES: Final = 2 * 1024
"""Largest frame before the welcomes: a stranger may not make us hold more."""

LIST_LIMIT: Final = 64
"""Longest list in a frame. Missing bounds on counts were behind most recent gossip CVEs."""

UNKNOWN_FRAMES_PER_S: Final = 10
"""Frames of types from 128 up that are skipped each second; more are a fault."""

# --- Opening and life of a connection ---------------------------------------------------------

OPENING_TIMEOUT_S: Final = 10.0
"""Whole opening, TLS included. Longer lets silent sockets pile up, shorter loses slow phones."""

DIAL_TIMEOUT_S: Final = 5.0
"""Until TCP is connected."""

HAPPY_EYEBALLS_DELAY_S: Final = 0.25
"""Between attempts on the addresses of one host (RFC 8305, section 5)."""

HANDSHAKE_LIMIT_BYTES: Final = 16 * 1024
"""Bytes taken from the network before TLS is done; an Ed25519 handshake needs about 2 KiB."""

CERTIFICATE_LIMIT_BYTES: Final = 2 * 1024
"""Largest certificate, DER; ours has about 300."""

ABILITIES_LIMIT: Final = 32
"""Most ability words in a `Hello`."""

PING_AFTER_S: Final = 20.0
"""Silence before a ping: NAT tables forget after about 30 s."""

DEAD_AFTER_PING_S: Final = 20.0
"""Further silence before the connection is given up."""

FRAGMENT_S: Final = 20.0
"""How long bytes that complete no frame are a sign of life. Without a bound a neighbour that sends
a byte a second keeps its place for ever; with this one the largest frame may take a minute."""

TIMER_SLACK_S: Final = 3.0
"""Pings due within this time share one wake-up, whatever wakes the node, and a timer that rings so
much too early is not set anew: so an idle node sleeps."""

LATE_LOOP_S: Final = 1.0
LATE_GRACE_S: Final = 5.0
"""When our own timers were late by more than the first, all deadlines move by the lateness and
the second before anybody is blamed: what came meanwhile has to be read first."""

CROSSING_S: Final = 10.0
"""Two connections of one pair opened within this time are taken for crossing dials."""

DUPLICATE_PING_S: Final = 5.0
"""What an old connection has to answer a ping before a newer one replaces it."""

DRAIN_S: Final = 2.0
"""The losing connection of two stays this long, so that frames under way arrive."""

LEAVE_TIMEOUT_S: Final = 5.0
"""Whole goodbye: last frames, `GoodbyeSeen`, end of stream."""

END_OF_STREAM_S: Final = 1.0
"""Part of it: reading to the end after our own close_notify."""

CONNECTIONS_LIMIT: Final = 64
"""Open connections of one node."""

CONNECTIONS_PER_PEER: Final = 4
"""Of these, counted with those that are being drained, of one peer.

Two are honest (crossing dials, a restart); without a bound one key could take every file
descriptor with connections that were each replaced by the next.
"""

OPENING_LIMIT: Final = 32
"""Connections that are not open yet, besides the open ones."""

OPENING_PER_PUBLIC_ADDRESS: Final = 4
OPENING_PER_PRIVATE_ADDRESS: Final = 16
"""Of these from one address; private ones may be several people behind one machine."""

FORGERIES_LIMIT: Final = 3
FORGERIES_WINDOW_S: Final = 60.0
FORGERIES_BAN_S: Final = 600.0
"""An address that brought so many invalid signatures in the window is refused for that long."""

# --- Envelopes --------------------------------------------------------------------------------

TEXT_LIMIT_CHARACTERS: Final = 4_000
TEXT_LIMIT_BYTES: Final = 16 * 1024
"""Longest text, code points and UTF-8 bytes; longer ones are refused at their author."""

NICK_LIMIT_CHARACTERS: Final = 24
ROOM_LIMIT_BYTES: Final = 64

ROOM_SECRET_BYTES: Final = 16
"""A secret that was drawn, not thought up: 128 bits, which nobody ever tries out. Only a secret of
this length is believed to be one, and its room is shown to its members on the LAN."""

PASSPHRASE_LIMIT_BYTES: Final = 1_024
"""Longest passphrase, UTF-8; bounds what is read of a file."""

PASSPHRASE_MEMORY_KIB: Final = 64 * 1024
PASSPHRASE_PASSES: Final = 3
PASSPHRASE_LANES: Final = 4
"""Argon2id for passphrases: the second choice that RFC 9106 recommends, for machines with little
memory. Measured: 0.17 s of one core a guess. Whoever changes one of these opens other rooms."""

ENVELOPE_TEXTS_LIMIT: Final = 1_024
"""Most texts in one envelope."""

ENVELOPE_BATCH_BYTES: Final = 32 * 1024
"""Texts that one envelope gathers, UTF-8. Twice the longest text, half the largest frame."""

HOPS_LIMIT: Final = 255
"""Hops are counted up to here and stop nothing."""

AGE_PAST_S: Final = 20 * 60.0
AGE_FUTURE_S: Final = 10 * 60.0
"""Window of an author's time around our own clock; older or newer envelopes are not taken."""

SEEN_GENERATIONS: Final = 9
SEEN_GENERATION_S: Final = 4 * 60.0
"""Memory of envelope ids: 32 to 36 minutes.

Must outlive the age window (20 + 10 minutes), else an old envelope could be replayed once it
is forgotten.
"""

SEEN_LIMIT_IDS: Final = 200_000
"""Most ids in that memory, 21 MiB; only an attack comes near."""

# --- Rates in open rooms ----------------------------------------------------------------------
#
# They count envelopes, of every kind, and signed bytes; never texts. An author who gathers his
# texts and keeps to OWN_PACE loses nothing. Private rooms have none of them.

AUTHOR_ENVELOPES: Final = 20
AUTHOR_ENVELOPES_PER_S: Final = 5.0
AUTHOR_BYTES: Final = 1024 * 1024
AUTHOR_BYTES_PER_S: Final = 64 * 1024
"""What is taken of one author at once, and each second after that. Design: nobody types so fast,
and 5,000 short lines fit into the bytes. Repair takes no more: AUTHOR_MINUTE_ENVELOPES."""

OWN_PACE: Final = 0.8
"""Share of an author's rate that a node sends itself. What is left of the burst, 4 envelopes, lets
what was sent over 1 s arrive at one moment; nearer to 1, jitter costs honest messages."""

HELD_LIMIT_ENVELOPES: Final = 64
"""Own passing envelopes that wait for the pace; of more the oldest go. They leave 4 a second."""

AUTHORS_METERED: Final = 4_096
"""Authors whose rate is remembered, about 2 MiB. Whoever was pushed out begins anew, which gains
nothing: at ROOM_ENVELOPES_PER_S so many others take 36 s, and a full bucket is there after 16."""

OVER_LIMIT_ENVELOPES: Final = 100
OVER_WINDOW_S: Final = 10.0
TOO_FAST_MUTE_S: Final = 60.0
"""Whoever signs so many envelopes above his rate within the window is not heard for that long."""

DISORDER_S: Final = 2.0
"""An envelope that is so much older, by its author's clock, than one of him that came before says
nothing about his pace: more than live envelopes overtake each other."""

CONNECTION_ENVELOPES: Final = 500
CONNECTION_ENVELOPES_PER_S: Final = 100.0
CONNECTION_BYTES: Final = 4 * 1024 * 1024
CONNECTION_BYTES_PER_S: Final = 512 * 1024
"""First copies that are looked at of one connection. Each may bring the whole room, so what it
brings in a second is never less than what the room takes."""

COPIES_PER_S: Final = 2_000
"""Copies of one connection that are looked at, with one second as burst. With 8 neighbours the
room's rate makes 700 of them at most."""

ROOM_ENVELOPES: Final = 500
ROOM_ENVELOPES_PER_S: Final = 100.0
ROOM_BYTES: Final = 8 * 1024 * 1024
ROOM_BYTES_PER_S: Final = 512 * 1024
"""What is taken of all together: 100 verifications a second are 0.6 % of a core, and what 20
minutes of them bring exceeds STORE_LIMIT_BYTES, so that more could not be repaired anyway."""

KEPT_FOR_OTHERS: Final = 0.5
SPENT_FADES_S: Final = 10.0
"""Share of the room's rate that the one who spent everything of late leaves for others, and how
fast is forgotten what was spent. With 0 one loud connection takes what all have."""

LOOKED_AT_LIMIT_IDS: Final = 4_096
"""Envelopes that were looked at and not taken; their copies are not looked at again, and not asked
for. At the room's rate they came within 40 s."""

# --- Queues -----------------------------------------------------------------------------------

SEND_QUEUE_LIMIT_BYTES: Final = 1024 * 1024
"""Frames waiting for one neighbour; above, it is dropped as `SlowPeer`."""

SEND_QUEUE_HIGH_BYTES: Final = 256 * 1024
SEND_QUEUE_LOW_BYTES: Final = 64 * 1024
"""Above the first a neighbour counts as *behind*, until it is below the second."""

SEND_QUEUES_TOTAL_BYTES: Final = 16 * 1024 * 1024
"""All send queues together; above, the fullest neighbour goes first."""

STALLED_S: Final = 10.0
"""A send queue that has not shrunk for so long belongs to a `SlowPeer`."""

STALL_LOOK_S: Final = 0.25
"""Between two looks at one that is not taken as fast as it is written: so much later, at most, is
the end of its progress seen."""

WRITE_BATCH_BYTES: Final = 64 * 1024
"""Frames that share one write; small enough for a ping to get in between."""

READ_BYTES: Final = 64 * 1024
"""Most bytes taken from a socket at once; also bounds one connection's turn of the loop."""

ANNOUNCEMENTS_LIMIT_TEXTS: Final = 65_536
ANNOUNCEMENTS_LIMIT_BYTES: Final = 8 * 1024 * 1024
"""Own texts that wait to be sent; above, `announce()` raises `AnnounceOverflow`."""

NOTICES_LIMIT_TEXTS: Final = 131_072
NOTICES_LIMIT_BYTES: Final = 16 * 1024 * 1024
"""What nobody has taken from a node yet; above, the oldest is dropped and counted."""

# --- Guests -----------------------------------------------------------------------------------

GUESTS_LIMIT: Final = 8
GUEST_SILENCE_S: Final = 2.0
"""A loopback connection that says nothing for so long is a guest that only listens."""

GUEST_LINE_BYTES: Final = 4 * 1024
GUEST_BURST_LINES: Final = 5
GUEST_LINES_PER_S: Final = 1.0
GUEST_WAITING_LINES: Final = 64
"""Lines of a guest above its rate wait; above this many it is no longer read."""

GUEST_ECHO_S: Final = 30.0
GUEST_ECHO_LINES: Final = 256
"""Lines written to guests are remembered, so that their echo is not announced again."""

# --- Lazy push --------------------------------------------------------------------------------

LAZY_ABOVE_BYTES: Final = 1024
"""Signed bytes of an envelope above which it is not flooded but pushed lazily."""

GRAFT_AFTER_S: Final = 0.5
"""From the first announcement of an envelope until it is asked for. Must outlast the way along
the tree, with one transfer of 64 KiB over a slow line in it: shorter asks for what is coming."""

GRAFT_NEXT_S: Final = 0.4
"""Until the next who announced it is asked: a round trip and a transfer."""

OPTIMISE_HOPS: Final = 7
"""An announcer so many hops nearer to the author takes the place of who brought the envelope.
Plumtree's threshold; with many authors a lower one makes the tree restless."""

PRUNE_AGAIN_S: Final = 1.0
"""A neighbour told to prune is told again at the earliest after this: copies under way."""

OUTSTANDING_S: Final = 2.0
"""How long an announced large envelope keeps small ones of its author behind it; longer than
its graft from the second who announced it takes."""

OUTSTANDING_AUTHORS: Final = 256
"""Authors with such an envelope on one connection; more forget the oldest."""

OFFERS_LIMIT_IDS: Final = 1_024
"""Own announcements to one neighbour that it may still ask for; more forget the oldest."""

ANNOUNCED_LIMIT_IDS: Final = 512
"""Announcements of one neighbour for envelopes that are missing here; more forget its oldest.
64 neighbours that fill it cost about 16 MiB."""

ANNOUNCERS_LIMIT: Final = 8
"""Neighbours remembered for one missing envelope; after them repair has to find it."""

GRAFTS_UNDER_WAY: Final = 64
"""Envelopes asked of one neighbour that it has not brought yet."""

GRAFT_OVERDUE_S: Final = 30.0
"""Until an envelope asked for and not brought counts against who had announced it. Longer than
a send queue may stand still."""

WITHHELD_WEIGHT: Final = 2
WITHHELD_LIMIT: Final = 32
"""Each overdue envelope adds the weight, each one brought takes one off; at the limit the
neighbour is dropped. So it may withhold a third of what it is asked for, for ever."""

GRAFT_BURST_BYTES: Final = 128 * 1024
GRAFT_PAUSE_S: Final = 0.05
"""Envelopes asked for by one neighbour are sent so many bytes at a time, then after a pause, so
that its send queue can be seen to rise before it overflows: 2.5 MiB/s at most."""

# --- Reach ------------------------------------------------------------------------------------

ACK_JOIN_S: Final = 0.25
"""Acknowledgements wait so long at a relay for company."""

ACKS_AIM: Final = 256
"""Acknowledgements that reach an author: with more people known, each answers by chance."""

ACKS_PER_CONNECTION: Final = 256
"""Acknowledgements that one neighbour may bring along one way."""

ACKS_KEPT: Final = 512
"""Verified acknowledgements kept of one own envelope: the aim, and luck."""

ACKS_WAITING: Final = 4_096
"""Acknowledgements waiting for company, over all ways; about 1 MiB."""

ACKS_BURST: Final = 64
ACKS_PER_S: Final = 16.0
"""Acknowledgements that a node signs, whoever asks."""

WAYS_LIMIT: Final = 4_096
WAY_S: Final = 300.0
"""Ways back to authors that a relay remembers: about 2 MiB, under attack 30. Long enough for
who got the envelope by repair after a split of some minutes."""

REACH_ENVELOPES: Final = 128
"""Own envelopes whose acknowledgements are counted; more forget the oldest."""

SEEN_ANSWER_S: Final = 2.0
"""How long `/seen` waits for acknowledgements: some hops, each with its wait for company."""

REACH_QUERY_EVERY_S: Final = 10.0
"""At most one query of an author is answered in this time."""

KNOWN_S: Final = 600.0
"""Who was not heard for so long does not count as around any more, but for neighbours."""

# --- Repair -----------------------------------------------------------------------------------

STORE_MINUTES: Final = 20
STORE_LIMIT_BYTES: Final = 16 * 1024 * 1024
STORED_OVERHEAD_BYTES: Final = 512
"""Kept envelopes live this long by their author's time. The overhead is what one costs in
memory besides its signed bytes (measured: tables, ids, signature)."""

INTERVALS_LIMIT: Final = 64
"""Intervals of numbers received of one author; also the longest list in a frame."""

RECEIVED_LIFE_S: Final = 32 * 60.0
RECEIVED_LIMIT_SERIES: Final = 12_288
"""Numbers received are remembered this long after the author's last envelope: longer than the
age window, so that what the seen cache forgot early is still recognised."""

NEW_AUTHORS_BURST: Final = 500
NEW_AUTHORS_PER_S: Final = 5.0
"""Authors not heard before, in an open room. Over RECEIVED_LIFE_S they fit into the limit."""

CONFLICT_MUTE_S: Final = 600.0
MUTED_LIMIT_AUTHORS: Final = 1_024
"""An author who signed two envelopes for one number is not heard for that long."""

GAP_WAIT_S: Final = 0.3
"""A jump in the numbers may be the network's disorder: the missing one is often under way."""

GAP_NEXT_S: Final = 1.0
"""A neighbour that neither answers nor delivers for so long is passed over for the next."""

GONE_WITNESSES: Final = 3
"""So many neighbours that no longer have a message close its gap."""

WANTS_LIMIT: Final = 4_096
WANTS_PER_CONNECTION: Final = 1_024
WANTS_PER_SERIES: Final = 64
"""Spans of numbers that are looked for: in all, for one who offers, of one author."""

ASK_EVERY_S: Final = 0.1
PAGE_EVERY_S: Final = 0.05
"""Between two requests of one neighbour, for envelopes, for entries."""

ASK_ENVELOPES: Final = 64
ASK_BYTES: Final = 64 * 1024
ASK_SPANS: Final = 256
"""One request is answered by at most so much, and so many of its spans are looked up."""

ASK_MEMORY: Final = 4
"""Past requests to one neighbour whose late answers are still taken."""

ASK_PATIENCE_S: Final = 5.0
"""A neighbour that leaves a request open for so long gets a strike; then the next request."""

REPAIR_BYTES_PER_S: Final = 512 * 1024
REPAIR_VERIFICATIONS_PER_S: Final = 200
"""Answers to one's own requests, over all neighbours, each with one second as burst. Live
traffic goes first: 200 verifications are 1.2 % of a core."""

AUTHOR_MINUTE_ENVELOPES: Final = 300
"""Most envelopes of one author in one minute of its time that repair takes: 5/s, the live rate."""

BULK_FRAME_BYTES: Final = 16 * 1024
"""Frames of repair stay below this where an envelope itself is not larger."""

COMPARE_EVERY_S: Final = 30.0
COMPARE_SPREAD: Final = 0.2
"""Between two comparisons with a random neighbour; times 0.8 to 1.2."""

COMPARED_MINUTES_PAST: Final = 20
COMPARED_MINUTES_AHEAD: Final = 10
"""Minutes of author's time that are compared; those ahead are of authors whose clock is, the
age window's ten at most. An idle room sends the past ones only, 160 bytes."""

YOUNG_MINUTE_S: Final = 10.0
"""A minute that began so recently is left out: what is under way would look like lost."""

ROUND_PAGES: Final = 16
FRUITLESS_LIMIT: Final = 3
"""Pages of 64 entries in one round; rounds without progress, or comparisons of one minute
without any, after which it is left to other neighbours."""

REQUESTS_BURST: Final = 200
REQUESTS_PER_S: Final = 100.0
"""What one neighbour may ask or offer, in units of the cheapest frame; beyond it is dropped.
An honest one needs 90 at most: 10 requests, 20 pages at 2, 40 offers."""

ANSWER_BYTES_BURST: Final = STORE_LIMIT_BYTES
ANSWER_BYTES_PER_S: Final = 64 * 1024
"""What one neighbour may be sent as answers: the whole store once, afterwards a trickle, so
that asking for everything again and again is pointless."""

OFFER_EVERY_S: Final = 0.1
OFFER_FRAMES: Final = 4
OFFER_LIMIT_SERIES: Final = OFFER_FRAMES * INTERVALS_LIMIT
"""What came by repair is offered onward together; what does not fit is left to comparisons.
Each hop costs this wait, and ORDER_WAIT_S has to outlast a few hops, or what was said apart is
shown behind what is said now (seen in a ring of 8 with 0.5 s)."""

STRIKES_BURST: Final = 32
STRIKES_PER_S: Final = 0.1
"""Broken promises that a neighbour is forgiven; beyond, it is dropped."""

ORDER_WAIT_S: Final = 2.0
ORDER_WAIT_LONGEST_S: Final = 30.0
"""Later messages of an author wait for a missing one without progress, and in all."""

ORDER_LIMIT_MESSAGES: Final = 1_024
ORDER_LIMIT_BYTES: Final = 256 * 1024
ORDER_LIMIT_TOTAL_BYTES: Final = 4 * 1024 * 1024
"""What may wait so: messages and bytes of one author, bytes of all."""

NUMBERING_SETTLES_S: Final = 5.0
"""So long a new neighbour may let a newcomer wait for what it has from before; a liar does."""

ORDER_LATE_S: Final = 0.1
"""When a look at what waits so is late by more, because this node had no time, all of it may wait
as much longer, ORDER_WAIT_S at most: the missing ones may have come, and were not read yet."""

BEGIN_LOOK_EVERY_S: Final = 0.1
"""Between two looks whether a newcomer's backlog of an author is there from its beginning."""

BACKLOG_MINUTES: Final = 10
"""How much of what was said before this node started is shown."""

SEAM_OLD_S: Final = 10.0
SEAM_QUIET_S: Final = 3.0
SEAM_LONGEST_S: Final = 20.0
"""Only what is older than the first tells of a time apart; a reunion is told when nothing more
has come for the second, at the latest after the third."""

TOO_FAST_TOLD_EVERY_S: Final = 10.0
TOO_FAST_LIMIT_AUTHORS: Final = 256
TOO_FAST_NAMED: Final = 3
"""Messages not taken for their rate are counted by author, and told together: so many authors by
name, so that a crowd of them cannot fill the screen by being refused."""

# --- Joining and staying joined ---------------------------------------------------------------

ACTIVE_AIM: Final = 5
ACTIVE_LIMIT: Final = 8
"""Neighbours kept on purpose: below the first more are looked for, above the second never. The
first is HyParView's: log10 of 10,000 nodes, and one."""

ACTIVE_ACCEPTED_LIMIT: Final = 5
ACTIVE_DIALLED_AIM: Final = 3
ACTIVE_DIALLED_LEAST: Final = 2
"""Of these, connections that others dialled, at most, and own dials, at least. Keys are free, so
whoever dials us 20 times had replaced the whole view without this (measured). Below the last, a
node asks for another one's place: not below 3, because half a network behind a NAT has 5 places for
every two nodes, and would evict one another for ever."""

NEWCOMER_S: Final = 30.0
"""So long after its start a node asks with `Join` whomever it dials for a place. By then it has its
own dials. Among Sybils, who always have room, 79 % of these led to somebody honest instead of 74 %
(simulated); with no end to it there would be the same trouble behind NATs."""

PASSIVE_LIMIT: Final = 64
"""Peers known that could be dialled. With 95 % of all dead at once 3 of them live."""

WALK_STEPS: Final = 6
WALK_EXTRA_STEPS: Final = 3
WALK_LIMIT_STEPS: Final = 16
PASSIVE_WALK_STEPS: Final = 3
"""A newcomer's record goes the first so many steps before anybody takes it, then the second at
most until somebody has a place; where so many are left of the first it enters a passive view."""

WALKS_LIMIT: Final = 1_024
WALK_S: Final = 30.0
"""Ways back that a node on a walk remembers, and for how long."""

SHUFFLE_EVERY_S: Final = 60.0
SHUFFLE_SPREAD: Final = 0.2
SHUFFLE_ACTIVE: Final = 3
SHUFFLE_PASSIVE: Final = 4
"""Between two shuffles, times 0.8 to 1.2, and what goes into one. HyParView's counts."""

REINTRODUCE_BELOW: Final = 6
"""How often somebody known who is no neighbour is dialled, and up to how many neighbours the
other side keeps him: that is what joins parts of a network again."""

JOINER_S: Final = 30.0
BESIDE_LIMIT: Final = 24
"""Who has no place in the view stays so long; whose user typed our address, or who takes no part
in membership, as long as no more than so many do."""

EVICT_EVERY_S: Final = 10.0
EVICT_BURST: Final = 3
EVICT_PER_GROUP_S: Final = 6 * 3600.0
PROTECTED_OLDEST: Final = 2
PROTECTED_USEFUL: Final = 2
USEFUL_S: Final = 600.0
"""How often somebody who has few neighbours may take another one's place, how often one /16 or /32
may, and who is safe from that: the oldest, and those with most first deliveries in that time. With
300 s for a network, 8 networks of Sybils had all the places they could get after minutes."""

INSISTENT_JOINS: Final = 12
INSISTENT_HALVED_S: Final = 6 * 3600.0
"""A network with so many a `Join` here, half of it forgotten in that time, is insistent: its places
go to whoever asks from another one, and own dials avoid it. So 8 networks together may join 11
times an hour unnoticed. An honest node joins twice an hour, each time somebody else, where half of
the network is behind a NAT (simulated); counting each `PlaceAsk` too, honest ones were insistent
there, and put one another out without end."""

INSISTENT_AGAIN_S: Final = 3600.0
INSISTENT_KEPT: Final = 64
"""Networks that were insistent when a node ended are so for that long after its next start, and are
dialled last; so many are written down. Who still wants every place has joined often by then."""

EXCHANGE_EVERY_S: Final = 3600.0
"""How often an own dial is exchanged, times 0.5 to 1.5: each of three lives for three hours, as
many people stay. It cost a network at rest no more frames, and 13 % more where half of it is
behind a NAT (simulated, 60 nodes)."""

DIALS_BURST: Final = 10
DIALS_PER_S: Final = 2.0
DIALS_AT_ONCE: Final = 8
"""Dials that the node makes by itself. A peer that offers addresses can cost no more."""

DIALS_PER_IP: Final = 3
DIALS_PER_IP_S: Final = 300.0
DIALLED_IPS_LIMIT: Final = 1_024
"""Dials of one IP address that led to nothing, over all ids and ports, never of loopback: nobody
can have us knock at a victim's door more often."""

REPLACE_TIMEOUT_S: Final = 3.0
"""Of a dial for a neighbour that was lost; others have DIAL_TIMEOUT_S."""

DIAL_BACKOFF_S: Final = 5.0
DIAL_BACKOFF_LONGEST_S: Final = 300.0
DIAL_BACKOFF_SPREAD: Final = 0.2
"""Wait after a dial that failed; doubles, times 0.8 to 1.2."""

RECORD_LIMIT_BYTES: Final = 448
RECORD_ADDRESSES: Final = 8
RECORDS_PER_FRAME: Final = 8
RECORD_PASSED_LIMIT: Final = 2
RECORD_LIFE_S: Final = 24 * 3600.0
RECORD_RENEW_S: Final = 3600.0
RECORD_AHEAD_S: Final = 600.0
"""Signed bytes of an address record, 512 with all around it; addresses in it; records in a frame;
how often one that nobody dialled is passed on; how long one is valid, how often it is renewed, and
how far its owner's clock may be ahead."""

LEAST_PORT: Final = 1024
"""Lowest port that is dialled because somebody said so: below are other people's services."""

LOST_S: Final = 10.0
"""Whoever was just lost is not dialled for so long because of what others say."""

WOKE_AFTER_S: Final = 10.0
WOKEN_PING_S: Final = 5.0
"""A wall clock so far ahead of the monotonic one means that we slept; then every neighbour has so
long to answer."""

REACHABILITY_EVERY_S: Final = 600.0
REACHABILITY_ANSWERS_S: Final = 60.0
"""Between two questions whether others can dial us; between two answers to one neighbour."""

# --- Address book -----------------------------------------------------------------------------

BOOK_BUCKETS: Final = 64
BOOK_BUCKET_ENTRIES: Final = 16
BOOK_PER_SOURCE: Final = 32
BOOK_LIFE_S: Final = 7 * 24 * 3600.0
BOOK_SAVE_FIRST_S: Final = 5.0
BOOK_SAVE_EVERY_S: Final = 60.0
BOOK_SAVE_LEEWAY: Final = 0.2
ANCHORS: Final = 2
"""Buckets of each table, their entries, how many one source may add, how long nobody dialled
successfully is kept, how soon the file is written first, how
often later, by which share of that a node that sleeps may put it off, and neighbours that are
dialled first again."""

# --- Map and paths ----------------------------------------------------------------------------

MAP_DEPTH: Final = 3
MAP_NODES: Final = 128
MAP_LIMIT_BYTES: Final = 64 * 1024
MAP_STATEMENT_BYTES: Final = 8 * 1024
MAP_EVERY_S: Final = 10.0
MAP_CACHE_S: Final = 30.0
MAP_ANSWER_S: Final = 3.0
MAP_REPAIR_EVERY_S: Final = 300.0
"""Hops, nodes and bytes of a map; between two requests of one neighbour; how long a statement is
reused; how long the asker waits; between two dials that mend a weak place."""

PATH_ANSWER_S: Final = 5.0
PATHS_LIMIT: Final = 1_024
PATHS_PER_S: Final = 10.0
PATHS_BURST: Final = 20
"""How long a question along a way waits for its answer, how many are remembered, and how many of
one neighbour are taken."""

TRAIL_S: Final = 30.0
TRAILS_LIMIT: Final = 4_096
ARRIVALS_LIMIT: Final = 4_096
"""How long the way of an author's latest envelope is followed; of how many authors it is known;
of how many envelopes it is known who brought them."""

# --- Who is here ------------------------------------------------------------------------------

WHO_AIM: Final = 256
"""People who are meant to answer; of more, a share. 256 of 3,000 tell the number within 13 % in
19 of 20 cases (binomial), and fit into WHO_LIMIT_BYTES where they all come by one neighbour."""

WHO_SHARED_ABOVE: Final = 100
"""With fewer people known everybody is to answer. Where that is wrong, because a large room is
quiet, answers are left out on their way, and the asker still learns how many there are."""

WHO_WHOLE: Final = 128
WHO_HALVED: Final = 24
WHO_HALVINGS: Final = 6
"""After so many answers along one way half of those that follow are left out, and again half
after each so many more, so often at most: 4,000 people behind one neighbour are then counted
within WHO_LIMIT_BYTES. Small rooms have less than the first, and everybody is shown."""

WHO_LIMIT_BYTES: Final = 32 * 1024
"""Answers to one question that go over one connection, and that an asker looks at of one
neighbour: about 270 with usual nicks. What is above is lost, and not in the estimate."""

WHO_KEPT: Final = 1_024
"""Answers kept of one own question, over all neighbours: the aim, and what liars add."""

WHO_JOIN_S: Final = 0.1
"""Answers wait so long at a relay for company. With 0.3 s those of 1,000 nodes took longer than
WHO_ANSWER_S, and a third of the people were missing (simulated, 50 ms a hop)."""

WHO_ANSWER_S: Final = 2.5
WHO_QUIET_S: Final = 0.5
"""How long an asker waits: some ten hops, each with its wait for company. It stops when everybody
known has answered and nothing more has come for the second: longer than one hop takes."""

WHO_EVERY_S: Final = 10.0
"""A node takes part in one question in this time, whoever asks. Longer makes people wait for
each other, shorter lets a stranger have every node sign and hand on for him more often."""

"""The threats, in the order of the page.

A test says which of them it is about with the mark `threat`, so that nobody keeps a list of tests.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Row:
    """One threat."""

    number: int
    threat: str
    limit: str
    """What keeps it small, in words that users understand."""
    asked: str
    """What has to come out where it is tried."""
    lacking: str = ""
    """What no test shows; empty when nothing."""


ROWS: Final = (
    Row(
        1,
        "Connections that stall: silent, a byte a second, half a handshake, half a frame",
        "10 s for the whole opening; afterwards 40 s of silence, or a minute of bytes that make no "
        "frame; 32 unfinished openings, of one address 16 at most, and the oldest gives way",
        "1,000 sockets: ended after 10 s (up to 8 silent ones of this machine stay, as guests); "
        "an honest dial takes < 2 s; memory + < 10 MiB; files back to base",
    ),
    Row(
        2,
        "A connection that is dead, or dead in one direction, and does not say so",
        "a ping after 20 s of silence, given up after 20 s more; a writer that gets nothing out "
        "for 10 s is dropped; then another neighbour is dialled",
        "gone and replaced within 45 s, nothing said meanwhile is lost",
    ),
    Row(
        3,
        "Frames that are too large or make no sense",
        "64 KiB a frame, 2 KiB before the opening is done, checked before anything is allocated; "
        "64 elements in a list; one kind of fault, which ends that connection",
        "4 GiB length, empty, bad UTF-8, deep nesting, 10⁶ elements: that connection ends, the "
        "others live",
    ),
    Row(
        4,
        "One author who floods the room",
        "20 envelopes of one author at once, then 5 a second, at every node; who goes on is muted "
        "for a minute; only what he signed counts against him",
        "10,000 envelopes in 10 s into 50 nodes: each shows at most 20 + 5 a second; the others "
        "are heard within 1 s",
    ),
    Row(
        5,
        "Many invented authors who flood the room",
        "500 envelopes at once, then 100 a second, of a connection and of the room; 500 new "
        "authors, then 5 a second; who brought most of late is shed first",
        "1,000 new keys a second by one connection: everything that the others say arrives",
    ),
    Row(
        6,
        "So many ids that a node forgets which it has seen",
        "ids are forgotten by time, after 32 to 36 minutes, and 200,000 are kept; numbers of each "
        "author are a second line",
        "10⁶ ids: the cache stays within its bound and < 24 MiB; nothing is sent twice",
    ),
    Row(
        7,
        "Many invented peers who surround a node (Sybils, eclipse)",
        "five of eight places at most for those who dial in, seldom taken away, never from the "
        "oldest and most useful, first from the network with most; at once from networks that join "
        "again and again; own dials take turns between networks, ask for the place of another one "
        "at a start, and are exchanged every hour; two anchors and the address book at a start",
        "500 honest and 2,000 Sybils, the victim restarts: an honest neighbour of its own choice "
        "in ≥ 99 % of the runs",
    ),
    Row(
        8,
        "Addresses that make nodes knock at a victim's door",
        "addresses are signed by their owners; 32 of one source; no ports below 1024, no reserved "
        "addresses; three dials in vain to one address in 5 minutes; who was only heard of is not "
        "passed on as known",
        "10,000 addresses of one victim: ≤ 3 dials in 5 minutes, ≤ 32 in the book, none passed on",
    ),
    Row(
        9,
        "A message that is sent again later",
        "taken up to 20 minutes old or 10 ahead, remembered for 32, by id and by author and number",
        "neither shown nor passed on by any of 50 nodes, however late; after a restart of the "
        "victim once at most, as *earlier*",
    ),
    Row(
        10,
        "Clocks that are wrong",
        "order follows numbers, never clocks; the user is told when three neighbours agree that "
        "his clock is off",
        "10 minutes behind or ahead: usable like any other; a day ahead: told why nobody hears it; "
        "set back by an hour while running: nothing lost",
    ),
    Row(
        11,
        "Messages in somebody else's name",
        "signed with Ed25519 over room, author, number and time; checked before anything is shown "
        "or passed on; keys for which anybody can sign are refused",
        "ten changes of every byte, keys of small order, messages of another room: none accepted",
    ),
    Row(
        12,
        "Nicks that look like somebody else's",
        "people are keys; nicks that look alike by Unicode's tables are told and shown with a part "
        "of the key; what cannot be seen is refused in a nick",
        "Cyrillic, zero-width, right-to-left, full-width, combining, blanks: each told or refused",
    ),
    Row(
        13,
        "Somebody between the two ends of a connection",
        "TLS 1.3 in which both prove their keys, and the proof of the room is bound to it; where a "
        "key is expected, any other is refused",
        "a proxy that ends both sides: refused where the key is known; where not, each side sees "
        "the key of the proxy, unverified",
    ),
    Row(
        14,
        "A key that lies open",
        "key file and folder for their owner only, links not followed; no key in logs, arguments, "
        "environment or core dumps; who wants to seals it under a passphrase (Argon2id, 64 MiB)",
        "the seed is found in no file but its own, and under a passphrase in none, not in the log, "
        "the environment or what is printed; a key file that others may read is refused, and one "
        "that asks for absurd work",
    ),
    Row(
        15,
        "Guessing the secret of a private room",
        "128 random bits, unless somebody types a passphrase of his own",
        "≥ 100 ms of a processor core for each guess at a typed passphrase",
    ),
    Row(
        16,
        "Control characters that steer a terminal",
        "what others wrote is cleaned where it is shown, by one function, whatever way it takes",
        "no way out shows a control character, a direction override or a half character of any "
        "text",
    ),
    Row(
        17,
        "Forged lines in the log, or a log that fills the disk",
        "one line an event, cleaned, 512 characters at most; of one kind 10 a minute, the rest is "
        "counted; 3 MiB in all",
        "a text with a line break makes one line; 10⁵ bad frames make ≤ 200 lines",
    ),
    Row(
        18,
        "A neighbour that does not read",
        "1 MiB may wait for a neighbour; above, or when nothing of what waits has left for 10 s, "
        "he is dropped; the system below holds 32 KiB unsent; nobody waits for him",
        "dropped 10 s after the last byte that left for him (from outside: that his system took, "
        "and ≤ 1 s more), ≤ 1 MiB waits for him, the others notice nothing; back again, he gets "
        "what he missed",
    ),
    Row(
        19,
        "A network that falls into two parts",
        "a neighbour is compared with every 30 s, somebody known and not connected dialled every "
        "minute",
        "100 nodes, 50 and 50 for 10 minutes: one network within 2 minutes, all that was said "
        "within 3, nothing twice",
    ),
    Row(
        20,
        "A crash while something is written",
        "new file, fsync, rename, fsync of the folder; a checksum; what is damaged is set aside, "
        "never overwritten",
        "1,000 kills at random, a cut at every byte: the old or the new state, the identity is "
        "never lost",
    ),
    Row(
        21,
        "A disk that is full, broken or read-only",
        "the chat goes on, the old file stays, one line says so; tried again each minute",
        "every file of a profile: the chat goes on, one line, all there once there is room",
    ),
    Row(
        22,
        "So many connections that files run out",
        "64 connections and 32 openings, fewer where the system allows fewer; nobody is accepted "
        "while files are scarce",
        "64 files, 500 dials: no exception, < 20 % of a core, an honest dial < 5 s afterwards, "
        "≤ 200 log lines",
    ),
    Row(
        23,
        "Routers and proxies that forget idle connections",
        "a ping after 20 s of silence",
        "a proxy that drops what is idle for 30 s: the connection lives for 10 minutes",
    ),
    Row(
        24,
        "A machine that sleeps",
        "a jump of the clock is noticed: everybody is asked at once, has 5 s, and is dialled anew",
        "two minutes stopped, or eight hours asleep: all neighbours again within 15 s, what was "
        "missed is there, nobody takes it for spam",
    ),
    Row(
        25,
        "Two who dial each other at once; a peer that starts again",
        "each run has a number of its own; of crossing dials both keep the same one; an old "
        "connection has 5 s to answer",
        "1,000 rounds: one connection each, nothing lost; a restarted peer is back within 6 s",
    ),
    Row(
        26,
        "A node that dials itself; a copied profile",
        "the proven key and the number of the run are compared",
        "own address by whatever spelling: no connection, no loop; a copy elsewhere: both are told",
    ),
    Row(
        27,
        "IPv4, IPv6, both, or one of them broken",
        "one port for both families; addresses of a peer are raced; spellings of one address count "
        "as one",
        "each of the four: a connection, and one only",
    ),
    Row(
        28,
        "Many who start at once",
        "a node listens first and tells its port afterwards; a lock on each profile",
        "100 at once with one wish for a port: all up, each tells the port it has; a second start "
        "of a profile is one clear line",
    ),
    Row(
        29,
        "Forged advertisements on the LAN",
        "an advertisement is a hint, the key shows when it is dialled; 50 looked at in a second, "
        "64 remembered, 2 dials a second",
        "1,000 forged answers a second: ≤ 2 dials a second, no connection to a wrong key",
    ),
    Row(
        30,
        "Work that strangers make: signatures and handshakes",
        "cheap checks come first; a bad signature costs who brought it, never the author named; "
        "three within a minute, and the address is refused for 10 minutes",
        "5,000 bad signatures a second in ann's name by three connections: those closed within "
        "2 s, ann's own messages all arrive",
    ),
    Row(
        31,
        "Tasks, files and errors that get lost",
        "every task has an owner that waits for it; no error is swallowed",
        "1,000 connections that come and go: tasks and files back to base, nothing unexpected in "
        "the log, no warning under `-X dev`",
    ),
)

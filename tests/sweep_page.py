"""Writes docs/sweep.md and docs/sweep.svg from what `p2pchat simulate sweep --json` printed.

p2pchat simulate sweep --json > sweep.json
python -m tests.sweep_page sweep.json
"""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

from p2pchat.sim.sweep import TRAIN_EVERY_S, Outcome
from p2pchat.sim.sweep_report import Table, as_markdown, as_svg, facts, reach_table, shape_table
from tests.sources import ROOT

_PAGE = """\
# The sweep: what is left of a network when most of it dies

HyParView's experiment (Leitão, Pereira, Rodrigues: *HyParView: a membership protocol for reliable
gossip-based broadcast*, DSN 2007, section 5) with our own machines of membership, in the simulator:

```sh
{command}
```

The same seed gives the same figures, in any number of processes (`--jobs`).

## Procedure

{nodes} nodes join one after another, {joins:g} a second, all through one of them. Then {periods}
shuffle periods of 60 s pass. Each row begins with this one network: so many percent of its nodes
die at the same moment. At the others the work of once a minute (shuffle, looking up somebody
known) is put off until the train is over, and at random for up to 60 s more, so that only the
replacing of lost neighbours helps. The train: {messages} broadcasts from random survivors, one each
{every} s, the first so long after the crash. Then two maintenance cycles, 120 s.

*Died*: the process is gone, so that TCP tells each neighbour after one trip of 10 to 50 ms, and a
dial fails after two. *Vanished*: the host is gone; neighbours notice after 20 to 40 s of silence,
dials fail after their timeout of 3 or 5 s.

What is simulated: the membership machines with all their frames, dials (three round trips until
the acceptor counts a connection), crossing dials, refusals by full nodes. Every node has a public
address, in 1,024 networks in turn. What is not: TLS, envelopes, repair of messages, the address
book (who loses everybody has only the passive view). A broadcast is not sent frame by frame: it
reaches whoever is connected to its author at that moment by any way, because a flood takes well
under a second and the views change in seconds.

*No repair* is the mean of as many broadcasts over the very same network at the moment of the crash.
The paper's column is its published order of magnitude, for an active view of 5. Aims are ours.

## Result

{facts}
![Share of the survivors that a broadcast reaches](sweep.svg)

Percent of the survivors that a broadcast reaches. *99 % at*: the first broadcast of the train that
reached so many. *100 % after*: virtual time from the crash until every broadcast reached everybody.

{reach}
## What the network looks like

Degree counts every open connection (least / mean / most), also those that stay for a moment. Rows
of cases are taken at the end of the train, their last hop and redundancy over all of it.
Redundancy is the copies sent for each one that was needed, minus 1.

{shape}"""


def page(outcome: Outcome) -> str:
    """Write the document."""
    plan = outcome.plan
    return _PAGE.format(
        command=f"p2pchat simulate sweep --nodes {plan.nodes} --messages {plan.messages} "
        f"--seed {plan.seed}",
        nodes=f"{plan.nodes:,}",
        joins=plan.joins_per_s,
        periods=plan.periods,
        messages=plan.messages,
        every=TRAIN_EVERY_S,
        facts=_listed(facts(outcome)),
        reach=as_markdown(reach_table(outcome.cases)),
        shape=as_markdown(shape_table(outcome)),
    )


def _listed(table: Table) -> str:
    return "".join(f"- **{name}**: {found}\n" for name, found in table)


def main(source: str) -> None:
    """Write both files."""
    outcome = msgspec.json.decode(Path(source).read_bytes(), type=Outcome)
    (ROOT / "docs" / "sweep.md").write_text(page(outcome), "utf-8")
    (ROOT / "docs" / "sweep.svg").write_text(as_svg(outcome), "utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])

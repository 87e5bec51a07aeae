"""What of the bench is to be run: groups, rows, peers, threads."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

from bench.peers import PEERS
from bench.workloads import TIMED

GROUPS = ("limits", *dict.fromkeys(w.group for w in TIMED), "first", "import",
          "optimise", "former")  # fmt: skip
USUAL = tuple(group for group in GROUPS if group != "former")


@dataclass(frozen=True)
class Selection:
    """What is run.

    rows     of the timed groups, in the order of the tables
    groups   which of GROUPS are run
    systems  symnb, then the peers
    threads  numbers of threads, each in processes of its own
    rounds   turns of every system at every row
    """

    rows: tuple[str, ...]
    groups: tuple[str, ...]
    systems: tuple[str, ...]
    threads: tuple[int, ...]
    rounds: int
    write: bool


def parsed(arguments: Sequence[str]) -> Selection:
    """The selection a command line asks for. Unknown words end the program."""
    parser = argparse.ArgumentParser("bench", description=__doc__)
    parser.add_argument("--groups", default=",".join(USUAL))
    parser.add_argument("--rows", default="", help="names or beginnings: chain12,sum_")
    parser.add_argument("--peers", default=",".join(PEERS))
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--write", action="store_true", help="keep it in bench/results")
    given = parser.parse_args(arguments)
    groups, peers = _words(given.groups), _words(given.peers)
    wanted = _words(given.rows)
    for word, known in ((groups, GROUPS), (peers, PEERS)):
        for one in set(word) - set(known):
            parser.error(f"no {one!r}; there are {', '.join(known)}")
    for one in wanted:
        if not any(work.name.startswith(one) for work in TIMED):
            parser.error(f"no row {one!r}")
    if wanted:
        groups = ("limits", *dict.fromkeys(
            w.group for w in TIMED if w.name.startswith(tuple(wanted))))  # fmt: skip
    rows = tuple(
        work.name
        for work in TIMED
        if work.group in groups and (not wanted or work.name.startswith(tuple(wanted)))
    )
    try:
        threads = tuple(int(word) for word in _words(given.threads))
    except ValueError:
        parser.error(f"--threads {given.threads}: numbers, please")
    return Selection(
        rows, groups, ("symnb", *peers), threads, given.rounds, given.write
    )


def _words(text: str) -> tuple[str, ...]:
    return tuple(word for word in text.replace(",", " ").split())

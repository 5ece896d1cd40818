"""Arguments that say which instructions of a pool something is about: a set to make, a target, what to remove."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from g2is.cli.runs import LISTED, counted, say, selection_path
from g2is.config import REGIMES
from g2is.config.commands import command
from g2is.config.grammar import argument
from g2is.errors import InputError, shortened

if TYPE_CHECKING:
    from g2is.run.run import Run

MADE_OF = ("rows", "sets", "selections", "both", "without", "where")
"""What the arguments of `add_rows` are called."""
FOUND = ("search", "community", "regime")
"""What those of `add_found` are called."""


def add_rows(parser: argparse.ArgumentParser, group: argparse._ArgumentGroup) -> None:
    """Arguments that name instructions."""
    group.add_argument(
        "--rows", nargs="+", action="extend", metavar="ROW", help="rows, or ranges of rows such as 10-19"
    )
    group.add_argument("--sets", nargs="+", action="extend", metavar="NAME", help="named sets")
    group.add_argument(
        "--selections",
        nargs="+",
        action="extend",
        metavar="SELECTION",
        help="saved selections of the run, or selection files",
    )
    group.add_argument(
        "--where",
        nargs="+",
        action="extend",
        metavar="COLUMN=VALUE",
        help="what fits conditions, as in `walk`",
    )
    others = parser.add_argument_group("and what it takes out again")
    others.add_argument(
        "--both", nargs="+", action="extend", metavar="NAME", help="all but what is in these sets too"
    )
    others.add_argument("--without", nargs="+", action="extend", metavar="NAME", help="what is in these sets")


def add_found(group: argparse._ArgumentGroup) -> None:
    """Arguments that find instructions by their words and on the map."""
    group.add_argument("--search", metavar="WORDS", help="instructions that contain these words")
    group.add_argument(
        "--community", nargs="+", type=int, action="extend", metavar="N", help="communities of the map"
    )
    group.add_argument("--regime", choices=REGIMES, help="gradients that the communities are of [sgd]")


def chosen_rows(run: Run, arguments: argparse.Namespace, what: str) -> np.ndarray:
    """The rows of the pool that the arguments ask for, ascending; says what of it was removed from the pool.

    what: the argument or action that they are for, for messages. Raises `InputError` where they name nothing, or
    nothing that is in the pool.
    """
    parts = [*_named(run, arguments), *_found(run, arguments)]
    if not parts:
        raise InputError(f"{what}: give {ways(arguments)}")
    rows = np.unique(np.concatenate(parts))
    for other in arguments.both or ():
        rows = np.intersect1d(rows, run.sets[other].recorded)
    for other in arguments.without or ():
        rows = np.setdiff1d(rows, run.sets[other].recorded)
    return in_pool(run, rows, what)


def ways(arguments: argparse.Namespace) -> str:
    """The arguments that name instructions, in words."""
    ways = ["--rows", "--sets", "--selections", "--where"]
    if hasattr(arguments, "search"):
        ways += ["--search", "--community"]
    return f"{', '.join(ways[:-1])} or {ways[-1]}"


def in_pool(run: Run, rows: np.ndarray, what: str) -> np.ndarray:
    """Those of the rows that are in the pool; says which were removed from it. Raises `InputError` where all were.

    what: the argument or action that they are for.
    """
    gone = rows[run.gone[rows]]
    if not len(gone):
        return rows
    one, words = len(gone) == 1, _words(gone)
    restore = command("pool", "restore", run.name, *argument("rows", *words), cache=run.folder.parent)
    back = f"{'row' if one else 'rows'} {', '.join(words)}; {restore} brings {'it' if one else 'them'} back"
    if len(gone) == len(rows):
        raise InputError(f"{what}: nothing is left without what was removed from the pool, {back}")
    left_out = f"{len(gone):,} of {counted(len(rows))} {'is' if one else 'are'} left out"
    say(f"{what}: {left_out}, removed from the pool: {back}")
    return rows[~run.gone[rows]]


def _words(rows: np.ndarray) -> list[str]:
    """Ascending rows as `--rows` takes them, the first few."""
    from g2is.run.sets import ranges

    words = ["-".join(map(str, one)) if isinstance(one, list) else str(one) for one in ranges(rows)]
    return [*words[:LISTED], *(["…"] if len(words) > LISTED else [])]


def in_words(arguments: argparse.Namespace, names: Sequence[str] = (*MADE_OF, *FOUND)) -> str:
    """The arguments as they were given, for notes on what was made with them."""
    given = [(name, value) for name in names if (value := getattr(arguments, name, None))]
    return " ".join(
        f"--{name} {shortened(' '.join(map(str, value)) if isinstance(value, list) else str(value), 200)}"
        for name, value in given
    )


def _named(run: Run, arguments: argparse.Namespace) -> list[np.ndarray]:
    from g2is.run.selections import Selection

    parts = [read_rows(text, run.sets.count) for text in arguments.rows or ()]
    parts += [run.sets[other].recorded for other in arguments.sets or ()]
    for other in arguments.selections or ():
        parts.append(np.array(Selection.recorded(selection_path(other, run), run).samples, np.int64))
    if arguments.where:
        parts.append(np.flatnonzero(run.matching(arguments.where)))
    return parts


def _found(run: Run, arguments: argparse.Namespace) -> list[np.ndarray]:
    from g2is.analysis.search import Filter, matching

    parts = []
    if words := getattr(arguments, "search", None):
        parts.append(matching(run, Filter(text=words)))
    if numbers := getattr(arguments, "community", None):
        regime = arguments.regime or ("sgd" if "sgd" in run.regimes else run.regimes[0])
        membership = run.communities(regime).membership
        for number in numbers:
            if not 0 <= number <= membership.max():
                raise InputError(f"community = {number}: expected 0 to {membership.max()}")
            parts.append(np.flatnonzero(membership == number))
    return parts


def read_rows(text: str, count: int) -> np.ndarray:
    """Rows of a pool of `count` in one word: 12, or the range 10-19, both ends included. Raises `InputError`."""
    found = re.fullmatch(r"(\d{1,12})(?:-(\d{1,12}))?", text, re.ASCII)
    first, last = (int(found[1]), int(found[2] or found[1])) if found else (1, 0)
    if not first <= last < count:
        raise InputError(
            f"rows = {shortened(text)!r}: expected a row such as 12, or a range such as 10-19, of the pool's 0 to "
            f"{count - 1:,}"
        )
    return np.arange(first, last + 1)

"""The command on the targets of a finished run: target."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from g2is.cli.runs import open_run, say
from g2is.cli.saved import MAKE, add_making, chosen_rows, narrowed
from g2is.config import REGIMES
from g2is.config.grammar import AddCommand
from g2is.errors import InputError, shortened

if TYPE_CHECKING:
    from g2is.run.run import Run

ACTIONS = ("from", "list", "remove", "restore")
FROM = (*MAKE, "search", "community", "regime")
"""Arguments that say which instructions a new target is made of."""


def register(command: AddCommand) -> None:
    """Add the command to the parser."""
    parser = command(
        "target", target, "targets of a finished run: make one from instructions, list, remove, restore"
    )
    parser.add_argument(
        "action",
        choices=ACTIONS,
        metavar="ACTION",
        help="from RUN NAME … (makes instructions of the pool a target, without the model), list RUN, "
        "remove RUN NAME…, restore RUN NAME…",
    )
    parser.add_argument("run", help="name or folder of the run")
    parser.add_argument("names", nargs="*", metavar="NAME", help="names of targets")
    group = parser.add_argument_group("What `from` makes the target of: all of these together")
    add_making(parser, group)
    group.add_argument("--search", metavar="WORDS", help="instructions that contain these words")
    group.add_argument(
        "--community", nargs="+", type=int, action="extend", metavar="N", help="communities of the map"
    )
    group.add_argument("--regime", choices=REGIMES, help="gradients that the communities are of [sgd]")


def target(arguments: argparse.Namespace) -> None:
    action, names = arguments.action, arguments.names
    if action == "list" and names:
        raise InputError(f"list: {len(names)} names after the run, expected none")
    if action == "from" and len(names) != 1:
        raise InputError(f"from: {len(names)} names after the run, expected one, that of the new target")
    if action in ("remove", "restore") and not names:
        raise InputError(f"{action}: no name after the run, expected one or more")
    if action != "from" and (given := [name for name in FROM if getattr(arguments, name)]):
        raise InputError(f"{given[0]}: is for from, not for {action}")
    run = open_run(arguments)
    if action == "from":
        _from(run, names[0], arguments)
    elif action == "list":
        _list(run)
    else:
        _take_or_bring(run.folder, action, names)


def _from(run: Run, name: str, arguments: argparse.Namespace) -> None:
    from g2is.analysis.search import Filter, matching
    from g2is.pipeline.adding import target_from

    parts = chosen_rows(run, arguments)
    if arguments.search:
        parts.append(np.flatnonzero(matching(run.instructions, Filter(text=arguments.search), run.columns)))
    if arguments.community:
        regime = arguments.regime or ("sgd" if "sgd" in run.regimes else run.regimes[0])
        membership = run.communities(regime).membership
        for number in arguments.community:
            if not 0 <= number <= membership.max():
                raise InputError(f"community = {number}: expected 0 to {membership.max()}")
            parts.append(np.flatnonzero(membership == number))
    if not parts:
        raise InputError("from: give --rows, --sets, --selections, --where, --search or --community")
    rows = narrowed(run, np.unique(np.concatenate(parts)), arguments)
    words = [f"--{one} {_as_text(getattr(arguments, one))}" for one in FROM if getattr(arguments, one)]
    run = target_from(run, rows, name=name, note=" ".join(words), say=say)
    made = next(one for one in run.targets if one.name == name)
    say(f"target {name}: {made.note}")


def _as_text(value: object) -> str:
    return shortened(" ".join(map(str, value)) if isinstance(value, list) else str(value), 200)


def _list(run: Run) -> None:
    import pandas as pd

    print(pd.DataFrame([_described(one) for one in run.targets]).to_string(index=False))
    if gone := list(dict.fromkeys(part.name for part in run.manifest.removed.values())):
        say(f"removed, can be restored: {', '.join(gone)}")


def _described(one: object) -> dict[str, object]:
    return {name: getattr(one, name) for name in ("name", "size", "origin", "note", "added")}


def _take_or_bring(folder: Path, action: str, names: Sequence[str]) -> None:
    from g2is.pipeline import adding

    for name in names:
        getattr(adding, action)(folder, name, say=say)
        say(f"target {name} is {action}d" + ("; `restore` brings it back" if action == "remove" else ""))

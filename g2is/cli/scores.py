"""The command that writes the scores of every instruction as a table: scores."""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

from g2is.cli.runs import add_overwrite, counted, open_run, output_file, say, selection_path
from g2is.config import REGIMES
from g2is.config.grammar import AddCommand
from g2is.config.settings import Budget


def register(command: AddCommand) -> None:
    """Add the command to the parser."""
    parser = command("scores", scores, "write every instruction's scores for a target as one table")
    parser.add_argument("run", help="name or folder of the run")
    parser.add_argument(
        "--target",
        nargs="+",
        metavar="NAME",
        help="validation targets [those of the selection, or of the build]",
    )
    parser.add_argument(
        "--output", type=Path, required=True, metavar="FILE", help="file to write, *.parquet or *.csv"
    )
    add_overwrite(parser)
    parser.add_argument(
        "--regime", choices=REGIMES, help="whose cosines [sgd, or the first that the run keeps]"
    )
    parser.add_argument(
        "--selection",
        metavar="SELECTION",
        help="a selection file, or the name of one in the run, that the table says is taken or not [the recommended "
        "walk to the targets]",
    )
    budget = parser.add_mutually_exclusive_group()
    budget.add_argument("--fraction", type=float, help="budget of the recommended walk [0.05]")
    budget.add_argument("--count", type=int, help="budget of the recommended walk as a number")


def scores(arguments: argparse.Namespace) -> None:
    from g2is.analysis.saved import for_targets
    from g2is.analysis.scores import check_kind, score
    from g2is.run.selections import Selection

    check_kind(arguments.output)
    if arguments.fraction is not None or arguments.count is not None:
        Budget(fraction=arguments.fraction, count=arguments.count)  # checked before the run is opened
    run = open_run(arguments)
    output = output_file(arguments.output, run, overwrite=arguments.overwrite)
    selection = None if arguments.selection is None else selection_path(arguments.selection, run)
    table = score(
        run,
        arguments.target,
        regime=arguments.regime,
        selection=selection,
        fraction=arguments.fraction,
        count=arguments.count,
    )
    if selection is not None and (gone := Selection.read(selection, run).gone):
        say(f"selection: {gone}")
    table.write(output)
    counts = sorted(Counter(table.reasons.words.tolist()).items(), key=lambda pair: pair[1])
    described = ", ".join(f"{count:,} {word}" for word, count in counts)
    others = len(run.targets) - len(table.targets)
    why = "; --target gives those of others" if others and arguments.target is None else ""
    say(f"{counted(run.size)} written to {output}: {described}")
    say(f"scores are{for_targets(table.targets)}{why}")

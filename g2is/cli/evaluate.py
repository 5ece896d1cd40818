"""The command that fine-tunes on selections and scores them: evaluate."""

from __future__ import annotations

import argparse
import csv
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from g2is.cli.runs import as_text, open_run, output_file, say, selection_path
from g2is.config import EvaluationConfig, ReadingConfig
from g2is.config.grammar import AddCommand, add_settings, given, named, read_settings
from g2is.config.settings import Budget
from g2is.config.walk import WALK_PRESETS
from g2is.errors import InputError, shortened
from g2is.selectors import METHODS

if TYPE_CHECKING:
    from g2is.evaluation.candidates import Candidate
    from g2is.run.run import Run


TABLE, PICTURE = "table", "picture.html"
"""Files of an evaluation that are for a person."""
BEGINNING = 4096
"""Bytes of a file of results that are looked at."""


def register(command: AddCommand) -> None:
    """Add the command to the parser."""
    parser = command("evaluate", evaluate, "fine-tune on selections and score them on held-out data")
    parser.add_argument("run", help="name or folder of the run")
    parser.add_argument(
        "--test",
        action="append",
        required=True,
        metavar="[NAME=]FILE",
        help="held-out examples of a target; once for each file",
    )
    parser.add_argument(
        "--selection",
        action="append",
        default=[],
        metavar="[NAME=]SELECTION",
        help="a selection file, or the name of one in the run; once for each",
    )
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME", help="a named set of the run; once for each"
    )
    parser.add_argument(
        "--method",
        action="append",
        default=[],
        choices=METHODS,
        metavar="METHOD",
        help="method to evaluate as a baseline, once for each; a random one selects again for each seed: "
        f"{', '.join(METHODS)}",
    )
    parser.add_argument(
        "--preset",
        action="append",
        default=[],
        choices=WALK_PRESETS,
        metavar="PRESET",
        help=f"walk to evaluate, once for each: {', '.join(WALK_PRESETS)}",
    )
    parser.add_argument(
        "--against", metavar="NAME", help="what the table compares with (random, where that is evaluated)"
    )
    budget = parser.add_mutually_exclusive_group()
    budget.add_argument("--fraction", type=float, help="budget of the baselines as a share of the pool")
    budget.add_argument(
        "--count", type=int, help="budget of the baselines as a number (that of the largest selection)"
    )
    budget.add_argument(
        "--budgets",
        nargs="+",
        metavar="BUDGET",
        help="several, as numbers or as shares (60,150 or 0.01,0.05): everything is chosen again with each",
    )
    parser.add_argument(
        "--validation-sizes",
        nargs="+",
        default=[],
        metavar="N",
        help="several numbers of validation examples (8,16,32,all): everything is chosen again with so many of each "
        "target, drawn anew for each seed, the smaller sizes from the larger",
    )
    parser.add_argument(
        "--by-target",
        action="store_true",
        help="choose for each target of the run alone that has a --test of its name, and test on that",
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="say what would be trained, tested and left out, and about how long it takes; train nothing",
    )
    parser.add_argument(
        "--name", default="test", help="of the evaluation; again to resume or add to it [test]"
    )
    parser.add_argument("--model", help="where the base model is now, if it moved (that of the run)")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write the results as CSV here too")
    parser.add_argument("--overwrite", action="store_true", help="replace an evaluation of that name")
    add_settings(parser, EvaluationConfig)
    add_settings(parser, ReadingConfig)


def evaluate(arguments: argparse.Namespace) -> None:
    config, reading = read_settings(EvaluationConfig, arguments), read_settings(ReadingConfig, arguments)
    _budget(arguments)  # checked before anything is read
    run = open_run(arguments)
    output, own = (None, False) if arguments.output is None else _output(arguments, run)
    from g2is.instructions import short_name
    from g2is.pipeline.inputs import Target

    tests = [Target(name or short_name(file), Path(file)) for name, file in map(named, arguments.test)]
    candidates = _candidates(run, arguments, [test.name for test in tests])
    from g2is.evaluation.fine_tuning import check, evaluate
    from g2is.run.paths import EVALUATIONS
    from g2is.storage.csv import safe_csv
    from g2is.storage.files import write_bytes

    what = (run, tests, candidates, config)
    how = {"name": arguments.name, "model": arguments.model, "reading": reading, "say": say}
    if arguments.check:
        check(*what, **how)
        return
    summary = evaluate(*what, **how, overwrite=arguments.overwrite)
    table, findings = _write_report(run, arguments.name, arguments.against)
    if any(one.label for one in candidates):
        print(table)
    else:
        for line in findings:
            say(line)
        shown = summary[summary["task"] == ""].drop(columns=["evaluation", "task"]).dropna(axis=1, how="all")
        print(as_text(shown, float_format=lambda value: f"{value:.3g}"))
    if output is not None:
        write_bytes(output, safe_csv(summary), new=not (own or arguments.overwrite))
    say(f"written to {run.folder / EVALUATIONS / arguments.name}: {TABLE}.csv, {TABLE}.md, {PICTURE}")


def _output(arguments: argparse.Namespace, run: Run) -> tuple[Path, bool]:
    """The file of results to write, and whether it is that of this evaluation, which is written again with what
    came."""
    from g2is.storage.files import open_file

    own = False
    with suppress(OSError, ValueError), open_file(arguments.output) as file:
        rows = list(csv.reader(file.read(BEGINNING).decode(errors="replace").splitlines()[:2]))
        own = [row[:1] for row in rows] == [["evaluation"], [arguments.name]]
    return output_file(arguments.output, run, overwrite=own or arguments.overwrite), own


def _candidates(run: Run, arguments: argparse.Namespace, tests: list[str]) -> list[Candidate]:
    """The selections, and the baselines at the same budget; with several budgets, all of them at each."""
    from g2is.evaluation.grid import read_budgets, read_sizes
    from g2is.evaluation.requested import requested
    from g2is.run.selections import Selection, select_set

    chosen: dict[str, Selection] = {}

    def choose(name: str, selection: Selection) -> None:
        if name in chosen:
            raise InputError(
                f"{shortened(name)!r}: is given twice; name each one: --selection NAME=SELECTION"
            )
        chosen[name] = selection
        if selection.gone:
            say(f"{name}: {selection.gone}")

    for name, file in map(named, arguments.selection):
        path = selection_path(file, run)
        choose(name or path.stem, Selection.read(path, run))
    for name in arguments.set:
        choose(name, select_set(run, name))
    return requested(
        run,
        chosen,
        arguments.method,
        arguments.preset,
        one=_budget(arguments),
        budgets=read_budgets(run, arguments.budgets or []),
        sizes=read_sizes(arguments.validation_sizes),
        targets=tests if arguments.by_target else (),
    )


def _budget(arguments: argparse.Namespace) -> dict[str, Any]:
    """The budget of the arguments, checked."""
    budget = {name: value for name, value in given(Budget, arguments).items() if value is not None}
    if budget:
        Budget(**budget)
    return budget


def _write_report(run: Run, name: str, against: str | None) -> tuple[str, list[str]]:
    """Write the table and the picture of an evaluation; returns the table as text and the sentences."""
    from g2is.evaluation.cells import as_markdown, cells, findings
    from g2is.evaluation.results import evaluations, read_evaluations
    from g2is.figures.grid import grid_figure
    from g2is.run.paths import EVALUATIONS
    from g2is.storage.csv import safe_csv
    from g2is.storage.files import write_bytes

    results = read_evaluations(run, name)
    table = cells(evaluations(run)[name], results, against)
    lines = findings(table, results)
    folder = run.inside(EVALUATIONS, name)
    text = as_markdown(table, lines)
    write_bytes(folder / f"{TABLE}.csv", safe_csv(table))
    write_bytes(folder / f"{TABLE}.md", text.encode())
    page = grid_figure(table).to_html(include_plotlyjs=True, full_html=True)
    write_bytes(folder / PICTURE, page.encode())
    return text, lines

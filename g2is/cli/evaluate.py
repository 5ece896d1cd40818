"""The command that fine-tunes on selections and scores them: evaluate."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from g2is.cli.runs import open_run, output_file, say, selection_path
from g2is.config import EvaluationConfig
from g2is.config.grammar import AddCommand, add_settings, given, named, read_settings
from g2is.config.settings import Budget
from g2is.errors import InputError
from g2is.selectors import METHODS

if TYPE_CHECKING:
    from g2is.evaluation.candidates import Candidate
    from g2is.run.run import Run


def register(command: AddCommand) -> None:
    """Add the command to the parser."""
    parser = command("evaluate", evaluate, "fine-tune on selections and score them on held-out data")
    parser.add_argument("run", help="name or folder of the run")
    parser.add_argument(
        "--test",
        action="append",
        required=True,
        metavar="[NAME=]FILE",
        help="held-out examples of a target; once for each target",
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
    budget = parser.add_mutually_exclusive_group()
    budget.add_argument("--fraction", type=float, help="budget of the baselines as a share of the pool")
    budget.add_argument(
        "--count", type=int, help="budget of the baselines as a number (that of the largest selection)"
    )
    budget.add_argument(
        "--budgets",
        type=int,
        nargs="+",
        metavar="COUNT",
        help="several: every selection and baseline is chosen again with each",
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


def evaluate(arguments: argparse.Namespace) -> None:
    config = read_settings(EvaluationConfig, arguments)
    _budget(arguments)  # checked before anything is read
    run = open_run(arguments)
    output = None if arguments.output is None else output_file(arguments.output, run)
    candidates = _candidates(run, arguments)
    from g2is.evaluation.fine_tuning import check, evaluate
    from g2is.instructions import short_name
    from g2is.pipeline.inputs import Target
    from g2is.run.paths import EVALUATIONS
    from g2is.storage.csv import safe_csv
    from g2is.storage.files import write_bytes

    tests = [Target(name or short_name(file), Path(file)) for name, file in map(named, arguments.test)]
    if arguments.check:
        check(run, tests, candidates, config, name=arguments.name, model=arguments.model, say=say)
        return
    summary = evaluate(
        run,
        tests,
        candidates,
        config,
        name=arguments.name,
        model=arguments.model,
        overwrite=arguments.overwrite,
        say=say,
    )
    shown = summary[summary["task"] == ""].drop(columns=["evaluation", "task"]).dropna(axis=1, how="all")
    print(shown.to_string(index=False, float_format=lambda value: f"{value:.3g}"))
    if output is not None:
        write_bytes(output, safe_csv(summary))
    say(f"written to {run.folder / EVALUATIONS / arguments.name}")


def _candidates(run: Run, arguments: argparse.Namespace) -> list[Candidate]:
    """The selections, and the baselines at the same budget; with several budgets, all of them at each."""
    from g2is.evaluation.candidates import baseline, saved
    from g2is.run.selections import Selection, select_set

    budgets: list[int] = arguments.budgets or []
    candidates, largest = [], 0
    for name, file in map(named, arguments.selection):
        path = selection_path(file, run)
        selection = Selection.read(path, run)
        largest = max(largest, len(selection.samples))
        candidates += saved(run, name or path.stem, selection, budgets)
    for name in arguments.set:
        selection = select_set(run, name)
        largest = max(largest, len(selection.samples))
        candidates += saved(run, name, selection, budgets)
    one = _budget(arguments) or {"count": largest}
    for method in arguments.method:
        if "count" not in METHODS[method].model_fields:
            candidates += baseline(run, method, [{}], named=False)
        elif budgets:
            candidates += baseline(run, method, [{"count": count} for count in budgets], named=True)
        elif one == {"count": 0}:
            raise InputError(
                f"method {method}: give --fraction or --count, or a selection or set whose budget it gets"
            )
        else:
            candidates += baseline(run, method, [one], named=False)
    if not candidates:
        raise InputError("nothing to evaluate; give --selection, --set or --method")
    return candidates


def _budget(arguments: argparse.Namespace) -> dict[str, Any]:
    """The budget of the arguments, checked."""
    budget = {name: value for name, value in given(Budget, arguments).items() if value is not None}
    if budget:
        Budget(**budget)
    for count in arguments.budgets or ():
        Budget(count=count)
    return budget

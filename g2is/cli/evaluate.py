"""The command that fine-tunes on selections and scores them: evaluate."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from g2is.cli.runs import open_run, output_file, say
from g2is.config import EvaluationConfig
from g2is.config.grammar import AddCommand, add_settings, given, named, read_settings
from g2is.config.settings import Budget
from g2is.errors import InputError
from g2is.selectors import METHODS

if TYPE_CHECKING:
    from g2is.evaluation.fine_tuning import Candidate
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
    from g2is.evaluation.fine_tuning import evaluate
    from g2is.instructions import short_name
    from g2is.pipeline.inputs import Target
    from g2is.run.paths import EVALUATIONS
    from g2is.storage.csv import safe_csv
    from g2is.storage.files import write_bytes

    tests = [Target(name or short_name(file), Path(file)) for name, file in map(named, arguments.test)]
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
    """The selections, and the baselines at the same budget."""
    from g2is.evaluation.fine_tuning import Candidate
    from g2is.run.paths import selection_file
    from g2is.run.selections import Selection, select_set

    candidates, largest = [], 0
    for name, file in map(named, arguments.selection):
        path = Path(file)
        if not path.is_file() and len(path.parts) == 1:
            path = run.folder / selection_file(file.removesuffix(".json"))
        selection = Selection.read(path, run)
        largest = max(largest, len(selection.samples))
        candidates.append(Candidate(name or path.stem, selection.method, _always(selection.samples)))
    for name in arguments.set:
        selection = select_set(run, name)
        largest = max(largest, len(selection.samples))
        candidates.append(Candidate(name, selection.method, _always(selection.samples)))
    budget = _budget(arguments) or {"count": largest}
    for method in arguments.method:
        if "count" not in METHODS[method].model_fields:
            values = {}
        elif budget == {"count": 0}:
            raise InputError(
                f"method {method}: give --fraction or --count, or a selection or set whose budget it gets"
            )
        else:
            values = budget
        candidates.append(Candidate(method, method, _drawn(run, method, values)))
    if not candidates:
        raise InputError("nothing to evaluate; give --selection, --set or --method")
    return candidates


def _budget(arguments: argparse.Namespace) -> dict[str, Any]:
    """The budget of the arguments, checked."""
    budget = {name: value for name, value in given(Budget, arguments).items() if value is not None}
    if budget:
        Budget(**budget)
    return budget


def _always(samples: list[int]) -> Callable[[int], list[int]]:
    """The same samples for every seed."""
    return lambda seed: samples


def _drawn(run: Run, method: str, values: dict[str, Any]) -> Callable[[int], list[int]]:
    """Selects by a method, again for each seed if the method has one."""
    from g2is.run.selections import select

    seeded = "seed" in METHODS[method].model_fields
    return lambda seed: select(run, method, **values, **({"seed": seed} if seeded else {})).samples

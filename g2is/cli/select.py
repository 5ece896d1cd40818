"""Commands that select instructions and explain a selection: walk, select, explain."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from g2is.cli.rows import in_pool
from g2is.cli.runs import counted, followed, open_run, output_file, say, selection_path
from g2is.config import DEFAULT_PRESET, WALK_PRESETS, WalkParameters, walk_preset
from g2is.config.grammar import AddCommand, add_field, add_settings, given, typed
from g2is.config.names import split_reference
from g2is.errors import InputError, shortened
from g2is.selectors import METHODS, method_settings

if TYPE_CHECKING:
    from g2is.run.run import Run


def register(command: AddCommand) -> None:
    """Add the commands to the parser."""
    parser = command("walk", walk, "select instructions by the gradient walk")
    parser.add_argument("run", help="name or folder of the run")
    parser.add_argument(
        "--preset", default=DEFAULT_PRESET, help=f"{', '.join(WALK_PRESETS)} [{DEFAULT_PRESET}]"
    )
    parser.add_argument("--output", type=Path, help="selection file [selections/<preset>.json in the run]")
    add_settings(parser, WalkParameters)

    parser = command("select", select, "select instructions by another method, to compare with the walk")
    parser.add_argument("run", help="name or folder of the run")
    parser.add_argument("--method", required=True, choices=METHODS, metavar="METHOD", help=", ".join(METHODS))
    parser.add_argument("--output", type=Path, help="selection file [selections/<method>.json in the run]")
    _add_fields(parser)

    parser = command("explain", explain, "why an instruction is in a walk's selection, or why not")
    parser.add_argument("run", help="name or folder of the run")
    parser.add_argument(
        "--selection",
        required=True,
        metavar="SELECTION",
        help="that of a walk: a selection file, or the name of one in the run",
    )
    parser.add_argument("--sample", required=True, help="row of the pool, or source:line")


def walk(arguments: argparse.Namespace) -> None:
    parameters = walk_preset(arguments.preset, **given(WalkParameters, arguments))
    run = open_run(arguments)
    output = _output(arguments, run, arguments.preset)
    from g2is.analysis import walks
    from g2is.analysis.diagnosis import diagnose
    from g2is.run.selections import save_walk

    trace = walks.walk(run, parameters)
    _say_only(run, parameters)
    print(diagnose(run, trace))
    save_walk(output, run, trace)
    say(f"{counted(len(trace.steps))} written to {output}")


def _say_only(run: Run, parameters: WalkParameters) -> None:
    """Of the only instructions that may be selected, what was removed from the pool. Raises `InputError` for all."""
    import numpy as np

    if parameters.only:
        in_pool(run, np.unique(parameters.only), "only")
    for reference in parameters.only_sets:
        name, _ = split_reference(reference)
        if gone := run.sets[name].gone:
            say(f"only_sets: set {name}: {gone}")


def select(arguments: argparse.Namespace) -> None:
    values = {name: getattr(arguments, name) for name in _methods_by_setting() if hasattr(arguments, name)}
    method_settings(arguments.method, values)  # checked before the run is opened
    run = open_run(arguments)
    output = _output(arguments, run, arguments.method)
    from g2is.run.selections import select

    selection = select(run, arguments.method, **values)
    selection.write(output)
    say(f"{counted(len(selection.samples))} written to {output}")


def _methods_by_setting() -> dict[str, list[str]]:
    """Every setting with the methods that have it."""
    methods: dict[str, list[str]] = {}
    for method, settings in METHODS.items():
        for name in settings.model_fields:
            methods.setdefault(name, []).append(method)
    return methods


def _add_fields(parser: argparse.ArgumentParser) -> None:
    """One argument for every setting, with the methods that have it in its help."""
    group = parser.add_argument_group("Settings, with the methods that have them")
    for name, methods in _methods_by_setting().items():
        fields = {method: METHODS[method].model_fields[name] for method in methods}
        users = ", ".join(
            method if field.default is None else f"{method} [{typed(field.default)}]"
            for method, field in fields.items()
        )
        if len(fields) >= len(METHODS) - 1:
            users = "all" if len(fields) == len(METHODS) else "all but full"
        field = fields[methods[0]]
        add_field(group, name, field, f"{field.description} ({users})")


def _output(arguments: argparse.Namespace, run: Run, name: str) -> Path:
    """The selection file to write."""
    from g2is.run.paths import selection_file
    from g2is.storage.files import check_writable

    if arguments.output is None:
        path = run.inside(selection_file(name))
        check_writable(path)
        return path
    return output_file(arguments.output, run)


def explain(arguments: argparse.Namespace) -> None:
    from g2is.analysis import walks
    from g2is.analysis.why_not import why_not
    from g2is.run.selections import changes, read_walk

    run = open_run(arguments)
    path = followed(selection_path(arguments.selection, run))
    selection, trace = read_walk(path, run)
    if trace is None:
        what = (
            "its trace is missing"
            if selection.method == "walk"
            else f"chosen by {shortened(selection.method)}"
        )
        raise InputError(
            f"{path}: {what}, expected the selection of a walk with its trace; walk again to write it"
        )
    for line in changes(run, selection):
        say(f"since this was selected: {line}")
    sample = run.row(arguments.sample)
    explanation = walks.explain(run, trace, sample)
    if not explanation.verdicts:
        print(explanation.text)
        return
    print(f"Instruction {sample} was not taken. {why_not(run, trace, sample).text}")
    # Directions that never came near it say nothing, and there may be hundreds.
    told = [verdict for verdict in explanation.verdicts if verdict.reason not in ("not reached", "no budget")]
    for verdict in sorted(told, key=lambda verdict: -verdict.affinity):
        print(f"{verdict.text[0].upper()}{verdict.text[1:]}.")
    if not told:
        print(f"No step considered it, for any of the {len(explanation.verdicts):,} directions.")

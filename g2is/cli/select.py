"""Commands that select instructions and explain a selection: walk, select, explain."""

from __future__ import annotations

import argparse
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from g2is.cli.rows import in_pool
from g2is.cli.runs import followed, open_run, say, selection_path
from g2is.cli.saving import add_place, check_place, save
from g2is.config import DEFAULT_FRACTION, DEFAULT_PRESET, WALK_PRESETS, WalkParameters, walk_preset
from g2is.config.commands import command
from g2is.config.grammar import AddCommand, add_field, add_settings, argument, given, typed
from g2is.config.names import split_reference
from g2is.errors import InputError, shortened
from g2is.selectors import METHODS, method_settings

if TYPE_CHECKING:
    from g2is.run.run import Run


def register(add_command: AddCommand) -> None:
    """Add the commands to the parser."""
    parser = add_command("walk", walk, "select instructions by the gradient walk")
    parser.add_argument("run", help="name or folder of the run")
    parser.add_argument(
        "--preset", default=DEFAULT_PRESET, help=f"{', '.join(WALK_PRESETS)} [{DEFAULT_PRESET}]"
    )
    add_place(parser, "PRESET")
    add_settings(parser, WalkParameters)

    parser = add_command("select", select, "select instructions by another method, to compare with the walk")
    parser.add_argument("run", help="name or folder of the run")
    parser.add_argument("--method", required=True, choices=METHODS, metavar="METHOD", help=", ".join(METHODS))
    add_place(parser, "METHOD")
    _add_fields(parser)

    parser = add_command("explain", explain, "why an instruction is in a walk's selection, or why not")
    parser.add_argument("run", help="name or folder of the run")
    parser.add_argument(
        "--selection",
        required=True,
        metavar="SELECTION",
        help="that of a walk: a selection file, or the name of one in the run",
    )
    parser.add_argument("--sample", required=True, help="row of the pool, or source:line")


def walk(arguments: argparse.Namespace) -> None:
    values, note = _with_budget(given(WalkParameters, arguments), WalkParameters.model_fields)
    parameters = walk_preset(arguments.preset, **values)
    run = open_run(arguments)
    place = check_place(arguments, run)
    from g2is.analysis import walks
    from g2is.analysis.diagnosis import diagnose
    from g2is.run.selections import Selection

    trace = walks.walk(run, parameters)
    _say_only(run, parameters)
    for line in note:
        say(line)
    print(diagnose(run, trace))
    selection = Selection.of(run, trace.samples, "walk", trace.parameters.model_dump(), trace)
    save(arguments, run, place, arguments.preset, selection)


def _with_budget(values: dict[str, Any], fields: Collection[str]) -> tuple[dict[str, Any], list[str]]:
    """The settings, with the usual budget where they have none, and the line that says so. fields: all that there are.

    Raises `InputError` where there are two.
    """
    budgets = [name for name in ("component_budgets", "fraction", "count") if name in values]
    if len(budgets) > 1:
        flags = " and ".join(argument(name)[0] for name in budgets)
        raise InputError(f"{flags} are given, expected one of them")
    if budgets or "fraction" not in fields:
        return values, []
    note = f"budget: {100 * DEFAULT_FRACTION:g} % of the pool; --fraction or --count gives another"
    return {**values, "fraction": DEFAULT_FRACTION}, [note]


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
    values, note = _with_budget(values, METHODS[arguments.method].model_fields)
    method_settings(arguments.method, values)  # checked before the run is opened
    run = open_run(arguments)
    place = check_place(arguments, run)
    from g2is.run.selections import select

    selection = select(run, arguments.method, **values)
    for line in note:
        say(line)
    save(arguments, run, place, arguments.method, selection)


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


def explain(arguments: argparse.Namespace) -> None:
    from g2is.analysis import walks
    from g2is.analysis.why_not import why_not
    from g2is.run.selections import changes, read_walk, when_made

    run = open_run(arguments)
    path = followed(selection_path(arguments.selection, run))
    selection, trace = read_walk(path, run)
    if trace is None:
        what = (
            "its trace is missing"
            if selection.method == "walk"
            else f"chosen by {shortened(selection.method)}"
        )
        remedy = (
            "walk again to write it"
            if selection.method == "walk"
            else f"{command('walk', run.name)} saves one"
        )
        raise InputError(f"{path}: {what}, expected the selection of a walk with its trace; {remedy}")
    for line in changes(run, selection):
        say(f"since this was selected: {line}")
    sample, run = run.row(arguments.sample), when_made(run, selection)
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

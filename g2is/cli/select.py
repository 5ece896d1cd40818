"""Commands that choose samples, or say why they were chosen: walk, select, explain."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from g2is.cli.runs import followed, open_run, output_file, say
from g2is.config import WALK_PRESETS, WalkParameters, walk_preset
from g2is.config.grammar import AddCommand, add_field, add_settings, given, shown
from g2is.config.selectors import METHODS, selector_parameters
from g2is.errors import InputError

if TYPE_CHECKING:
    from g2is.run.run import Run


def register(command: AddCommand) -> None:
    """Add the commands to the parser."""
    made = command("walk", walk, "select samples by the gradient walk")
    made.add_argument("run", help="name or folder of the run")
    made.add_argument("--preset", default="recommended", help=f"{', '.join(WALK_PRESETS)} [recommended]")
    made.add_argument("--output", type=Path, help="selection file [selections/<preset>.json in the run]")
    add_settings(made, WalkParameters)

    made = command("select", select, "select samples by another method, to compare with the walk")
    made.add_argument("run", help="name or folder of the run")
    made.add_argument("--method", required=True, choices=METHODS, metavar="METHOD", help=", ".join(METHODS))
    made.add_argument("--output", type=Path, help="selection file [selections/<method>.json in the run]")
    _add_fields(made)

    made = command("explain", explain, "why a sample is in a walk's selection, or why not")
    made.add_argument("run", help="name or folder of the run")
    made.add_argument("--selection", type=Path, required=True, help="selection file of a walk")
    made.add_argument("--sample", required=True, help="row of the pool, or source:line")


def walk(arguments: argparse.Namespace) -> None:
    parameters = walk_preset(arguments.preset, **given(WalkParameters, arguments))
    run = open_run(arguments)
    output = _output(arguments, run, arguments.preset)
    from g2is.analysis.diagnosis import diagnose
    from g2is.run.selection import save_walk

    trace = run.walk(parameters)
    print(diagnose(run, trace))
    save_walk(output, run, trace)
    say(f"{len(trace.steps):,} samples written to {output}")


def select(arguments: argparse.Namespace) -> None:
    values = {name: value for name in _takers() if (value := getattr(arguments, name, None)) is not None}
    selector_parameters(arguments.method, **values)
    run = open_run(arguments)
    output = _output(arguments, run, arguments.method)
    from g2is.analysis.selecting import select

    selection = select(run, arguments.method, **values)
    selection.write(output)
    say(f"{len(selection.samples):,} samples written to {output}")


def _takers() -> dict[str, list[str]]:
    """Every setting of a method, and the methods that have it."""
    takers: dict[str, list[str]] = {}
    for method, settings in METHODS.items():
        for name in settings.model_fields:
            takers.setdefault(name, []).append(method)
    return takers


def _add_fields(parser: argparse.ArgumentParser) -> None:
    """One argument for every setting, which says whose it is."""
    group = parser.add_argument_group("Settings, each of the methods that follow it")
    for name, methods in _takers().items():
        fields = {method: METHODS[method].model_fields[name] for method in methods}
        whose = ", ".join(
            method if field.default is None else f"{method} [{shown(field.default)}]"
            for method, field in fields.items()
        )
        if len(fields) >= len(METHODS) - 1:
            whose = "all but full"
        field = fields[methods[0]]
        add_field(group, name, field, f"{field.description} ({whose})")


def _output(arguments: argparse.Namespace, run: Run, name: str) -> Path:
    """The selection file to write."""
    from g2is.run.paths import selection_file

    if arguments.output is None:
        return run.inside(selection_file(name))
    return output_file(arguments.output, run)


def explain(arguments: argparse.Namespace) -> None:
    from g2is.run.selection import Selection
    from g2is.run.trace_file import read_trace, trace_path

    run = open_run(arguments)
    path = followed(arguments.selection)
    selection = Selection.read(path, run)
    trace = read_trace(trace_path(path))
    if trace.samples.tolist() != selection.samples:
        raise InputError(f"{trace_path(path)}: the trace of another walk; walk again to write both")
    print(run.explain(trace, run.row(arguments.sample)).text)

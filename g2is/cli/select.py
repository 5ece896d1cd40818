"""Commands that choose samples, or say why they were chosen: walk, explain."""

from __future__ import annotations

import argparse
from pathlib import Path

from g2is.cli.arguments import AddCommand, add_settings, given
from g2is.cli.runs import open_run, say
from g2is.config import WALK_PRESETS, WalkParameters, walk_preset
from g2is.errors import InputError


def register(command: AddCommand) -> None:
    """Add the commands to the parser."""
    made = command("walk", walk, "select samples by the gradient walk")
    made.add_argument("run", help="name or folder of the run")
    made.add_argument("--preset", default="recommended", help=f"{', '.join(WALK_PRESETS)} [recommended]")
    made.add_argument("--output", type=Path, help="selection file [selections/<preset>.json in the run]")
    add_settings(made, WalkParameters)

    made = command("explain", explain, "why a sample is in a walk's selection, or why not")
    made.add_argument("run", help="name or folder of the run")
    made.add_argument("--selection", type=Path, required=True, help="selection file of a walk")
    made.add_argument("--sample", required=True, help="row of the pool, or source:line")


def walk(arguments: argparse.Namespace) -> None:
    parameters = walk_preset(arguments.preset, **given(WalkParameters, arguments))
    run = open_run(arguments)
    from g2is.diagnosis import diagnose
    from g2is.selection import save_walk

    if arguments.output is not None and (arguments.output.is_dir() or not arguments.output.name):
        raise InputError(f"output = {str(arguments.output)!r}: is a folder, expected the name of a file")
    trace = run.walk(parameters)
    print(diagnose(run, trace))
    output = arguments.output or run.folder / "selections" / f"{arguments.preset}.json"
    save_walk(output, run, trace)
    say(f"{len(trace.steps):,} samples written to {output}")


def explain(arguments: argparse.Namespace) -> None:
    from g2is.selection import Selection
    from g2is.trace_file import read_trace, trace_path

    run = open_run(arguments)
    selection = Selection.read(arguments.selection, run)
    trace = read_trace(trace_path(arguments.selection))
    if trace.samples.tolist() != selection.samples:
        raise InputError(
            f"{trace_path(arguments.selection)}: the trace of another walk; walk again to write both"
        )
    print(run.explain(trace, run.row(arguments.sample)).text)

"""Commands that export a selection or gradients, and check a run: export, gradients, verify."""

from __future__ import annotations

import argparse
from pathlib import Path

from g2is.cli.runs import counted, open_run, say, selection_path
from g2is.config import REGIMES
from g2is.config.grammar import AddCommand
from g2is.errors import InputError, shortened
from g2is.export import FORMATS


def register(command: AddCommand) -> None:
    """Add the commands to the parser."""
    parser = command("export", export, "write a selection as files that trainers read")
    parser.add_argument("run", help="name or folder of the run")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "--selection", metavar="SELECTION", help="a selection file, or the name of one in the run"
    )
    what.add_argument("--set", metavar="NAME", help="named set of the run")
    formats = "; ".join(f"{format.name}: {format.purpose}" for format in FORMATS.values())
    parser.add_argument("--format", default="jsonl", choices=FORMATS, help=f"{formats} [jsonl]")
    parser.add_argument("--output", type=Path, required=True, help="folder to write")
    parser.add_argument(
        "--tags",
        action="store_true",
        help="add the column tags, the names of the sets that an instruction is in (formats csv and parquet)",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace an earlier export there")

    parser = command("gradients", gradients, "write a run's gradients as files of LESS or bergson")
    parser.add_argument("run", help="name or folder of the run")
    parser.add_argument(
        "--format",
        required=True,
        choices=("less", "bergson"),
        help="less: folders with all_orig.pt and all_unormalized.pt; bergson: gradients.bin and info.json",
    )
    parser.add_argument(
        "--regime", choices=REGIMES, help="of the pool's gradients [sgd, or the first that the run keeps]"
    )
    parser.add_argument(
        "--output",
        type=Path,
        required=True,
        help="folder to write: a folder for the pool and one for each target",
    )

    parser = command("verify", verify, "check every file of a run against its manifest")
    parser.add_argument("run", help="name or folder of the run")


def export(arguments: argparse.Namespace) -> None:
    from g2is.analysis.saved import for_targets
    from g2is.export import export
    from g2is.run.selections import Selection, made_for, select_set

    run = open_run(arguments)
    selection = (
        Selection.read(selection_path(arguments.selection, run), run)
        if arguments.set is None
        else select_set(run, arguments.set)
    )
    if targets := made_for(run, selection):
        say(f"selection: {shortened(selection.method)}{for_targets(targets)}")
    if selection.gone:
        say(f"left out: {selection.gone}")
    exported = export(
        run,
        selection,
        arguments.format,
        arguments.output,
        overwrite=arguments.overwrite,
        tags=arguments.tags,
    )
    for note in exported.notes:
        say(f"note: {note}")
    tokens = "" if exported.tokens is None else f", {exported.tokens:,} tokens"
    say(f"{counted(exported.samples)}{tokens} written: {', '.join(map(str, exported.files))}")


def gradients(arguments: argparse.Namespace) -> None:
    from g2is.export.gradients import export_gradients

    run = open_run(arguments)
    regime = arguments.regime or ("sgd" if "sgd" in run.regimes else run.regimes[0])
    for folder in export_gradients(run, regime, arguments.format, arguments.output):
        say(f"written: {folder}")


def verify(arguments: argparse.Namespace) -> None:
    run = open_run(arguments)
    problems = run.check()
    if not run.complete:
        problems.append(f"{run.folder}: not finished")
    if problems:
        raise InputError("; ".join([*problems, run.remedy]))
    say(f"run {run.name}: {len(run.manifest.files)} files are as they were written")

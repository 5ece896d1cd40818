"""The command on the targets of a finished run: target."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from g2is.cli.build import targets
from g2is.cli.rows import FOUND, MADE_OF, add_found, add_rows, chosen_rows, in_words
from g2is.cli.runs import add_overwrite, counted, open_run, output_file, say
from g2is.cli.target_check import check, grow
from g2is.config import ReadingConfig
from g2is.config.commands import command
from g2is.config.grammar import AddCommand, add_settings, named, read_settings
from g2is.errors import InputError

if TYPE_CHECKING:
    from g2is.run.run import Run

SENT = ".g2is"
"""How the name of a file ends that `compute` writes."""
NAMES: dict[str, tuple[tuple[int, int | None], str]] = {
    "add": ((1, None), "NAME=FILE"),
    "check": ((0, None), "NAME"),
    "compute": ((1, None), f"NAME=FILE --output target{SENT}"),
    "from": ((1, 1), "NAME --rows ROW"),
    "grow": ((1, 1), "NAME"),
    "list": ((0, 0), ""),
    "remove": ((1, None), "NAME"),
    "restore": ((1, None), "NAME"),
}
"""Each action with the least and most names that it takes (None: any number), and what follows the run in a message."""
FROM = (*MADE_OF, *FOUND)
"""Arguments that say which instructions a new target is made of."""
ADD = ("model", *ReadingConfig.model_fields)
"""Arguments on the model and on how files of examples are read."""
GROW = ("accept", "rule", "into")
"""Arguments on what a target grows by."""


def register(add_command: AddCommand) -> None:
    """Add the command to the parser."""
    parser = add_command(
        "target",
        target,
        "targets of a finished run: add one from files or from instructions, check, grow, list, remove, restore",
    )
    parser.add_argument(
        "action",
        choices=NAMES,
        metavar="ACTION",
        help="add RUN NAME=FILE… (takes the gradients of the examples in these files; or what compute wrote: "
        "target.g2is), compute RUN NAME=FILE --output target.g2is (takes them on another machine, from a copy of the "
        "run), from RUN NAME … (makes instructions of the pool a target, without the model), check RUN [NAME…] (is it "
        "described well enough?), grow RUN NAME (lists instructions that could be further examples; --accept or --rule "
        "makes a target with them), list RUN, remove RUN NAME…, restore RUN NAME…",
    )
    parser.add_argument("run", help="name or folder of the run")
    parser.add_argument("names", nargs="*", metavar="NAME", help="names of targets; for add, files")
    group = parser.add_argument_group("What `from` makes the target of: all of these together")
    add_rows(parser, group)
    add_found(group)
    group = parser.add_argument_group("For `add` and `compute`")
    group.add_argument("--model", help="where the model of the run is now [where it was]")
    group.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help="for compute: the file to write (target.g2is); for grow: a file of all examples (.jsonl)",
    )
    add_overwrite(group)
    group = parser.add_argument_group("For `grow`")
    group.add_argument(
        "--accept",
        nargs="+",
        action="extend",
        metavar="ROW",
        help="instructions that become validation examples: rows, or ranges of rows such as 10-19",
    )
    group.add_argument(
        "--rule",
        type=int,
        metavar="N",
        help="accept N by a rule instead: always the closest one left to the kind that has fewest examples",
    )
    group.add_argument("--into", metavar="NAME", help="name of the grown target [NAME grown]")
    add_settings(parser, ReadingConfig)


def target(arguments: argparse.Namespace) -> None:
    action, names = arguments.action, arguments.names
    (least, most), follows = NAMES[action]
    fits = least <= len(names) <= (len(names) if most is None else most)
    if not fits or (action == "compute" and not arguments.output):
        there = (
            "no --output" if fits else f"{counted(len(names), 'name') if names else 'no name'} after the run"
        )
        usage = command("target", action, arguments.run, *follows.split())
        raise InputError(f"{action}: {there}, expected {usage}")
    for of, options in (
        (("from",), FROM),
        (("add", "compute"), ADD),
        (("compute", "grow"), ("output", "overwrite")),
        (("grow",), GROW),
    ):
        if action not in of and (given := [name for name in options if getattr(arguments, name, None)]):
            raise InputError(f"{given[0]}: is for {' and '.join(of)}, not for {action}")
    run = open_run(arguments)
    if action == "add":
        _add(run, arguments)
    elif action == "compute":
        _compute(run, arguments)
    elif action == "from":
        _from(run, names[0], arguments)
    elif action == "check":
        check(run, names)
    elif action == "grow":
        grow(run, names[0], arguments)
    elif action == "list":
        _list(run)
    else:
        _take_or_bring(run.folder, action, names)


def _add(run: Run, arguments: argparse.Namespace) -> None:
    from g2is.pipeline.adding import add_examples, add_sent

    if sent := [(name, file) for name, file in map(named, arguments.names) if file.endswith(SENT)]:
        if given := [option for option in ADD if getattr(arguments, option, None)]:
            raise InputError(f"{given[0]}: is for files of examples; {sent[0][1]} holds gradients")
        if len(arguments.names) > 1:
            raise InputError(f"add: {len(arguments.names)} names after the run, expected {sent[0][1]} alone")
        name, file = sent[0]
        before = {one.name for one in run.targets}
        run = add_sent(run.folder, Path(file), name=name or None, say=say)
        _say_made(run, [one.name for one in run.targets if one.name not in before])
        return
    asked, reading = targets(arguments.names), read_settings(ReadingConfig, arguments)
    run = add_examples(run.folder, asked, model=arguments.model, reading=reading, say=say)
    _say_made(run, [one.name for one in asked])


def _compute(run: Run, arguments: argparse.Namespace) -> None:
    from g2is.pipeline.adding import compute

    output = output_file(arguments.output, run, overwrite=arguments.overwrite)
    if not output.name.endswith(SENT):
        raise InputError(f"output = {str(output)!r}: expected a name that ends in {SENT}")
    asked, reading = targets(arguments.names), read_settings(ReadingConfig, arguments)
    if len(asked) > 1:
        raise InputError(f"compute: {len(asked)} targets, expected one, which has its own file")
    size = compute(run.folder, asked[0], output, model=arguments.model, reading=reading, say=say)
    adds = command("target", "add", run.name, str(output))
    say(f"target {asked[0].name}: {output}, {size:,} bytes; where the run is: {adds}")


def _say_made(run: Run, names: Sequence[str]) -> None:
    for one in run.targets:
        if one.name in names:
            say(f"target {one.name}: {one.note}")


def _from(run: Run, name: str, arguments: argparse.Namespace) -> None:
    from g2is.pipeline.adding import target_from

    rows = chosen_rows(run, arguments, "from")
    run = target_from(run, rows, name=name, note=in_words(arguments), say=say)
    _say_made(run, [name])
    used = next(one.size for one in run.targets if one.name == name)
    if used < len(rows):
        say(f"from: {len(rows) - used:,} of {len(rows):,} left out: without a gradient")


def _list(run: Run) -> None:
    import pandas as pd

    print(pd.DataFrame([_described(one) for one in run.targets]).to_string(index=False))
    if gone := list(dict.fromkeys(part.name for part in run.manifest.removed.values())):
        say(f"removed, can be restored: {', '.join(gone)}")


def _described(one: object) -> dict[str, object]:
    facts = {name: getattr(one, name) for name in ("name", "size", "origin", "note", "added")}
    return {**facts, "added": facts["added"][:19].replace("T", " ")}


def _take_or_bring(folder: Path, action: str, names: Sequence[str]) -> None:
    from g2is.pipeline import adding

    for name in names:
        getattr(adding, action)(folder, name, say=say)
        say(f"target {name} is {action}d" + ("; `restore` brings it back" if action == "remove" else ""))

"""The command on the pool of a finished run: pool."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from g2is.cli.rows import FOUND, MADE_OF, add_found, add_rows, chosen_rows, in_words, ways
from g2is.cli.runs import LISTED, as_text, counted, open_run, say
from g2is.config.commands import command
from g2is.config.grammar import AddCommand, argument
from g2is.errors import InputError, shortened

if TYPE_CHECKING:
    from g2is.run.run import Run

ACTIONS = ("list", "remove", "restore")


def register(add_command: AddCommand) -> None:
    """Add the command to the parser."""
    parser = add_command(
        "pool", pool, "instructions of a finished run: remove some, restore them, list what was removed"
    )
    parser.add_argument(
        "action",
        choices=ACTIONS,
        metavar="ACTION",
        help="remove RUN … (marks instructions as gone: nothing selects, finds, shows or exports them any more; row "
        "numbers stay), list RUN (what was removed, by number), restore RUN NUMBER… or restore RUN … (brings back what "
        "these removals took away, or instructions among them)",
    )
    parser.add_argument("run", help="name or folder of the run")
    parser.add_argument(
        "names", nargs="*", metavar="NUMBER", help="for restore: removals, as `list` numbers them"
    )
    parser.add_argument(
        "--note", metavar="TEXT", help="for remove: what they are (the arguments that name them)"
    )
    group = parser.add_argument_group("What `remove` and `restore` are about: all of these together")
    add_rows(parser, group)
    add_found(group)


def pool(arguments: argparse.Namespace) -> None:
    action, numbers = arguments.action, arguments.names
    given = [name for name in (*MADE_OF, *FOUND) if getattr(arguments, name, None)]
    if action == "list" and given:
        raise InputError(f"{given[0]}: is for remove and restore, not for list")
    if action != "remove" and arguments.note:
        raise InputError(f"note: is for remove, not for {action}")
    if action != "restore" and numbers:
        rows = command("pool", "remove", arguments.run, *argument("rows", *numbers))
        remedy = "" if action == "list" else f"; give instructions by an argument, such as {rows}"
        raise InputError(f"{action}: {shortened(numbers[0])!r} after the run, expected nothing there{remedy}")
    {"list": _list, "remove": _remove, "restore": _restore}[action](open_run(arguments), arguments)


def _list(run: Run, arguments: argparse.Namespace) -> None:
    import pandas as pd

    if run.removals:
        print(as_text(pd.DataFrame([vars(removal) for removal in run.removals])))
    say(_left(run))


def _remove(run: Run, arguments: argparse.Namespace) -> None:
    from g2is.pipeline.removing import remove_instructions

    rows, before = chosen_rows(run, arguments, "remove"), run.size
    run = remove_instructions(run.folder, rows, note=arguments.note or in_words(arguments), say=say)
    back = command("pool", "restore", run.name, run.removals[-1].number, cache=run.folder.parent)
    gone = before - run.size
    say(f"{_are(gone)} removed; {back} brings {'it' if gone == 1 else 'them'} back")
    say(_left(run))


def _restore(run: Run, arguments: argparse.Namespace) -> None:
    from g2is.pipeline.removing import restore_instructions

    given = any(getattr(arguments, name, None) for name in (*MADE_OF, *FOUND))
    if not given and not arguments.names:
        numbers = ", ".join(removal.number for removal in run.removals[-LISTED:])
        if not numbers:
            raise InputError(f"restore: nothing was removed from the pool of run {run.name}")
        raise InputError(f"restore: give the number of a removal ({numbers}), or {ways(arguments)}")
    rows = chosen_rows(run.whole, arguments, "restore") if given else None
    run, back = restore_instructions(run.folder, rows, numbers=arguments.names, say=say)
    say(f"{_are(back)} restored")
    say(_left(run))


def _are(count: int) -> str:
    return f"{counted(count)} {'is' if count == 1 else 'are'}"


def _left(run: Run) -> str:
    gone = run.files.pool - run.size
    more = f", and {gone:,} that {'is' if gone == 1 else 'are'} gone" if gone else ""
    return f"run {run.name} has {counted(run.size)}{more}"

"""Commands on what is saved with a run: selection, set, exported, evaluation, each with the same actions."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from g2is.cli.rows import MADE_OF, add_rows, chosen_rows, in_words
from g2is.cli.runs import as_lines, as_text, counted, open_run, say
from g2is.config.commands import command
from g2is.config.grammar import AddCommand
from g2is.errors import InputError, printable, shortened

if TYPE_CHECKING:
    from g2is.run.run import Run
    from g2is.run.saved import Kind

COMMANDS = {
    "set": ("set", "named sets of instructions: make, list, rename, delete, restore, note"),
    "selection": ("selection", "saved selections: list, rename, delete, restore, note"),
    "exported": ("export", "exports that lie with the run: list, rename, delete, restore, note"),
    "evaluation": ("evaluation", "evaluations: list, rename, delete, restore, note"),
}
"""Each command with what it is about, as `g2is.run.saved` calls it, and its help."""
ACTIONS = {
    "list": (0, 0),
    "rename": (2, 2),
    "delete": (1, None),
    "restore": (1, None),
    "purge": (0, 0),
    "note": (1, 2),
}
"""Least and most names that each action takes (None: any number)."""
USAGE = {
    "make": "NAME --rows ROW",
    "list": "",
    "rename": "OLD NEW",
    "delete": "NAME",
    "restore": "NAME",
    "purge": "",
    "note": "NAME TEXT",
}
"""What follows the run, for messages."""


def register(add_command: AddCommand) -> None:
    """Add the commands to the parser."""
    for name, (word, text) in COMMANDS.items():
        parser = add_command(name, _does(name, word), text)
        actions = ["make", *ACTIONS] if word == "set" else list(ACTIONS)
        parser.add_argument(
            "action",
            choices=actions,
            metavar="ACTION",
            help=("make RUN NAME …, " if word == "set" else "")
            + "list RUN, rename RUN OLD NEW, delete RUN NAME…, restore RUN NAME… (what was deleted in the last 30 "
            "days), purge RUN (removes for good what was deleted), note RUN NAME [TEXT] (writes the note, or prints "
            "it)",
        )
        parser.add_argument("run", help="name or folder of the run")
        parser.add_argument("names", nargs="*", metavar="NAME", help="names, as the action takes them")
        if word == "set":
            add_rows(
                parser, parser.add_argument_group("What `make` puts into the set: all of these together")
            )
            _add_rest(parser)


def _add_rest(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--note", metavar="TEXT", help="a note on the new set")
    parser.add_argument("--overwrite", action="store_true", help="replace a set of that name")


def _does(name: str, word: str) -> Callable[[argparse.Namespace], None]:
    """The function of a command on what `word` names."""

    def do(arguments: argparse.Namespace) -> None:
        from g2is.run.saved import KINDS

        action, given = arguments.action, arguments.names
        least, most = (1, 1) if action == "make" else ACTIONS[action]
        if not least <= len(given) <= (len(given) if most is None else most):
            usage = command(name, action, arguments.run, *USAGE[action].split())
            raise InputError(f"{action}: {_names(len(given))} after the run, expected {usage}")
        if action != "make":
            _refuse_making(arguments, action)
        run = open_run(arguments)
        if action == "make":
            _make(run, given[0], arguments)
        else:
            _DO[action](run, KINDS[word], given)

    return do


def _names(count: int) -> str:
    return counted(count, "name") if count else "no name"


def _refuse_making(arguments: argparse.Namespace, action: str) -> None:
    for name in (*MADE_OF, "note", "overwrite"):
        if getattr(arguments, name, None):
            raise InputError(f"{name}: is for make, not for {action}")


def _list(run: Run, kind: Kind, given: Sequence[str]) -> None:
    from g2is.analysis.saved import saved_table

    table = saved_table(run, kind)
    if len(table):
        print(as_text(table))
    for line in lost(run, kind):
        say(line)


def lost(run: Run, kind: Kind) -> list[str]:
    """Lines on what can be restored, and on files that are not listed."""
    from g2is.run.saved import deleted, ignored

    lines = []
    if unnamed := ignored(run, kind):
        lines.append(f"not {kind.word}s by their names: {printable(', '.join(map(shortened, unnamed[:10])))}")
    if gone := list(dict.fromkeys(one.name for one in deleted(run, kind))):
        lines.append(f"deleted, can be restored: {', '.join(gone)}")
    return lines


def _rename(run: Run, kind: Kind, given: Sequence[str]) -> None:
    from g2is.run.saved import rename

    rename(run, kind, *given)
    say(f"{kind.word} {given[0]} is called {given[1]} now")


def _delete(run: Run, kind: Kind, given: Sequence[str]) -> None:
    from g2is.run.saved import KEPT_DAYS, delete

    for name in given:
        delete(run, kind, name)
        say(f"{kind.word} {name} is deleted; it can be restored for {KEPT_DAYS} days")


def _restore(run: Run, kind: Kind, given: Sequence[str]) -> None:
    from g2is.run.saved import restore

    for name in given:
        restore(run, kind, name)
        say(f"{kind.word} {name} is restored")


def _purge(run: Run, kind: Kind, given: Sequence[str]) -> None:
    from g2is.run.saved import purge

    count = purge(run, kind)
    say(f"{counted(count, f'deleted {kind.word}')} {'is' if count == 1 else 'are'} removed for good")


def _note(run: Run, kind: Kind, given: Sequence[str]) -> None:
    from g2is.run.saved import annotate, note

    if len(given) == 1:
        print(as_lines(note(run, kind, given[0])))
        return
    annotate(run, kind, *given)
    say(f"{kind.word} {given[0]} has a note now" if given[1] else f"{kind.word} {given[0]} has no note now")


_DO = {
    "list": _list,
    "rename": _rename,
    "delete": _delete,
    "restore": _restore,
    "purge": _purge,
    "note": _note,
}


def _make(run: Run, name: str, arguments: argparse.Namespace) -> None:
    rows = chosen_rows(run, arguments, f"set = {name!r}")
    replaces = run.sets[name].checksum if arguments.overwrite and name in run.sets else None
    made = run.sets.write(
        name, rows, note=arguments.note or "", origin=in_words(arguments, MADE_OF), replaces=replaces
    )
    say(f"set {name}: {counted(len(made))}")

"""Where `walk` and `select` write a selection: under a name in the run, or to a file."""

from __future__ import annotations

import argparse
import json
from contextlib import suppress
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING

from g2is.cli.runs import counted, output_file, say
from g2is.config.names import check_name
from g2is.errors import InputError
from g2is.storage.files import Taken, check_folder, check_writable

if TYPE_CHECKING:
    from g2is.run.run import Run
    from g2is.run.selections import Selection


def add_place(parser: argparse.ArgumentParser, label: str) -> None:
    """The arguments that say where. label: what the usual name begins with."""
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--name", help=f"name in the run [{label}-NUMBER, such as recommended-150, or the next that is free]"
    )
    where.add_argument("--output", type=Path, metavar="FILE", help="selection file to write instead")
    parser.add_argument("--overwrite", action="store_true", help="replace what has that name")


def check_place(arguments: argparse.Namespace, run: Run) -> Path | None:
    """The file to write; None where nobody named it. Raises `InputError`, before anything is computed, where it cannot
    be written, and where there is one that `--overwrite` does not give up."""
    from g2is.run.paths import SELECTIONS
    from g2is.run.saved import KINDS

    if arguments.output is not None:
        return output_file(arguments.output, run, overwrite=arguments.overwrite)
    if arguments.name is None:
        check_folder(run.inside(SELECTIONS))
        return None
    try:
        path = KINDS["selection"].path(run, check_name(arguments.name))
    except ValueError as error:
        raise InputError(str(error)) from None
    if path.exists() and not arguments.overwrite:
        raise _taken(arguments, run)
    check_writable(path)
    return path


def _taken(arguments: argparse.Namespace, run: Run) -> InputError:
    return InputError(
        f"name = {arguments.name!r}: run {run.name} has a selection of this name; replace it with --overwrite, or "
        "choose another"
    )


def save(
    arguments: argparse.Namespace, run: Run, place: Path | None, label: str, selection: Selection
) -> None:
    """Write a selection and say where it is. place: of `check_place`. label: what the usual name begins with.

    Raises `InputError`, as `check_place` does, where something has that name by now.
    """
    new = not arguments.overwrite
    if arguments.output is not None and place is not None:
        path = place
        selection.write(path, new=new)
    elif place is not None:
        try:
            path = selection.save(run, place.stem, new=new)
        except Taken:
            raise _taken(arguments, run) from None
    else:
        path = _save_as_usual(run, label, selection, new=new)
    size = counted(len(selection.samples))
    if arguments.output is None:
        say(f"{size} saved as {path.stem}: {path}")
    else:
        say(f"{size} written to {path}")


def _save_as_usual(run: Run, label: str, selection: Selection, *, new: bool) -> Path:
    """Write a selection that nobody named, to the file that holds the same one, otherwise to a free one."""
    from g2is.run.paths import selection_file

    first = f"{label.replace('_', '-')}-{len(selection.samples)}"
    for name in chain([first], (f"{first}-{place}" for place in count(2))):
        path = run.inside(selection_file(name))
        with suppress(Taken):  # by someone who was quicker
            if not new or not path.exists() or _holds(path, run, selection):
                return selection.save(run, name, new=new and not path.exists())
    raise AssertionError


def _holds(path: Path, run: Run, selection: Selection) -> bool:
    """Whether a file holds the same selection, by the same settings."""
    from g2is.run.selections import Selection

    with suppress(InputError):
        kept = Selection.recorded(path, run)
        settings = json.loads(json.dumps(selection.parameters))
        return (kept.samples, kept.method, kept.parameters) == (
            selection.samples,
            selection.method,
            settings,
        )
    return False

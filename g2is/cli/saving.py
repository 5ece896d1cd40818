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
from g2is.storage.files import check_writable

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
        check_writable(run.inside(SELECTIONS, "any"))
        return None
    try:
        path = KINDS["selection"].path(run, check_name(arguments.name))
    except ValueError as error:
        raise InputError(str(error)) from None
    if path.exists() and not arguments.overwrite:
        raise InputError(
            f"name = {arguments.name!r}: run {run.name} has a selection of this name; replace it with --overwrite, or "
            "choose another"
        )
    check_writable(path)
    return path


def save(
    arguments: argparse.Namespace, run: Run, place: Path | None, label: str, selection: Selection
) -> None:
    """Write a selection and say where it is. place: of `check_place`. label: what the usual name begins with."""
    path = _usual(run, label, selection, arguments.overwrite) if place is None else place
    selection.write(path)
    size = counted(len(selection.samples))
    if arguments.output is None:
        say(f"{size} saved as {path.stem}: {path}")
    else:
        say(f"{size} written to {path}")


def _usual(run: Run, label: str, selection: Selection, overwrite: bool) -> Path:
    """The file of a selection that nobody named: that which holds the same one, otherwise a free one."""
    from g2is.run.paths import selection_file

    first = f"{label.replace('_', '-')}-{len(selection.samples)}"
    names = chain([first], (f"{first}-{place}" for place in count(2)))
    paths = (run.inside(selection_file(name)) for name in names)
    return next(path for path in paths if overwrite or not path.exists() or _holds(path, run, selection))


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

"""Functions that commands share: opening their run, checking their output file, printing."""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from g2is.config.commands import BLANK, command
from g2is.errors import InputError, printable, shortened
from g2is.storage.files import Taken, check_writable, inside, not_written, refuse_special

if TYPE_CHECKING:
    import pandas as pd

    from g2is.run.run import Run

LISTED = 20
"""Names that a message lists, at most."""


def run_folder(arguments: argparse.Namespace) -> Path:
    """The folder of the run that a command writes; raises `InputError` for what is not a plain name."""
    name = arguments.run
    if (
        not name
        or name in {".", ".."}
        or "/" in name
        or "\\" in name
        or name.startswith(".")
        or not name.isprintable()
    ):
        raise InputError(f"run = {name!r}: expected a plain name; --cache names the folder where runs live")
    return Path(arguments.cache) / name


def open_run(arguments: argparse.Namespace) -> Run:
    """Open a run given by name or by the path of its folder."""
    from g2is.run.paths import MANIFEST
    from g2is.run.run import Run

    cache, path = Path(arguments.cache), Path(arguments.run)
    known = sorted(place.parent.name for place in cache.glob(f"[!.]*/{MANIFEST}"))
    there = f"{cache} has {', '.join(known[:LISTED])}{', …' if len(known) > LISTED else ''}"
    if not arguments.run:
        raise InputError(
            f"run = '': expected the name or folder of a run; {there if known else f'{cache} has none'}"
        )
    folder = path if len(path.parts) > 1 else cache / path
    if known and folder.parent == cache and not folder.exists():
        new = command("build", "--run", folder.name, BLANK, cache=cache)
        raise InputError(f"{folder}: not a run: {there}; {new} builds a new one")
    return Run.open(folder)


def selection_path(given: str, run: Run) -> Path:
    """The path of a selection: a file where there is one of that name, otherwise what is saved under it in the run.

    Raises `InputError` where there is neither.
    """
    from g2is.run.saved import KINDS, names

    kind, path = KINDS["selection"], Path(given)
    if path.is_file():
        return path
    known = names(run, kind)
    if (name := given.removesuffix(kind.suffix)) in known:
        return kind.path(run, name)
    shown = ", ".join(known[:LISTED]) + (", …" if len(known) > LISTED else "")
    saved = (
        f"run {run.name} has {shown}" if known else f"run {run.name} has no selections; `g2is walk` saves one"
    )
    raise InputError(f"selection = {shortened(given)!r}: neither a file nor the name of a saved one; {saved}")


def output_file(output: Path, run: Run, *, overwrite: bool) -> Path:
    """The file that a command writes: the target of a link, unless that leads out of the run.

    Raises `InputError`, before anything is computed, where no file can be written there, and where there is one that
    `overwrite` does not give up. Whoever writes it says so again (`new` of `write_file`).
    """
    path, folder = (Path(os.path.normpath(place.absolute())) for place in (output, run.folder))
    if path.is_relative_to(folder):
        inside(folder, path.relative_to(folder))
    try:
        if output.is_dir() or not output.name:
            raise InputError(f"output = {str(output)!r}: is a folder, expected the name of a file")
        output = followed(output) if output.is_file() or not output.exists() else output
        refuse_special(output)
        if output.exists() and not overwrite:
            raise Taken.output(output)
    except OSError as error:
        raise not_written(output, error) from None
    check_writable(output)
    return output


def add_overwrite(parser: argparse._ActionsContainer) -> None:
    """The argument that gives up a file."""
    parser.add_argument("--overwrite", action="store_true", help="replace the file of that name")


def followed(path: Path) -> Path:
    """The target of a link: files that belong to it, such as a trace, are beside the target."""
    return Path(os.path.realpath(path)) if path.is_symlink() else path


def counted(count: int, one: str = "instruction") -> str:
    """Such as 1 instruction, 3,000 instructions."""
    return f"{count:,} {one}{'s' * (count != 1)}"


def say(text: str) -> None:
    """Print lines to standard error, which is for people; results go to standard output. Names of files and texts in
    them cannot control the terminal."""
    with suppress(OSError):  # a closed or full one must not stop the work
        print(as_lines(text), file=sys.stderr, flush=True)


def as_lines(text: str) -> str:
    """Text for the terminal, which nothing in it can control."""
    return "\n".join(map(printable, text.split("\n")))


def as_text(table: pd.DataFrame, **how: Any) -> str:
    """A table without its index, for the terminal. how: as of `DataFrame.to_string`."""
    return table.map(lambda cell: printable(cell) if isinstance(cell, str) else cell).to_string(
        index=False, **how
    )

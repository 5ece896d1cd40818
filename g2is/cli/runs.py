"""Functions that commands share: opening their run, checking their output file, printing."""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from g2is.errors import InputError
from g2is.storage.files import check_writable, inside, not_written, refuse_special

if TYPE_CHECKING:
    from g2is.run.run import Run


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
    from g2is.run.run import Run

    path = Path(arguments.run)
    return Run.open(path if len(path.parts) > 1 else Path(arguments.cache) / path)


def selection_path(given: str, run: Run) -> Path:
    """The path of a selection given by its name in the run or as a file."""
    from g2is.run.paths import selection_file

    path = Path(given)
    if not path.is_file() and len(path.parts) == 1:
        return run.folder / selection_file(given.removesuffix(".json"))
    return path


def output_file(output: Path, run: Run) -> Path:
    """The file that a command writes: the target of a link, unless that leads out of the run.

    Raises `InputError`, before anything is computed, where no file can be written there.
    """
    path, folder = (Path(os.path.normpath(place.absolute())) for place in (output, run.folder))
    if path.is_relative_to(folder):
        inside(folder, path.relative_to(folder))
    try:
        if output.is_dir() or not output.name:
            raise InputError(f"output = {str(output)!r}: is a folder, expected the name of a file")
        output = followed(output) if output.is_file() or not output.exists() else output
        refuse_special(output)
    except OSError as error:
        raise not_written(output, error) from None
    check_writable(output)
    return output


def followed(path: Path) -> Path:
    """The target of a link: files that belong to it, such as a trace, are beside the target."""
    return Path(os.path.realpath(path)) if path.is_symlink() else path


def say(text: str) -> None:
    """Print a line to standard error, which is for people; results go to standard output."""
    with suppress(OSError):  # a closed or full one must not stop the work
        print(text, file=sys.stderr, flush=True)

"""What commands have in common: the run they are about, and how they speak."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from g2is.errors import InputError

if TYPE_CHECKING:
    from g2is.run import Run


def run_folder(arguments: argparse.Namespace) -> Path:
    name = arguments.run
    if (
        not name
        or name in {".", ".."}
        or "/" in name
        or "\\" in name
        or name.startswith(".")
        or not name.isprintable()
    ):
        raise InputError(f"run = {name!r}: expected a plain name; --cache says where runs live")
    return Path(arguments.cache) / name


def open_run(arguments: argparse.Namespace) -> Run:
    """A run given by name, or by the path of its folder."""
    from g2is.run import Run

    path = Path(arguments.run)
    return Run.open(path if len(path.parts) > 1 else Path(arguments.cache) / path)


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)

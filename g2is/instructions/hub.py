"""Data sets of the Hugging Face Hub by name, through `datasets`."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from g2is.errors import InputError
from g2is.instructions.containers.opened import first_line
from g2is.instructions.containers.tables import ROWS, row_as_json
from g2is.instructions.splits import choose_split

HUB = "hf:"
"""What the name of a data set of the Hub begins with."""


def save_dataset(value: str, folder: Path) -> tuple[str, Path]:
    """Load `hf:owner/name[/configuration][:split]` and write its rows as JSON Lines into a folder.

    Gives its name with the split, and the file. The rows are written out because a run keeps the checksum of what it
    was built from; `datasets` keeps what it has loaded, so that the next time needs no network. Raises InputError where
    there is no such data set or no network.
    """
    name, _, split = value.removeprefix(HUB).partition(":")
    path, configuration = _parts(name, value)
    try:
        import datasets

        datasets.disable_progress_bars()
        if not split:
            split, _ = choose_split(value, datasets.get_dataset_split_names(path, configuration), None)
        data = datasets.load_dataset(path, configuration, split=split)
    except InputError:
        raise
    except ImportError:
        raise InputError(
            f"{value}: needs the package datasets; install it with: pip install datasets"
        ) from None
    except Exception as fault:  # of requests, of the Hub, of the loader: each has classes of its own
        raise InputError(
            f"{value}: cannot be loaded from the Hub: {first_line(fault)}; expected hf:owner/name[/configuration]"
            "[:split] and a network, or a copy that was loaded before; else give its files"
        ) from None
    handle, copy = tempfile.mkstemp(dir=folder)
    with os.fdopen(handle, "wb") as file:
        for batch in data.with_format("arrow").iter(ROWS):
            file.writelines(row_as_json(row) + b"\n" for row in batch.to_pylist())
    return f"{HUB}{name}:{split}", Path(copy)


def _parts(name: str, value: str) -> tuple[str, str | None]:
    owner, *rest = name.split("/", 2)
    if not owner or not all(rest):
        raise InputError(f"{value}: expected hf:owner/name[/configuration][:split]")
    return ("/".join((owner, *rest[:1])), rest[1] if len(rest) > 1 else None)

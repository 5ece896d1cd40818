"""The lock for what people save with a run, so that two of them never write at the same time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from g2is.run.paths import EVALUATIONS, EXPORTS, NOTES, SELECTIONS, SETS, TRASH, saving_lock_path
from g2is.storage.files import sweep_stale
from g2is.storage.gate import ask
from g2is.storage.locks import held

SAVED = (SELECTIONS, SETS, EXPORTS, EVALUATIONS)
SWEPT = (*SAVED, NOTES, *(f"{NOTES}/{kind}" for kind in SAVED), TRASH)
"""Folders that killed programs may have left something in, beside the run's own and that of all runs."""
PATIENCE = 20.0
"""Seconds to wait for another writer, whose work takes a moment."""


@contextmanager
def saving(folder: Path) -> Iterator[None]:
    """Hold the lock of a run's folder; raises `InputError` where it cannot be had."""
    ask(folder)
    with held(
        saving_lock_path(folder),
        folder,
        patience=PATIENCE,
        busy=f"{folder}: another program is writing to this run; try again in a moment",
        without=f"{folder}: its file system has no locks, which keep two people apart who save at once; copy the run "
        "to another",
    ):
        for place in (folder.parent, folder, *(folder / name for name in SWEPT)):
            sweep_stale(place)
        yield

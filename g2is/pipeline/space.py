"""Room on the disk for a run, before anything is computed for it."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np

from g2is.config import GraphConfig
from g2is.errors import InputError


def check_space(
    folder: Path, rows: int, width: int, dtype: str, graph: GraphConfig, *, regimes: int = 1
) -> None:
    """Raise `InputError` where a run's folder has less space than its gradients (rows, width) and lists take.

    What stands in the folder counts as free: a new run replaces it. A run takes a little more than is asked for here.
    """
    row = width * np.dtype(dtype).itemsize + 8 * (graph.neighbors + graph.conflicts)
    needed = float(regimes * rows * row)
    place = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    free = shutil.disk_usage(place).free + sum(
        path.stat().st_size for path in folder.rglob("*") if path.is_file()
    )
    if needed > free:
        raise InputError(
            f"{folder}: {_gigabytes(free)} are free there, gradients and lists of {rows:,} instructions take "
            f"{_gigabytes(needed)}; free some space, or write to another folder (--cache)"
        )


def _gigabytes(count: float) -> str:
    return f"{count / 1e9:,.1f} GB"

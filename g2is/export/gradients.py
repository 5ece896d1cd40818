"""A run's gradients as files of other programs: the folders of LESS, the stores of bergson.

Both are read back by `import` and by the programs themselves. Nothing but numbers is written: whose rows they are is
the order of the pool.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from g2is.arrays.rows import read_rows
from g2is.arrays.unit import unit
from g2is.config import RegimeName
from g2is.errors import InputError
from g2is.pipeline.gradient_files import BERGSON_FILE, BERGSON_INFO, LESS_FILES, write_pt
from g2is.run.run import Run
from g2is.storage.files import (
    inside,
    name_folder,
    not_written,
    sweep_stale,
    sync_folder,
    write_bytes,
    write_file,
)

POOL = "pool"
"""The name of the pool's gradients."""
BLOCK = 4096
"""Rows in memory at once, where the format allows it."""


@dataclass(frozen=True, eq=False)
class Matrix:
    """Gradients of one set of records at all checkpoints.

    name: pool, or that of a target. kind: adam or sgd. count, width: rows, and numbers in each. blocks: the rows as
    they are before normalising, (b, width) float32, block by block.
    """

    name: str
    kind: str
    count: int
    width: int
    blocks: Callable[[], Iterator[NDArray[np.float32]]]

    def rows(self) -> NDArray[np.float32]:
        """All rows."""
        return np.concatenate(list(self.blocks()))


def export_gradients(run: Run, regime: RegimeName, format: str, folder: Path) -> list[Path]:
    """Write the gradients of a run's pool in a regime and those of its targets; returns the folders.

    Rows have their lengths from before normalising; those of a run of several checkpoints are of length 1 at each. An
    instruction without a gradient is a row of zeros. Raises `InputError` for an unknown format or regime, where a
    folder exists, and where one cannot be written: then there is none of them.
    """
    if format not in STORES:
        raise InputError(f"format = {format!r}: expected one of {', '.join(STORES)}")
    matrices = _matrices(run, regime)
    shares = run.manifest.stages["gradients"].found.get("checkpoints", {"": 1.0})
    places = [place for matrix in matrices for place in STORES[format](folder, matrix, shares)]
    for number, (place, _) in enumerate(places):
        if place.exists() or place in [other for other, _ in places[:number]]:
            raise _exists(place)
    sweep_stale(folder)
    done: list[Path] = []
    temporary = {
        place: place.with_name(f".{place.name}.{os.getpid()}-{uuid4().hex[:12]}.new") for place, _ in places
    }
    try:
        for place, write in places:
            _write(temporary[place], place, write)
        for place, new in temporary.items():
            if not name_folder(new, place):
                raise _exists(place)
            done.append(place)
        sync_folder(folder)
    except BaseException as error:
        for path in (*temporary.values(), *done):
            shutil.rmtree(path, ignore_errors=True)
        if isinstance(error, OSError):
            raise not_written(folder, error) from error
        raise
    return done


def _write(new: Path, place: Path, write: Callable[[Path], None]) -> None:
    """Write a folder under another name; errors tell of its own."""
    try:
        write(new)
    except InputError as error:
        raise InputError(str(error).replace(str(new), str(place))) from None


def _exists(place: Path) -> InputError:
    return InputError(
        f"{place}: exists already, expected a new folder; remove it, or choose another --output"
    )


def _matrices(run: Run, regime: RegimeName) -> list[Matrix]:
    of_pool = run.regime(regime)
    count, width = of_pool.gradients.shape

    def pool() -> Iterator[NDArray[np.float32]]:
        for start in range(0, count, BLOCK):
            some = slice(start, start + BLOCK)
            yield read_rows(of_pool.gradients, some) * np.asarray(of_pool.norms[some])[:, None]

    validation, targets = run.validation_gradients_in(regime), run.validation["target"].to_numpy()

    def target(name: str) -> Matrix:
        rows = np.ascontiguousarray(validation[targets == name], np.float32)
        return Matrix(name, "sgd", len(rows), width, lambda: iter([rows]))

    kind = "adam" if regime.startswith("adam") else "sgd"
    return [Matrix(POOL, kind, count, width, pool), *(target(str(name)) for name in dict.fromkeys(targets))]


Places = list[tuple[Path, Callable[[Path], None]]]
"""Folders, and what writes each, to a folder of another name first."""


def _less(folder: Path, matrix: Matrix, shares: dict[str, float]) -> Places:
    """`{name}-ckpt{step}-{kind}/dim{d}` with the rows as they are and normalised (princeton-nlp/LESS)."""
    width = matrix.width // len(shares)

    def writer(position: int) -> Callable[[Path], None]:
        def write(place: Path) -> None:
            rows = np.ascontiguousarray(matrix.rows()[:, position * width : (position + 1) * width])
            if len(shares) > 1:  # side by side, each of its weight's length
                rows = unit(rows)
            for name, array in zip(LESS_FILES, (rows, unit(rows)), strict=True):
                write_pt(place / f"dim{width}" / name, array)

        return write

    places = []
    for position, step in enumerate(shares):
        place = inside(folder, "-".join([matrix.name, *([f"ckpt{step}"] if step else []), matrix.kind]))
        places.append((place, writer(position)))
    return places


def _bergson(folder: Path, matrix: Matrix, shares: dict[str, float]) -> Places:
    """`gradients.bin` and `info.json` as `bergson.data.load_gradients` reads them (EleutherAI/bergson)."""
    place = inside(folder, matrix.name)
    width = matrix.width // len(shares)
    info = {
        "attribute_tokens": False,
        "num_items": matrix.count,
        "num_grads": matrix.count,
        "grad_sizes": {f"checkpoint_{step}" if step else "sketch": width for step in shares},
        "base_dtype": "float32",
    }

    def rows(file: BinaryIO) -> None:
        for block in matrix.blocks():
            file.write(np.ascontiguousarray(block, np.float32).tobytes())

    def write(place: Path) -> None:
        write_file(place / BERGSON_FILE, rows)
        write_bytes(place / BERGSON_INFO, json.dumps(info, indent=2).encode())

    return [(place, write)]


STORES: dict[str, Callable[[Path, Matrix, dict[str, float]], Places]] = {
    "less": _less,
    "bergson": _bergson,
}
"""The formats by name."""

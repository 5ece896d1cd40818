"""The regime `whitened`: plain gradients preconditioned by their own second moment, without the model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from g2is.arrays.rows import read_rows
from g2is.arrays.unit import lengths, unit
from g2is.arrays.whitening import BLOCK, whitening_of
from g2is.pipeline.writer import RunWriter
from g2is.run.paths import WHITENED, RegimeArray, array_file
from g2is.storage.dtypes import stored_rows
from g2is.storage.files import write_array
from g2is.storage.shards import write_blocks


def write_whitened(writer: RunWriter, damping: float | None) -> tuple[list[str], dict[str, Any]]:
    """Write whitened unit rows and norms of a pool whose plain ones are written, and what whitens other rows.

    damping: lambda; None for the rule. Rows are read and written in blocks. Returns files, and numbers for the
    manifest: lambda, and the dimensions that are told apart.
    """
    plain, norms = (writer.read_array(array_file("sgd", name)) for name in ("gradients", "norms"))
    valid = writer.read_valid()
    with writer.progress("whitening", 2 * int(valid.sum()), "sample") as bar:
        whitening = whitening_of(plain, valid, damping, bar.update)
        write_array(writer.folder / array_file(WHITENED, "eigenvectors"), whitening.vectors)
        write_array(writer.folder / array_file(WHITENED, "eigenvalues"), whitening.values)
        longer = np.zeros(len(plain), np.float32)

        def blocks() -> Iterator[np.ndarray]:
            for start in range(0, len(plain), BLOCK):
                some = slice(start, min(start + BLOCK, len(plain)))
                rows = whitening(read_rows(np.asarray(plain), some))
                longer[some] = lengths(rows) * norms[some]
                bar.update(int(valid[some].sum()))
                yield stored_rows(unit(rows), plain.dtype.name)

        write_blocks(writer.folder / array_file(WHITENED, "gradients"), blocks(), len(plain))
    write_array(writer.folder / array_file(WHITENED, "norms"), longer)
    writer.say(
        f"whitening: lambda {whitening.damping:.3g}, {whitening.dimensions:,.0f} of {plain.shape[1]:,} dimensions told "
        f"apart by {int(valid.sum()):,} instructions"
    )
    names: tuple[RegimeArray, ...] = ("eigenvectors", "eigenvalues", "gradients", "norms")
    numbers = {"lambda": whitening.damping, "dimensions": round(whitening.dimensions, 1)}
    return [array_file(WHITENED, name) for name in names], numbers

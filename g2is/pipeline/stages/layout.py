"""Stage `layout`: coordinates of the map, for each regime by PCA and, unless switched off, by UMAP."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from g2is.arrays.rows import as_rows
from g2is.config import BuildConfig, ImportConfig, RegimeName
from g2is.graph.layout import pca_layout, principal_axes, rows_of_axes, umap_layout
from g2is.pipeline.writer import RunWriter, StageResult
from g2is.run.paths import RegimeArray, array_file
from g2is.storage.files import write_array
from g2is.storage.rows import open_array


def write_layout(
    writer: RunWriter, config: BuildConfig | ImportConfig, regimes: Sequence[RegimeName] | None = None
) -> StageResult:
    """Write the pool's coordinates for each regime and kind, and the axes of PCA, which place targets later.

    regimes: only these; None for all of the run.
    """
    regimes = config.regimes if regimes is None else regimes
    settings = config.layout
    valid = writer.read_valid()
    files = []
    with writer.progress("layout", len(regimes) * (1 + settings.umap), "map") as bar:
        for regime in regimes:
            # Not mapped: what was read of a map counts as memory of the process.
            rows = as_rows(open_array(writer.path(array_file(regime, "gradients"))))
            axes = principal_axes(rows, valid, seed=settings.layout_seed)
            pca = pca_layout(rows, axes, valid)
            arrays: dict[RegimeArray, np.ndarray] = {"pca_axes": axes, "pca": pca}
            bar.update()
            if settings.umap:
                arrays["umap"] = umap_layout(
                    writer.read_array(array_file(regime, "neighbors")),
                    writer.read_array(array_file(regime, "cosines")),
                    valid,
                    pca,
                    closest=settings.umap_neighbors,
                    min_dist=settings.umap_min_dist,
                    seed=settings.layout_seed,
                )
                bar.update()
            else:  # written before the setting was changed
                (writer.folder / array_file(regime, "umap")).unlink(missing_ok=True)
            for name, array in arrays.items():
                write_array(writer.folder / array_file(regime, name), array)
                files.append(array_file(regime, name))
    kinds = ["pca", *(["umap"] if settings.umap else [])]
    return files, {"kinds": kinds, "rows_of_axes": rows_of_axes(len(valid))}

"""Stage `layout`: coordinates of the map, for each regime by PCA and, unless switched off, by UMAP."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from g2is.config import BuildConfig, ImportConfig, RegimeName
from g2is.graph.layout import pca_layout, umap_layout
from g2is.pipeline.stages.whitened import compared
from g2is.pipeline.writer import RunWriter, StageResult
from g2is.run.paths import VALIDATION_GRADIENTS, LayoutKind, array_file
from g2is.storage.files import write_array


def write_layout(
    writer: RunWriter, config: BuildConfig | ImportConfig, regimes: Sequence[RegimeName] | None = None
) -> StageResult:
    """Write one array of coordinates for each regime and kind. regimes: only these; None for all of the run."""
    regimes = config.regimes if regimes is None else regimes
    settings = config.layout
    valid = writer.read_valid()
    validation = writer.read_array(VALIDATION_GRADIENTS)
    files = []
    with writer.progress("layout", len(regimes) * (1 + settings.umap), "map") as bar:
        for regime in regimes:
            rows = writer.read_array(array_file(regime, "gradients"))
            pca = pca_layout(rows, compared(writer, regime, validation), valid, seed=settings.layout_seed)
            kinds: dict[LayoutKind, np.ndarray] = {"pca": pca}
            bar.update()
            if settings.umap:
                kinds["umap"] = umap_layout(
                    writer.read_array(array_file(regime, "neighbors")),
                    writer.read_array(array_file(regime, "cosines")),
                    writer.read_array(array_file(regime, "validation_cosines")),
                    valid,
                    pca,
                    closest=settings.umap_neighbors,
                    min_dist=settings.umap_min_dist,
                    seed=settings.layout_seed,
                )
                bar.update()
            else:  # written before the setting was changed
                (writer.folder / array_file(regime, "umap")).unlink(missing_ok=True)
            for kind, array in kinds.items():
                write_array(writer.folder / array_file(regime, kind), array)
                files.append(array_file(regime, kind))
    return files, {"kinds": list(kinds)}

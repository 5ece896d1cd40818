"""Stage `layout`: coordinates of the map, for each regime by PCA and, unless switched off, by UMAP."""

from __future__ import annotations

import numpy as np

from g2is.config import BuildConfig, ImportConfig
from g2is.graph.layout import pca_layout, umap_layout
from g2is.pipeline.writer import RunWriter, StageResult
from g2is.run.paths import VALIDATION_GRADIENTS, LayoutKind, array_file
from g2is.storage.files import write_array


def write_layout(writer: RunWriter, config: BuildConfig | ImportConfig) -> StageResult:
    """Write one array of coordinates for each regime and kind."""
    settings = config.layout
    valid = writer.read_valid()
    validation = writer.read_array(VALIDATION_GRADIENTS)
    files = []
    with writer.progress("layout", len(config.regimes) * (1 + settings.umap), "map") as bar:
        for regime in config.regimes:
            rows = writer.read_array(array_file(regime, "gradients"))
            pca = pca_layout(rows, validation, valid, seed=settings.layout_seed)
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

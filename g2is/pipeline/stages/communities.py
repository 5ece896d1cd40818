"""Stage `communities`: groups of the gradient graph with their labels, and its spanning forest."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from g2is.config import BuildConfig, ImportConfig, RegimeName
from g2is.graph.communities import find_communities, label_communities
from g2is.graph.paths import spanning_forest
from g2is.pipeline.writer import RunWriter, StageResult
from g2is.run.paths import RegimeArray, array_file, labels_file
from g2is.run.texts import joined
from g2is.storage.files import write_array, write_bytes


def write_communities(
    writer: RunWriter, config: BuildConfig | ImportConfig, regimes: Sequence[RegimeName] | None = None
) -> StageResult:
    """Write membership, labels and forest of each regime. regimes: only these; None for all of the run."""
    settings = config.communities
    valid = writer.read_valid()
    pool = writer.open_pool()
    files: list[str] = []
    counts: dict[str, Any] = {}
    for regime in config.regimes if regimes is None else regimes:
        lists = (
            writer.read_array(array_file(regime, "neighbors")),
            writer.read_array(array_file(regime, "cosines")),
            valid,
        )
        membership = find_communities(*lists, resolution=settings.resolution, seed=settings.community_seed)
        edges, cosines = spanning_forest(*lists)
        labels = label_communities(membership, lambda rows: joined(pool, rows))
        arrays: dict[RegimeArray, np.ndarray] = {
            "communities": membership,
            "forest": edges,
            "forest_cosines": cosines,
        }
        for name, array in arrays.items():
            write_array(writer.folder / array_file(regime, name), array)
            files.append(array_file(regime, name))
        write_bytes(writer.folder / labels_file(regime), json.dumps(labels).encode())
        files.append(labels_file(regime))
        counts[regime] = len(labels)
        writer.say(f"communities, {regime}: {len(labels):,}")
    return files, counts

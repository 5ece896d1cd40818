"""The stages after the graph: what pages show of it that takes too long to compute on a page."""

from __future__ import annotations

import json
from typing import Any

from g2is.config import BuildConfig, ImportConfig
from g2is.graph.communities import find_communities, label_communities
from g2is.graph.layout import pca_layout, umap_layout
from g2is.graph.paths import spanning_forest
from g2is.instructions.copies import KINDS, find_leaks
from g2is.pipeline.writer import RunWriter
from g2is.run.run import INSTRUCTIONS, LABELS, LEAKS, VALIDATION, VALIDATION_GRADIENTS
from g2is.storage.files import write_array, write_bytes


def write_views(writer: RunWriter, config: BuildConfig | ImportConfig) -> None:
    """Layout, communities and leaks of a run that has its graph."""
    writer.stage("layout", lambda: _layout(writer, config))
    writer.stage("communities", lambda: _communities(writer, config))
    writer.stage("leaks", lambda: _leaks(writer, config))


def _layout(writer: RunWriter, config: BuildConfig | ImportConfig) -> tuple[list[str], dict[str, Any]]:
    settings = config.layout
    valid = writer.read_valid()
    validation = writer.read_array(VALIDATION_GRADIENTS)
    files = []
    with writer.progress("layout", len(config.regimes) * (1 + settings.umap), "map") as bar:
        for regime in config.regimes:
            places = pca_layout(
                writer.read_array(f"{regime}/gradients.npy"), validation, valid, seed=settings.layout_seed
            )
            kinds = {"pca": places}
            bar.update()
            if settings.umap:
                kinds["umap"] = umap_layout(
                    writer.read_array(f"{regime}/neighbors.npy"),
                    writer.read_array(f"{regime}/cosines.npy"),
                    writer.read_array(f"{regime}/validation_cosines.npy"),
                    valid,
                    places,
                    closest=settings.umap_neighbors,
                    min_dist=settings.umap_min_dist,
                    seed=settings.layout_seed,
                )
                bar.update()
            else:  # a layout of before, if the setting was changed
                (writer.folder / regime / "umap.npy").unlink(missing_ok=True)
            for kind, array in kinds.items():
                write_array(writer.folder / regime / f"{kind}.npy", array)
                files.append(f"{regime}/{kind}.npy")
    return files, {"kinds": list(kinds)}


def _communities(writer: RunWriter, config: BuildConfig | ImportConfig) -> tuple[list[str], dict[str, Any]]:
    settings = config.communities
    valid = writer.read_valid()
    pool = writer.read_frame(INSTRUCTIONS)
    prompts, responses = pool["prompt"], pool["response"]
    files: list[str] = []
    found: dict[str, Any] = {}
    for regime in config.regimes:
        lists = (
            writer.read_array(f"{regime}/neighbors.npy"),
            writer.read_array(f"{regime}/cosines.npy"),
            valid,
        )
        membership = find_communities(*lists, resolution=settings.resolution, seed=settings.community_seed)
        edges, cosines = spanning_forest(*lists)
        labels = label_communities(membership, lambda row: f"{prompts[row]}\n{responses[row]}")
        write_array(writer.folder / regime / "communities.npy", membership)
        write_bytes(writer.folder / regime / LABELS, json.dumps(labels).encode())
        write_array(writer.folder / regime / "forest.npy", edges)
        write_array(writer.folder / regime / "forest_cosines.npy", cosines)
        names = ("communities.npy", LABELS, "forest.npy", "forest_cosines.npy")
        files += [f"{regime}/{name}" for name in names]
        found[regime] = len(labels)
        writer.say(f"communities, {regime}: {len(labels):,}")
    return files, found


def _leaks(writer: RunWriter, config: BuildConfig | ImportConfig) -> tuple[list[str], dict[str, Any]]:
    texts = [
        zip(frame["prompt"], frame["response"], strict=True)
        for frame in map(writer.read_frame, (INSTRUCTIONS, VALIDATION))
    ]
    plain = writer.read_array("sgd/validation_cosines.npy") if "sgd" in config.regimes else None
    leaks = find_leaks(texts[0], list(texts[1]), plain)
    writer.write_frame(LEAKS, leaks)
    found = {kind: int((leaks["kind"] == kind).sum()) for kind in KINDS}
    if len(leaks):
        counts = ", ".join(f"{count:,} by {kind}" for kind, count in found.items() if count)
        writer.say(
            f"possible leaks: {len(leaks):,} samples of the pool are near-copies of validation ({counts})"
        )
    return [LEAKS], found

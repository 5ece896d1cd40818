"""The graph stage: what a run keeps of the cosines between gradients, regime by regime."""

from __future__ import annotations

from typing import Any

import numpy as np

from g2is.config import GraphConfig, RegimeName
from g2is.files import write_array
from g2is.neighbors import cosines_to, edge_cosines, exact_neighbors
from g2is.pipeline.writer import RunWriter
from g2is.run import SAMPLES, VALIDATION_GRADIENTS


def write_graph(
    writer: RunWriter,
    regimes: tuple[RegimeName, ...],
    config: GraphConfig,
    device: str,
    given: np.ndarray | None = None,
) -> tuple[list[str], dict[str, Any]]:
    """Neighbours, conflicts and cosines to the validation samples; `given` (n, k) neighbours are kept as
    they are."""
    valid = writer.read_frame(SAMPLES)["valid"].to_numpy()
    validation = np.load(writer.folder / VALIDATION_GRADIENTS)
    files: list[str] = []
    found: dict[str, Any] = {}
    with writer.progress("graph", int(valid.sum()) * len(regimes), "sample") as bar:
        for regime in regimes:
            rows = np.load(writer.folder / regime / "gradients.npy", mmap_mode="r")
            lists = exact_neighbors(
                rows,
                valid,
                neighbors=config.neighbors if given is None else 1,
                conflicts=config.conflicts,
                device=device,
                # All rows are read once for every block: larger ones where the arithmetic does not hold it up.
                block=1024 if device == "cpu" else 8192,
                on_block=bar.update,
            )
            arrays = {
                "neighbors": lists.neighbors if given is None else given,
                "cosines": lists.cosines if given is None else edge_cosines(rows, given),
                "conflicts": lists.conflicts,
                "conflict_cosines": lists.conflict_cosines,
                "validation_cosines": cosines_to(rows, valid, validation, device=device),
            }
            for name, array in arrays.items():
                write_array(writer.folder / regime / f"{name}.npy", array)
                files.append(f"{regime}/{name}.npy")
            found[regime] = {"mean_cosine": lists.mean_cosine, "conflict_share": lists.conflict_share}
    for name, numbers in found.items():
        writer.say(
            f"graph, {name}: mean cosine {numbers['mean_cosine']:.3f}, "
            f"{numbers['conflict_share']:.1%} of pairs conflict"
        )
    return files, found

"""A run as large as a real one, written directly: a tiny run's records over and over, in clusters of its own."""

import json
from pathlib import Path

import numpy as np

from g2is.run.paths import INSTRUCTIONS, LABELS
from g2is.run.run import FileRecord, Run
from g2is.storage.files import sha256
from g2is.storage.stored_tables import write_table
from g2is.storage.tables import to_table

CLUSTERS = 40


def make_large_run(folder: Path, tiny: Run, count: int, *, seed: int = 0) -> Run:
    """`count` samples with gradients, graph, layout and communities of no meaning, in the regime of `tiny`."""
    random = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    regime = tiny.regime("sgd")
    row = np.arange(count) % len(tiny.instructions)
    frame = tiny.records(row).reset_index(drop=True)
    gradient_columns = ["problem", "valid", "loss", "tokens", "trained_tokens", "cut"]
    frame[gradient_columns].to_parquet(folder / "samples.parquet", index=False)
    write_table(folder / INSTRUCTIONS, [to_table(frame.drop(columns=gradient_columns))])
    (folder / "sgd").mkdir()

    valid = frame["valid"].to_numpy()
    cluster = random.integers(0, CLUSTERS, count)
    centres = 10 * random.standard_normal((CLUSTERS, 2))
    places = (centres[cluster] + random.standard_normal((count, 2))).astype(np.float32)
    places[~valid] = np.nan
    validation = 10 * random.standard_normal((len(tiny.validation), 2)).astype(np.float32)
    width = regime.neighbors.shape[1]
    lists = (np.arange(count)[:, None] + 1 + np.arange(width)) % count
    arrays = {
        **{name: getattr(regime, name)[row] for name in ("gradients", "norms")},
        "neighbors": np.where(valid[:, None], lists, -1).astype(np.int32),
        "cosines": regime.cosines[row],
        "conflicts": np.where(valid[:, None], lists[:, :3], -1).astype(np.int32),
        "conflict_cosines": regime.conflict_cosines[row],
        "umap": places,
        "pca": -places,
        "communities": np.where(valid, cluster, -1).astype(np.int32),
    }
    for name, array in arrays.items():
        np.save(folder / "sgd" / f"{name}.npy", array)
    (target,) = tiny.manifest.targets
    (folder / target / "sgd").mkdir(parents=True)
    of_target = {"cosines": regime.validation_cosines[row], "umap": validation, "pca": -validation}
    for name, array in of_target.items():
        np.save(folder / target / "sgd" / f"{name}.npy", array)
    (folder / "sgd" / LABELS).write_text(json.dumps([f"group {number}" for number in range(CLUSTERS)]))

    manifest = tiny.manifest.model_copy(deep=True)
    manifest.stages["instructions"].found["pool"] = count
    for stage in (*manifest.stages.values(), *manifest.parts.values()):
        for name in stage.files:
            path = folder / name
            if not path.exists():
                path.write_bytes((tiny.folder / name).read_bytes())
            stage.files[name] = FileRecord(sha256=sha256(path), bytes=path.stat().st_size)
    (folder / "manifest.json").write_text(manifest.model_dump_json())
    return Run.open(folder)

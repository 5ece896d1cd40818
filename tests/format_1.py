"""A run of format 2 as the program that wrote format 1 would have left it."""

import json
import shutil
from pathlib import Path

import numpy as np

from g2is.run.parts import Stage, record
from g2is.run.paths import POOLINGS
from g2is.run.run import Run


def as_format_1(run: Run, folder: Path, *, without: tuple[str, ...] = ()) -> Run:
    """A copy of a run in format 1. without: stages that it has not finished, such as `layout`."""
    shutil.copytree(run.folder, folder, ignore=shutil.ignore_patterns("targets", "pca_axes.npy"))
    manifest = run.manifest.model_copy(deep=True, update={"format_version": 1, "parts": {}})
    stages, leaks = manifest.stages, manifest.stages.pop("targets")
    stages["leaks"] = Stage(seconds=leaks.seconds, files={}, found=leaks.found["leaks"])
    stages["instructions"].found |= {"validation": len(run.validation), "validation_left_out": []}
    run.validation.to_parquet(folder / "validation.parquet", index=False)
    run.leaks.to_parquet(folder / "leaks.parquet", index=False)
    np.save(folder / "validation_gradients.npy", run.validation_gradients)
    files = {
        "instructions": ["validation.parquet"],
        "gradients": ["validation_gradients.npy"],
        "graph": [f"{regime}/validation_cosines.npy" for regime in run.regimes],
        "layout": [f"{regime}/{kind}.npy" for regime in run.regimes for kind in run.layouts],
        "leaks": ["leaks.parquet"],
    }
    for regime in run.regimes:
        np.save(folder / regime / "validation_cosines.npy", run.regime(regime).validation_cosines)
        for kind in run.layouts:
            layout = run.layout(kind, regime)
            np.save(folder / regime / f"{kind}.npy", np.concatenate([layout.samples, layout.validation]))
        stages["layout"].files.pop(f"{regime}/pca_axes.npy")
    if "representations" in stages:
        files["representations"] = [f"representations/validation_{pooling}.npy" for pooling in POOLINGS]
        for pooling, name in zip(POOLINGS, files["representations"], strict=True):
            np.save(folder / name, run.representations(pooling).validation)
    for stage, names in files.items():
        stages[stage].files |= {name: record(folder / name) for name in names}
    for stage in without:
        for name in stages.pop(stage).files:
            (folder / name).unlink()
    manifest.write(folder)
    later = {"parts", "removed", "content"} & json.loads((folder / "manifest.json").read_text()).keys()
    assert not later
    old = Run.open(folder)
    for path in (folder / "selections").glob("*.json"):
        path.write_text(path.read_text().replace(run.hash, old.hash))
    return old

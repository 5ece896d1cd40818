"""From format 1 of runs to format 2, in which every validation target has a folder of its own.

New files come first, then the manifest, then the old files go: a process that is killed leaves a whole run of either.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np

from g2is.errors import InputError
from g2is.graph.layout import principal_axes
from g2is.pipeline.targets import TakenTarget, new_place, records, view_files, write_taken
from g2is.run.manifest import CONTENT_STAGES, FORMAT_VERSION, Manifest
from g2is.run.parts import FileRecord, Part, Stage, TargetFacts
from g2is.run.paths import (
    ENSEMBLE,
    GONE,
    INSTRUCTIONS_PARQUET,
    LEAKS,
    POOL,
    POOLINGS,
    REPRESENTATIONS,
    TARGETS,
    VALIDATION,
    VALIDATION_GRADIENTS,
    array_file,
    representations_file,
    target_array,
    target_file,
)
from g2is.run.regimes import open_gradients
from g2is.run.run import Run
from g2is.storage.files import remove_folder, sweep, write_array
from g2is.storage.tables import write_frame


def upgraded(folder: Path, manifest: Manifest, say: Callable[[str], None]) -> Manifest:
    """Bring a run of format 1 to format 2, by the process that holds its lock; returns its new manifest.

    Of a run that is not finished, the stages that are keep what they have. Raises `InputError` where a file that it
    needs is damaged; the run is then as it was.
    """
    if manifest.format_version >= FORMAT_VERSION:
        return manifest
    say(f"{folder}: from format {manifest.format_version} of runs to format {FORMAT_VERSION}")
    old = Run(folder, manifest)
    new = manifest.model_copy(deep=True, update={"format_version": FORMAT_VERSION})
    gone = _old_files(old)
    for stage in new.stages.values():
        stage.files = {name: of for name, of in stage.files.items() if name not in gone}
    leaks = new.stages.pop("leaks", None)
    if set(CONTENT_STAGES) & set(manifest.stage_names) <= set(new.stages):
        new.content = old.hash
    if "layout" in new.stages:
        new.stages["layout"].files |= _write_axes(old)
    whole = leaks is not None and {"graph", "layout"} <= set(new.stages)
    if "gradients" in new.stages:
        for target in old.targets:
            place = new_place(new, target.name)
            new.parts[place] = _write_target(old, place, target.name, whole)
    if whole and leaks is not None:
        new.stages["targets"] = Stage(seconds=leaks.seconds, files={}, found={"leaks": leaks.found})
    new.write(folder)
    tidy(folder, new)
    return new


def _old_files(run: Run) -> set[str]:
    """The files of a run that only format 1 has."""
    names = {VALIDATION, VALIDATION_GRADIENTS, LEAKS}
    names |= {array_file(regime, "validation_cosines") for regime in run.regimes}
    return names | {representations_file(pooling, validation=True) for pooling in POOLINGS}


def _write_axes(run: Run) -> dict[str, FileRecord]:
    seed = run.manifest.configuration.layout.layout_seed
    names = []
    for regime in run.regimes:
        name = array_file(regime, "pca_axes")
        axes = principal_axes(open_gradients(run.files, regime), run.valid, seed=seed)
        write_array(run.folder / name, axes)
        names.append(name)
    return records(run.folder, names)


def _write_target(run: Run, place: str, name: str, whole: bool) -> Part:
    """Write the files of one target from those of all. whole: with what follows from its gradients."""
    rows = np.flatnonzero(run.validation["target"] == name)
    inputs = [file for file in run.manifest.validation if file.target == name]
    representations = {}
    if "representations" in run.manifest.stages:
        representations = {p: np.array(run.representations(p).validation[rows]) for p in POOLINGS}
    part = write_taken(
        run.folder,
        place,
        TakenTarget(
            name,
            run.validation.iloc[rows].drop(columns="target").reset_index(drop=True),
            run.validation_gradients[rows],
            TargetFacts(examples=len(rows), origin="build", inputs=inputs),
            representations=representations,
        ),
    ).model_copy(update={"added": run.manifest.created})
    if not whole:
        return part
    for regime in run.regimes:
        cosines = run.regime(regime).validation_cosines[:, rows]
        write_array(run.folder / target_array(place, regime, "cosines"), np.ascontiguousarray(cosines))
        for kind in run.layouts:
            places = np.array(run.layout(kind, regime).validation[rows])
            write_array(run.folder / target_array(place, regime, kind), places)
    number = np.full(len(run.validation), -1)
    number[rows] = np.arange(len(rows))
    leaks = run.leaks.assign(validation=number[run.leaks["validation"]])
    write_frame(
        run.folder / target_file(place, LEAKS), leaks[leaks["validation"] >= 0].reset_index(drop=True)
    )
    return part.model_copy(update={"files": part.files | records(run.folder, view_files(run, place))})


def tidy(folder: Path, manifest: Manifest) -> None:
    """Remove what a killed process left: temporary files, and parts of an upgrade, of a change to the targets, of a
    removal or of an extension."""
    inner = [
        path
        for place in (TARGETS, GONE, REPRESENTATIONS)
        for path in (folder / place).rglob("*")
        if path.is_dir()
    ]
    for path in (folder, *(folder / regime for regime in manifest.configuration.regimes), *inner):
        sweep(path)
    for name in _old_files(Run(folder, manifest)) - set(manifest.files):
        with suppress(OSError):  # what remains is harmless
            (folder / name).unlink()
    _remove_replaced(folder, manifest)
    kept = {folder / place for place in (*manifest.parts, *manifest.removed)}
    for path in (*(folder / TARGETS).glob("*"), *(folder / GONE).glob("*")):
        if path.is_dir() and not path.is_symlink() and path not in kept:
            with suppress(InputError):
                remove_folder(path)


def _remove_replaced(folder: Path, manifest: Manifest) -> None:
    """Remove files that are not of the run: replaced by an extension, or written by one that was stopped."""
    places = {folder / (of.at or name) for name, of in manifest.files.items()}
    moved = {folder / name for name, of in manifest.files.items() if of.at}
    # What an extended run no longer has.
    moved |= {folder / name for name in (INSTRUCTIONS_PARQUET, ENSEMBLE)} if manifest.additions else set()
    inner = sorted((folder / POOL).rglob("*"), reverse=True)  # what a folder holds comes before it
    for path in [*(moved - places), *(path for path in inner if path not in places)]:
        with suppress(OSError):  # folders that hold something stay
            path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()

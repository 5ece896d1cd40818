"""Targets of a finished run come and go: nothing of the pool is computed again, and no file of it is touched."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from g2is.arrays.rows import read_rows
from g2is.errors import InputError, shortened
from g2is.pipeline.changing import changing
from g2is.pipeline.targets import TakenTarget, check_name, new_place, with_views, write_taken
from g2is.pipeline.writer import RunWriter
from g2is.run.manifest import Manifest, Part, TargetFacts
from g2is.run.paths import (
    EXAMPLE_GRADIENTS,
    EXAMPLES,
    POOLINGS,
    array_file,
    target_file,
    target_representations,
)
from g2is.run.regimes import open_gradients
from g2is.run.run import Run

LEAST = 2
"""Examples that a target needs."""


def target_from(
    run: Run, rows: ArrayLike, *, name: str, note: str = "", say: Callable[[str], None] = lambda line: None
) -> Run:
    """Make instructions of the pool a target of the run: "more like these", without the model.

    Their own plain gradients are the validation gradients of the new target; a walk for it leaves them out of the
    choice (`WalkParameters.without_target_rows`). rows: of the pool, in any order. note: where they are from, in words.
    Returns the run with the target. Raises `InputError` where the name is taken, fewer than two rows have a gradient,
    or the run keeps no plain gradients.
    """
    start = time.monotonic()
    chosen = np.unique(np.asarray(rows, np.int64))
    if "sgd" not in run.regimes:
        raise InputError(
            f"run {run.name} keeps no plain gradients (sgd), which a target is made of; build it with --regimes … sgd"
        )
    if len(chosen) and not 0 <= chosen[0] <= chosen[-1] < len(run.valid):
        raise InputError(
            f"rows: {chosen[0]:,} to {chosen[-1]:,}, expected rows of the pool, 0 to {len(run.valid) - 1:,}"
        )
    without = chosen[~run.valid[chosen]]
    used = chosen[run.valid[chosen]]
    if len(used) < LEAST:
        raise InputError(
            f"target {shortened(name)}: {len(used)} instruction(s) with a gradient, expected {LEAST} or more"
        )
    gradients = read_rows(open_gradients(run.files, "sgd"), used)
    checkpoints = run.files.found("gradients").get("checkpoints", {})
    if len(checkpoints) < 2:  # rows of several checkpoints are of length 1, those of validation samples too
        gradients = (
            gradients * run.files.array(array_file("sgd", "norms"), "f", (len(run.valid),))[used, None]
        )
    columns = [column for column in run.validation if column != "target"]
    representations = {}
    if "representations" in run.manifest.stages:
        representations = {p: np.array(run.representations(p).samples[used]) for p in POOLINGS}
    facts = TargetFacts(
        examples=len(used),
        origin="instructions",
        note=f"{len(used):,} instructions of the pool{f', {note}' if note else ''}",
        rows=used.tolist(),
        left_out=[f"row {row}: has no gradient" for row in without.tolist()],
    )
    examples = run.instructions.iloc[used].reindex(columns=columns).reset_index(drop=True)
    taken = TakenTarget(name, examples, gradients, facts, time.monotonic() - start, representations)
    return add(run.folder, taken, say=say)


def add(folder: Path, taken: TakenTarget, *, say: Callable[[str], None] = lambda line: None) -> Run:
    """Add a target to a finished run. Raises `InputError` where its name is taken or does not fit."""
    check_name(taken.name)
    with changing(folder, say) as writer:
        refuse_known(writer.manifest, taken.name)
        place = new_place(writer.manifest, taken.name)
        part = write_taken(folder, place, taken)
        writer.put_part(place, with_views(Run.open(folder), place, part))
    return Run.open(folder)


def refuse_known(manifest: Manifest, name: str) -> None:
    """Raise `InputError` where a run has a target of this name."""
    if name in [part.name for part in manifest.targets.values()]:
        raise InputError(
            f"target {shortened(name)!r}: the run has one of this name; choose another, or remove that first"
        )


def remove(folder: Path, name: str, *, say: Callable[[str], None] = lambda line: None) -> Run:
    """Take a target away from a run; `restore` brings it back. Raises `InputError` for the last one."""
    with changing(folder, say) as writer:
        manifest = writer.manifest
        place = _place(manifest.targets, name, manifest)
        if len(manifest.targets) == 1:
            raise InputError(f"target {shortened(name)!r}: is the last one of the run; add another first")
        part = manifest.parts.pop(place)
        kept = (
            *(target_file(place, file) for file in (EXAMPLES, EXAMPLE_GRADIENTS)),
            *(target_representations(place, pooling) for pooling in POOLINGS),
        )
        views = [file for file in part.files if file not in kept]
        part.files = {file: of for file, of in part.files.items() if file in kept}
        manifest.removed[place] = part
        manifest.write(folder)
        for file in views:
            (folder / file).unlink(missing_ok=True)
    return Run.open(folder)


def restore(folder: Path, name: str, *, say: Callable[[str], None] = lambda line: None) -> Run:
    """Bring back a target that was removed, the one removed last of this name."""
    with changing(folder, say) as writer:
        refuse_known(writer.manifest, name)
        place = _place(writer.manifest.removed, name, writer.manifest)
        _check_whole(writer, place)
        part = with_views(Run.open(folder), place, writer.manifest.removed[place])
        del writer.manifest.removed[place]
        writer.put_part(place, part)
    return Run.open(folder)


def _place(parts: dict[str, Part], name: str, manifest: Manifest) -> str:
    """The folder of the target of this name; raises `InputError` where there is none."""
    found = [place for place, part in parts.items() if part.name == name]
    if not found:
        known = ", ".join(dict.fromkeys(part.name for part in parts.values())) or "none"
        raise InputError(f"target = {shortened(name)!r}: expected one of {shortened(known, 500)}")
    return found[-1]


def _check_whole(writer: RunWriter, place: str) -> None:
    run = Run.open(writer.folder)
    for file, expected in writer.manifest.removed[place].files.items():
        if problem := run.files.integrity.problem(file, expected, full=True):
            raise InputError(f"{problem}; this target cannot come back, add it again from its examples")

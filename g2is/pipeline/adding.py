"""Targets of a finished run come and go: nothing of the pool is computed again, and no file of it is touched."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from g2is.arrays.rows import read_rows
from g2is.config import ReadingConfig
from g2is.errors import InputError, shortened
from g2is.pipeline.changing import changing
from g2is.pipeline.inputs import Target
from g2is.pipeline.progress import Bar
from g2is.pipeline.sent import fits_of, read_sent, write_sent
from g2is.pipeline.targets import TakenTarget, check_name, new_place, with_views, write_taken
from g2is.pipeline.writer import RunWriter
from g2is.run.manifest import Manifest
from g2is.run.parts import Part, TargetFacts
from g2is.run.paths import (
    EXAMPLE_GRADIENTS,
    EXAMPLES,
    POOLINGS,
    array_file,
    progress_path,
    target_file,
    target_representations,
)
from g2is.run.regimes import open_gradients
from g2is.run.run import Run
from g2is.storage.files import not_written

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
    chosen = check_rows(run, rows)
    without = chosen[~run.valid[chosen]]
    used = chosen[run.valid[chosen]]
    if len(used) < LEAST:
        raise InputError(
            f"target {shortened(name)}: {len(used)} instruction(s) with a gradient, expected {LEAST} or more"
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
    examples = run.records(used).reindex(columns=columns).reset_index(drop=True)
    taken = TakenTarget(
        name, examples, own_gradients(run, used), facts, time.monotonic() - start, representations
    )
    return add(run.folder, taken, say=say)


def check_rows(run: Run, rows: ArrayLike) -> np.ndarray:
    """Rows of the pool, ascending, that a target can be made of; raises `InputError` for others, and where the run
    keeps no plain gradients."""
    chosen = np.unique(np.asarray(rows, np.int64))
    if "sgd" not in run.regimes:
        raise InputError(
            f"run {run.name} keeps no plain gradients (sgd), which a target is made of; build it with --regimes … sgd"
        )
    if len(chosen) and not 0 <= chosen[0] <= chosen[-1] < len(run.valid):
        raise InputError(
            f"rows: {chosen[0]:,} to {chosen[-1]:,}, expected rows of the pool, 0 to {len(run.valid) - 1:,}"
        )
    return chosen


def own_gradients(run: Run, rows: np.ndarray) -> np.ndarray:
    """(r, d) plain gradients of instructions, as long as those of validation examples are."""
    gradients = read_rows(open_gradients(run.files, "sgd"), rows)
    if len(run.files.found("gradients").get("checkpoints", {})) < 2:
        norms = run.files.array(array_file("sgd", "norms"), "f", (len(run.valid),))
        return gradients * norms[rows, None]
    return gradients  # rows of several checkpoints are of length 1, those of validation samples too


def add_examples(
    folder: Path,
    targets: Sequence[Target],
    *,
    model: str | None = None,
    reading: ReadingConfig | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> Run:
    """Add targets from files of examples to a finished run: all of them, or none.

    Only the gradients of the examples are taken, with the adapter that the run keeps; they are those that a build with
    these targets would have taken. No file of the pool is touched. Progress is written to a file beside the run, as
    that of a build is (`progress_path`). folder: of the run. model: where its model is now, a folder or a Hugging Face
    id; None for where it was. reading: how the files are read. say: called with each line on what was read, cut and
    left out. Returns the run with the targets. Raises `InputError` where a name is taken, the model is missing or
    another than that of the build, or fewer than two examples have something to train on.
    """
    from g2is.pipeline.taking import ExampleTaker

    run = Run.open(folder)
    for target in targets:
        check_name(target.name)
        refuse_known(run, target.name)
    taker = ExampleTaker(run, targets, model=model, reading=reading, say=say)
    with changing(folder, say) as writer:
        now = Run(folder, writer.manifest)
        if now.hash != run.hash:
            raise InputError(f"{folder}: was built anew meanwhile; run the same command again")
        for target in targets:
            refuse_known(now, target.name)
        _put(writer, taker.take(writer.progress))
    return Run.open(folder)


def compute(
    folder: Path,
    target: Target,
    output: Path,
    *,
    model: str | None = None,
    reading: ReadingConfig | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> int:
    """Take the gradients of a target's examples and write them to a small file, which `add_sent` adds to the run.

    For a machine that has the model and a copy of the run, of which only the manifest and the states of the warm-up are
    read (`manifest.json`, `warmup*.safetensors`); nothing in it is written. Other arguments and errors: as of
    `add_examples`. Progress is written to a file beside `output` (`progress_path`). Returns the bytes of the file.
    """
    from g2is.pipeline.taking import ExampleTaker

    check_name(target.name)
    run, progress = Run.open(folder), progress_path(output)
    fits_of(run)
    taker = ExampleTaker(run, [target], model=model, reading=reading, say=say)
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        (taken,) = taker.take(lambda label, total, unit: Bar(progress, label, total, unit))
        return write_sent(output, run, taken)
    except OSError as error:
        raise not_written(output, error) from error
    finally:
        progress.unlink(missing_ok=True)


def add_sent(
    folder: Path, path: Path, *, name: str | None = None, say: Callable[[str], None] = lambda line: None
) -> Run:
    """Add a target that `compute` wrote on another machine; neither the model nor torch is needed.

    name: what it is called; None for the name in the file. Returns the run with the target. Raises `InputError` where
    the file is damaged, larger than 1 GiB, or was computed with another model, template, adapter, projection or other
    checkpoints than those of the run, and where the name is taken.
    """
    taken = read_sent(path, Run.open(folder))
    return add(folder, taken if name is None else replace(taken, name=name), say=say)


def add(folder: Path, taken: TakenTarget, *, say: Callable[[str], None] = lambda line: None) -> Run:
    """Add a target whose gradients are there to a finished run. Raises `InputError` where its name is taken or does not
    fit."""
    check_name(taken.name)
    with changing(folder, say) as writer:
        refuse_known(Run(folder, writer.manifest), taken.name)
        _put(writer, [taken])
    return Run.open(folder)


def _put(writer: RunWriter, taken: Sequence[TakenTarget]) -> None:
    """Write targets with all that follows from them; the manifest, which makes them part of the run, comes last."""
    run = Run.open(writer.folder)
    for one in taken:
        place = new_place(writer.manifest, one.name)
        part = write_taken(writer.folder, place, one)
        with writer.progress(f"cosines to {one.name}", len(run.regimes), "kind of gradient") as bar:
            writer.manifest.parts[place] = with_views(run, place, part, bar.update)
    writer.manifest.write(writer.folder)


def refuse_known(run: Run, name: str) -> None:
    """Raise `InputError` where a run has a target of this name."""
    if name in [target.name for target in run.targets]:
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
        views = [of.at or file for file, of in part.files.items() if file not in kept]
        part.files = {file: of for file, of in part.files.items() if file in kept}
        manifest.removed[place] = part
        manifest.write(folder)
        for file in views:
            (folder / file).unlink(missing_ok=True)
    return Run.open(folder)


def restore(folder: Path, name: str, *, say: Callable[[str], None] = lambda line: None) -> Run:
    """Bring back a target that was removed, the one removed last of this name, to where it was among the others: the
    numbers of validation examples are places in all targets together."""
    with changing(folder, say) as writer:
        refuse_known(Run(folder, writer.manifest), name)
        place = _place(writer.manifest.removed, name, writer.manifest)
        _check_whole(writer, place)
        part = with_views(Run.open(folder), place, writer.manifest.removed[place])
        del writer.manifest.removed[place]
        writer.manifest.parts = _in_order(writer.manifest, place, part)
        writer.manifest.write(folder)
    return Run.open(folder)


def _in_order(manifest: Manifest, place: str, part: Part) -> dict[str, Part]:
    """The parts of a run with a target in its folder `place`, before those targets that came after it."""
    came = manifest.came
    later = next((other for other, one in manifest.targets.items() if came(one) > came(part)), None)
    parts: dict[str, Part] = {}
    for other, one in manifest.parts.items():
        if other == later:
            parts[place] = part
        parts[other] = one
    return {**parts, place: part}


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

"""A target of a run with further examples: instructions of the pool that were accepted as such."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from g2is.analysis.targets import examples_of
from g2is.errors import InputError, shortened
from g2is.pipeline.adding import add, check_rows, own_gradients
from g2is.pipeline.changing import changing
from g2is.pipeline.targets import TakenTarget, check_name, new_place, with_views, write_taken
from g2is.run.parts import TargetFacts
from g2is.run.paths import POOLINGS
from g2is.run.run import Run
from g2is.run.targets import Target


def grown_name(run: Run, name: str) -> str:
    """What a target is called once it has grown: as before where it has already, otherwise a name that no other has."""
    if has_grown(_target(run, name)):
        return name
    taken = {target.name for target in run.targets}
    names = (f"{name[:80]} grown", *(f"{name[:80]} grown {place}" for place in range(2, len(taken) + 3)))
    return next(one for one in names if one not in taken)


def has_grown(target: Target) -> bool:
    """Whether a target has examples of its own and accepted ones."""
    return 0 < len(target.rows) < target.size


def grow(
    run: Run,
    name: str,
    rows: ArrayLike,
    *,
    into: str | None = None,
    note: str = "",
    say: Callable[[str], None] = lambda line: None,
) -> Run:
    """Accept instructions of the pool as further examples of a target, without the model.

    The grown target is another one, and the first stays as it is; one that has grown before is replaced where it keeps
    its name. What was accepted is left out of the choice of a walk for it, as of `target_from`. rows: of the pool, in
    any order. into: the name of the grown target; None for `grown_name`. note: how the rows were chosen, in words.
    Returns the run with the grown target. Raises `InputError` where there is no such target, the name is taken, or a
    row has no gradient or is an example already.
    """
    start = time.monotonic()
    before, new = _target(run, name), check_rows(run, rows)
    into = grown_name(run, name) if into is None else into
    if not len(new):
        raise InputError(f"target {shortened(name)}: no instructions to accept; give one or more")
    for problem, wrong in (
        ("removed from the pool", new[run.gone[new]]),
        ("without a gradient", new[~run.valid[new]]),
        ("an example already", new[np.isin(new, before.rows)]),
    ):
        if len(wrong):
            raise InputError(f"row {wrong[0]:,}: is {problem}, so it cannot become an example; leave it out")
    taken = _grown(run, before, into, new, note, start)
    if into != name:
        return add(run.folder, taken, say=say)
    if not has_grown(before):
        raise InputError(f"target {shortened(into)!r}: is the target that grows; choose another name")
    return _replace(run, taken, say)


def _grown(run: Run, before: Target, into: str, new: np.ndarray, note: str, start: float) -> TakenTarget:
    """A target with further examples, which come last, in the order of `rows` of its facts."""
    own = examples_of(run, before.name)
    columns = [column for column in run.validation if column != "target"]
    accepted = run.records(new).reindex(columns=columns)
    representations = {}
    if "representations" in run.manifest.stages:
        for pooling in POOLINGS:
            kept = run.representations(pooling)
            representations[pooling] = np.concatenate([kept.validation[own], kept.samples[new]])
    all_rows = [*before.rows, *new.tolist()]
    given = before.size - len(before.rows)
    facts = TargetFacts(
        examples=before.size + len(new),
        origin="instructions",
        note=f"{given:,} examples and {len(all_rows):,} instruction{'s' * (len(all_rows) > 1)} of the pool"
        f"{f', {note}' if note else ''}",
        rows=all_rows,
    )
    return TakenTarget(
        into,
        pd.concat([run.validation.iloc[own][columns], accepted], ignore_index=True),
        np.concatenate([run.validation_gradients[own], own_gradients(run, new)]),
        facts,
        time.monotonic() - start,
        representations,
    )


def _replace(run: Run, taken: TakenTarget, say: Callable[[str], None]) -> Run:
    """Put a target in the place of the one of its name. Its files go once the manifest no longer names them."""
    check_name(taken.name)
    with changing(run.folder, say) as writer:
        now, manifest = Run(run.folder, writer.manifest), writer.manifest
        if now.state != run.state:
            raise InputError(f"target {shortened(taken.name)!r}: the run has changed meanwhile; do it again")
        old = next(place for place, part in manifest.targets.items() if part.name == taken.name)
        place = new_place(manifest, taken.name)
        part = with_views(now, place, write_taken(run.folder, place, taken))
        gone = [of.at or file for file, of in manifest.parts[old].files.items()]
        manifest.parts = {
            **{known: kept for known, kept in manifest.parts.items() if known != old},
            place: part,
        }
        manifest.write(run.folder)
        for file in gone:
            (run.folder / file).unlink(missing_ok=True)
        for emptied in sorted(
            {(run.folder / file).parent for file in gone} | {run.folder / old}, reverse=True
        ):
            with suppress(OSError):  # something else lies in it
                emptied.rmdir()
    return Run.open(run.folder)


def _target(run: Run, name: str) -> Target:
    examples_of(run, name)
    return next(target for target in run.targets if target.name == name)

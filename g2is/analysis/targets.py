"""The targets of a run: each checked, and the instructions that could be further examples."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from g2is.analysis.target_check import TargetCheck, check_target
from g2is.analysis.target_gaps import Pool
from g2is.analysis.walks import pool_for
from g2is.config import RegimeName
from g2is.errors import InputError, shortened
from g2is.instructions.copies import LEAST_COSINE
from g2is.run.run import Run


def examples_of(run: Run, name: str) -> NDArray[np.int64]:
    """The rows of a target among all validation examples of a run; raises `InputError` where it has no such target."""
    rows = np.flatnonzero((run.validation["target"] == name).to_numpy())
    if not len(rows):
        known = ", ".join(target.name for target in run.targets)
        raise InputError(f"target = {shortened(name)!r}: expected one of {shortened(known, 500)}")
    return rows


def compared_in(run: Run) -> RegimeName:
    """The gradients that targets are checked in: plain ones, where the run keeps them."""
    return "sgd" if "sgd" in run.regimes else run.regimes[0]


def check_of(run: Run, name: str) -> TargetCheck:
    """Check a target of a run. Raises `InputError` where it has no such target."""
    rows, regime = examples_of(run, name), compared_in(run)
    return check_target(
        name, run.validation_gradients_in(regime)[rows], _cosines(run, rows), pool_for(run, rows)
    )


def pool_of(run: Run, name: str) -> Pool:
    """What proposals for a target are made from: the pool without what is an example of it already, or a near-copy of
    one."""
    rows, regime = examples_of(run, name), run.regime(compared_in(run))
    allowed = pool_for(run, rows) & (run.instructions["duplicate_of"].to_numpy() < 0)
    leaks = run.leaks
    allowed = allowed.copy()
    allowed[leaks["sample"][leaks["validation"].isin(rows)].to_numpy(np.int64)] = False
    cosines = _cosines(run, rows)
    # Copies of examples that are instructions themselves, which are no leaks.
    allowed &= cosines.max(axis=1) < LEAST_COSINE
    return Pool(cosines, regime.gradients, allowed)


def _cosines(run: Run, rows: NDArray[np.int64]) -> NDArray[np.floating]:
    cosines = run.regime(compared_in(run)).validation_cosines
    return cosines if len(rows) == cosines.shape[1] else np.asarray(cosines)[:, rows]

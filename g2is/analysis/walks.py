"""Walks over a run, with a cache of core knowledge.

Most walks change only rules or budget, so core knowledge and affinities are cached with each open run: those of the
last few settings, within a memory limit, released with the run. Sessions that need the same at the same time share one
computation.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from g2is.config import WalkParameters
from g2is.config.graph import APPROXIMATE_FROM
from g2is.config.names import split_reference
from g2is.errors import InputError
from g2is.run.run import Run

if TYPE_CHECKING:
    from g2is.knowledge import CoreKnowledge
    from g2is.walk import Explanation, WalkTrace

MOST_KEPT = 4
"""Core knowledge of how many settings is cached for a run."""
BYTES_KEPT = 2**30
"""Bytes that the cached affinities of a run may take."""


class _Prepared(NamedTuple):
    knowledge: CoreKnowledge
    affinities: NDArray[np.float32]


def walk(run: Run, parameters: WalkParameters) -> WalkTrace:
    """The gradient walk over a run. Raises `InputError` if the parameters do not fit the run."""
    from g2is.walk import gradient_walk

    parameters = with_versions(run, parameters)
    regime = run.regime(parameters.regime)
    prepared = _prepared(run, parameters)
    trace = gradient_walk(
        regime.gradients,
        regime.neighbors,
        regime.cosines,
        prepared.knowledge,
        with_rows(run, parameters),
        sources=run.sources,
        valid=run.valid,
        fitting=fitting(run, parameters),
        quotas=run.columns.quotas(parameters.share),
        affinities=prepared.affinities,
    )
    return replace(trace, parameters=parameters)


def with_versions(run: Run, parameters: WalkParameters) -> WalkParameters:
    """The same settings, with the present version of each named set: what a walk with them is cached and saved under.

    Raises `InputError` for a set that is missing, or that has changed since a version the settings ask for.
    """
    return _with_sets(parameters, lambda field: {f"{field}_sets": run.sets.stamped(_sets(parameters, field))})


def with_rows(run: Run, parameters: WalkParameters) -> WalkParameters:
    """The same settings, with the rows of named sets in place of their names, as a walk takes them. Raises `InputError`
    as `with_versions` does."""

    def rows(field: str) -> dict[str, tuple[Any, ...]]:
        of_sets = run.sets.union(_sets(parameters, field)).tolist()
        if field == "only" and not of_sets and not parameters.only:
            names = ", ".join(split_reference(reference)[0] for reference in parameters.only_sets)
            raise InputError(
                f"only_sets: all instructions of {names} were removed from the pool; restore some"
            )
        single = getattr(parameters, _SINGLE[field])
        return {_SINGLE[field]: tuple(dict.fromkeys([*single, *of_sets])), f"{field}_sets": ()}

    return _with_sets(parameters, rows)


_SINGLE = {"pin": "pins", "ban": "bans", "only": "only"}
"""The setting that lists single instructions, by what `…_sets` begins with."""


def _sets(parameters: WalkParameters, field: str) -> tuple[str, ...]:
    return getattr(parameters, f"{field}_sets")


def _with_sets(
    parameters: WalkParameters, changes: Callable[[str], dict[str, tuple[Any, ...]]]
) -> WalkParameters:
    used = [field for field in _SINGLE if _sets(parameters, field)]
    if not used:
        return parameters
    return parameters.replace(**{name: value for field in used for name, value in changes(field).items()})


def fitting(run: Run, parameters: WalkParameters) -> NDArray[np.bool_] | None:
    """(n,) the samples that fit the conditions of a walk and are not what its targets were made of, of near-duplicates
    one where it asks for that; None where all are. Raises `InputError` for none."""
    fits = run.matching(parameters.where) if parameters.where else None
    own = own_rows(run, parameters)
    if len(own):
        fits = np.ones(len(run.valid), dtype=bool) if fits is None else fits.copy()
        fits[own] = False
    if not parameters.dedupe:
        return fits
    from g2is.walk.budget import rows_left_out

    rows = with_rows(run, parameters.replace(dedupe=False))
    left_out = rows_left_out(rows, len(run.valid), sources=run.sources, valid=run.valid, fitting=fits)
    return run.one_of_each(~left_out, rows.pins)


def own_rows(run: Run, parameters: WalkParameters) -> NDArray[np.int64]:
    """The samples that a walk may not take because its targets were made of them."""
    if not parameters.without_target_rows:
        return np.zeros(0, np.int64)
    return run.target_rows(targets_in_use(run, parameters))


def targets_in_use(run: Run, parameters: WalkParameters) -> list[str]:
    """The targets that a walk is for: those with a share of its budget, or those of the build."""
    if parameters.targets is None:
        return run.usual_targets
    return [name for name, share in parameters.targets.items() if share > 0]


def examples_in_use(run: Run, parameters: WalkParameters) -> NDArray[np.int64]:
    """The validation samples that a walk is for."""
    return np.flatnonzero(run.validation["target"].isin(targets_in_use(run, parameters)))


def coverage(run: Run, parameters: WalkParameters, samples: NDArray[np.integer]) -> float:
    """Mean over the validation samples that a walk is for of the highest cosine of one of these samples to each, in the
    regime of the walk; NaN without samples."""
    if not len(samples):
        return float("nan")
    cosines = np.asarray(run.regime(parameters.regime).validation_cosines[np.sort(samples)])
    return float(cosines[:, examples_in_use(run, parameters)].max(axis=0).mean())


def pool_for(run: Run, examples: NDArray[np.integer]) -> NDArray[np.bool_]:
    """(n,) the samples that have a gradient and are not themselves among these validation samples: what a target was
    made of tells nothing of what the pool has for it."""
    own = run.target_rows(run.validation["target"].iloc[examples].unique())
    return run.valid & ~np.isin(np.arange(len(run.valid)), own) if len(own) else run.valid


def choosable(run: Run, parameters: WalkParameters) -> NDArray[np.bool_]:
    """(n,) the samples that have a gradient and that the targets of a walk, if it leaves these out, were not made
    of."""
    own = own_rows(run, parameters)
    if not len(own):
        return run.valid
    valid = run.valid.copy()
    valid[own] = False
    return valid


def left_out(run: Run, parameters: WalkParameters) -> NDArray[np.bool_]:
    """(n,) samples of a run that no direction may take: invalid, banned, or excluded by the settings."""
    from g2is.walk.budget import rows_left_out

    return rows_left_out(
        with_rows(run, parameters),
        len(run.valid),
        sources=run.sources,
        valid=run.valid,
        fitting=fitting(run, parameters),
    )


def explain(run: Run, trace: WalkTrace, sample: int) -> Explanation:
    """Why a walk over a run took a sample, or why each component did not; see `g2is.walk.explain`.

    Raises `InputError` as that does, and for a sample that was not taken where the run lacks a target of the walk.
    """
    from g2is.walk import explain

    regime = run.regime(trace.parameters.regime)
    return explain(
        replace(trace, parameters=with_rows(run, trace.parameters)),
        sample,
        regime.gradients,
        regime.neighbors,
        None if sample in trace.samples else core_knowledge(run, trace.parameters),
        sources=run.sources,
        valid=run.valid,
        fitting=fitting(run, trace.parameters),
        own=frozenset(own_rows(run, trace.parameters).tolist()),
        gone=run.gone,
        quotas=run.columns.quotas(trace.parameters.share),
    )


def core_knowledge(run: Run, parameters: WalkParameters) -> CoreKnowledge:
    """Core knowledge of a run's validation gradients for these parameters."""
    return _prepared(run, parameters).knowledge


def affinities(run: Run, parameters: WalkParameters) -> NDArray[np.float32]:
    """(n, k) cosine of every sample of a run to every component of that core knowledge."""
    return _prepared(run, parameters).affinities


class _Kept:
    """The cache of one run, by the key of core knowledge, oldest first."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.entries: dict[str, Future[_Prepared]] = {}

    def get(self, run: Run, parameters: WalkParameters) -> _Prepared:
        key = parameters.knowledge_key
        with self.lock:
            entry = self.entries.pop(key, None)
            if entry is not None:
                self.entries[key] = entry  # the oldest is the one that was used longest ago
            else:
                mine = self.entries[key] = Future()
        if entry is not None:
            return entry.result()
        try:
            prepared = _prepare(run, parameters)
        except BaseException as error:
            with self.lock:
                del self.entries[key]
            mine.set_exception(error)
            raise
        with self.lock:
            mine.set_result(prepared)
            self._drop_oldest(key)
        return prepared

    def _drop_oldest(self, newest: str) -> None:
        """Remove the oldest finished entries until the rest is within the limits."""
        done = [key for key, entry in self.entries.items() if entry.done() and key != newest]
        sizes = {key: self.entries[key].result().affinities.nbytes for key in [*done, newest]}
        for oldest in done:
            if len(sizes) <= MOST_KEPT and sum(sizes.values()) <= BYTES_KEPT:
                break
            del self.entries[oldest], sizes[oldest]


_kept: WeakKeyDictionary[Run, _Kept] = WeakKeyDictionary()
_opening = Lock()


def _prepared(run: Run, parameters: WalkParameters) -> _Prepared:
    with _opening:
        kept = _kept.setdefault(run, _Kept())
    return kept.get(run, parameters)


def _prepare(run: Run, parameters: WalkParameters) -> _Prepared:
    from g2is.knowledge import affinities_by_examples, component_affinities, core_knowledge

    names = run.validation["target"].tolist()
    usual = run.usual_targets
    if parameters.targets is None and usual and usual != list(dict.fromkeys(names)):
        parameters = parameters.replace(targets={name: float(names.count(name)) for name in usual})
    validation = run.validation_gradients_in(parameters.regime)
    knowledge = core_knowledge(validation, parameters, names)
    regime = run.regime(parameters.regime)
    # Rows in single precision have affinities that are those of the published script to the last bit, where the
    # graph is exact too; of a larger pool, reading all rows takes minutes.
    exact = regime.gradients.dtype == np.float32 and len(regime.gradients) < APPROXIMATE_FROM
    found = None if exact else affinities_by_examples(regime.validation_cosines, validation, names, knowledge)
    return _Prepared(knowledge, component_affinities(regime.gradients, knowledge) if found is None else found)

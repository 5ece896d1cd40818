"""The core knowledge of one or several targets for the settings of a walk."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from g2is.arrays.unit import Array
from g2is.config import WalkParameters
from g2is.errors import InputError
from g2is.knowledge.core import DEFAULT_TARGET, CoreKnowledge, checked_rows, cosines_to_components
from g2is.knowledge.facets import facets
from g2is.knowledge.principal import principal


def core_knowledge(
    validation_gradients: ArrayLike, parameters: WalkParameters, targets: Sequence[str] | None = None
) -> CoreKnowledge:
    """Core knowledge of (m, d) validation gradients, computed as `parameters` say.

    targets: (m,) the name of each row's target. The components of several targets are concatenated, in order of first
    appearance, with weights multiplied by the target's share of the budget: `parameters.targets`, or its share of the
    rows. Loadings are those of all m rows. Raises `InputError` for an unknown target.
    """
    rows = checked_rows(validation_gradients)
    names = np.array([DEFAULT_TARGET] * len(rows) if targets is None else list(targets), dtype=object)
    if len(names) != len(rows):
        raise InputError(f"targets: {len(names)} names for {len(rows)} validation gradients")
    known = list(dict.fromkeys(names))
    shares = parameters.targets
    if shares is None:
        shares = {name: float(np.mean(names == name)) for name in known}
    for name in shares:
        if name not in known:
            raise InputError(f"targets: no target {name!r}; there are {', '.join(map(repr, known))}")
    total = sum(shares.values())
    if total <= 0:
        raise InputError("targets: all shares are 0; give at least one target a share above 0")

    parts = {
        name: _one_target(name, rows[names == name], parameters) for name in known if shares.get(name, 0) > 0
    }
    components = np.concatenate([part.components for part in parts.values()])
    return CoreKnowledge(
        components=components,
        weights=np.concatenate([part.weights * (shares[name] / total) for name, part in parts.items()]),
        loadings=cosines_to_components(components, rows),
        examples=np.concatenate(
            [np.flatnonzero(names == name)[part.examples] for name, part in parts.items()]
        ),
        mean_alignment=np.concatenate([part.mean_alignment for part in parts.values()]),
        flipped=np.concatenate([part.flipped for part in parts.values()]),
        targets=tuple(name for name, part in parts.items() for _ in range(len(part))),
        spectrum={name: part.spectrum[DEFAULT_TARGET] for name, part in parts.items()},
    )


def _one_target(name: str, rows: Array, parameters: WalkParameters) -> CoreKnowledge:
    try:
        if parameters.knowledge == "facets":
            return facets(rows, count=parameters.facets, by=parameters.facets_by, seed=parameters.seed)
        return principal(
            rows,
            variance=parameters.variance,
            components=parameters.components,
            center=parameters.center,
            orient=parameters.orient,
            unit_rows=parameters.unit_rows,
        )
    except InputError as error:
        raise InputError(f"target {name!r}: {error}") from None

"""Core knowledge: the directions in gradient space that a validation set asks for.

Knows arrays only: neither files, models nor pages. `principal` is the paper's way (Zhao et al. 2025,
section 3.2), `facets` is ours; both give unit rows with weights, which is all that a walk needs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from g2is.config import WalkParameters
from g2is.errors import InputError

Array = NDArray[np.floating]

DEFAULT_TARGET = "validation"
FACET_RESTARTS = 8
FACET_ROUNDS = 100
SMALL, LARGE = 1e-12, 1e15
"""Numbers beyond these have squares that float32 holds badly or not at all."""


@dataclass(frozen=True, eq=False)
class CoreKnowledge:
    """k directions of a target with m validation samples, heaviest first within each target."""

    components: NDArray[np.float32]
    """(k, d) unit rows."""
    weights: Array
    """(k,) shares of the walk's budget; they sum to 1."""
    loadings: NDArray[np.float32]
    """(k, m) cosine of every validation sample to every component."""
    mean_alignment: NDArray[np.float32]
    """(k,) cosine of the target's mean validation gradient to the component; below 0 a step along the
    component harms the target on average."""
    flipped: NDArray[np.bool_]
    """(k,) whether orienting turned the component round."""
    targets: tuple[str, ...]
    """(k,) the validation target that each component comes from."""
    spectrum: dict[str, Array]
    """By target: its share of the validation gradients' variance (energy, where not centred) along every
    principal direction, kept or not, in descending order; empty for facets."""

    def __len__(self) -> int:
        return len(self.components)


def unit(rows: ArrayLike) -> NDArray[np.float32]:
    """rows (n, d) of any float type divided by their lengths, in float32; a row of zeros stays zero.

    The published script's own arithmetic, so that a walk on the result matches it to the last bit.
    """
    rows = in_range(np.asarray(rows, dtype=np.float32))
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    norms[norms == 0] = 1e-10
    return rows / norms


def in_range(rows: Array) -> Array:
    """rows (n, d), those whose squares float32 cannot hold multiplied by a power of two each, which keeps their
    directions to the last bit; all others as they are."""
    most = np.maximum(rows.max(axis=1, initial=0), -rows.min(axis=1, initial=0))
    far = (most > LARGE) | ((most > 0) & (most < SMALL))
    if far.any():
        rows = rows.copy()
        rows[far] = np.ldexp(rows[far], -np.frexp(most[far])[1][:, None])
    return rows


def lengths(rows: Array) -> NDArray[np.float64]:
    """(n,) lengths of rows (n, d), however large or small their numbers."""
    return np.sqrt(np.einsum("nd,nd->n", rows, rows, dtype=np.float64))


def principal(
    validation_gradients: ArrayLike,
    *,
    variance: float = 0.5,
    components: int | None = None,
    center: bool = True,
    orient: bool = False,
    unit_rows: bool = False,
) -> CoreKnowledge:
    """The principal directions of (m, d) validation gradients, as many as it takes to reach `variance`.

    components: keep this many instead. center: PCA, exactly scikit-learn's with its rule for a share of the
    variance and its signs, as the published script has it; without, the singular value decomposition of the
    rows as they are, with the same rule on squared singular values, which keeps the direction common to all.
    orient: turn a component round where the mean validation gradient points away from it. unit_rows:
    normalise the rows first. Raises `InputError` for rows that have no such directions.
    """
    from sklearn.decomposition import PCA
    from sklearn.utils.extmath import svd_flip

    raw = _checked(validation_gradients)
    rows = unit(raw) if unit_rows else raw
    most = min(len(rows) - center, rows.shape[1])
    if most < 1:
        raise InputError(
            "validation gradients: 1 row has no principal directions once its mean is subtracted; "
            "give 2 rows or more, or use center = False or facets"
        )
    if components is not None and components > most:
        raise InputError(
            f"components = {components}: {len(rows)} validation rows of {rows.shape[1]} numbers"
            f"{', centred,' if center else ''} have at most {most} principal directions"
        )
    if center and np.all(rows == rows[0]):
        raise InputError("validation gradients: all rows are the same, nothing is left once centred")

    spectrum = _spectrum(rows - rows.mean(axis=0) if center else rows)
    if center:
        # A number of components would have scikit-learn pick its randomised solver on larger sets.
        pca = PCA(n_components=variance) if components is None else PCA(components, svd_solver="full")
        pca.fit(rows)
        directions, shares = pca.components_, pca.explained_variance_ratio_
    else:
        left, values, right = np.linalg.svd(rows, full_matrices=False)
        _, directions = svd_flip(left, right, u_based_decision=False)
        shares = values**2 / np.sum(values**2)
        kept = components or int(np.searchsorted(np.cumsum(shares), variance, side="right")) + 1
        directions, shares = directions[:kept], shares[:kept]

    directions = unit(directions)
    flipped = np.zeros(len(directions), dtype=bool)
    if orient:
        flipped = directions @ rows.mean(axis=0) < 0
        directions[flipped] *= -1
    return _describe(raw, directions, shares / np.sum(shares), flipped=flipped, spectrum=spectrum)


def facets(
    validation_gradients: ArrayLike,
    *,
    count: int,
    by: Literal["number", "silhouette", "each"] = "number",
    seed: int = 0,
) -> CoreKnowledge:
    """The parts of (m, d) validation gradients: groups of unit rows, each with its mean direction.

    Spherical k-means (k-means++ starts, the best of a few restarts, the same for the same seed) into `count`
    groups, at most a third of the rows: smaller ones would be single examples. A group's weight is its
    share of the rows, heaviest first. Rows of zeros have no direction and belong to no group.

    by: `silhouette` tries numbers up to `count` and takes the one whose groups are clearest (the highest mean
    silhouette, Rousseeuw 1987, over cosine distances; the smaller of equal ones). `each` makes every row a group
    of its own, whatever `count`.
    """
    raw = _checked(validation_gradients)
    rows = unit(raw[np.any(raw != 0, axis=1)]).astype(np.float64)
    most = min(count, max(1, len(rows) // 3))
    cosines = rows @ rows.T
    if by == "each":
        groups = np.arange(len(rows))
    elif by == "silhouette":
        groups = _clearest_groups(cosines, most, seed)
    else:
        groups = _best_groups(cosines, most, seed)

    count = int(groups.max()) + 1
    sizes = np.bincount(groups, minlength=count)
    order = np.argsort(-sizes, kind="stable")
    means = np.stack([rows[groups == group].mean(axis=0) for group in order])
    # Rows that cancel out leave no mean direction; the first of them then stands for its group.
    for index in np.flatnonzero(np.linalg.norm(means, axis=1) < 1e-9):
        means[index] = rows[np.argmax(groups == order[index])]
    return _describe(raw, unit(means), sizes[order] / len(rows))


def core_knowledge(
    validation_gradients: ArrayLike, parameters: WalkParameters, targets: Sequence[str] | None = None
) -> CoreKnowledge:
    """The core knowledge that `parameters` ask for, of (m, d) validation gradients.

    targets: (m,) the name of each row's target. Several targets have their components side by side, in order
    of first appearance, each weight multiplied by the target's share of the budget: `parameters.targets`,
    or its share of the rows. Loadings are given for all m rows. Raises `InputError` for an unknown target.
    """
    rows = _checked(validation_gradients)
    names = np.array([DEFAULT_TARGET] * len(rows) if targets is None else list(targets), dtype=object)
    if len(names) != len(rows):
        raise InputError(f"targets: {len(names)} names for {len(rows)} validation gradients")
    known = list(dict.fromkeys(names))
    wanted = parameters.targets
    if wanted is None:
        wanted = {name: float(np.mean(names == name)) for name in known}
    for name in wanted:
        if name not in known:
            raise InputError(f"targets: no target {name!r}; there are {', '.join(map(repr, known))}")
    total = sum(wanted.values())
    if total <= 0:
        raise InputError("targets: all shares are 0; give at least one target a share above 0")

    parts = {
        name: _one_target(name, rows[names == name], parameters) for name in known if wanted.get(name, 0) > 0
    }
    components = np.concatenate([part.components for part in parts.values()])
    return CoreKnowledge(
        components=components,
        weights=np.concatenate([part.weights * (wanted[name] / total) for name, part in parts.items()]),
        loadings=_cosines(components, rows),
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


def _describe(
    rows: Array,
    components: NDArray[np.float32],
    weights: Array,
    *,
    flipped: NDArray[np.bool_] | None = None,
    spectrum: Array | None = None,
) -> CoreKnowledge:
    """Core knowledge of one target, with what its (m, d) validation gradients say about it."""
    return CoreKnowledge(
        components=components,
        weights=weights,
        loadings=_cosines(components, rows),
        mean_alignment=_cosines(components, rows.mean(axis=0, keepdims=True))[:, 0],
        flipped=np.zeros(len(components), dtype=bool) if flipped is None else flipped,
        targets=(DEFAULT_TARGET,) * len(components),
        spectrum={DEFAULT_TARGET: np.zeros(0) if spectrum is None else spectrum},
    )


def _cosines(components: NDArray[np.float32], rows: Array) -> NDArray[np.float32]:
    return components @ unit(rows).T


def _spectrum(rows: Array) -> Array:
    """(min(m, d),) shares of the squared singular values of (m, d) rows."""
    rows = rows.astype(np.float64)
    products = rows @ rows.T if len(rows) <= rows.shape[1] else rows.T @ rows
    energy = np.clip(np.linalg.eigvalsh(products)[::-1], 0, None)
    return energy / energy.sum()


def _checked(validation_gradients: ArrayLike) -> Array:
    """The rows as float32, or as float64 where they are; raises where nothing can be made of them."""
    rows = np.asarray(validation_gradients)
    if rows.ndim != 2 or 0 in rows.shape:
        raise InputError(f"validation gradients: shape {rows.shape}, expected (samples, dimensions)")
    if rows.dtype != np.float64:
        rows = rows.astype(np.float32)
    bad = np.flatnonzero(~np.isfinite(rows).all(axis=1))
    if bad.size:
        raise InputError(
            f"validation gradients: row {bad[0]} holds a number that is not finite ({bad.size} such rows)"
        )
    most = np.abs(rows).max()
    if most == 0:
        raise InputError("validation gradients: every row is zero, so they ask for nothing")
    # All by one power of two: no direction depends on the unit that gradients are measured in.
    return rows if SMALL <= most <= LARGE else np.ldexp(rows, -np.frexp(most)[1])


def _best_groups(cosines: NDArray[np.float64], count: int, seed: int) -> NDArray[np.intp]:
    """The most cohesive of a few groupings (m,) into `count`, none empty."""
    generator = np.random.default_rng(seed)
    tries = [_spherical_kmeans(cosines, count, generator) for _ in range(FACET_RESTARTS)]
    return max(tries, key=lambda found: found[0])[1]


def _clearest_groups(cosines: NDArray[np.float64], most: int, seed: int) -> NDArray[np.intp]:
    """The grouping (m,) with the highest silhouette of those into 2, 3, 4, 6, 8, 12, … and `most` groups."""
    from sklearn.metrics import silhouette_score

    distances = np.clip(1 - cosines, 0, None)
    np.fill_diagonal(distances, 0)
    counts = sorted({most} | {count for power in range(1, 16) for count in (2**power, 3 * 2 ** (power - 1))})
    groupings = [_best_groups(cosines, count, seed) for count in counts if 2 <= count <= most]
    if not groupings:
        return np.zeros(len(cosines), dtype=np.intp)
    return max(groupings, key=lambda groups: silhouette_score(distances, groups, metric="precomputed"))


def _spherical_kmeans(
    cosines: NDArray[np.float64], count: int, generator: np.random.Generator
) -> tuple[float, NDArray[np.intp]]:
    """Cohesion (sum of every row's cosine to its centroid) and groups (m,), none empty, from (m, m) cosines.

    Works on the cosines alone: a row's product with a group's sum is the sum of its cosines to the members.
    """
    similarity = cosines[:, _spread_start(cosines, count, generator)]
    groups, cohesion = np.full(len(cosines), -1), 0.0
    for _ in range(FACET_ROUNDS):
        nearest = similarity.argmax(axis=1)
        own = similarity[np.arange(len(nearest)), nearest]
        for empty in np.setdiff1d(np.arange(count), nearest):
            # The row that fits its group least starts a new one, unless it is all of its group.
            crowded = np.bincount(nearest, minlength=count)[nearest] > 1
            nearest[np.argmin(np.where(crowded, own, np.inf))] = empty
        if np.array_equal(nearest, groups):
            break
        groups = nearest
        members = np.eye(count)[groups]
        products = cosines @ members
        lengths = np.sqrt(np.maximum(np.einsum("mc,mc->c", members, products), 1e-18))
        similarity, cohesion = products / lengths, float(lengths.sum())
    return cohesion, groups


def _spread_start(cosines: NDArray[np.float64], count: int, generator: np.random.Generator) -> list[int]:
    """k-means++: each further start drawn with a chance in proportion to 1 - its best cosine so far."""
    starts = [int(generator.integers(len(cosines)))]
    while len(starts) < count:
        distance = np.clip(1 - cosines[:, starts].max(axis=1), 0, None)
        total = distance.sum()
        starts.append(int(generator.choice(len(cosines), p=distance / total if total > 0 else None)))
    return starts

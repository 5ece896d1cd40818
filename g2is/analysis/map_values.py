"""The values of a run and a walk by which a map can colour samples."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from g2is.analysis import walks
from g2is.analysis.core import closest_examples
from g2is.arrays.rows import block_rows, read_rows
from g2is.config import RegimeName, WalkParameters
from g2is.run.columns import Numbers
from g2is.run.run import Regime, Run
from g2is.walk import WalkTrace

COMPARED = 256
"""Random samples with which conflicts of every sample are counted."""

NAME = 48
"""Characters of the name of a target direction, at most."""

NO_GRADIENT = "no gradient"

SCHEMES = {
    "source": "source file",
    "task": "task",
    "community": "community",
    "component": "closest target direction",
    "order": "walk order",
    "alignment": "alignment",
    "loss": "loss",
    "length": "length",
    "conflict": "conflict share",
}
"""Colourings of the map, and their names on screen."""

COLUMN = "column:"
"""What the name of a scheme begins with that is a column of the records."""

MEANINGS = {
    "source": "The file of the pool that an instruction comes from.",
    "task": "The task that a record names.",
    "community": "Groups of instructions with more strong edges inside than to others (Leiden), named by words "
    "that are frequent in them.",
    "component": "The target direction of the walk that the gradient is closest to, named by the validation example "
    "closest to that direction.",
    "order": "The step at which the walk took an instruction.",
    "alignment": "The cosine between the gradient and the closest target direction: how well the instruction serves "
    "the target.",
    "loss": "The mean loss of the model per token of the response: high where the response is hard for it.",
    "length": "Tokens of prompt and response together.",
    "conflict": f"The share of {COMPARED} instructions drawn from the pool whose gradients point against this one "
    "(cosine below 0): an estimate with a standard error of at most 3 points.",
}


@dataclass(frozen=True, eq=False)
class Categories:
    """A category for each sample, or none.

    numbers: (n,) index into names, -1 for none. missing: what having none means, for the legend.
    """

    scheme: str
    title: str
    numbers: NDArray[np.integer]
    names: Sequence[str]
    missing: str = ""


@dataclass(frozen=True, eq=False)
class Quantity:
    """A number for each sample, or none.

    values: (n,), NaN for none. log: whether the scale is logarithmic; values are then above 0. exact: whether the scale
    must include the extremes. missing: what having none means, for the legend.
    """

    scheme: str
    title: str
    values: NDArray[np.floating]
    unit: str
    log: bool = False
    exact: bool = False
    missing: str = ""


def map_values(
    run: Run, scheme: str, regime: RegimeName, parameters: WalkParameters, trace: WalkTrace | None
) -> Categories | Quantity:
    """The values of one of `schemes`.

    regime: for communities and conflicts. parameters: of the walk that the map shows. trace: of that walk; needed for
    `order` alone.
    """
    if scheme.startswith(COLUMN):
        return _column_values(run, scheme)
    title = scheme_title(scheme)
    pool = run.instructions

    def affinities() -> NDArray[np.floating]:
        values = walks.affinities(run, parameters)
        return values if parameters.signed else np.abs(values)

    def source() -> Categories:
        numbers, names = pool["source"].factorize()
        return Categories(scheme, title, numbers, names.tolist())

    def task() -> Categories:
        numbers, names = pool["task"].factorize()
        return Categories(scheme, title, numbers, names.tolist(), "none named")

    def community() -> Categories:
        communities = run.communities(regime)
        return Categories(scheme, title, communities.membership, _numbered(communities.labels), NO_GRADIENT)

    def component() -> Categories:
        examples = closest_examples(run, walks.core_knowledge(run, parameters))
        closest = np.where(run.valid, affinities().argmax(axis=1), -1)
        return Categories(
            scheme, title, closest, _numbered([_shorten(text) for text in examples]), NO_GRADIENT
        )

    def order() -> Quantity:
        assert trace is not None
        steps = np.full(len(pool), np.nan)
        steps[trace.steps.sample] = np.arange(1, len(trace.steps) + 1)
        return Quantity(scheme, title, steps, "step", exact=True, missing="not taken")

    def alignment() -> Quantity:
        values = np.where(run.valid, affinities().max(axis=1), np.nan)
        return Quantity(scheme, title, values, "cosine", missing=NO_GRADIENT)

    def conflict() -> Quantity:
        shares = conflict_shares(run.regime(regime), run.valid)
        return Quantity(scheme, title, 100 * shares, "% of the pool", missing=NO_GRADIENT)

    def loss() -> Quantity:
        return Quantity(scheme, title, positive("loss"), "nats a token", missing="not known")

    def length() -> Quantity:
        return Quantity(scheme, title, positive("tokens"), "tokens", log=True, missing="not known")

    def positive(column: str) -> NDArray[np.floating]:
        values = pool[column].to_numpy(np.float64)
        return np.where(run.valid & (values > 0), values, np.nan)

    functions: dict[str, Callable[[], Categories | Quantity]] = {
        "source": source,
        "task": task,
        "community": community,
        "component": component,
        "order": order,
        "alignment": alignment,
        "loss": loss,
        "length": length,
        "conflict": conflict,
    }
    return functions[scheme]()


def schemes(run: Run) -> list[str]:
    """Those of SCHEMES for which this run has values, and its columns.

    Imported gradients come without loss and length.
    """
    pool = run.instructions
    known = {"loss": bool(pool["loss"].notna().any()), "length": bool(pool["tokens"].any())}
    known["task"] = bool(pool["task"].notna().any())
    known["community"] = "communities" in run.manifest.stages
    columns = [COLUMN + column.name for column in run.columns.of_records]
    return [
        *(name for name in SCHEMES if known.get(name, True)),
        *(name for name in columns if scheme_of(run, name) == name),
    ]


def scheme_of(run: Run, name: str) -> str:
    """The scheme that a name stands for: the column that tasks were read from is `task`."""
    return "task" if name == f"{COLUMN}task" and run.columns.has_tasks else name


def scheme_title(scheme: str) -> str:
    """What a scheme is called on the screen; a column that is called like another scheme is told from it."""
    if scheme.startswith(COLUMN):
        name = scheme.removeprefix(COLUMN)
        alike = name.lower() in {*SCHEMES.values(), *SCHEMES}
        return f"{name} (column)" if alike else name
    return SCHEMES[scheme][0].upper() + SCHEMES[scheme][1:]


def _column_values(run: Run, scheme: str) -> Categories | Quantity:
    column, title = run.columns[scheme.removeprefix(COLUMN)], scheme_title(scheme)
    if isinstance(column, Numbers):
        return Quantity(scheme, title, column.values, "", missing="none")
    return Categories(scheme, title, column.numbers, column.names, "none")


def conflict_shares(
    regime: Regime, valid: NDArray[np.bool_], *, compared: int = COMPARED, seed: int = 0
) -> NDArray[np.float32]:
    """The share of `compared` random valid samples that each sample conflicts with; NaN for invalid samples.

    Returns (n,). A run keeps the most conflicting samples of each sample, not their number, so it is estimated: the
    standard error of a share s is sqrt(s (1 - s) / compared), at most 0.03 for 256. With no more than `compared` valid
    samples the share is exact.
    """
    rows = np.flatnonzero(valid)
    drawn = np.sort(np.random.default_rng(seed).permutation(rows)[:compared])
    others = read_rows(regime.gradients, drawn)
    shares = np.full(len(valid), np.nan, np.float32)
    size = block_rows(regime.gradients)
    for start in range(0, len(valid), size):
        block = read_rows(regime.gradients, slice(start, start + size))
        # A sample that was drawn is not compared with itself.
        partners = len(drawn) - np.isin(np.arange(start, start + len(block)), drawn)
        shares[start : start + len(block)] = (block @ others.T < 0).sum(axis=1) / np.maximum(partners, 1)
    shares[~valid] = np.nan
    return shares


def _shorten(text: str) -> str:
    """At most NAME characters, cut between words where there are any."""
    if len(text) <= NAME:
        return text
    space = text.rfind(" ", NAME // 2, NAME + 1)
    return f"{text[: NAME if space < 0 else space]}…"


def _numbered(labels: Sequence[str]) -> list[str]:
    """Labels with their numbers, which distinguish communities or target directions of the same name."""
    return [f"{number}: {label}" for number, label in enumerate(labels)]

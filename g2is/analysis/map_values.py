"""What a map can colour samples by, taken from a run and a walk over it. No Streamlit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from g2is.analysis.core import closest_examples
from g2is.arrays.rows import block_rows, read_rows
from g2is.config import RegimeName, WalkParameters
from g2is.figures.map_colours import Colouring, by_category, by_value
from g2is.run.run import Regime, Run
from g2is.walk import WalkTrace

COMPARED = 256
"""Random samples that every sample's conflicts are counted with."""

NAME = 48
"""Letters that a component is named by, at most."""

SCHEMES = {
    "source": "source file",
    "community": "community",
    "component": "closest component",
    "order": "walk order",
    "alignment": "alignment",
    "loss": "loss",
    "length": "length",
    "conflict": "conflict share",
}
"""Names of the colourings, and what they are called."""

MEANINGS = {
    "source": "The file of the pool that an instruction comes from.",
    "community": "Groups of samples with more strong links inside than to others (Leiden), named by their words.",
    "component": "The direction of core knowledge, of the walk's settings, that the gradient is closest to, named by "
    "the validation example closest to it.",
    "order": "The step at which the walk took a sample.",
    "alignment": "The cosine between the gradient and the closest component of the core knowledge: how well it "
    "serves the target.",
    "loss": "The mean loss of the model over the response, per token: what it finds hard.",
    "length": "Tokens of prompt and response together.",
    "conflict": f"The share of {COMPARED} samples drawn from the pool whose gradients pull against this one (cosine "
    "below 0): an estimate, give or take 6 points.",
}


def colouring(
    run: Run, scheme: str, regime: RegimeName, parameters: WalkParameters, trace: WalkTrace | None
) -> Colouring:
    """One of SCHEMES. regime: of communities and conflicts; parameters: of the walk that the map shows.

    trace: of that walk; needed for its order alone.
    """
    pool = run.instructions
    title = SCHEMES[scheme][0].upper() + SCHEMES[scheme][1:]
    no_gradient = "no gradient"
    if scheme == "source":
        numbers, names = pool["source"].factorize()
        return by_category(scheme, title, numbers, names.tolist())
    if scheme == "community":
        found = run.communities(regime)
        return by_category(
            scheme, title, found.membership, _numbered(found.labels), none="no gradient, so in none"
        )
    if scheme == "component":
        affinities = run.affinities(parameters)
        closest = (affinities if parameters.signed else np.abs(affinities)).argmax(axis=1)
        examples = closest_examples(run, run.core_knowledge(parameters))
        names = _numbered([_beginning(text) for text in examples])
        return by_category(scheme, title, np.where(run.valid, closest, -1), names, none=no_gradient)
    if scheme == "order":
        steps = np.full(len(pool), np.nan)
        assert trace is not None
        steps[trace.steps.sample] = np.arange(len(trace.steps))
        return by_value(scheme, title, steps, unit="step", whole_range=True, none="not taken")
    if scheme == "alignment":
        affinities = run.affinities(parameters)
        aligned = (affinities if parameters.signed else np.abs(affinities)).max(axis=1)
        values = np.where(run.valid, aligned, np.nan)
        return by_value(scheme, title, values, unit="cosine", none=no_gradient)
    if scheme == "conflict":
        values = 100 * conflict_shares(run.regime(regime), run.valid)
        return by_value(scheme, title, values, unit="% of the pool", none=no_gradient)
    values = pool["loss" if scheme == "loss" else "tokens"].to_numpy(np.float64)
    values = np.where(run.valid & (values > 0), values, np.nan)
    unit = "nats a token" if scheme == "loss" else "tokens"
    return by_value(scheme, title, values, unit=unit, log=scheme == "length", none="not known")


def schemes(run: Run) -> list[str]:
    """Those of SCHEMES that this run has values for: gradients made elsewhere come without loss and length."""
    pool = run.instructions
    known = {"loss": bool(pool["loss"].notna().any()), "length": bool(pool["tokens"].any())}
    known["community"] = "communities" in run.manifest.stages
    return [name for name in SCHEMES if known.get(name, True)]


def conflict_shares(
    regime: Regime, valid: NDArray[np.bool_], *, compared: int = COMPARED, seed: int = 0
) -> NDArray[np.float32]:
    """(n,) share of `compared` random valid samples that each sample conflicts with; exact if there are no more.

    A run keeps each sample's most conflicting partners, not how many it has. The standard error of a share s is
    sqrt(s (1 - s) / compared), at most 0.03 for 256.
    """
    rows = np.flatnonzero(valid)
    drawn = np.sort(np.random.default_rng(seed).permutation(rows)[:compared])
    others = read_rows(regime.gradients, drawn)
    shares = np.full(len(valid), np.nan, np.float32)
    size = block_rows(regime.gradients)
    for start in range(0, len(valid), size):
        block = read_rows(regime.gradients, slice(start, start + size))
        # A sample never conflicts with itself, so that its own row among those drawn does not count.
        met = np.maximum(len(drawn) - np.isin(np.arange(start, start + len(block)), drawn), 1)
        shares[start : start + len(block)] = (block @ others.T < 0).sum(axis=1) / met
    shares[~valid] = np.nan
    return shares


def _beginning(text: str) -> str:
    """At most NAME letters, and whole words where there are any."""
    if len(text) <= NAME:
        return text
    space = text.rfind(" ", NAME // 2, NAME + 1)
    return f"{text[: NAME if space < 0 else space]}…"


def _numbered(labels: Sequence[str]) -> list[str]:
    """Communities and components may be called alike; numbers tell them apart."""
    return [f"{number}: {label}" for number, label in enumerate(labels)]

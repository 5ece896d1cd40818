"""A summary of a walk: tables, and remarks on what a person may want to change."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from g2is.analysis import walks
from g2is.analysis.regimes import regime_in_words
from g2is.arrays.rows import read_rows
from g2is.run.run import Run
from g2is.walk import WalkTrace

STOP_REASONS = {
    "budget": "budget spent",
    "rules": "no instruction passes the rules",
    "pool": "no instruction is free",
}


@dataclass(frozen=True)
class Diagnosis:
    """A summary of a walk over a run.

    components: one row for each component, `ComponentSummary`. sources: one row for each source file with its shares of
    the pool and of the selection. mean_cosine: over all pairs of different samples taken. regimes: one row for each
    regime of the run with mean cosine and share of conflicting pairs of the pool. remarks: sentences for a person.
    shares: one row for each group with a share of the budget; None where there are none.
    """

    components: pd.DataFrame
    sources: pd.DataFrame
    mean_cosine: float
    regimes: pd.DataFrame
    remarks: list[str]
    shares: pd.DataFrame | None = None

    def __str__(self) -> str:
        def table(frame: pd.DataFrame) -> str:
            return frame.to_string(index=False, float_format=lambda value: f"{value:.3g}", na_rep="-")

        return "\n\n".join(
            [
                table(self.components.rename(columns={"component": "direction"})),
                table(self.sources),
                *([] if self.shares is None else [table(self.shares)]),
                f"mean cosine among the chosen instructions: {self.mean_cosine:.3g}",
                table(self.regimes),
                *self.remarks,
            ]
        )


def diagnose(run: Run, trace: WalkTrace) -> Diagnosis:
    """Summarise a walk over a run."""
    components = pd.DataFrame([vars(summary) for summary in trace.summary()])
    components["stopped"] = components["stopped"].map(STOP_REASONS)
    if components["target"].nunique() == 1:
        components = components.drop(columns="target")
    samples = trace.samples
    pool = run.present["source"].value_counts()
    taken = run.instructions["source"].iloc[samples].value_counts().reindex(pool.index, fill_value=0)
    sources = pd.DataFrame(
        {
            "source": pool.index,
            "pool": pool.to_numpy(),
            "pool_share": pool.to_numpy() / pool.sum(),
            "taken": taken.to_numpy(),
            "taken_share": taken.to_numpy() / max(1, len(samples)),
        }
    )
    measured = run.manifest.stages["graph"].found
    regimes = pd.DataFrame([measured[name] for name in run.regimes])[["mean_cosine", "conflict_share"]]
    regimes.insert(0, "regime", run.regimes)
    gradients = run.regime(trace.parameters.regime).gradients
    shares = _shares(run, trace)
    return Diagnosis(
        components,
        sources,
        mean_pairwise_cosine(gradients, samples),
        regimes,
        [*_too_few(run, trace), *_remarks(trace, regimes), *_share_remarks(shares)],
        shares,
    )


def _shares(run: Run, trace: WalkTrace) -> pd.DataFrame | None:
    """What each group with a share of the budget may take and has taken; pins that use up no budget do not count."""
    quotas = run.columns.quotas(trace.parameters.share)
    if quotas is None:
        return None
    pinned = trace.steps.component < 0
    left = quotas.left(trace.parameters, trace.budgets, trace.steps.sample[pinned].astype(np.int64))
    counted = trace.samples[~pinned]
    taken = np.bincount(quotas.groups[counted], minlength=len(left))
    if trace.parameters.component_budgets is None:
        pins = np.bincount(quotas.groups[trace.samples[pinned]], minlength=len(left))
        left, taken = left + pins, taken + pins
    return pd.DataFrame(
        {
            "group": list(quotas.names),
            "share": [float(share) for share in quotas.shares],
            "budget": left,
            "taken": taken,
        }
    )


def _share_remarks(shares: pd.DataFrame | None) -> list[str]:
    """The shares that were not used up, in a sentence."""
    if shares is None or not (short := shares[shares["taken"] < shares["budget"]]).size:
        return []
    rows = zip(short["group"], short["taken"], short["budget"], strict=True)
    words = ", ".join(f"{group} ({taken:,} of {budget:,})" for group, taken, budget in rows)
    return [f"Shares of the budget that were not used up, and are passed on to no other: {words}."]


def mean_pairwise_cosine(gradients: np.ndarray, samples: np.ndarray) -> float:
    """Mean cosine over all pairs of different samples; NaN for fewer than two."""
    count = len(samples)
    if count < 2:
        return float("nan")
    rows = read_rows(gradients, np.sort(samples))
    return float((np.square(rows.sum(axis=0, dtype=np.float64)).sum() - count) / (count * (count - 1)))


LIMITS = {
    "only": "only these",
    "only_sets": "only these sets",
    "sources": "source files",
    "without_sources": "source files left out",
    "bans": "banned",
    "ban_sets": "banned sets",
    "where": "columns",
    "dedupe": "one of near-duplicates",
}
"""Settings that say what may be chosen at all, in words."""


def _too_few(run: Run, trace: WalkTrace) -> list[str]:
    """Why fewer were chosen than the budget: too few may be chosen at all, or the rules; in a sentence."""
    parameters, taken, budget = trace.parameters, len(trace.steps), trace.budget
    if taken >= budget:
        return []
    allowed = ~walks.left_out(run, parameters)
    allowed[trace.samples] = True  # pins are taken whatever else is set
    free = int(allowed.sum())
    said = f"{taken:,} of {budget:,} instructions were chosen"
    if free < budget and (limits := _limits(run, trace)):
        rest = "and every one is taken" if taken == free else f"of which the rules leave {free - taken:,} out"
        return [f"{said}: the settings allow only {free:,} ({', '.join(limits)}), {rest}."]
    return [
        f"{said}: where none passes the rules, the walk for a target direction stops. A smaller delta lets it "
        "continue; passing on unused budget lets other directions use the rest."
    ]


def _limits(run: Run, trace: WalkTrace) -> list[str]:
    """The settings of a walk that say what may be chosen at all, in words."""
    parameters = trace.parameters
    limits = [words for name, words in LIMITS.items() if getattr(parameters, name)]
    return [*limits, "what a target is made of"] if len(walks.own_rows(run, parameters)) else limits


def _remarks(trace: WalkTrace, regimes: pd.DataFrame) -> list[str]:
    remarks = []
    share = regimes.set_index("regime")["conflict_share"]
    here = trace.parameters.regime
    if share[here] == 0 and trace.parameters.no_conflict and trace.parameters.conflict_threshold <= 0:
        others = share[share > 0]
        remark = f"No pair of instructions conflicts in {regime_in_words(here)}, so the no-conflict rule has no effect."
        if len(others):
            best = others.idxmax()
            remark += f" In {regime_in_words(str(best))} it has: {others[best]:.1%} of the pairs conflict."
        remarks.append(remark)
    return remarks

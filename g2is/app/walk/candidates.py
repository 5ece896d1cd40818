"""What a step of a walk could have taken instead, and the rule that each of these candidates broke. No Streamlit.

A trace lists the neighbours rejected before one was taken. For an anchor and a fallback, which look at the whole
pool, the samples that ranked before the one taken are judged again, by the rules of the walk itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from g2is.analysis import walks
from g2is.arrays.rows import read_rows
from g2is.run.run import Run
from g2is.walk import RULES, WalkTrace
from g2is.walk.budget import reason_left_out, rows_left_out
from g2is.walk.rules import CONFLICT, CONSISTENCY, LEFT_OUT, PASSES, REDUNDANT, TAKEN, Rules
from g2is.walk.standing import Standing
from g2is.walk.trace import FALLBACK, NEIGHBOR
from g2is.walk.why import groups_used_up

MOST = 50
"""Samples of the pool listed for one step; a fallback may have rejected thousands."""


@dataclass(frozen=True)
class Candidates:
    """Samples looked at in one step, in the order they were looked at.

    neighbors, pool: a row each with `sample`, `verdict` (`chosen` for the one taken, `tied` for one that keeps the
    rules as well and equals it up to rounding, otherwise one of RULES), `why` in words, `cosine` (to the sample taken
    before) and `affinity` (cosine to the component). passed_over: samples of the pool that ranked before the one
    taken, of which `pool` lists the first.
    """

    neighbors: pd.DataFrame
    pool: pd.DataFrame
    passed_over: int


def candidates_at(run: Run, trace: WalkTrace, step: int) -> Candidates:
    """The candidates of one step of a walk over a run; none for a pin."""
    if trace.steps.component[step] < 0:
        none = pd.DataFrame(columns=["sample", "verdict", "why", "cosine", "affinity"])
        return Candidates(none, none, 0)
    return _Step(run, trace, step).candidates()


class _Step:
    """A step of a walk over a run, with what the rules made of any row at it."""

    def __init__(self, run: Run, trace: WalkTrace, step: int) -> None:
        self.run, self.trace, self.step, self.parameters = run, trace, step, trace.parameters
        self.sample, self.origin = int(trace.steps.sample[step]), int(trace.steps.origin[step])
        component = int(trace.steps.component[step])
        self.regime = run.regime(self.parameters.regime)
        self.affinity = walks.affinities(run, self.parameters)[:, component]
        direction = walks.core_knowledge(run, self.parameters).components[component]
        self.standing = Standing(trace, component, step, self.regime.gradients, direction)
        self.left_out = rows_left_out(
            self.parameters,
            trace.rows,
            sources=run.sources,
            valid=run.valid,
            fitting=walks.fitting(run, self.parameters),
        )
        self.used_up = np.zeros_like(self.left_out)
        if quotas := run.columns.quotas(self.parameters.share):
            self.used_up = groups_used_up(trace, quotas, step)[quotas.groups]
        self.taken_at = {int(sample): place for place, sample in enumerate(trace.steps.sample[:step])}

    def candidates(self) -> Candidates:
        none = self._table(np.zeros(0, dtype=np.int64))
        if self.origin == NEIGHBOR:
            return Candidates(self._neighbors_in_trace(), none, 0)
        neighbors = none
        if self.origin == FALLBACK and self.parameters.knowledge_coherence:
            row = self.regime.neighbors[self.standing.samples[-1], : self.parameters.neighbors]
            neighbors = self._table(row[row >= 0])
        pool, passed_over = self._pool()
        return Candidates(neighbors, pool, passed_over)

    def _neighbors_in_trace(self) -> pd.DataFrame:
        """The neighbours that the trace lists for this step, and the one taken."""
        rejections = self.trace.rejections
        here = slice(*np.searchsorted(rejections.step, (self.step, self.step + 1)))
        rows = np.append(rejections.sample[here], self.sample).astype(np.int64)
        return self._table(
            rows,
            (
                np.append(rejections.rule[here], PASSES),
                np.append(rejections.member[here], -1),
                np.append(rejections.value[here], np.nan),
            ),
        )

    def _pool(self) -> tuple[pd.DataFrame, int]:
        """Samples with a higher affinity than the one taken, highest first, then that one; and how many there are."""
        before = np.flatnonzero(self.affinity > self.affinity[self.sample])
        if self.origin == FALLBACK:
            # A search looks at free samples alone.
            gone = (
                np.isin(before, self.trace.steps.sample[: self.step])
                | self.left_out[before]
                | self.used_up[before]
            )
            before = before[~gone]
        else:
            before = before[self.run.valid[before]]
        before = before[np.argsort(-self.affinity[before], kind="stable")]
        return self._table(np.append(before[:MOST], self.sample)), len(before)

    def _judge(self, rows: NDArray[np.integer]) -> tuple[NDArray, NDArray, NDArray]:
        """rule, member and value (b,) as in `Rejections` for each row; PASSES, -1 and NaN for one that passes."""
        verdicts = self.standing.verdicts(read_rows(self.regime.gradients, rows))
        rule, value = verdicts.rule, verdicts.value
        broke_with = verdicts.member >= 0
        member = np.full(len(rows), -1)
        member[broke_with] = self.standing.samples[verdicts.member[broke_with]]
        taken = np.array([row in self.taken_at for row in rows.tolist()], dtype=bool)
        excluded = taken | self.left_out[rows] | self.used_up[rows]
        rule[excluded] = np.where(taken[excluded], TAKEN, LEFT_OUT)
        member[excluded], value[excluded] = -1, np.nan
        return rule, member, value

    def _table(
        self, rows: NDArray[np.integer], judged: tuple[NDArray, NDArray, NDArray] | None = None
    ) -> pd.DataFrame:
        rule, member, value = self._judge(rows) if judged is None else judged
        if self.standing.samples.size:
            cosine = read_rows(self.regime.gradients, rows) @ self.standing.gradients[-1]
        else:
            cosine = np.full(len(rows), np.nan, dtype=np.float32)
        names = [
            "chosen" if row == self.sample else "tied" if broken == PASSES else RULES[broken]
            for row, broken in zip(rows.tolist(), rule.tolist(), strict=True)
        ]
        why = [
            self._why(name, *numbers)
            for name, *numbers in zip(
                names, rows.tolist(), rule.tolist(), member.tolist(), value.tolist(), strict=True
            )
        ]
        return pd.DataFrame(
            {"sample": rows, "verdict": names, "why": why, "cosine": cosine, "affinity": self.affinity[rows]}
        )

    def _why(self, name: str, row: int, rule: int, member: int, value: float) -> str:
        if name == "chosen":
            return "passes every rule, so it is taken"
        if name == "tied":
            return "passes every rule too: equal to the one taken up to rounding"
        if rule == TAKEN:
            step = self.taken_at[row]
            component = self.trace.steps.component[step]
            return f"already taken at step {step + 1:,}" + (
                f" (component {component})" if component >= 0 else ""
            )
        if rule == LEFT_OUT and not self.left_out[row]:
            return "the share of the budget that its kind has is used up"
        if rule == LEFT_OUT:
            return reason_left_out(
                self.parameters,
                row,
                sources=self.run.sources,
                valid=self.run.valid,
                fitting=walks.fitting(self.run, self.parameters),
            )
        rules = Rules.of(self.parameters)
        return {
            CONFLICT: f"conflicts with sample {member:,}: cosine {value:.3g}, below {rules.lowest:.3g}",
            REDUNDANT: f"too similar to sample {member:,}: cosine {value:.3g}, above {rules.highest:.3g}",
            CONSISTENCY: f"the alignment would be {value:.3g}; at least {self.standing.needed:.3g} is needed",
        }[rule]

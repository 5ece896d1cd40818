"""Who else could have been taken at a step, and the rule that turned each of them away. No Streamlit.

A trace lists the neighbours that were turned away before one was taken. For an anchor and a fallback, which
look at the whole pool, the same rules are applied here again to the samples that ranked before the one taken.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from g2is.arrays.rows import read_rows
from g2is.run.run import Run
from g2is.walk import ORIGINS, RULES, WalkTrace, plan_walk

MOST = 50
"""Samples of the pool listed for one step; a fallback may have turned away thousands."""

ANCHOR, NEIGHBOR, FALLBACK = (ORIGINS.index(name) for name in ("anchor", "neighbor", "fallback"))
TAKEN, LEFT_OUT, CONFLICT, CONSISTENCY, REDUNDANT = range(len(RULES))


@dataclass(frozen=True)
class Candidates:
    """Samples looked at in one step, in the order they were looked at.

    neighbors, pool: a row each with `sample`, `verdict` (one of RULES, or `chosen`), `why` in plain words,
    `cosine` (to the sample stepped from) and `affinity` (cosine to the component). passed_over: samples of
    the pool that ranked before the one taken, of which `pool` lists the first.
    """

    neighbors: pd.DataFrame
    pool: pd.DataFrame
    passed_over: int


def candidates_at(run: Run, trace: WalkTrace, step: int) -> Candidates:
    """The candidates of one step of a walk over a run; none for a pin."""
    return _Judge(run, trace, step).candidates()


class _Judge:
    """The rules as they stood just before a step."""

    def __init__(self, run: Run, trace: WalkTrace, step: int) -> None:
        self.run, self.trace, self.step = run, trace, step
        steps, self.parameters = trace.steps, trace.parameters
        self.sample, self.origin = int(steps.sample[step]), int(steps.origin[step])
        self.component = int(steps.component[step])
        self.members = steps.sample[:step][steps.component[:step] == self.component]
        self.regime = run.regime(self.parameters.regime)
        self.step_of = {int(sample): place for place, sample in enumerate(steps.sample[:step])}

    def candidates(self) -> Candidates:
        none = self._table(np.zeros(0, dtype=np.int64), [], np.zeros(0, dtype=np.float32))
        if self.component < 0:
            return Candidates(none, none, 0)
        self.affinity = self.run.affinities(self.parameters)[:, self.component]
        self.direction = self.run.core_knowledge(self.parameters).components[self.component]
        plan = plan_walk(
            self.parameters,
            self.run.core_knowledge(self.parameters),
            self.trace.rows,
            sources=self.run.sources,
            valid=self.run.valid,
        )
        self.left_out = plan.left_out
        if self.origin == NEIGHBOR:
            return Candidates(self._neighbors_of_trace(), none, 0)
        neighbors = none
        if self.origin == FALLBACK and self.parameters.knowledge_coherence:
            row = self.regime.neighbors[self.members[-1], : self.parameters.neighbors]
            row = row[row >= 0]
            neighbors = self._table(row, self._judge(row), self._edge(row))
        pool, passed_over = self._pool()
        return Candidates(neighbors, pool, passed_over)

    def _neighbors_of_trace(self) -> pd.DataFrame:
        rejections, step = self.trace.rejections, self.step
        entries = slice(*np.searchsorted(rejections.step, (step, step + 1)))
        columns = (rejections.rule, rejections.member, rejections.value)
        verdicts = list(zip(*(column[entries].tolist() for column in columns), strict=True))
        rows = np.append(rejections.sample[entries], self.sample).astype(np.int64)
        return self._table(rows, [*verdicts, None], self._edge(rows))

    def _pool(self) -> tuple[pd.DataFrame, int]:
        """Samples with a higher affinity than the one taken, highest first, then that one."""
        before = np.flatnonzero(self.affinity > self.affinity[self.sample])
        if self.origin == FALLBACK:
            # Those gone before the search are of no interest here: it looks at free samples alone.
            gone = np.isin(before, self.trace.steps.sample[: self.step]) | self.left_out[before]
            before = before[~gone]
        else:
            before = before[self.run.valid[before]]
        before = before[np.argsort(-self.affinity[before], kind="stable")]
        rows = np.append(before[:MOST], self.sample)
        edge = self._edge(rows) if self.members.size else np.full(len(rows), np.nan, dtype=np.float32)
        return self._table(rows, [*self._judge(rows[:-1]), None], edge), len(before)

    def _judge(self, rows: NDArray[np.integer]) -> list[tuple[int, int, float] | None]:
        """(rule, member, value) as in `Rejections` for each row; None for one that passes."""
        lowest, highest = self.parameters.cosine_bounds
        members = self._gradients(self.members)
        total = members.sum(axis=0)
        found: list[tuple[int, int, float] | None] = []
        for row, gradient in zip(rows.tolist(), self._gradients(rows), strict=True):
            if row in self.step_of:
                found.append((TAKEN, -1, np.nan))
                continue
            if self.left_out[row]:
                found.append((LEFT_OUT, -1, np.nan))
                continue
            products = members @ gradient
            outside = np.flatnonzero((products < lowest) | (products > highest))
            if outside.size:
                first = int(outside[0])
                rule = CONFLICT if products[first] < lowest else REDUNDANT
                found.append((rule, int(self.members[first]), float(products[first])))
                continue
            led_to = float((total + gradient) @ self.direction / (np.linalg.norm(total + gradient) + 1e-20))
            passes = not self.parameters.consistency or not self.members.size or row == self.sample
            found.append(None if passes else (CONSISTENCY, -1, led_to))
        return found

    def _gradients(self, rows: NDArray[np.integer]) -> NDArray[np.float32]:
        return read_rows(self.regime.gradients, rows)

    def _edge(self, rows: NDArray[np.integer]) -> NDArray[np.float32]:
        """Cosine of each row to the last sample taken for the component."""
        last = self._gradients(self.members[-1:])[0]
        return self._gradients(rows) @ last

    def _table(
        self, rows: NDArray[np.integer], verdicts: list[tuple[int, int, float] | None], cosine: NDArray
    ) -> pd.DataFrame:
        affinity = self.affinity[rows] if len(rows) else cosine
        return pd.DataFrame(
            {
                "sample": rows,
                "verdict": [RULES[found[0]] if found else "chosen" for found in verdicts],
                "why": [self._why(int(row), found) for row, found in zip(rows, verdicts, strict=True)],
                "cosine": cosine,
                "affinity": affinity,
            }
        )

    def _why(self, row: int, found: tuple[int, int, float] | None) -> str:
        if found is None:
            return "passes every rule, so it is taken" if row == self.sample else "passes every rule"
        rule, member, value = found
        if rule == TAKEN:
            step = self.step_of[row]
            component = self.trace.steps.component[step]
            return f"already taken at step {step + 1:,}" + (
                f" (component {component})" if component >= 0 else ""
            )
        if rule == LEFT_OUT:
            if row in self.parameters.bans:
                return "banned by you"
            if not self.run.valid[row]:
                return "has no valid gradient"
            restricted = self.parameters.only and row not in self.parameters.only
            return "not among the samples walked on" if restricted else "its source is left out"
        if rule == CONFLICT:
            least = self.parameters.conflict_threshold
            return f"conflicts with sample {member:,}: cosine {value:.3g}, below {least:.3g}"
        if rule == REDUNDANT:
            most = self.parameters.max_cosine
            return f"too similar to sample {member:,}: cosine {value:.3g}, above {most:.3g}"
        bound = self.parameters.delta * self.trace.reference(self.component, self.step)
        return f"the alignment would be {value:.3g}; the rule wants {bound:.3g} or more"

"""What a step of a walk could have taken instead, and the rule that each of these candidates broke.

A trace lists the neighbours rejected before one was taken. For an anchor and a fallback, which look at the whole
pool, the samples that ranked before the one taken are judged again, by the rules of the walk itself. So are the
runners-up: the free samples that come next by their cosine to the component, of the pool or, where a step takes the
best of the neighbours, of these.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from g2is.analysis import walks
from g2is.arrays.rows import read_rows
from g2is.run.run import Run
from g2is.walk import RULES, WalkTrace
from g2is.walk.budget import reason_left_out
from g2is.walk.onward import free_neighbors, in_order
from g2is.walk.rules import CONFLICT, CONSISTENCY, LEFT_OUT, PASSES, REDUNDANT, TAKEN, Rules
from g2is.walk.standing import Standing
from g2is.walk.trace import FALLBACK, NEIGHBOR
from g2is.walk.why import groups_used_up

MOST = 50
"""Samples of the pool listed for one step; a fallback may have rejected thousands."""
RUNNERS_UP = 5
"""Free samples listed after the one taken."""


@dataclass(frozen=True)
class Candidate:
    """A sample that a step looked at.

    verdict: `chosen` for the one taken, `tied` for one that keeps the rules as well and equals it up to rounding,
    `next` for a runner-up that keeps them, otherwise one of RULES. why: in words. cosine: to the sample taken before,
    NaN without one. affinity: cosine to the component.
    """

    sample: int
    verdict: str
    why: str
    cosine: float
    affinity: float


@dataclass(frozen=True)
class Candidates:
    """Samples looked at in one step, in the order they were looked at.

    free_neighbors: how many neighbours were free, of a step that took the best of them; otherwise None.
    passed_over: samples of the pool that ranked before the one taken, of which `pool` lists the first. runners_up: the
    free samples that come next.
    """

    neighbors: tuple[Candidate, ...] = ()
    pool: tuple[Candidate, ...] = ()
    passed_over: int = 0
    runners_up: tuple[Candidate, ...] = ()
    free_neighbors: int | None = None


class CandidateFinder:
    """Finds the candidates of the steps of one walk; what the steps have in common is computed once."""

    def __init__(self, run: Run, trace: WalkTrace) -> None:
        parameters = trace.parameters
        self.run, self.trace = run, trace
        self.regime = run.regime(parameters.regime)
        self.affinities = walks.affinities(run, parameters)
        self.knowledge = walks.core_knowledge(run, parameters)
        self.left_out = walks.left_out(run, parameters)
        self.quotas = run.columns.quotas(parameters.share)
        self.taken_at = {int(sample): step for step, sample in enumerate(trace.steps.sample)}

    def at(self, step: int) -> Candidates:
        """The candidates of one step; none for a pin."""
        if self.trace.steps.component[step] < 0:
            return Candidates()
        return _Step(self, step).candidates()


def candidates_at(run: Run, trace: WalkTrace, step: int) -> Candidates:
    """The candidates of one step of a walk over a run; none for a pin."""
    return CandidateFinder(run, trace).at(step)


class _Step:
    """A step of a walk over a run, with what the rules made of any row at it."""

    def __init__(self, finder: CandidateFinder, step: int) -> None:
        self.run, self.trace, self.regime = finder.run, finder.trace, finder.regime
        self.left_out, self.taken_at = finder.left_out, finder.taken_at
        self.used_up = np.zeros_like(self.left_out)
        if finder.quotas:
            self.used_up = groups_used_up(finder.trace, finder.quotas, step)[finder.quotas.groups]
        self.step, self.parameters = step, self.trace.parameters
        self.sample, self.origin = int(self.trace.steps.sample[step]), int(self.trace.steps.origin[step])
        component = int(self.trace.steps.component[step])
        self.affinity = np.ascontiguousarray(finder.affinities[:, component])
        direction = finder.knowledge.components[component]
        self.standing = Standing(self.trace, component, step, self.regime.gradients, direction)

    def candidates(self) -> Candidates:
        neighbors, pool, passed_over = self._looked_at()
        listed = np.array([candidate.sample for candidate in (*neighbors, *pool)], dtype=np.int64)
        return Candidates(neighbors, pool, passed_over, self._runners_up(listed), self._free_neighbors())

    def _free_neighbors(self) -> int | None:
        if self.origin != NEIGHBOR or self.parameters.step_to != "best":
            return None
        return free_neighbors(self.trace, self.step, self.regime.neighbors, self.left_out | self.used_up)

    def _runners_up(self, listed: NDArray[np.int64]) -> tuple[Candidate, ...]:
        """The free samples with the highest affinity that are not listed yet; a search of the pool has looked at all
        that come before the one taken, and of neighbours the best was taken of, they are the next."""
        free = ~(self.left_out | self.used_up)
        free[self.trace.steps.sample[: self.step + 1]] = False
        free[listed] = False
        if self.origin != NEIGHBOR:
            free &= self.affinity <= self.affinity[self.sample]
        elif self.parameters.step_to == "best":
            row = self._considered()
            return self._listed(row[free[row]][:RUNNERS_UP], passing="next")
        rows = np.flatnonzero(free)
        values = self.affinity[rows]
        if len(rows) > RUNNERS_UP:
            best = np.argpartition(-values, RUNNERS_UP)[:RUNNERS_UP]
            rows, values = rows[best], values[best]
        return self._listed(rows[np.lexsort((rows, -values))], passing="next")

    def _looked_at(self) -> tuple[tuple[Candidate, ...], tuple[Candidate, ...], int]:
        """What the step looked at among neighbours and in the pool, and how many of the pool were passed over."""
        if self.origin == NEIGHBOR:
            return self._neighbors_in_trace(), (), 0
        neighbors: tuple[Candidate, ...] = ()
        if self.origin == FALLBACK and self.parameters.knowledge_coherence:
            neighbors = self._listed(self._considered())
        return neighbors, *self._pool()

    def _considered(self) -> NDArray[np.integer]:
        """The neighbours of the sample taken before, in the order that the step considers them."""
        row = self.regime.neighbors[self.standing.samples[-1], : self.parameters.neighbors]
        return in_order(self.parameters, row[row >= 0], self.affinity)

    def _neighbors_in_trace(self) -> tuple[Candidate, ...]:
        """The neighbours that the trace lists for this step, and the one taken."""
        rejections = self.trace.rejections
        here = slice(*np.searchsorted(rejections.step, (self.step, self.step + 1)))
        rows = np.append(rejections.sample[here], self.sample).astype(np.int64)
        return self._listed(
            rows,
            (
                np.append(rejections.rule[here], PASSES),
                np.append(rejections.member[here], -1),
                np.append(rejections.value[here], np.nan),
            ),
        )

    def _pool(self) -> tuple[tuple[Candidate, ...], int]:
        """Samples with a higher affinity than the one taken, highest first, then that one; and how many there are."""
        before = np.flatnonzero(self.affinity > self.affinity[self.sample])
        if self.origin == FALLBACK:
            # A search looks at free samples alone.
            free = ~(self.left_out | self.used_up)
            free[self.trace.steps.sample[: self.step]] = False
            before = before[free[before]]
        else:
            before = before[self.run.valid[before]]
        before = before[np.argsort(-self.affinity[before], kind="stable")]
        return self._listed(np.append(before[:MOST], self.sample)), len(before)

    def _judge(self, rows: NDArray[np.integer]) -> tuple[NDArray, NDArray, NDArray]:
        """rule, member and value (b,) as in `Rejections` for each row; PASSES, -1 and NaN for one that passes."""
        verdicts = self.standing.verdicts(read_rows(self.regime.gradients, rows))
        rule, value = verdicts.rule, verdicts.value
        broke_with = verdicts.member >= 0
        member = np.full(len(rows), -1)
        member[broke_with] = self.standing.samples[verdicts.member[broke_with]]
        taken = np.array([self.taken_at.get(row, self.step) < self.step for row in rows.tolist()], dtype=bool)
        excluded = taken | self.left_out[rows] | self.used_up[rows]
        rule[excluded] = np.where(taken[excluded], TAKEN, LEFT_OUT)
        member[excluded], value[excluded] = -1, np.nan
        return rule, member, value

    def _listed(
        self,
        rows: NDArray[np.integer],
        judged: tuple[NDArray, NDArray, NDArray] | None = None,
        *,
        passing: str = "tied",
    ) -> tuple[Candidate, ...]:
        """passing: the verdict of rows that keep the rules, but for the one taken."""
        rule, member, value = self._judge(rows) if judged is None else judged
        if self.standing.samples.size:
            cosine = read_rows(self.regime.gradients, rows) @ self.standing.gradients[-1]
        else:
            cosine = np.full(len(rows), np.nan, dtype=np.float32)
        listed = []
        for row, broken, with_, number, near, affinity in zip(
            *(column.tolist() for column in (rows, rule, member, value, cosine, self.affinity[rows])),
            strict=True,
        ):
            verdict = "chosen" if row == self.sample else passing if broken == PASSES else RULES[broken]
            why = self._why(verdict, row, broken, with_, number)
            listed.append(Candidate(row, verdict, why, near, affinity))
        return tuple(listed)

    def _why(self, name: str, row: int, rule: int, member: int, value: float) -> str:
        if name == "chosen":
            return "passes every rule, so it is taken"
        if name == "tied":
            return "passes every rule too: equal to the one taken up to rounding"
        if name == "next":
            later = self.taken_at.get(row)
            return f"the place went to #{self.sample:,}" + (
                f"; taken later, at step {later + 1:,}" if later is not None else ""
            )
        if rule == TAKEN:
            return f"already taken at step {self.taken_at[row] + 1:,}"
        if rule == LEFT_OUT and not self.left_out[row]:
            return "the share of the budget that its kind has is used up"
        if rule == LEFT_OUT:
            return reason_left_out(
                self.parameters,
                row,
                sources=self.run.sources,
                valid=self.run.valid,
                gone=self.run.gone,
                fitting=walks.fitting(self.run, self.parameters),
                own=frozenset(walks.own_rows(self.run, self.parameters).tolist()),
            )
        rules = Rules.of(self.parameters)
        return {
            CONFLICT: f"conflicts with #{member:,}: cosine {value:.3g}, below {rules.lowest:.3g}",
            REDUNDANT: f"too similar to #{member:,}: cosine {value:.3g}, above {rules.highest:.3g}",
            CONSISTENCY: f"the alignment would be {value:.3g}; at least {self.standing.needed:.3g} is needed",
        }[rule]

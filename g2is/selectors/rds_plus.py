"""RDS+: round robin over validation samples by similarity of hidden states."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

from g2is.arrays.unit import unit
from g2is.selectors.method import Array, Pool, Rows, TargetedMethod, register
from g2is.selectors.ranking import group_columns, in_turn, products
from g2is.selectors.round_robin import round_robin


@register("rds_plus")
class RdsPlus(TargetedMethod):
    """Each validation example in turn takes the free instruction with the most similar hidden states."""

    def choose(self, pool: Pool, budget: int) -> Rows:
        examples = self.examples(pool)
        states = pool.representations("weighted")
        return rds_plus(
            states.samples,
            states.validation[examples.rows],
            examples.targets,
            examples.subtasks,
            pool.valid,
            budget,
        )


def rds_plus(
    representations: Array,
    validation: Array,
    targets: Sequence[Hashable],
    groups: Sequence[Hashable],
    valid: NDArray[np.bool_],
    budget: int,
) -> Rows:
    """RDS+ (Ivison et al. 2025, *Large-Scale Data Selection for Instruction Tuning*, section 3).

    representations: (n, h), validation: (m, h) unit rows, position-weighted mean pools of the last hidden
    states. targets: (m,) names. With one target, its validation samples in turn take their most similar free
    sample. With several, a sample's score for a target is its highest cosine to one of the target's validation
    samples, and the targets take turns. The paper does not define the order of turns; here subtasks (groups)
    alternate, and targets are in order of first appearance.
    """
    cosines = products(representations, unit(validation))
    tasks = group_columns(targets)
    if len(tasks) == 1:
        return round_robin(cosines, groups, valid, budget)
    return in_turn((cosines[:, columns].max(axis=1) for columns in tasks), valid, budget)

"""Selectors that rank samples by their similarity to the validation samples."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

from g2is.arrays.unit import unit
from g2is.selectors.ranking import alternating, best, best_group_mean, group_columns, in_turn, products


def round_robin(
    cosines: NDArray[np.floating], groups: Sequence[Hashable], valid: NDArray[np.bool_], budget: int
) -> NDArray[np.int64]:
    """Each validation sample in turn takes the most similar sample that is still free.

    cosines: (n, m) of training to validation gradients. groups: (m,) the subtask of each validation sample;
    subtasks alternate in the order of turns, so that the first round is not one subtask's where the budget
    is smaller than m. Not published for gradients; RDS+ chooses so over hidden states.
    """
    return in_turn((cosines[:, column] for column in alternating(groups)), valid, budget)


def less(
    cosines: NDArray[np.floating], groups: Sequence[Hashable], valid: NDArray[np.bool_], budget: int
) -> NDArray[np.int64]:
    """The highest influence on a subtask (Xia et al. 2024, LESS, section 4): mean within it, most over all.

    cosines: (n, m) of training to validation gradients. groups: (m,) the subtask of each validation sample.
    LESS adds up this over the checkpoints of its warm-up, weighted by their learning rates; a run has one
    checkpoint, the last.
    """
    return best(best_group_mean(cosines, groups), valid, budget)


def rds_plus(
    representations: NDArray[np.floating],
    validation: NDArray[np.floating],
    targets: Sequence[Hashable],
    groups: Sequence[Hashable],
    valid: NDArray[np.bool_],
    budget: int,
) -> NDArray[np.int64]:
    """RDS+ (Ivison et al. 2025, *Large-Scale Data Selection for Instruction Tuning*, section 3).

    representations: (n, h), validation: (m, h) unit rows, position-weighted mean pools of the last hidden
    states. targets: (m,) names. One target: its validation samples in turn take their most similar free
    sample. Several: a sample's score for a target is its highest cosine to one of the target's validation
    samples, and the targets take turns. The paper leaves the order of turns open; subtasks (groups) alternate
    here, targets go in order of first appearance.
    """
    cosines = products(representations, unit(validation))
    tasks = group_columns(targets)
    if len(tasks) == 1:
        return round_robin(cosines, groups, valid, budget)
    return in_turn((cosines[:, columns].max(axis=1) for columns in tasks), valid, budget)


def semantic(
    representations: NDArray[np.floating],
    validation: NDArray[np.floating],
    groups: Sequence[Hashable],
    valid: NDArray[np.bool_],
    budget: int,
) -> NDArray[np.int64]:
    """The texts most similar in meaning: cosines of representations in the place of LESS's of gradients.

    representations: (n, h), validation: (m, h) unit rows, plain mean pools of the last hidden states, or
    sentence embeddings. The common baseline of gradient methods, for which no one rule is published: that of
    LESS (mean within a subtask, most over all) leaves the features as the only difference.
    """
    return best(best_group_mean(products(representations, unit(validation)), groups), valid, budget)

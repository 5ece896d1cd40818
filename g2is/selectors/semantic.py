"""Semantic similarity: the texts closest in meaning to the validation samples."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from g2is.arrays.unit import unit
from g2is.errors import InputError
from g2is.selectors.method import Array, Pool, Rows, TargetedMethod, register
from g2is.selectors.ranking import best, best_group_mean, products


@register("semantic")
class Semantic(TargetedMethod):
    """The highest similarity of text embeddings."""

    sentence_model: str | None = Field(
        None, description="sentence-transformers model that embeds the texts (the run's model)"
    )

    def choose(self, pool: Pool, budget: int) -> Rows:
        examples = self.examples(pool)
        if self.sentence_model is None:
            states = pool.representations("mean")
            samples, validation = states.samples, states.validation[examples.rows]
        else:
            samples, validation = _embedded(pool, examples.rows, self.sentence_model)
        return semantic(samples, validation, examples.subtasks, pool.valid, budget)


def semantic(
    representations: Array,
    validation: Array,
    groups: Sequence[Hashable],
    valid: NDArray[np.bool_],
    budget: int,
) -> Rows:
    """The texts most similar in meaning: the rule of LESS with cosines of representations instead of gradients.

    representations: (n, h), validation: (m, h) unit rows, plain mean pools of the last hidden states, or
    sentence embeddings. It is a common baseline of gradient methods, but no single rule is published. With the rule of
    LESS (mean within a subtask, highest over all) only the features differ.
    """
    return best(best_group_mean(products(representations, unit(validation)), groups), valid, budget)


def _embedded(pool: Pool, rows: NDArray[np.int64], model: str) -> tuple[np.ndarray, np.ndarray]:
    """Sentence embeddings of all samples and of these rows of the validation samples."""
    from g2is.lm.sentences import embed  # only here: it loads torch

    examples = pool.validation.iloc[rows]
    if not any(map(str.strip, [*examples["prompt"], *examples["response"]])):
        raise InputError(
            f"run {pool.name}: the texts of its validation samples are not known, only gradients"
        )
    count = len(pool.instructions)
    conversations = chain(pool.conversations(), zip(examples["prompt"], examples["response"], strict=True))
    texts = (f"{prompt}\n{response}" for prompt, response in conversations)
    embeddings = embed(texts, count + len(examples), model)
    return embeddings[:count], embeddings[count:]

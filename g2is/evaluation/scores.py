"""The scores of a fine-tuned model on a test target: losses, answers, exact match."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from g2is.config import EvaluationConfig
from g2is.evaluation.exact_match import exact_match, has_short_answers
from g2is.evaluation.testing import TestSet
from g2is.lm.evaluate import greedy_answers, held_out_losses


def score(model: Any, tokenizer: Any, test: TestSet, config: EvaluationConfig) -> pd.DataFrame:
    """One row a sample: target, task, example, loss, and where answers are short, answer and correct."""
    losses = held_out_losses(model, test.encoded, config.batch_tokens)
    answers: list[str | None] = [None] * len(test.samples)
    correct: list[bool | None] = [None] * len(test.samples)
    if config.answers != 0 and has_short_answers([sample.response for sample in test.samples]):
        some = slice(0, len(test.samples) if config.answers is None else config.answers)
        with tqdm(total=len(test.samples[some]), desc="answers", unit=" sample", leave=False) as bar:
            generated = greedy_answers(
                model,
                tokenizer,
                test.encoded[some],
                config.new_tokens,
                config.batch_tokens,
                on_batch=lambda count: bar.update(count),
            )
        answers[some] = generated
        correct[some] = [
            exact_match(answer, sample.response)
            for answer, sample in zip(generated, test.samples[some], strict=True)
        ]
    return pd.DataFrame(
        {
            "target": test.name,
            "task": pd.Series([sample.task for sample in test.samples], dtype="str"),
            "example": np.arange(len(test.samples)),
            "loss": losses,
            "answer": pd.Series(answers, dtype="str"),
            "correct": pd.Series(correct, dtype="boolean"),
        }
    )

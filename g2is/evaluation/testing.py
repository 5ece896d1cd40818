"""Test targets, and the scores of a fine-tuned model on them: losses, answers, exact match."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from g2is.config import EvaluationConfig
from g2is.errors import InputError
from g2is.evaluation.exact_match import exact_match, has_short_answers
from g2is.instructions import Instruction, read_instructions
from g2is.lm.evaluate import greedy_answers, held_out_losses
from g2is.lm.text import Encoded, Encoder
from g2is.pipeline.inputs import Target


@dataclass(frozen=True)
class TestSet:
    """The samples of a test target that have something to score, and their tokens."""

    __test__ = False  # pytest collects classes of such names

    name: str
    samples: list[Instruction]
    encoded: list[Encoded]

    @property
    def texts(self) -> list[tuple[str, str]]:
        """Prompt and response of each sample."""
        return [(sample.prompt, sample.response) for sample in self.samples]


def read_tests(tests: Sequence[Target], encoder: Encoder) -> list[TestSet]:
    """Read test files; raises `InputError` for one without a response to score."""
    sets = []
    for test in tests:
        read = read_instructions(test.sources).instructions
        pairs = [(s, e) for s, e in zip(read, encoder(read), strict=True) if e.problem is None]
        if not pairs:
            raise InputError(f"test {test.name}={test.place}: no sample with a response to score")
        sets.append(TestSet(test.name, [sample for sample, _ in pairs], [tokens for _, tokens in pairs]))
    return sets


def score(model: Any, tokenizer: Any, test: TestSet, config: EvaluationConfig) -> pd.DataFrame:
    """One row a sample: target, task, example, loss, and where answers are short, answer and correct."""
    losses = held_out_losses(model, test.encoded, config.batch_tokens)
    answers: list[str | None] = [None] * len(test.samples)
    correct: list[bool | None] = [None] * len(test.samples)
    if has_short_answers([sample.response for sample in test.samples]):
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

"""How fast this machine fine-tunes and scores, measured on a few first steps."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Any

from g2is.config import EvaluationConfig, LoraSettings
from g2is.lm.text import Encoded

STEPS = 3
"""Measured steps, after one that is not, in which libraries and caches warm up."""
TESTED = 16
"""Test examples that are scored, at most."""


@dataclass(frozen=True)
class Speed:
    """Seconds in which a token was trained in each measured step, and in which one was tested."""

    train: tuple[float, ...]
    test: tuple[float, ...]

    @property
    def steps(self) -> int:
        """Measured steps of training."""
        return len(self.train)

    def seconds(self, trained: float, tested: float) -> tuple[float, float, float]:
        """How long so many tokens take: by the fastest of the steps, by their median, by the slowest."""
        fastest, middle, slowest = (
            trained * of(self.train) + tested * of(self.test) for of in (min, median, max)
        )
        return fastest, middle, slowest


def measure_speed(
    base: Any,
    lora: LoraSettings,
    samples: Sequence[Encoded],
    tested: Sequence[Encoded],
    config: EvaluationConfig,
) -> Speed:
    """Train an adapter, which is thrown away, for a few steps on one batch of the samples, and score some of `tested`.

    config: resolved. samples: at least one.
    """
    from g2is.lm.evaluate import fine_tuned, held_out_losses

    batch = list(samples[: config.batch_size])
    tokens = sum(map(len, batch))
    times = [time.monotonic()]
    few = config.replace(steps=STEPS + 1, epochs=None)
    some = list(tested[:TESTED])
    tests = []
    with fine_tuned(base, lora, batch, few, 0, lambda loss: times.append(time.monotonic())) as model:
        for _ in range(2):
            start = time.monotonic()
            held_out_losses(model, some, config.batch_tokens)
            tests.append((time.monotonic() - start) / sum(map(len, some)))
    steps = [(end - start) / tokens for start, end in pairwise(times[1:])]
    return Speed(tuple(steps), tuple(tests))

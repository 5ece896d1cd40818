"""What an evaluation is about to do: what is trained and tested, what of it has nothing to train or to score, and
about how long it takes. Known before anything is trained; needs no torch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from g2is.config import BuildConfig, EvaluationConfig
from g2is.errors import InputError
from g2is.evaluation.exact_match import has_short_answers
from g2is.evaluation.results import LEFT_OUT_COLUMNS, FineTuning
from g2is.evaluation.speed import Speed
from g2is.evaluation.testing import TestSet
from g2is.lm.text import Encoder
from g2is.run.run import Run
from g2is.run.texts import instructions_of

CHUNK = 2000
"""Instructions that are tokenized at a time."""
FORWARD = 1 / 3
"""Cost of a forward pass as a share of a training step's."""


@dataclass(frozen=True)
class Load:
    """What one fine-tuning trains on. usable: instructions with something to train on; tokens: of those.
    left_out: how many have nothing, by the reason."""

    usable: int
    tokens: int
    left_out: Counter[str]

    def steps(self, config: EvaluationConfig) -> int:
        """Optimizer steps. config: resolved."""
        return config.steps or (config.epochs or 1) * -(-self.usable // (config.batch_size or 1))

    def trained(self, config: EvaluationConfig) -> float:
        """Tokens that pass through the model in all steps. config: resolved."""
        if config.steps is None:
            return self.tokens * (config.epochs or 1)
        return config.steps * (config.batch_size or 1) * self.tokens / max(1, self.usable)


@dataclass(frozen=True)
class Work:
    """All of an evaluation. loads: of each fine-tuning. per_token: seconds of training a token, None if unknown."""

    tests: Sequence[TestSet]
    loads: Mapping[FineTuning, Load]
    config: EvaluationConfig
    per_token: float | None

    def seconds(self, some: Sequence[FineTuning]) -> float | None:
        """About how long these fine-tunings take with the losses of their tests, without answers; None if unknown."""
        if self.per_token is None:
            return None
        trained, tested = self.tokens(some)
        return self.per_token * (trained + FORWARD * tested)

    def tokens(self, some: Sequence[FineTuning]) -> tuple[float, float]:
        """Tokens that these fine-tunings train, and tokens that they are tested on."""
        trained = sum(self.loads[one].trained(self.config) for one in some)
        return trained, float(sum(test.tokens for one in some for test in self.tests_of(one)))

    def tests_of(self, one: FineTuning) -> list[TestSet]:
        """The tests that score a fine-tuning: that of its target, or all."""
        return [test for test in self.tests if one.target in (None, test.name)]

    def answers(self, some: Sequence[FineTuning]) -> int:
        """Answers that the model writes after these fine-tunings, whose time `seconds` leaves out."""
        counts = [
            len(test.samples)
            for one in some
            for test in self.tests_of(one)
            if has_short_answers([sample.response for sample in test.samples])
        ]
        return sum(
            count if self.config.answers is None else min(count, self.config.answers) for count in counts
        )

    @property
    def left_out(self) -> pd.DataFrame:
        """One row for each reason why examples of a test or instructions of a selection are left out: what, left_out,
        of, reason."""
        rows = [
            (f"test {test.name}", count, len(test.samples) + test.left_out.total(), reason)
            for test in self.tests
            for reason, count in test.left_out.most_common()
        ]
        rows += [
            (f"selection {one.selection}", count, one.size, reason)
            for one, load in self.loads.items()
            for reason, count in load.left_out.most_common()
        ]
        # A draw by chance may lack the same number with every seed; said once.
        return pd.DataFrame(list(dict.fromkeys(rows)), columns=LEFT_OUT_COLUMNS)

    def lines(self) -> list[str]:
        """What a person should know before it begins: what is left out, a line each, and what is not."""
        rows = self.left_out.itertuples(index=False)
        lines = [f"{row.what}: {row.left_out:,} of {row.of:,} are left out: {row.reason}" for row in rows]
        tested = sorted({sum(len(test.samples) for test in self.tests_of(one)) for one in self.loads})
        selections = len({one.selection for one in self.loads})
        counts = f"{tested[0]:,}" + (f" to {tested[-1]:,}" if len(tested) > 1 else "")
        return [
            f"{selections:,} selections, {len(self.loads):,} fine-tunings, each scored on {counts} test examples",
            *(
                lines
                or ["every instruction has something to train on, and every test example something to score"]
            ),
        ]


def prepare(
    run: Run,
    rows: Mapping[FineTuning, Sequence[int]],
    tests: Sequence[TestSet],
    encoder: Encoder,
    config: EvaluationConfig,
) -> Work:
    """Count what there is to do. rows: of the pool, for each fine-tuning. config: resolved.

    Raises `InputError` for a selection of which nothing can be trained.
    """
    needed = np.unique(np.concatenate([np.asarray(samples, np.int64) for samples in rows.values()]))
    lengths, problems = {}, {}
    for start in range(0, len(needed), CHUNK):
        some = needed[start : start + CHUNK]
        for row, sample in zip(some.tolist(), encoder(instructions_of(run.texts, some)), strict=True):
            lengths[row] = len(sample)
            if sample.problem is not None:
                problems[row] = sample.problem
    loads = {}
    for one, samples in rows.items():
        left_out = Counter(problems[row] for row in samples if row in problems)
        usable = [row for row in samples if row not in problems]
        if not usable:
            raise InputError(f"selection {one.selection!r}: none of its samples has anything to train on")
        loads[one] = Load(len(usable), sum(lengths[row] for row in usable), left_out)
    return Work(tests, loads, config, seconds_per_token(run))


def seconds_per_token(run: Run) -> float | None:
    """Seconds in which the warm-up of a run trained a token of its pool; None for a run without one."""
    warmup, config = run.manifest.stages.get("warmup"), run.manifest.configuration
    if warmup is None or not isinstance(config, BuildConfig):
        return None
    mean = float(run.instructions["tokens"].to_numpy()[run.valid].mean())
    trained = float(warmup.found.get("samples", 0)) * (config.warmup.epochs or 1) * mean
    return warmup.seconds / trained if trained > 0 else None


def cost_line(work: Work, missing: Sequence[FineTuning], speed: Speed | None = None) -> str:
    """About how long the fine-tunings that are missing take, by the speed measured here or by that of the warm-up."""
    count = work.answers(missing)
    answers = f", and the time of {count:,} answers" if count else ""
    if speed is not None:
        fastest, middle, slowest = speed.seconds(*work.tokens(missing))
        return (
            f"{len(missing):,} fine-tunings, about {duration(middle)} in all (from {duration(fastest)} to "
            f"{duration(slowest)}, by the fastest and slowest of {speed.steps} first steps on this machine){answers}"
        )
    seconds = work.seconds(missing)
    if seconds is None:
        return f"{len(missing):,} fine-tunings: how long they take is known once the first is done"
    return (
        f"{len(missing):,} fine-tunings, about {duration(seconds)} at the speed of the run's warm-up{answers}; "
        "another device is faster or slower"
    )


def duration(seconds: float) -> str:
    """Such as 40 s, 12 min, 3.5 h."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"

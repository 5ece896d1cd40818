"""Fine-tune on selections of a run and score them on held-out data, one selection and seed after another."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from g2is.config import EvaluationConfig
from g2is.engine.sharing import exclusive
from g2is.errors import InputError
from g2is.evaluation.base import RunModel
from g2is.evaluation.beginning import begin
from g2is.evaluation.leaks import count_leaks, evaluation_leaks
from g2is.evaluation.results import (
    LEAKS,
    SUMMARY,
    Evaluation,
    FineTuning,
    read_evaluations,
    summarise,
)
from g2is.evaluation.testing import TestSet, read_tests, score
from g2is.instructions import from_frame
from g2is.lm.evaluate import fine_tuned
from g2is.pipeline.inputs import Target, input_files
from g2is.run.paths import EVALUATIONS
from g2is.run.run import Run
from g2is.storage.files import write_bytes

PLAIN_NAME = re.compile(r"[\w][\w .,+=-]*")


@dataclass(frozen=True)
class Candidate:
    """A selection to evaluate. choose: returns rows of the pool for a seed, which may be the same for all seeds."""

    name: str
    method: str
    choose: Callable[[int], Sequence[int]]


def evaluate(
    run: Run,
    tests: Sequence[Target],
    candidates: Sequence[Candidate],
    config: EvaluationConfig,
    *,
    name: str = "test",
    model: str | None = None,
    overwrite: bool = False,
    say: Callable[[str], None] = print,
) -> pd.DataFrame:
    """Evaluate selections, or resume an evaluation; returns its summary.

    Selections and seeds may be added to an evaluation later. model: where the run's base model is now, or which
    it is where the run was made from gradients. Raises `InputError` for wrong input, a base model that is not
    the run's, and an evaluation of that name with other tests, settings or samples (unless `overwrite`).
    """
    _check_names("selection", [candidate.name for candidate in candidates])
    _check_names("test target", [test.name for test in tests])
    _check_names("evaluation", [name])
    folder = run.inside(EVALUATIONS, name)
    with exclusive(folder):
        base = RunModel(run, model)
        config = config.resolve(base.card.hidden_size)
        rows = {
            _fine_tuning(candidate, seed, samples): samples
            for candidate in candidates
            for seed in range(config.seeds)
            for samples in [[int(sample) for sample in candidate.choose(seed)]]
        }
        sets = read_tests(tests, base.encoder)
        leaks = evaluation_leaks(run, sets)
        sizes = {"validation": len(run.validation)} | {f"test {s.name}": len(s.samples) for s in sets}
        _report_leaks(leaks, sizes, say, folder)
        requested = Evaluation(
            run=run.hash,
            model={
                "fingerprint": base.card.fingerprint,
                "dtype": base.card.dtype,
                "device": base.card.device,
            },
            configuration=config,
            tests=[file for test in tests for file in input_files(test.sources, test.name)],
            leaks=count_leaks(leaks),
            fine_tunings=list(rows),
        )
        begin(folder, requested, overwrite=overwrite)
        write_bytes(folder / LEAKS, leaks.to_csv(index=False).encode())
        missing = {one: rows[one] for one in rows if not (folder / one.file).is_file()}
        if done := len(rows) - len(missing):
            say(f"{done:,} of {len(rows):,} fine-tunings are done already")
        _fine_tune_all(folder, run, base, missing, sets, config)
        results = read_evaluations(run)
        summary = summarise(results[results["evaluation"] == name])
        write_bytes(folder / SUMMARY, summary.to_csv(index=False).encode())
        return summary


def _check_names(kind: str, names: Sequence[str]) -> None:
    """Raise `InputError` for a name that cannot be a file name, and for one that occurs twice."""
    for name in names:
        if not PLAIN_NAME.fullmatch(name):
            raise InputError(f"{kind} {name!r}: expected a plain name; give one with NAME=…")
        if names.count(name) > 1:
            raise InputError(f"{kind} {name!r} is given twice; name each one: NAME=…")


def _fine_tuning(candidate: Candidate, seed: int, samples: list[int]) -> FineTuning:
    if not samples:
        raise InputError(f"selection {candidate.name!r}: is empty, expected at least one sample")
    digest = hashlib.sha256(np.array(samples, dtype="<i8").tobytes()).hexdigest()[:16]
    return FineTuning(
        selection=candidate.name,
        seed=seed,
        method=candidate.method,
        size=len(samples),
        digest=digest,
    )


def _report_leaks(
    leaks: pd.DataFrame, sizes: dict[str, int], say: Callable[[str], None], folder: Path
) -> None:
    for (of, place), table in leaks.groupby(["of", "copy_in"], sort=False):
        say(
            f"possible leaks: {table['example'].nunique():,} of {sizes[of]:,} samples of {of} have a near-copy "
            f"in the {place} (see {folder / LEAKS})"
        )
    if leaks.empty:
        say("possible leaks: none between test, validation and pool")


def _fine_tune_all(
    folder: Path,
    run: Run,
    base: RunModel,
    rows: dict[FineTuning, list[int]],
    tests: Sequence[TestSet],
    config: EvaluationConfig,
) -> None:
    """Write the results of each fine-tuning as soon as it is done."""
    with tqdm(total=len(rows), desc="fine-tunings", unit=" run") as bar:
        for one, samples in rows.items():
            bar.set_postfix_str(f"{one.selection}, seed {one.seed}")
            buffer = BytesIO()
            _results(run, base, one, samples, tests, config).to_parquet(buffer, index=False)
            write_bytes(folder / one.file, buffer.getvalue())
            bar.update()


def _results(
    run: Run,
    base: RunModel,
    one: FineTuning,
    rows: list[int],
    tests: Sequence[TestSet],
    config: EvaluationConfig,
) -> pd.DataFrame:
    """Train on some rows of the pool, and score every test sample."""
    encoded = base.encoder(from_frame(run.instructions.iloc[rows]))
    usable = [sample for sample in encoded if sample.problem is None]
    if not usable:
        raise InputError(f"selection {one.selection!r}: none of its samples has anything to train on")
    lora = base.config.lora
    if config.dropout is not None:
        lora = lora.replace(dropout=config.dropout)
    steps = config.steps or (config.epochs or 1) * -(-len(usable) // (config.batch_size or 1))
    with (
        tqdm(total=steps, desc=f"{one.selection}, seed {one.seed}", unit=" step", leave=False) as bar,
        fine_tuned(base.base, lora, usable, config, one.seed, lambda loss: bar.update()) as model,
    ):
        scores = [score(model, base.encoder.tokenizer, test, config) for test in tests]
        return pd.concat(scores, ignore_index=True)

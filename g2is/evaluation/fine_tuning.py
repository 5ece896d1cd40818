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

from g2is.config import EvaluationConfig, ReadingConfig
from g2is.engine.lock import exclusive
from g2is.errors import InputError
from g2is.evaluation.base import RunModel
from g2is.evaluation.beginning import begin
from g2is.evaluation.candidates import Candidate
from g2is.evaluation.leaks import count_leaks, evaluation_leaks
from g2is.evaluation.results import (
    LEAKS,
    SUMMARY,
    Evaluation,
    FineTuning,
    read_evaluations,
    summarise,
    write_left_out,
)
from g2is.evaluation.scores import score
from g2is.evaluation.speed import Speed, measure_speed
from g2is.evaluation.testing import read_tests
from g2is.evaluation.work import Work, cost_line, prepare
from g2is.lm.evaluate import fine_tuned
from g2is.pipeline.inputs import Target, input_files
from g2is.pipeline.progress import Bar
from g2is.run.paths import EVALUATIONS, progress_path
from g2is.run.run import Run
from g2is.run.texts import instructions_of
from g2is.storage.files import write_bytes

PLAIN_NAME = re.compile(r"[\w][\w .,+=-]*")


@dataclass(frozen=True, eq=False)
class _Prepared:
    """All that an evaluation needs before its first fine-tuning.

    rows: of the pool, of each fine-tuning. validation: how many validation examples the run has.
    """

    run: Run
    folder: Path
    base: RunModel
    rows: dict[FineTuning, list[int]]
    work: Work
    leaks: pd.DataFrame
    requested: Evaluation
    validation: int

    @property
    def missing(self) -> list[FineTuning]:
        """The fine-tunings without results."""
        return [one for one in self.rows if not (self.folder / one.file).is_file()]

    @property
    def to_train(self) -> list[FineTuning]:
        """Those of them that have the samples of no other; all others take the results of one."""
        done = {one.work for one in self.rows if (self.folder / one.file).is_file()}
        first = {one.work: one for one in reversed(self.missing)}
        return [one for one in self.missing if one.work not in done and first[one.work] == one]


def check(
    run: Run,
    tests: Sequence[Target],
    candidates: Sequence[Candidate],
    config: EvaluationConfig,
    *,
    name: str = "test",
    model: str | None = None,
    reading: ReadingConfig | None = None,
    say: Callable[[str], None] = print,
) -> None:
    """Say what `evaluate` with the same arguments would do and leave out, and about how long it would take. Writes
    nothing; raises `InputError` as that does."""
    _report(_prepare(run, tests, candidates, config, name, model, reading), say)


def evaluate(
    run: Run,
    tests: Sequence[Target],
    candidates: Sequence[Candidate],
    config: EvaluationConfig,
    *,
    name: str = "test",
    model: str | None = None,
    reading: ReadingConfig | None = None,
    overwrite: bool = False,
    progress: Path | None = None,
    say: Callable[[str], None] = print,
) -> pd.DataFrame:
    """Evaluate selections, or resume an evaluation; returns its summary.

    Selections and seeds may be added to an evaluation later. model: where the run's base model is now, or which it is
    where the run was made from gradients. reading: how the test files are read. progress: the file that says how far it
    is; beside the evaluation's folder where None. Raises `InputError` for wrong input, a base model that is not the
    run's, and an evaluation of that name with other tests, settings or samples (unless `overwrite`).
    """
    _check_names(candidates, tests, name)
    folder = run.inside(EVALUATIONS, name)
    with exclusive(folder):
        prepared = _prepare(run, tests, candidates, config, name, model, reading)
        begin(folder, prepared.requested, overwrite=overwrite)
        _report(prepared, say, measured=True)
        write_bytes(folder / LEAKS, prepared.leaks.to_csv(index=False).encode())
        write_left_out(folder, prepared.work.left_out)
        _fine_tune_all(run, prepared, progress or progress_path(folder))
        summary = summarise(read_evaluations(run, name))
        write_bytes(folder / SUMMARY, summary.to_csv(index=False).encode())
        return summary


def _prepare(
    run: Run,
    tests: Sequence[Target],
    candidates: Sequence[Candidate],
    config: EvaluationConfig,
    name: str,
    model: str | None,
    reading: ReadingConfig | None,
) -> _Prepared:
    reading = reading or ReadingConfig()
    _check_names(candidates, tests, name)
    base = RunModel(run, model)
    config = config.resolve(base.card.hidden_size)
    rows = {
        _fine_tuning(candidate, seed, samples): samples
        for candidate in candidates
        for seed in range(config.seeds)
        for samples in [[int(sample) for sample in candidate.choose(seed)]]
    }
    sets = read_tests(tests, base.encoder, reading)
    leaks = evaluation_leaks(run, sets)
    requested = Evaluation(
        run=run.hash,
        model={
            "fingerprint": base.card.fingerprint,
            "dtype": base.card.dtype,
            "device": base.card.device,
        },
        configuration=config,
        tests=[file for test in tests for file in input_files(test.sources, test.name)],
        reading=reading,
        leaks=count_leaks(leaks),
        fine_tunings=list(rows),
    )
    work = prepare(run, rows, sets, base.encoder, config)
    return _Prepared(
        run, run.inside(EVALUATIONS, name), base, rows, work, leaks, requested, len(run.validation)
    )


def _check_names(candidates: Sequence[Candidate], tests: Sequence[Target], evaluation: str) -> None:
    """Raise `InputError` for a name that cannot be a file name, and for one that occurs twice."""
    for kind, names in {
        "selection": [candidate.name for candidate in candidates],
        "test target": [test.name for test in tests],
        "evaluation": [evaluation],
    }.items():
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
        label=candidate.label,
        budget=candidate.budget,
        validation=candidate.validation,
        target=candidate.target,
    )


def _report(prepared: _Prepared, say: Callable[[str], None], *, measured: bool = False) -> None:
    """What will be done, what is left out, and about how long it takes. measured: by first steps on this machine."""
    work, missing = prepared.work, prepared.missing
    for line in work.lines():
        say(line)
    sizes = {"validation": prepared.validation} | {
        f"test {test.name}": len(test.samples) for test in work.tests
    }
    for (of, place), table in prepared.leaks.groupby(["of", "copy_in"], sort=False):
        say(
            f"possible leaks: {table['example'].nunique():,} of {sizes[of]:,} samples of {of} have a near-copy "
            f"in the {place}"
        )
    if prepared.leaks.empty:
        say("possible leaks: none between test, validation and pool")
    if done := len(prepared.rows) - len(missing):
        say(f"{done:,} of {len(prepared.rows):,} fine-tunings are done already")
    trained = prepared.to_train
    if twins := len(missing) - len(trained):
        say(
            f"{twins:,} of the fine-tunings take the results of another with the same samples, target and seed"
        )
    if trained and measured:
        say(cost_line(work, trained, _measured(prepared, trained[0])))
    elif trained:
        say(cost_line(work, trained))


def _fine_tune_all(run: Run, prepared: _Prepared, progress: Path) -> None:
    """Write the results of each fine-tuning as soon as it is done."""
    trained, config = prepared.to_train, prepared.work.config
    steps = sum(prepared.work.loads[one].steps(config) for one in trained)
    try:
        with Bar(progress, "fine-tuning", steps, "step") as bar:
            _take_from_others(prepared)
            for place, one in enumerate(trained):
                bar.rename(f"fine-tuning {place + 1:,} of {len(trained):,}: {one.selection}, seed {one.seed}")
                buffer = BytesIO()
                results = _results(run, prepared, one, bar)
                results.to_parquet(buffer, index=False)
                write_bytes(prepared.folder / one.file, buffer.getvalue())
                _take_from_others(prepared)
    finally:
        progress.unlink(missing_ok=True)


def _take_from_others(prepared: _Prepared) -> None:
    """Give the results that there are to those fine-tunings that have the same samples, target and seed."""
    done = {one.work: one for one in prepared.rows if (prepared.folder / one.file).is_file()}
    for one in prepared.missing:
        if one.work in done:
            write_bytes(prepared.folder / one.file, (prepared.folder / done[one.work].file).read_bytes())


def _measured(prepared: _Prepared, one: FineTuning) -> Speed:
    """The speed of this machine, by a few steps on samples of the first fine-tuning."""
    run, base, config = prepared.run, prepared.base, prepared.work.config
    some = prepared.rows[one][: 2 * (config.batch_size or 1)]
    encoded = [s for s in base.encoder(instructions_of(run.texts, some)) if s.problem is None]
    return measure_speed(base.base, base.config.lora, encoded, prepared.work.tests_of(one)[0].encoded, config)


def _results(run: Run, prepared: _Prepared, one: FineTuning, bar: Bar) -> pd.DataFrame:
    """Train on some rows of the pool, and score every test sample."""
    base, config = prepared.base, prepared.work.config
    encoded = base.encoder(instructions_of(run.texts, prepared.rows[one]))
    usable = [sample for sample in encoded if sample.problem is None]
    lora = base.config.lora
    if config.dropout is not None:
        lora = lora.replace(dropout=config.dropout)
    with fine_tuned(base.base, lora, usable, config, one.seed, bar.step) as model:
        tests = prepared.work.tests_of(one)
        return pd.concat(
            [score(model, base.encoder.tokenizer, test, config) for test in tests], ignore_index=True
        )

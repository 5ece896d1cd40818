"""Fine-tune on selections of a run and score them on held-out data, one selection and seed after another."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from g2is.config import BuildConfig, EvaluationConfig, ModelConfig
from g2is.engine.sharing import held
from g2is.errors import InputError
from g2is.evaluation.exact_match import exact_match, has_short_answers
from g2is.evaluation.results import (
    ABOUT,
    LEAKS,
    SUMMARY,
    Evaluation,
    FineTuning,
    read_evaluations,
    summarise,
)
from g2is.instructions import Instruction, from_frame, read_instructions
from g2is.instructions.copies import find_leaks
from g2is.lm.evaluate import fine_tuned, greedy_answers, held_out_losses
from g2is.lm.model import ModelCard, inspect_model, load_model, load_tokenizer
from g2is.lm.text import Encoded, Encoder
from g2is.pipeline.inputs import Target, input_file
from g2is.run.paths import EVALUATIONS
from g2is.run.run import Run
from g2is.storage.files import remove_folder, sweep, write_bytes

PLAIN_NAME = re.compile(r"[\w][\w .,+=-]*")


@dataclass(frozen=True)
class Candidate:
    """A selection to evaluate. choose: rows of the pool for a seed; the same for all, or drawn anew for each."""

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
    """Evaluate selections, or finish what was stopped; gives the summary of the evaluation.

    Selections and seeds may be added to an evaluation later. model: where the run's base model is now, or which
    it is where the run was made from gradients. Raises `InputError` for wrong input, a base model that is not
    the run's, and an evaluation of that name with other tests, settings or samples (unless `overwrite`).
    """
    for what, names in (
        ("selection", [candidate.name for candidate in candidates]),
        ("test target", [test.name for test in tests]),
        ("evaluation", [name]),
    ):
        for one in names:
            if not PLAIN_NAME.fullmatch(one):
                raise InputError(f"{what} {one!r}: expected a plain name; give one with NAME=…")
            if names.count(one) > 1:
                raise InputError(f"{what} {one!r} is given twice; name each one: NAME=…")
    folder = run.inside(EVALUATIONS, name)
    with held(folder):
        return _Evaluation(run, tuple(tests), tuple(candidates), config, folder, model, say).run_all(
            overwrite
        )


@dataclass
class _Evaluation:
    run: Run
    tests: tuple[Target, ...]
    candidates: tuple[Candidate, ...]
    config: EvaluationConfig
    folder: Path
    model: str | None
    say: Callable[[str], None]

    def run_all(self, overwrite: bool) -> pd.DataFrame:
        self.config = self.config.resolve(self.card.hidden_size)
        chosen = {
            self._fine_tuning(candidate, seed, samples): samples
            for candidate in self.candidates
            for seed in range(self.config.seeds)
            for samples in [[int(sample) for sample in candidate.choose(seed)]]
        }
        leaks = self._leaks()
        wanted = Evaluation(
            run=self.run.hash,
            model={
                "fingerprint": self.card.fingerprint,
                "dtype": self.card.dtype,
                "device": self.card.device,
            },
            configuration=self.config,
            tests=[input_file(test.path, test.name) for test in self.tests],
            leaks=_counts(leaks),
            fine_tunings=list(chosen),
        )
        self._begin(wanted, overwrite)
        write_bytes(self.folder / LEAKS, leaks.to_csv(index=False).encode())
        todo = [one for one in chosen if not (self.folder / one.file).is_file()]
        if done := len(chosen) - len(todo):
            self.say(f"{done:,} of {len(chosen):,} fine-tunings are done already")
        with tqdm(total=len(todo), desc="fine-tunings", unit=" run") as bar:
            for one in todo:
                bar.set_postfix_str(f"{one.selection}, seed {one.seed}")
                buffer = BytesIO()
                self._result(one, chosen[one]).to_parquet(buffer, index=False)
                write_bytes(self.folder / one.file, buffer.getvalue())
                bar.update()
        results = read_evaluations(self.run)
        summary = summarise(results[results["evaluation"] == self.folder.name])
        write_bytes(self.folder / SUMMARY, summary.to_csv(index=False).encode())
        return summary

    # What is read once

    @cached_property
    def build(self) -> BuildConfig:
        """The run's settings of model and adapter."""
        known = self.run.manifest.configuration
        if isinstance(known, BuildConfig):
            return known.replace(model=known.model.replace(model=self.model)) if self.model else known
        if self.model is None:
            raise InputError(
                f"run {self.run.name} was made from gradients and knows no base model; give --model"
            )
        return BuildConfig(model=ModelConfig(model=self.model))

    @cached_property
    def card(self) -> ModelCard:
        card = inspect_model(self.build.model)
        known = self.run.manifest.model.get("fingerprint")
        if known is not None and known != card.fingerprint:
            raise InputError(
                f"model {self.build.model.model}: is not the one that run {self.run.name} was built with; "
                "give the folder of that one with --model"
            )
        self.build = self.build.resolve(card.hidden_size, card.positions)
        return card

    @cached_property
    def base(self) -> Any:
        return load_model(self.build.model, self.card)

    @cached_property
    def encoder(self) -> Encoder:
        return Encoder(load_tokenizer(self.build.model), self.build.model.max_length or 2048)

    @cached_property
    def samples(self) -> list[tuple[Target, list[Instruction], list[Encoded]]]:
        """Each test file's samples with something to score, and their tokens."""
        found = []
        for test in self.tests:
            read = read_instructions([test.path]).instructions
            pairs = [(s, e) for s, e in zip(read, self.encoder(read), strict=True) if e.problem is None]
            if not pairs:
                raise InputError(f"test {test.name}={test.path}: no sample with a response to score")
            found.append((test, [sample for sample, _ in pairs], [encoded for _, encoded in pairs]))
        return found

    # The steps

    def _fine_tuning(self, candidate: Candidate, seed: int, samples: list[int]) -> FineTuning:
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

    def _leaks(self) -> pd.DataFrame:
        """Near-copies of test samples in the pool and the validation samples; says what it found."""
        pool, validation = (
            list(zip(frame["prompt"], frame["response"], strict=True))
            for frame in (self.run.instructions, self.run.validation)
        )
        checks = [("validation", validation, "pool", pool)]
        for test, samples, _ in self.samples:
            texts = [(sample.prompt, sample.response) for sample in samples]
            checks += [(f"test {test.name}", texts, "pool", pool)]
            checks += [(f"test {test.name}", texts, "validation", validation)]
        tables = []
        for name, texts, place, rows in checks:
            found = find_leaks(rows, texts).rename(columns={"sample": "row", "validation": "example"})
            found = found.assign(copy_in=place, of=name)
            tables.append(found[["of", "example", "copy_in", "row", "kind", "similarity"]])
            if len(found):
                self.say(
                    f"possible leaks: {found['example'].nunique():,} of {len(texts):,} samples of {name} have "
                    f"a near-copy in the {place} (see {self.folder / LEAKS})"
                )
        leaks = pd.concat(tables, ignore_index=True)
        if leaks.empty:
            self.say("possible leaks: none between test, validation and pool")
        return leaks

    def _begin(self, wanted: Evaluation, overwrite: bool) -> None:
        """Write what is to be done; refuse to mix it with something else."""
        if overwrite and self.folder.exists():
            remove_folder(self.folder)
        if (self.folder / ABOUT).exists():
            known = Evaluation.read(self.folder)
            self._refuse_difference(known, wanted)
            sweep(self.folder)
            kept = [one for one in known.fine_tunings if one not in wanted.fine_tunings]
            wanted = wanted.model_copy(update={"fine_tunings": [*kept, *wanted.fine_tunings]})
        write_bytes(self.folder / ABOUT, wanted.model_dump_json(indent=1).encode())

    def _refuse_difference(self, known: Evaluation, wanted: Evaluation) -> None:
        # How many seeds there are, and how the device's memory is filled, change no single result.
        free = {"seeds", "batch_tokens"}
        old, new = (one.configuration.model_dump(exclude=free) for one in (known, wanted))
        differences = [f"{key}: {old[key]} -> {new[key]}" for key in old if old[key] != new[key]]
        for field in ("run", "model", "tests"):
            if getattr(known, field) != getattr(wanted, field):
                differences.append(f"another {field.removesuffix('s')}")
        samples = {(one.selection, one.seed): one.digest for one in known.fine_tunings}
        changed = {
            one.selection
            for one in wanted.fine_tunings
            if samples.get((one.selection, one.seed), one.digest) != one.digest
        }
        differences += [f"other samples in {selection}" for selection in sorted(changed)]
        if differences:
            raise InputError(
                f"{self.folder}: exists, made otherwise ({'; '.join(differences)}); "
                "choose another --name, or replace it with --overwrite"
            )

    def _result(self, one: FineTuning, rows: list[int]) -> pd.DataFrame:
        """Train, and score every test sample."""
        config = self.config
        chosen = self.encoder(from_frame(self.run.instructions.iloc[rows]))
        usable = [sample for sample in chosen if sample.problem is None]
        if not usable:
            raise InputError(f"selection {one.selection!r}: none of its samples has anything to train on")
        lora = self.build.lora
        if config.dropout is not None:
            lora = lora.replace(dropout=config.dropout)
        steps = config.steps or (config.epochs or 1) * -(-len(usable) // (config.batch_size or 1))
        with (
            tqdm(total=steps, desc=f"{one.selection}, seed {one.seed}", unit=" step", leave=False) as bar,
            fine_tuned(self.base, lora, usable, config, one.seed, lambda loss: bar.update()) as model,
        ):
            return pd.concat([self._scores(model, *test) for test in self.samples], ignore_index=True)

    def _scores(
        self, model: Any, test: Target, samples: list[Instruction], encoded: list[Encoded]
    ) -> pd.DataFrame:
        config = self.config
        losses = held_out_losses(model, encoded, config.batch_tokens)
        answers: list[str | None] = [None] * len(samples)
        correct: list[bool | None] = [None] * len(samples)
        if has_short_answers([sample.response for sample in samples]):
            some = slice(0, len(samples) if config.answers is None else config.answers)
            with tqdm(total=len(samples[some]), desc="answers", unit=" sample", leave=False) as bar:
                found = greedy_answers(
                    model,
                    self.encoder.tokenizer,
                    encoded[some],
                    config.new_tokens,
                    config.batch_tokens,
                    on_batch=lambda count: bar.update(count),
                )
            answers[some] = found
            correct[some] = [
                exact_match(answer, sample.response)
                for answer, sample in zip(found, samples[some], strict=True)
            ]
        return pd.DataFrame(
            {
                "target": test.name,
                "task": pd.Series([sample.task for sample in samples], dtype="str"),
                "example": np.arange(len(samples)),
                "loss": losses,
                "answer": pd.Series(answers, dtype="str"),
                "correct": pd.Series(correct, dtype="boolean"),
            }
        )


def _counts(leaks: pd.DataFrame) -> dict[str, int]:
    """How many samples of what have a near-copy where, such as `test gsm8k in pool`."""
    pairs = leaks[["of", "copy_in", "example"]].drop_duplicates()
    return Counter(f"{of} in {place}" for of, place in zip(pairs["of"], pairs["copy_in"], strict=True))

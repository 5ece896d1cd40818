"""Taking the gradients of new validation examples with the model of a finished run, which keeps its adapter."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np

from g2is.config import BuildConfig, ReadingConfig
from g2is.demo import model_of
from g2is.errors import InputError, printable
from g2is.instructions import Instruction, to_frame
from g2is.lm.lazy import LazyModel
from g2is.lm.model import ModelCard, inspect_model
from g2is.lm.notes import count_notes, note_lines
from g2is.lm.representations import representations_of
from g2is.lm.text import PROMPT_CUT, RESPONSE_CUT, Encoded
from g2is.lm.vocabulary import check_tokens
from g2is.pipeline.gradient_worker import GradientWorker
from g2is.pipeline.inputs import Target, input_files
from g2is.pipeline.progress import Bar
from g2is.pipeline.stages.instructions import InstructionsStage, ReadTarget
from g2is.pipeline.targets import TakenTarget
from g2is.run.parts import TargetFacts
from g2is.run.paths import POOLINGS
from g2is.run.run import Run

NAMED = 3
"""Examples that are left out and named in what is said; the run keeps all of them."""


class ExampleTaker:
    """Reads targets from files and takes their gradients as the build of a run would have.

    run: of which the warm-up is finished. model: where its model is now; None for where it was. reading: how the files
    are read. Raises `InputError` for all that can be known before the weights are loaded: gradients that are
    imported, another model, a damaged warm-up, files that cannot be read, fewer than two examples with something to
    train on.
    """

    def __init__(
        self,
        run: Run,
        targets: Sequence[Target],
        *,
        model: str | None = None,
        reading: ReadingConfig | None = None,
        say: Callable[[str], None] = print,
    ) -> None:
        self.run = run
        self.say = say
        self.config = _config_here(run, model)
        self.card = _same_model(run, self.config, given=model is not None)
        for name, expected in run.manifest.stages["warmup"].files.items():
            if problem := run.files.integrity.problem(name, expected, full=True):
                raise InputError(f"{problem}; {run.remedy}")
        self._lazy = LazyModel(self.config, self.card, say)
        self._reading = InstructionsStage([], targets, reading or ReadingConfig(), lambda: self._lazy.encoder)
        for read in self._reading.targets:
            for line in _lines(read):
                say(line)
        self._reading.check_targets()
        samples = [sample for read in self._reading.targets for sample in read.samples]
        check_tokens(self.config.model.model, self.card.vocabulary, self._lazy.encoder, samples)

    def take(self, progress: Callable[[str, int, str], Bar]) -> list[TakenTarget]:
        """Load the model and take every target. progress: makes a bar of a label, a total and a unit.

        Raises `InputError` where gradients are not finite.
        """
        built = self.run.manifest.model["device"]
        if (here := self.card.device.partition(":")[0]) != built:
            self.say(f"the pool's gradients are from {built}, these from {here}: the same up to rounding")
        with progress("loading the model", 1, "model") as bar:
            _ = self._lazy.model
            bar.update()
        return [self._take(read, progress) for read in self._reading.targets]

    def _take(self, read: ReadTarget, progress: Callable[[str, int, str], Bar]) -> TakenTarget:
        start, name, samples = time.monotonic(), read.target.name, read.samples
        with progress(f"gradients of {name}", len(samples) * len(self._worker.steps), "example") as bar:
            gradients = self._worker.of_examples(samples, bar.update)
        encoded = self._lazy.encoder(samples)
        lines = _encoding_lines(encoded)
        if zero := int((~gradients.any(axis=1)).sum()):
            lines.append(f"{zero:,} of {len(samples):,} examples have no gradient: it is zero")
        for line in lines:
            self.say(f"{name}: {line}")
        representations = {}
        if "representations" in self.run.manifest.stages:
            pooled = representations_of(self._lazy.model, encoded, self.config.gradients)
            representations = {pooling: pooled[pooling] for pooling in POOLINGS}
        return TakenTarget(
            name,
            to_frame(samples),
            gradients,
            TargetFacts(
                examples=len(samples),
                origin="files",
                note=_note(samples),
                inputs=input_files(read.target.sources, name),
                left_out=left_out(read),
                reading=[*read.report, *lines],
            ),
            time.monotonic() - start,
            representations,
        )

    @cached_property
    def _worker(self) -> GradientWorker:
        return GradientWorker.of_run(self.run.folder, self.run.manifest, self.config, self._lazy)


def _config_here(run: Run, model: str | None) -> BuildConfig:
    """The settings of a run with its model and device as they are on this machine, and the number type of the build."""
    config = run.manifest.configuration
    if not isinstance(config, BuildConfig):
        raise InputError(
            f"run {run.name}: its gradients are imported, so there is no model to take new ones with; `target from` "
            "makes a target of instructions"
        )
    if "warmup" not in run.manifest.stages:
        raise InputError(f"run {run.name}: its warm-up is not finished; {run.remedy}")
    return config.replace(
        model=config.model.replace(
            model=model or model_of(run.manifest),
            # A GPU of that number, or any, may not be here.
            device="cpu" if config.model.device == "cpu" else "auto",
            dtype=run.manifest.model["dtype"],
        )
    )


def _same_model(run: Run, config: BuildConfig, *, given: bool) -> ModelCard:
    """The model's card; raises `InputError` where it cannot be found or is not the one of the build."""
    try:
        card = inspect_model(config.model)
    except InputError as error:
        raise InputError(str(error) if given else f"{error}; --model says where it is now") from None
    expected = run.manifest.model["fingerprint"]
    if card.fingerprint != expected:
        raise InputError(
            f"model {config.model.model}: is not the one that run {run.name} was built with, its weights, tokenizer or "
            f"chat template differ ({_short(card.fingerprint)}, expected {_short(expected)}); --model says where that "
            "is now"
        )
    return card


def _short(fingerprint: str) -> str:
    kind, _, digits = fingerprint.partition(":")
    return f"{kind}:{digits[:12]}"


def left_out(read: ReadTarget) -> list[str]:
    """The place and the problem of each record that is no example."""
    rejected = [f"{record.source}:{record.line}: {record.reason}" for record in read.rejected]
    return [printable(line) for line in (*rejected, *read.left_out)]


def _lines(read: ReadTarget) -> list[str]:
    """How a target was read, and what was left out of it."""
    lines = [f"target {read.target.name}: {len(read.samples):,} examples", *read.report]
    if missing := left_out(read):
        lines.append(f"left out: {len(missing):,}, they have no gradient")
        lines += [f"  {line}" for line in missing[:NAMED]]
    return lines


def _encoding_lines(encoded: Sequence[Encoded]) -> list[str]:
    cuts = np.array([sample.cut for sample in encoded])
    lines = [
        f"{count:,} of {len(encoded):,} examples are too long: {what} was cut"
        for cut, what in ((PROMPT_CUT, "the start of the prompt"), (RESPONSE_CUT, "the end of the response"))
        if (count := int((cuts == cut).sum()))
    ]
    return lines + note_lines(count_notes(sample.notes for sample in encoded))


def _note(samples: Sequence[Instruction]) -> str:
    sources = list(dict.fromkeys(sample.source for sample in samples))
    return f"{len(samples):,} examples of {', '.join(sources[:3])}{', …' if len(sources) > 3 else ''}"

"""Build a run from a model, a pool and validation examples: the order of stages."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from g2is.config import BuildConfig, EngineConfig
from g2is.engine.base import Engine
from g2is.engine.choose import make_engine
from g2is.engine.lock import exclusive
from g2is.errors import InputError
from g2is.instructions import Source, find_sources, to_frame
from g2is.lm.lazy import LazyModel
from g2is.lm.model import inspect_model
from g2is.lm.vocabulary import check_tokens
from g2is.pipeline.comparing import new_manifest
from g2is.pipeline.extras import Extras, write_extras
from g2is.pipeline.inputs import Target, input_files
from g2is.pipeline.space import check_space
from g2is.pipeline.stages.gradients import GradientsStage
from g2is.pipeline.stages.graph import GraphStage
from g2is.pipeline.stages.instructions import InstructionsStage
from g2is.pipeline.stages.targets import TargetsStage
from g2is.pipeline.stages.warmup import write_warmup
from g2is.pipeline.targets import TakenTarget
from g2is.pipeline.views import write_views
from g2is.pipeline.whiten import add_missing
from g2is.pipeline.writer import RunWriter, StageResult
from g2is.run.manifest import Manifest
from g2is.run.parts import TargetFacts
from g2is.run.run import Run


def build(
    folder: Path,
    config: BuildConfig,
    train: Sequence[Path],
    validation: Sequence[Target],
    *,
    extras: Extras | None = None,
    overwrite: bool = False,
    engine: EngineConfig = EngineConfig(),  # noqa: B008 - frozen
    say: Callable[[str], None] = print,
) -> Run:
    """Build a run, or finish one that was stopped.

    extras: optional stages to add, to a finished run as well. engine: where it is computed. Raises `InputError` for
    wrong input before anything is written, for a run of that name made from other inputs or settings (unless
    `overwrite`), and where another process writes it.
    """
    computing = make_engine(engine, config.model.device)
    try:
        patience = 60 * engine.shard_minutes
        return _built(
            folder, config, train, validation, extras or Extras(), overwrite, computing, patience, say
        )
    finally:
        computing.close()


def _built(
    folder: Path,
    config: BuildConfig,
    train: Sequence[Path],
    validation: Sequence[Target],
    extras: Extras,
    overwrite: bool,
    engine: Engine,
    patience: float,
    say: Callable[[str], None],
) -> Run:
    card = engine.call(inspect_model, config.model)
    config = config.resolve(card.hidden_size, card.positions)
    say(f"model {config.model.model}: {card}")
    sources = find_sources(train)
    asked, config = config, config.without_whitened()
    requested = new_manifest(
        config,
        input_files(sources),
        [file for target in validation for file in input_files(target.sources, target.name)],
        {
            "fingerprint": card.fingerprint,
            "device": card.device.partition(":")[0],
            "dtype": card.dtype,
            "hidden_size": card.hidden_size,
        },
    )
    lazy = LazyModel(config, card, say)
    writer = RunWriter(folder, say)
    stages = _Build(writer, config, asked, lazy, sources, validation, extras, engine, patience)
    with exclusive(folder):
        try:
            writer.begin(requested, overwrite=overwrite, check=stages.check)
            return stages.do_all()
        finally:
            writer.close()


class _Build:
    """The stages of one build.

    asked: its settings with regimes that are made from others once these are there. patience: seconds without progress
    in another process, after which that is said.
    """

    def __init__(
        self,
        writer: RunWriter,
        config: BuildConfig,
        asked: BuildConfig,
        lazy: LazyModel,
        train: Sequence[Source],
        validation: Sequence[Target],
        extras: Extras,
        engine: Engine,
        patience: float,
    ) -> None:
        self.writer = writer
        self.config = config
        self.asked = asked
        self.lazy = lazy
        self.extras = extras
        self.instructions = InstructionsStage(
            train, validation, config.reading, lambda: lazy.encoder, writer.folder.parent, config.dedupe
        )
        self.engine = engine
        self.patience = patience
        self.gradients = GradientsStage(writer, config, lazy, self.engine)
        self.targets = TargetsStage(writer, [target.name for target in validation], self._take)

    @property
    def graph(self) -> GraphStage:
        """The stage, created again each time: it caches which samples are valid, and gradients may change that."""
        return GraphStage(
            self.writer,
            self.config.regimes,
            self.writer.manifest.configuration.graph,
            self.lazy.card.device,
            engine=self.engine,
        )

    def check(self) -> None:
        """Raise `InputError` for everything that can be checked before anything is written."""
        if self.lazy.card.dtype == "float16":
            raise InputError(
                "dtype = 'float16': it rounds gradients below 6e-8 to zero, so that parts of an instruction's gradient "
                "would be lost without a sign; expected bfloat16 or float32"
            )
        self.instructions.check(self.config.graph, self.writer.say)
        self._check_space()
        targets = (sample for read in self.instructions.targets for sample in read.samples)
        texts = chain(self.instructions.pool, targets)
        check_tokens(self.config.model.model, self.lazy.card.vocabulary, self.lazy.encoder, texts)
        self.engine.call(_load, self.lazy)

    def _check_space(self) -> None:
        gradients = self.config.gradients
        check_space(
            self.writer.folder,
            len(self.instructions.pool),
            gradients.projection_dim or 0,
            gradients.store_dtype,
            self.config.graph,
            regimes=len(gradients.regimes),
        )

    def do_all(self) -> Run:
        """Do the stages in their order."""
        writer = self.writer
        writer.stage("instructions", lambda: self.instructions.write(writer))
        self.instructions.forget_pool()
        writer.stage("warmup", lambda: self._with_model(write_warmup))
        writer.stage("gradients", self._write_gradients)
        writer.stage("graph", lambda: self.graph.write())
        write_views(writer, self.config, self.targets)
        write_extras(writer, self.extras, self._with_model)
        add_missing(writer, self.asked)
        return writer.end()

    def _with_model(self, write: Callable[..., StageResult], *arguments: Any) -> StageResult:
        """What a stage gives that one process does with the model, wherever the engine has its devices."""
        given = (self.writer, self.config, self.lazy, *arguments)
        with self.writer.follow(self.patience) as follower:
            result, self.writer.manifest, said = self.engine.call(
                _written, write, given, meanwhile=follower.look
            )
        for line in said:
            self.writer.say(line)
        return result

    def _write_gradients(self) -> StageResult:
        self.targets.take_missing()
        return self.gradients.write()

    def _take(self, name: str) -> TakenTarget:
        start, read = time.monotonic(), self.instructions.target(name)
        gradients = self.gradients.of_examples(read.samples)
        inputs = [file for file in self.writer.manifest.validation if file.target == name]
        return TakenTarget(
            name,
            to_frame(read.samples),
            gradients,
            TargetFacts(
                examples=len(read.samples),
                origin="build",
                inputs=inputs,
                left_out=read.left_out,
                reading=read.report,
            ),
            time.monotonic() - start,
        )


def _load(lazy: LazyModel) -> None:
    """Raise `InputError` where the model cannot be loaded, or has no such layers."""
    _ = lazy.model


def _written(
    write: Callable[..., StageResult], given: tuple[RunWriter, *tuple[Any, ...]]
) -> tuple[StageResult, Manifest, list[str]]:
    """What a stage gives, the manifest with the parts that it wrote, and the lines that are still to be said."""
    writer = given[0]
    return write(*given), writer.manifest, writer.said

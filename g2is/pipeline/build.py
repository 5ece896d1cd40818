"""Build a run from a model, a pool and validation examples: the order of stages, and which process does them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from g2is.config import BuildConfig
from g2is.engine.sharing import PAUSE, Lead, SharedEngine, restarted
from g2is.instructions import Source, find_sources, to_frame
from g2is.lm.lazy import LazyModel
from g2is.lm.model import inspect_model
from g2is.lm.vocabulary import check_tokens
from g2is.pipeline.comparing import new_manifest
from g2is.pipeline.extras import Extras, write_extras
from g2is.pipeline.inputs import Target, input_files
from g2is.pipeline.shards import work_through
from g2is.pipeline.stages.gradients import GradientsStage
from g2is.pipeline.stages.graph import GraphStage
from g2is.pipeline.stages.instructions import InstructionsStage
from g2is.pipeline.stages.targets import TargetsStage
from g2is.pipeline.stages.warmup import write_warmup
from g2is.pipeline.targets import TakenTarget
from g2is.pipeline.views import write_views
from g2is.pipeline.whiten import add_missing
from g2is.pipeline.writer import RunWriter, StageResult
from g2is.run.manifest import Manifest, TargetFacts
from g2is.run.run import Run


def build(
    folder: Path,
    config: BuildConfig,
    train: Sequence[Path],
    validation: Sequence[Target],
    *,
    extras: Extras | None = None,
    overwrite: bool = False,
    say: Callable[[str], None] = print,
) -> Run:
    """Build a run, finish one that was stopped, or help other processes that are building it.

    extras: optional stages to add, to a finished run as well. Raises `InputError` for wrong input before
    anything is written, and for a run of that name made from other inputs or settings (unless `overwrite`; only
    the process that begins a run replaces another).
    """
    card = inspect_model(config.model)
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
    stages = _Build(
        RunWriter(folder, say),
        config,
        asked,
        LazyModel(config, card, say),
        sources,
        validation,
        extras or Extras(),
    )
    lead = Lead(folder)
    try:
        with lead.beginning() as leads:
            if leads:
                stages.begin(requested, overwrite and not restarted())
            else:
                stages.writer.join(requested)
        return stages.do_all() if leads else stages.help(lead, requested)
    finally:
        stages.writer.close()
        lead.close()


class _Build:
    """The stages of one build. asked: its settings with regimes that are made from others once these are there."""

    def __init__(
        self,
        writer: RunWriter,
        config: BuildConfig,
        asked: BuildConfig,
        lazy: LazyModel,
        train: Sequence[Source],
        validation: Sequence[Target],
        extras: Extras,
    ) -> None:
        self.writer = writer
        self.config = config
        self.asked = asked
        self.lazy = lazy
        self.extras = extras
        self.instructions = InstructionsStage(train, validation, config.reading, lambda: lazy.encoder)
        self.engine = SharedEngine()
        self.gradients = GradientsStage(writer, config, lazy, self.engine)
        self.targets = TargetsStage(writer, [target.name for target in validation], self._take)

    @property
    def graph(self) -> GraphStage:
        """The stage, created again each time: it caches which samples are valid, and gradients may change that."""
        return GraphStage(
            self.writer, self.config.regimes, self.config.graph, self.lazy.card.device, engine=self.engine
        )

    def begin(self, requested: Manifest, overwrite: bool) -> None:
        """Start or continue the run, after a check of all input."""
        self.writer.begin(requested, overwrite=overwrite, check=self._check)

    def _check(self) -> None:
        """Raise `InputError` for everything that can be checked before anything is written."""
        self.instructions.check(self.config.graph, self.writer.say)
        texts = [*self.instructions.pool.instructions]
        texts += [sample for read in self.instructions.targets for sample in read.samples]
        check_tokens(self.config.model.model, self.lazy.card.vocabulary, self.lazy.encoder, texts)
        _ = self.lazy.model

    def do_all(self) -> Run:
        """Do the stages in their order, with the help of other processes that join."""
        writer, config = self.writer, self.config
        writer.stage("instructions", lambda: self.instructions.write(writer))
        writer.stage("warmup", lambda: write_warmup(writer, config, self.lazy))
        writer.stage("gradients", self._write_gradients)
        writer.stage("graph", self.graph.write)
        write_views(writer, config, self.targets)
        write_extras(writer, config, self.lazy, self.extras)
        add_missing(writer, self.asked)
        return writer.end()

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

    def help(self, lead: Lead, requested: Manifest) -> Run:
        """Compute shards until another process has finished the run; do all stages if that process ends before.

        Extras given to this process only are added when the other has ended.
        """
        self.writer.say("another process leads this build: helping")
        while not (self.writer.manifest.complete and self.extras.among(self.writer.manifest.stages)):
            if lead.take():
                self.writer.say("the process that led has ended: leading")
                self.begin(requested, overwrite=False)
                return self.do_all()
            done = self.writer.manifest.stages
            if "gradients" in done and "graph" not in done:
                work_through(self.engine, self.graph.worker, self.writer)
            elif "warmup" in done and "gradients" not in done:
                work_through(self.engine, self.gradients.worker, self.writer)
            time.sleep(PAUSE)
            self.writer.look()
        return Run.open(self.writer.folder)

"""Stage `ensemble` (optional): norms of all gradients under several adapters, early and late, for `gradfiltering`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from g2is.config import SEEDS, BuildConfig, EnsembleConfig
from g2is.errors import InputError
from g2is.lm.ensemble import SquaredLength, take_state, train_member
from g2is.lm.gradients import GradientEngine
from g2is.lm.lazy import LazyModel
from g2is.lm.sketches import sketches_of
from g2is.lm.train import TrainingState
from g2is.lm.warmup import Checkpoint, draw
from g2is.pipeline.progress import Bar
from g2is.pipeline.shards import missing_shards
from g2is.pipeline.writer import RunWriter, StageResult
from g2is.run.paths import BUILDING, ENSEMBLE
from g2is.run.texts import instructions_of
from g2is.storage.shards import ShardStore
from g2is.storage.stored_tables import StoredTable

MOMENTS = ("early", "late")


def write_ensemble(
    writer: RunWriter, config: BuildConfig, lazy: LazyModel, settings: EnsembleConfig
) -> StageResult:
    """Write the mean norm of each sample's gradient over the members, early and late, and its late variance."""
    work = _Ensemble(writer, config, lazy, settings)
    lengths = {
        moment: np.stack([work.lengths(member, moment) for member in range(settings.members)])
        for moment in MOMENTS
    }
    table = pd.DataFrame({moment: lengths[moment].mean(axis=0) for moment in MOMENTS})
    table["late_variance"] = lengths["late"].var(axis=0)
    writer.write_frame(ENSEMBLE, table)
    return [ENSEMBLE], {"settings": settings.model_dump()}


@dataclass(frozen=True)
class _Ensemble:
    writer: RunWriter
    config: BuildConfig
    lazy: LazyModel
    settings: EnsembleConfig

    @cached_property
    def pool(self) -> StoredTable:
        return self.writer.open_pool()

    @property
    def folder(self) -> Path:
        # A training of other length shares nothing with this one.
        return self.writer.folder / BUILDING / f"ensemble-{self.settings.epochs}"

    def lengths(self, member: int, moment: str) -> np.ndarray:
        """(n,) norms of all samples' gradients for one member; 0 for samples without a gradient."""
        settings = self.config.gradients
        store = ShardStore(self.folder / f"{member}-{moment}", len(self.pool), settings.shard_size)
        if store.missing():
            take_state(self.lazy.model, self._train(member)[moment])
            engine = GradientEngine(self.lazy.model, SquaredLength())
            with self._progress(member, moment, len(self.pool), "sample") as bar:
                for shard, rows in missing_shards(store, bar):
                    encoded = self.lazy.encoder(instructions_of(self.pool, np.arange(rows.start, rows.stop)))
                    usable = [place for place, sample in enumerate(encoded) if sample.problem is None]
                    samples = [encoded[place] for place in usable]
                    squares, _ = sketches_of(engine, samples, settings.batch_tokens, bar.update)
                    lengths = np.zeros(len(encoded))
                    lengths[usable] = np.sqrt(squares["sgd"][:, 0])
                    bar.update(len(encoded) - len(usable))
                    store.write(shard, {"lengths": lengths}, {})
        return np.concatenate(list(store.blocks("lengths")))

    def _train(self, member: int) -> dict[str, TrainingState]:
        """The early and the late state of a member."""
        # Other seeds than the warm-up's: no member repeats the training after which the gradients were taken.
        config = self.config.warmup
        config = config.replace(seed=(config.seed + 1 + member) % SEEDS, epochs=self.settings.epochs)
        drawn = self.lazy.encoder(instructions_of(self.pool, draw(len(self.pool), config)))
        samples = [sample for sample in drawn if sample.problem is None]
        if not samples:
            raise InputError(
                "ensemble: no sample drawn has anything to train on; give a larger warmup fraction"
            )
        steps = -(-len(samples) // (config.batch_size or 1)) * config.epochs
        with self._progress(member, "training", steps, "step") as bar:
            states = train_member(
                self.lazy.model,
                samples,
                config,
                batch_tokens=self.config.gradients.batch_tokens,
                early=Checkpoint(self.folder, f"{member}-early"),
                late=Checkpoint(self.folder, f"{member}-late"),
                on_step=bar.step,
            )
        return dict(zip(MOMENTS, states, strict=True))

    def _progress(self, member: int, what: str, total: int, unit: str) -> Bar:
        name = f"ensemble {member + 1}/{self.settings.members}, {what}"
        return self.writer.progress(name, total, unit)

"""The stage of the ensemble: how long every sample's gradient is for several adapters, early and late."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from g2is.config import SEEDS, EnsembleConfig
from g2is.errors import InputError
from g2is.instructions import from_frame
from g2is.lm.ensemble import SquaredLength, take_state, train_member
from g2is.lm.gradients import GradientEngine
from g2is.lm.train import TrainingState
from g2is.lm.warmup import Checkpoint, draw
from g2is.pipeline.running import Running, gradients_of, missing_shards
from g2is.pipeline.writer import BUILDING
from g2is.run.run import ENSEMBLE, INSTRUCTIONS
from g2is.storage.shards import ShardStore

MOMENTS = ("early", "late")


def write_ensemble(build: Running, settings: EnsembleConfig) -> tuple[list[str], dict[str, Any]]:
    """The mean length of each sample's gradient over the members, early and late, and its late variance."""
    work = _Ensemble(build, settings)
    lengths = {
        moment: np.stack([work.lengths(member, moment) for member in range(settings.members)])
        for moment in MOMENTS
    }
    table = pd.DataFrame({moment: lengths[moment].mean(axis=0) for moment in MOMENTS})
    table["late_variance"] = lengths["late"].var(axis=0)
    build.writer.write_frame(ENSEMBLE, table)
    return [ENSEMBLE], {"settings": settings.model_dump()}


@dataclass(frozen=True)
class _Ensemble:
    build: Running
    settings: EnsembleConfig

    @cached_property
    def pool(self) -> pd.DataFrame:
        return self.build.writer.read_frame(INSTRUCTIONS)

    @property
    def folder(self) -> Path:
        # Other numbers of epochs are other trainings, of which nothing can be taken up.
        return self.build.writer.folder / BUILDING / f"ensemble-{self.settings.epochs}"

    def lengths(self, member: int, moment: str) -> np.ndarray:
        """(n,) lengths of all samples' gradients for one member; 0 for samples without one."""
        settings = self.build.config.gradients
        store = ShardStore(self.folder / f"{member}-{moment}", len(self.pool), settings.shard_size)
        if store.missing():
            take_state(self.build.model, self._train(member)[moment])
            engine = GradientEngine(self.build.model, SquaredLength())
            with self._progress(member, moment, len(self.pool), "sample") as bar:
                for shard, rows in missing_shards(store, bar):
                    encoded = self.build.encoder(from_frame(self.pool.iloc[rows]))
                    usable = [place for place, sample in enumerate(encoded) if sample.problem is None]
                    samples = [encoded[place] for place in usable]
                    squares, _ = gradients_of(engine, samples, settings.batch_tokens, bar)
                    lengths = np.zeros(len(encoded))
                    lengths[usable] = np.sqrt(squares["sgd"][:, 0].numpy())
                    bar.update(len(encoded) - len(usable))
                    store.write(shard, {"lengths": lengths}, {})
        return np.concatenate(list(store.blocks("lengths")))

    def _train(self, member: int) -> dict[str, TrainingState]:
        """The states of a member at both moments."""
        # Seeds of their own: no member repeats the warm-up, after which the run's gradients were taken.
        config = self.build.config.warmup
        config = config.replace(seed=(config.seed + 1 + member) % SEEDS, epochs=self.settings.epochs)
        drawn = self.build.encoder(from_frame(self.pool.iloc[draw(len(self.pool), config)]))
        samples = [sample for sample in drawn if sample.problem is None]
        if not samples:
            raise InputError(
                "ensemble: no sample drawn has anything to train on; give a larger warmup fraction"
            )
        steps = -(-len(samples) // (config.batch_size or 1)) * config.epochs
        with self._progress(member, "training", steps, "step") as bar:

            def on_step(loss: float) -> None:
                bar.set_postfix(loss=f"{loss:.3f}", refresh=False)
                bar.update()

            states = train_member(
                self.build.model,
                samples,
                config,
                batch_tokens=self.build.config.gradients.batch_tokens,
                early=Checkpoint(self.folder, f"{member}-early"),
                late=Checkpoint(self.folder, f"{member}-late"),
                on_step=on_step,
            )
        return dict(zip(MOMENTS, states, strict=True))

    def _progress(self, member: int, what: str, total: int, unit: str) -> Any:
        name = f"ensemble {member + 1}/{self.settings.members}, {what}"
        return self.build.writer.progress(name, total, unit)

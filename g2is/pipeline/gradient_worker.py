"""The worker that computes gradients of the pool, shard by shard, with the model loaded once in its process."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from g2is.config import BuildConfig
from g2is.engine.base import Item, Receipt
from g2is.errors import InputError
from g2is.instructions import Instruction
from g2is.lm.gradients import AdamAverages, GradientEngine
from g2is.lm.layers import piece_sizes
from g2is.lm.lazy import LazyModel
from g2is.lm.notes import notes_table
from g2is.lm.one_kernel import described
from g2is.lm.projection import Folded, make_projection
from g2is.lm.sketches import ShardGradients, sketches_of
from g2is.lm.text import Encoded
from g2is.lm.train import trainable
from g2is.lm.warmup import load_state
from g2is.pipeline.checkpoints import normalised, side_by_side
from g2is.run.manifest import Manifest
from g2is.run.paths import BUILDING, INSTRUCTIONS, WARMUP, array_file, warmup_file
from g2is.run.texts import instructions_of
from g2is.storage.joined import JoinedShards
from g2is.storage.shards import ShardStore
from g2is.storage.stored_tables import StoredTable, open_table

Shard = tuple[dict[str, np.ndarray], dict[int, str]]
"""Arrays by name, and remarks about single rows by their number."""


@dataclass
class GradientWorker:
    """Writes shards of gradients of a run whose warm-up is finished.

    folder: of the run. count: instructions of the pool. rates: mean learning rates by step of the warm-up that
    gradients are of, in order.
    """

    folder: Path
    config: BuildConfig
    lazy: LazyModel
    count: int
    rates: Mapping[str, float]
    _at: int | None = field(default=None, init=False)
    """The checkpoint that the model is at."""
    _computing: tuple[int, ShardGradients] | None = field(default=None, init=False)
    """What computes shards at a checkpoint, kept until another is asked for."""

    name = "gradients"

    @classmethod
    def of_run(cls, folder: Path, manifest: Manifest, config: BuildConfig, lazy: LazyModel) -> GradientWorker:
        """The worker of a run whose warm-up is finished."""
        found = manifest.stages["warmup"].found
        rates = found.get("checkpoints", {str(found["steps"]): 1.0})
        return cls(folder.absolute(), config, lazy, manifest.stages["instructions"].found["pool"], rates)

    def __getstate__(self) -> dict[str, Any]:
        fields = ("folder", "config", "lazy", "count", "rates")
        return {name: value for name, value in vars(self).items() if name in fields}

    def read(self, item: Item) -> list[Encoded]:
        """The tokens of a shard's instructions."""
        rows = self.stores[item.store].rows(item.shard)
        return self.lazy.encoder(instructions_of(self._pool, rows))

    def compute(self, item: Item, given: list[Encoded], on_rows: Callable[[int], object]) -> Shard:
        """The arrays of a shard, and the problems of its rows."""
        rows = self.stores[item.store].rows(item.shard)
        arrays, problems = self._gradients_at(item.store)(given, on_rows)
        arrays["notes"] = notes_table([sample.notes for sample in given])
        return arrays, {rows[i]: problem for i, problem in problems.items()}

    def write(self, item: Item, computed: Shard) -> Receipt:
        """Write a shard."""
        return Receipt(item, self.stores[item.store].write(item.shard, *computed).name)

    def set_aside(self, item: Item, reason: str) -> Receipt:
        """Join a shard without gradients; raises `InputError` where no shard has any."""
        if not (kinds := self.joined.kinds()):
            raise InputError(f"gradients: no shard could be computed; {reason}")
        arrays = {name: np.zeros((item.rows, *shape), dtype) for name, (dtype, shape) in kinds.items()}
        arrays["loss"][:] = np.nan
        rows = self.joined.rows(item.shard)
        return Receipt(item, self.joined.write(item.shard, arrays, dict.fromkeys(rows, reason)).name, reason)

    def of_examples(
        self, examples: Sequence[Instruction], on_rows: Callable[[int], object] = lambda count: None
    ) -> np.ndarray:
        """(m, d) plain gradients of validation examples, at several checkpoints as one row each; raises `InputError`
        if they are not finite. on_rows: called with the number of examples after each batch, at every checkpoint."""
        parts, samples = [], self.lazy.encoder(examples)
        for checkpoint in range(len(self.steps)):
            engine = self._engine_at(checkpoint)
            # Adam's steps are for the pool.
            averages, engine.averages = engine.averages, None
            try:
                sketches, _ = sketches_of(engine, samples, self.config.gradients.batch_tokens, on_rows)
            finally:
                engine.averages = averages
            if not np.isfinite(sketches["sgd"]).all():
                raise InputError("validation gradients are not finite; try --dtype float32")
            parts.append(sketches["sgd"])
        return parts[0] if len(parts) == 1 else side_by_side(parts, self.weights)

    @cached_property
    def stores(self) -> list[ShardStore]:
        """The stores of the shards, one a checkpoint."""
        building, size = self.folder / BUILDING, self.config.gradients.shard_size
        names = ["shards"] if len(self.steps) == 1 else [f"shards-{step}" for step in self.steps]
        # Shards without notes are of a version that placed the trained tokens otherwise.
        return [ShardStore(building / name, self.count, size, required=("notes",)) for name in names]

    @cached_property
    def joined(self) -> JoinedShards:
        """Where the process of the build puts the rows of shards that are there at every checkpoint."""
        names: dict[str, Path] = {r: self.folder / array_file(r, "gradients") for r in self.config.regimes}
        size = self.config.gradients.shard_size
        return JoinedShards(self.folder / BUILDING / "gradients", self.count, size, arrays=names)

    @property
    def steps(self) -> list[int]:
        """The steps of the warm-up that gradients are of, in order."""
        return [*map(int, self.rates)]

    @property
    def weights(self) -> list[float]:
        """The mean learning rates up to these steps, divided by their sum."""
        return normalised([*self.rates], self.rates)

    @cached_property
    def _pool(self) -> StoredTable:
        return open_table(self.folder / INSTRUCTIONS)

    def _gradients_at(self, checkpoint: int) -> ShardGradients:
        if self._computing is None or self._computing[0] != checkpoint:
            self._computing = None
            gradients = self.config.gradients
            # What is rounded twice is rounded less the first time.
            if len(self.steps) > 1 and gradients.store_dtype == "int8":
                gradients = gradients.replace(store_dtype="float16")
            self._computing = (checkpoint, ShardGradients(self._engine_at(checkpoint), gradients))
        return self._computing[1]

    def _engine_at(self, checkpoint: int) -> GradientEngine:
        """The engine, with the adapter and the averages at a checkpoint."""
        if self._at != checkpoint:
            step = self.steps[checkpoint]
            last = checkpoint == len(self.steps) - 1
            state = load_state(self.folder / (WARMUP if last else warmup_file(step)))
            parameters = self._parameters
            for name, trained in state.parameters.items():
                parameters[name].data.copy_(trained)
            self._engine.averages = None
            if self.config.gradients.computed != ("sgd",):
                epsilon = self.config.gradients.optimizer_epsilon
                self._engine.averages = AdamAverages.from_training(state, parameters, epsilon)
            self._at = checkpoint
        return self._engine

    @cached_property
    def _engine(self) -> GradientEngine:
        sizes = piece_sizes(self._parameters)
        projection = make_projection(self.config.gradients, sizes, self.lazy.card.device)
        device = next(self.lazy.model.parameters()).device
        if device.type == "cuda" and isinstance(projection, Folded):
            self.lazy.say(f"gradients: {described(device)}")
        return GradientEngine(self.lazy.model, projection)

    @cached_property
    def _parameters(self) -> dict[str, Any]:
        """What is trained, by name, before the engine freezes it."""
        return trainable(self.lazy.model)

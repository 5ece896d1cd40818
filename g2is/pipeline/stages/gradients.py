"""Stage `gradients`: unit rows and norms of the pool in every regime; plain gradients of validation examples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from g2is.config import BuildConfig
from g2is.engine.sharing import work_off
from g2is.errors import InputError
from g2is.instructions import Instruction, from_frame
from g2is.lm.gradients import AdamAverages, GradientEngine
from g2is.lm.layers import piece_sizes
from g2is.lm.lazy import LazyModel
from g2is.lm.notes import note_lines, notes_table, table_counts
from g2is.lm.projection import make_projection
from g2is.lm.sketches import ShardGradients, sketches_of
from g2is.lm.text import PROMPT_CUT, RESPONSE_CUT
from g2is.lm.train import trainable
from g2is.lm.warmup import load_state
from g2is.pipeline.checkpoints import CheckpointShards, checkpoint_numbers, normalised, side_by_side
from g2is.pipeline.writer import RunWriter, StageResult
from g2is.run.paths import (
    BUILDING,
    INSTRUCTIONS,
    SAMPLES,
    WARMUP,
    RegimeArray,
    array_file,
    warmup_file,
)
from g2is.storage.files import remove_folder
from g2is.storage.shards import ShardStore


@dataclass
class GradientsStage:
    """Computes gradients of the pool in shards, which several processes share; the leading one merges them."""

    writer: RunWriter
    config: BuildConfig
    lazy: LazyModel
    _at: int | None = None
    """The checkpoint that the model is at."""

    def write(self) -> StageResult:
        """Run the stage."""
        removed = sum(store.open() for store in self.stores)  # from here on others may help
        if removed:
            shards = sum(map(len, self.stores))
            self.writer.say(
                f"gradients: {removed:,} of {shards:,} shards are damaged or of an earlier version, computed again"
            )
        self.help()
        gradients, stores = self.config.gradients, self.stores
        if len(stores) == 1:
            return merge(self.writer, self.config, stores[0])
        combined = CheckpointShards(stores, self.weights, gradients.regimes, gradients.store_dtype)
        files, found = merge(self.writer, self.config, combined)
        return files, {**found, **checkpoint_numbers([*map(str, self.steps)], self.weights)}

    def of_examples(self, examples: Sequence[Instruction]) -> np.ndarray:
        """(m, d) plain gradients of validation examples, at several checkpoints as one row each; raises `InputError`
        if they are not finite."""
        parts, samples = [], self.lazy.encoder(examples)
        for checkpoint in range(len(self.steps)):
            engine = self._engine_at(checkpoint)
            sketches, _ = sketches_of(engine, samples, self.config.gradients.batch_tokens)
            if not np.isfinite(sketches["sgd"]).all():
                raise InputError("validation gradients are not finite; try --dtype float32")
            parts.append(sketches["sgd"])
        return parts[0] if len(parts) == 1 else side_by_side(parts, self.weights)

    def help(self) -> None:
        """Compute shards until all are finished."""
        stores, pool = self.stores, self.writer.read_frame(INSTRUCTIONS)
        total = len(pool) * len(stores)
        # What is rounded twice is rounded less the first time.
        twice = len(stores) > 1 and self.config.gradients.store_dtype == "int8"
        config = self.config.gradients.replace(store_dtype="float16") if twice else self.config.gradients
        compute: dict[int, ShardGradients] = {}
        with self.writer.progress("gradients", total, "sample") as bar:

            def recount() -> None:
                absent = sum(len(store.rows(shard)) for store in stores for shard in store.absent())
                bar.update(total - absent - bar.n)

            def work(checkpoint: int, shard: int) -> None:
                store = stores[checkpoint]
                rows = store.rows(shard)
                samples = self.lazy.encoder(from_frame(pool.iloc[rows.start : rows.stop]))
                if checkpoint not in compute:
                    compute.clear()
                    compute[checkpoint] = ShardGradients(self._engine_at(checkpoint), config)
                arrays, problems = compute[checkpoint](samples, bar.update)
                arrays["notes"] = notes_table([sample.notes for sample in samples])
                store.write(shard, arrays, {rows[i]: problem for i, problem in problems.items()})

            recount()
            bar.unpause()
            work_off(stores, work, recount)

    def absent(self) -> bool:
        """Whether there are shards to compute."""
        return any(store.absent() for store in self.stores)

    @property
    def stores(self) -> list[ShardStore]:
        """The stores of the shards, one a checkpoint."""
        pool = self.writer.manifest.stages["instructions"].found["pool"]
        building, size = self.writer.folder / BUILDING, self.config.gradients.shard_size
        names = ["shards"] if len(self.steps) == 1 else [f"shards-{step}" for step in self.steps]
        # Shards without notes are of a version that placed the trained tokens otherwise.
        return [ShardStore(building / name, pool, size, required=("notes",)) for name in names]

    @property
    def steps(self) -> list[int]:
        """The steps of the warm-up that gradients are of, in order."""
        found = self.writer.manifest.stages["warmup"].found
        return [int(step) for step in found.get("checkpoints", {str(found["steps"]): 1.0})]

    @property
    def weights(self) -> list[float]:
        """The mean learning rates up to these steps, divided by their sum."""
        rates = self.writer.manifest.stages["warmup"].found.get("checkpoints", {"": 1.0})
        return normalised([*rates], rates)

    def _engine_at(self, checkpoint: int) -> GradientEngine:
        """The engine, with the adapter and the averages at a checkpoint."""
        if self._at != checkpoint:
            step = self.steps[checkpoint]
            last = checkpoint == len(self.steps) - 1
            state = load_state(self.writer.folder / (WARMUP if last else warmup_file(step)))
            parameters = self._parameters
            for name, trained in state.parameters.items():
                parameters[name].data.copy_(trained)
            self._engine.averages = None
            if set(self.config.regimes) != {"sgd"}:
                epsilon = self.config.gradients.optimizer_epsilon
                self._engine.averages = AdamAverages.from_training(state, parameters, epsilon)
            self._at = checkpoint
        return self._engine

    @cached_property
    def _engine(self) -> GradientEngine:
        sizes = piece_sizes(self._parameters)
        projection = make_projection(self.config.gradients, sizes, self.lazy.card.device)
        return GradientEngine(self.lazy.model, projection)

    @cached_property
    def _parameters(self) -> dict[str, Any]:
        """What is trained, by name, before the engine freezes it."""
        return trainable(self.lazy.model)


def merge(writer: RunWriter, config: BuildConfig, store: ShardStore | CheckpointShards) -> StageResult:
    """Merge the shards into one array for each regime, and a table with a row for each sample."""
    for earlier in (writer.folder / BUILDING).glob("graph-*"):
        remove_folder(earlier)  # compared other gradients
    problems = store.notes()
    columns = {
        name: np.concatenate(list(store.blocks(name))) for name in ("loss", "tokens", "trained_tokens", "cut")
    }
    table = pd.DataFrame(
        {"problem": [problems.get(row) for row in range(store.count)]}, dtype="object"
    ).assign(**columns)
    table.insert(1, "valid", table["problem"].isna())
    writer.write_frame(SAMPLES, table)
    files = [SAMPLES]
    for regime in config.regimes:
        parts: tuple[tuple[RegimeArray, str], ...] = (("gradients", regime), ("norms", f"{regime}_norms"))
        for array, name in parts:
            file = array_file(regime, array)
            store.merge(name, writer.folder / file)
            files.append(file)
    reply_notes = table_counts(store.blocks("notes"))
    counts = {
        "valid": int(table["valid"].sum()),
        "invalid": int((~table["valid"]).sum()),
        "prompt_cut": int((table["cut"] == PROMPT_CUT).sum()),
        "response_cut": int((table["cut"] == RESPONSE_CUT).sum()),
        "projection_dim": int(next(store.blocks(config.regimes[0])).shape[1]),
        "reply_notes": reply_notes,
    }
    writer.say(
        f"gradients: {counts['valid']:,} valid, {counts['invalid']:,} not; too long: "
        f"{counts['prompt_cut']:,} lost the start of the prompt, {counts['response_cut']:,} the end of the response"
    )
    for line in note_lines(reply_notes):
        writer.say(f"gradients: {line}")
    return files, counts

"""Stage `gradients`: unit rows and norms of the pool in every regime; plain gradients of validation examples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

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
from g2is.pipeline.writer import RunWriter, StageResult
from g2is.run.paths import (
    BUILDING,
    INSTRUCTIONS,
    SAMPLES,
    WARMUP,
    RegimeArray,
    array_file,
)
from g2is.storage.files import remove_folder
from g2is.storage.shards import ShardStore


@dataclass
class GradientsStage:
    """Computes gradients of the pool in shards, which several processes share; the leading one merges them."""

    writer: RunWriter
    config: BuildConfig
    lazy: LazyModel

    def write(self) -> StageResult:
        """Run the stage."""
        store = self.store
        removed = store.open()  # from here on others may help
        if removed:
            self.writer.say(
                f"gradients: {removed:,} of {len(store):,} shards are damaged or of an earlier version, computed again"
            )
        self.help()
        return merge(self.writer, self.config, store)

    def of_examples(self, examples: Sequence[Instruction]) -> np.ndarray:
        """(m, d) plain gradients of validation examples; raises `InputError` if they are not finite."""
        sketches, _ = sketches_of(
            self.engine, self.lazy.encoder(examples), self.config.gradients.batch_tokens
        )
        if not np.isfinite(sketches["sgd"]).all():
            raise InputError("validation gradients are not finite; try --dtype float32")
        return sketches["sgd"]

    def help(self) -> None:
        """Compute shards until all are finished."""
        store, compute = self.store, ShardGradients(self.engine, self.config.gradients)
        pool = self.writer.read_frame(INSTRUCTIONS)
        with self.writer.progress("gradients", len(pool), "sample") as bar:

            def recount() -> None:
                bar.update(len(pool) - sum(len(store.rows(shard)) for shard in store.absent()) - bar.n)

            def work(_: int, shard: int) -> None:
                rows = store.rows(shard)
                samples = self.lazy.encoder(from_frame(pool.iloc[rows.start : rows.stop]))
                arrays, problems = compute(samples, bar.update)
                arrays["notes"] = notes_table([sample.notes for sample in samples])
                store.write(shard, arrays, {rows[i]: problem for i, problem in problems.items()})

            recount()
            bar.unpause()
            work_off([store], work, recount)

    @property
    def store(self) -> ShardStore:
        """The store of the shards."""
        pool = self.writer.manifest.stages["instructions"].found["pool"]
        folder, size = self.writer.folder / BUILDING / "shards", self.config.gradients.shard_size
        # Shards without notes are of a version that placed the trained tokens otherwise.
        return ShardStore(folder, pool, size, required=("notes",))

    @cached_property
    def engine(self) -> GradientEngine:
        """The engine, with the adapter and the averages of the warm-up."""
        state = load_state(self.writer.folder / WARMUP)
        parameters = trainable(self.lazy.model)
        for name, trained in state.parameters.items():
            parameters[name].data.copy_(trained)
        projection = make_projection(self.config.gradients, piece_sizes(parameters), self.lazy.card.device)
        averages = None
        if set(self.config.regimes) != {"sgd"}:
            averages = AdamAverages.from_training(state, parameters, self.config.gradients.optimizer_epsilon)
        return GradientEngine(self.lazy.model, projection, averages)


def merge(writer: RunWriter, config: BuildConfig, store: ShardStore) -> StageResult:
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

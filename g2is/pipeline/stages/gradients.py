"""Stage `gradients`: unit rows and norms of the pool in every regime; plain gradients of validation examples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd

from g2is.config import BuildConfig
from g2is.engine.base import Engine
from g2is.engine.local import LocalEngine
from g2is.instructions import Instruction
from g2is.lm.lazy import LazyModel
from g2is.lm.notes import note_lines, table_counts
from g2is.lm.text import PROMPT_CUT, RESPONSE_CUT
from g2is.pipeline.checkpoints import checkpoint_numbers
from g2is.pipeline.gradient_worker import GradientWorker
from g2is.pipeline.joining import Joining
from g2is.pipeline.shards import work_through
from g2is.pipeline.writer import RunWriter, StageResult
from g2is.run.paths import BUILDING, SAMPLES, array_file
from g2is.storage.files import remove_folder
from g2is.storage.joined import JoinedShards
from g2is.storage.shards import write_blocks


@dataclass
class GradientsStage:
    """Computes gradients of the pool in shards, on an engine, and joins them."""

    writer: RunWriter
    config: BuildConfig
    lazy: LazyModel
    engine: Engine = field(default_factory=LocalEngine)

    def write(self) -> StageResult:
        """Run the stage."""
        worker, stores = self.worker, self.worker.stores
        removed = len(stores) * worker.joined.open() + sum(store.open() for store in stores)
        if removed:
            shards = sum(map(len, stores))
            self.writer.say(
                f"gradients: {removed:,} of {shards:,} shards are damaged or of an earlier version, computed again"
            )
        joining = Joining(worker)
        joining.earlier(self.writer)
        work_through(self.engine, worker, self.writer, joining, joining.done)
        files, found = finish(self.writer, self.config, worker.joined)
        if len(stores) > 1:
            found |= checkpoint_numbers([*map(str, worker.steps)], worker.weights)
        return files, found

    def of_examples(self, examples: Sequence[Instruction]) -> np.ndarray:
        """(m, d) plain gradients of validation examples, at several checkpoints as one row each; raises `InputError`
        if they are not finite."""
        return self.engine.call(self.worker.of_examples, examples)

    @cached_property
    def worker(self) -> GradientWorker:
        """The worker, once the warm-up is finished."""
        return GradientWorker.of_run(self.writer.folder, self.writer.manifest, self.config, self.lazy)


def finish(writer: RunWriter, config: BuildConfig, store: JoinedShards) -> StageResult:
    """Give the rows of each regime their name, and write their norms and a table with a row for each sample."""
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
        norms = array_file(regime, "norms")
        write_blocks(writer.folder / norms, store.blocks(f"{regime}_norms"), store.count)
        files += [array_file(regime, "gradients"), norms]
    store.finish()
    reply_notes = table_counts(store.blocks("notes"))
    counts = {
        "valid": int(table["valid"].sum()),
        "invalid": int((~table["valid"]).sum()),
        "prompt_cut": int((table["cut"] == PROMPT_CUT).sum()),
        "response_cut": int((table["cut"] == RESPONSE_CUT).sum()),
        "projection_dim": int(writer.read_array(files[1]).shape[1]),
        "reply_notes": reply_notes,
    }
    writer.say(
        f"gradients: {counts['valid']:,} valid, {counts['invalid']:,} not; too long: "
        f"{counts['prompt_cut']:,} lost the start of the prompt, {counts['response_cut']:,} the end of the response"
    )
    for line in note_lines(reply_notes):
        writer.say(f"gradients: {line}")
    return files, counts

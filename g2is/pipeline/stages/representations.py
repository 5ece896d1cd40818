"""Stage `representations` (optional): pooled hidden states of the base model, for `rds_plus` and `semantic`."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from g2is.config import BuildConfig
from g2is.instructions import from_frame
from g2is.lm.lazy import LazyModel
from g2is.lm.representations import representations_of
from g2is.pipeline.shards import missing_shards
from g2is.pipeline.targets import records
from g2is.pipeline.writer import RunWriter, StageResult
from g2is.run.paths import (
    BUILDING,
    EXAMPLES,
    POOLINGS,
    REPRESENTATIONS,
    representations_file,
    target_file,
    target_representations,
)
from g2is.run.texts import instructions_of
from g2is.storage.files import write_array
from g2is.storage.joined import JoinedShards


def write_representations(writer: RunWriter, config: BuildConfig, lazy: LazyModel) -> StageResult:
    """Write unit rows of the pool and of the validation samples for each pooling."""
    for place, part in writer.manifest.targets.items():
        names = {pooling: target_representations(place, pooling) for pooling in POOLINGS}
        if part.files.keys() >= set(names.values()):
            continue
        examples = from_frame(writer.read_frame(target_file(place, EXAMPLES)))
        pooled = representations_of(lazy.model, lazy.encoder(examples), config.gradients)
        for pooling, name in names.items():
            write_array(writer.folder / name, pooled[pooling])
        files = part.files | records(writer.folder, names.values())
        writer.put_part(place, part.model_copy(update={"files": files}))
    pool = writer.open_pool()
    folder = writer.folder / BUILDING / REPRESENTATIONS
    arrays: dict[str, Path] = {pooling: writer.folder / representations_file(pooling) for pooling in POOLINGS}
    store = JoinedShards(folder, len(pool), config.gradients.shard_size, arrays=arrays)
    with writer.progress("representations", len(pool), "sample") as bar:
        for shard, rows in missing_shards(store, bar):
            samples = lazy.encoder(instructions_of(pool, np.arange(rows.start, rows.stop)))
            store.write(shard, representations_of(lazy.model, samples, config.gradients, bar.update), {})
    store.finish()
    written = [representations_file(pooling) for pooling in POOLINGS]
    return written, {"dimensions": int(writer.read_array(written[0]).shape[1])}

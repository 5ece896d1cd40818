"""The stage of representations: what the base model makes of every text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from g2is.errors import InputError
from g2is.instructions import from_frame
from g2is.lm.representations import represent
from g2is.lm.text import Encoded
from g2is.pipeline.running import Running, in_batches, missing_shards, out_of_memory
from g2is.pipeline.writer import BUILDING
from g2is.run.run import INSTRUCTIONS, POOLINGS, REPRESENTATIONS, VALIDATION
from g2is.storage.files import write_array
from g2is.storage.shards import ShardStore


def write_representations(build: Running) -> tuple[list[str], dict[str, Any]]:
    """Pooled hidden states of the pool and of the validation samples, as unit rows, for each pooling."""
    writer = build.writer
    validation = _pooled(build, build.encoder(from_frame(writer.read_frame(VALIDATION))))
    pool = writer.read_frame(INSTRUCTIONS)
    folder = writer.folder / BUILDING / REPRESENTATIONS
    store = ShardStore(folder, len(pool), build.config.gradients.shard_size)
    with writer.progress("representations", len(pool), "sample") as bar:
        for shard, rows in missing_shards(store, bar):
            store.write(shard, _pooled(build, build.encoder(from_frame(pool.iloc[rows])), bar), {})
    files = []
    for pooling in POOLINGS:
        name, validation_name = (f"{REPRESENTATIONS}/{part}{pooling}.npy" for part in ("", "validation_"))
        store.merge(pooling, writer.folder / name)
        write_array(writer.folder / validation_name, validation[pooling])
        files += [name, validation_name]
    return files, {"dimensions": int(validation[POOLINGS[0]].shape[1])}


def _pooled(build: Running, encoded: Sequence[Encoded], bar: tqdm | None = None) -> dict[str, np.ndarray]:
    """(b, h) for each pooling; rows of zeros for samples that the model cannot read."""
    settings = build.config.gradients
    usable = [place for place, sample in enumerate(encoded) if sample.problem is None]
    samples = [encoded[place] for place in usable]
    arrays: dict[str, np.ndarray] = {}
    for batch in in_batches(samples, settings.batch_tokens, bar):
        try:
            pooled = represent(build.model, [samples[place] for place in batch])
        except torch.OutOfMemoryError:
            raise out_of_memory(settings.batch_tokens) from None
        for pooling in POOLINGS:
            rows = getattr(pooled, pooling)
            if not torch.isfinite(rows).all():
                raise InputError("representations are not finite; try --dtype float32")
            array = arrays.setdefault(pooling, np.zeros((len(encoded), rows.shape[1]), settings.store_dtype))
            array[[usable[place] for place in batch]] = rows.numpy()
    if bar is not None:
        bar.update(len(encoded) - len(usable))
    return arrays

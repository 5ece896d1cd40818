"""Writes all that a run has of its pool for the pool with the new instructions: what was there, then what is new.

Every file has its old name, in a folder that no earlier file lies in; the manifest that is returned says where. Files
that stay as they are stay where they are. So the run takes about twice its arrays on disk until the manifest is
written, and those of the new instructions more after it.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from g2is.arrays.rows import block_rows
from g2is.instructions.copies import KINDS
from g2is.instructions.kept import described_columns, joined_columns
from g2is.pipeline.growing_graph import GrowingGraph
from g2is.pipeline.growing_targets import grow_target
from g2is.pipeline.read_pool import copies_of, digests_of
from g2is.pipeline.writer import RunWriter
from g2is.run.manifest import Manifest
from g2is.run.parts import POOL as POOL_PART
from g2is.run.parts import InputFile, Part, PoolFacts, record
from g2is.run.paths import (
    COLUMNS,
    INSTRUCTIONS,
    INSTRUCTIONS_PARQUET,
    POOL,
    POOLINGS,
    REJECTED,
    SAMPLES,
    WHITENED,
    RegimeArray,
    array_file,
    progress_path,
    representations_file,
)
from g2is.run.run import Run
from g2is.run.texts import CONVERSATION
from g2is.storage.files import remove_folder, write_bytes
from g2is.storage.shards import write_blocks
from g2is.storage.stored_tables import StoredTable, write_table

if TYPE_CHECKING:
    import pyarrow as pa


class Growing:
    """A run, and new instructions with their gradients. device: to compare on. renew: layout and communities."""

    def __init__(
        self, run: Run, new: RunWriter, device: str, renew: bool, say: Callable[[str], None]
    ) -> None:
        self.run = run.whole
        self.new = new
        self.device = device
        self.renew = renew
        self.say = say
        self.manifest = run.manifest.model_copy(deep=True)
        self.place = f"{POOL}/{2 + len(run.manifest.additions)}"
        self.grown = RunWriter(run.folder / self.place, say, progress_path(run.folder))
        # It has no stage: all that is read from it was written to it.
        self.grown.manifest = run.manifest.model_copy(deep=True, update={"stages": {}, "parts": {}})
        self.first, self.count = run.files.pool, new.manifest.stages["instructions"].found["pool"]

    def write(self, inputs: Sequence[InputFile], start: float) -> Manifest:
        """Write everything; returns the manifest of the extended run. inputs: the new files. start: of the command."""
        if self.grown.folder.exists():
            remove_folder(self.grown.folder)  # of an attempt that was stopped
        duplicates = self._write_pool()
        self._write_gradients()
        graph = GrowingGraph(self.run, self.grown, self.first, self.device)
        for stage, (files, found) in graph.write(self.renew).items():
            self._put(stage, files, found)
        for place, part in self.manifest.targets.items():
            files = grow_target(self.run, self.grown, place, self.renew, self._with_graph)
            part.files |= {name: self._record(name) for name in files}
        if self.manifest.stages.pop("ensemble", None):
            self.say(
                "ensemble: left out, since its adapters are not kept; --extras ensemble of build adds it again"
            )
        self.manifest.content = self.run.hash
        self.manifest.parts[self.place] = Part(
            kind=POOL_PART,
            name=", ".join(dict.fromkeys(file.name for file in inputs))[:200],
            added=datetime.now(UTC).isoformat(timespec="seconds"),
            seconds=round(time.monotonic() - start, 2),
            files={},
            found=PoolFacts(
                first=self.first,
                count=self.count,
                duplicates=duplicates,
                inputs=list(inputs),
                reading=self.new.manifest.stages["instructions"].found.get("reading", []),
            ).model_dump(mode="json"),
        )
        leaks = Run(self.run.folder, self.manifest).leaks
        self.manifest.stages["targets"].found["leaks"] = {
            kind: int((leaks["kind"] == kind).sum()) for kind in KINDS
        }
        came = int((leaks["sample"] >= self.first).sum())
        self.say(
            f"pool: {self.first + self.count:,} instructions, {self.count:,} of them new"
            + (f"; {came:,} of these are near-copies of validation examples" if came else "")
        )
        return self.manifest

    @cached_property
    def _with_graph(self) -> Run:
        """The extended run without its targets, whose pool is all written."""
        return Run(self.run.folder, self.manifest.model_copy(deep=True)).whole

    def _put(self, stage: str, files: Sequence[str], found: dict[str, Any]) -> None:
        """Record files of a stage that were written, and numbers that changed."""
        known = self.manifest.stages[stage]
        known.files |= {name: self._record(name) for name in files}
        known.found.update(found)

    def _record(self, name: str) -> Any:
        return record(self.grown.folder / name).model_copy(update={"at": f"{self.place}/{name}"})

    def _write_pool(self) -> int:
        """The tables of the instructions; returns how many of the new ones are copies of earlier ones."""
        earlier, later = self.run.texts, self.new.open_pool()
        duplicate_of = copies_among(earlier, later)
        write_table(self.grown.folder / INSTRUCTIONS, below(earlier, later, duplicate_of))
        files = [INSTRUCTIONS]
        self.manifest.stages["instructions"].files.pop(INSTRUCTIONS_PARQUET, None)
        copies_before = int((earlier.frame(["duplicate_of"])["duplicate_of"] >= 0).sum())
        copies = int((duplicate_of >= 0).sum())
        numbers, new = self.manifest.stages["instructions"].found, self.new.manifest.stages["instructions"]
        found: dict[str, Any] = {
            "pool": self.first + self.count,
            "duplicates": copies_before + copies,
            "rejected": numbers["rejected"] + new.found["rejected"],
        }
        if repeats := numbers.get("repeats", 0) + new.found.get("repeats", 0):
            found["repeats"] = repeats
        if REJECTED in new.files:
            before = self.run.files.path(REJECTED).read_bytes() if REJECTED in self.run.files else b""
            write_bytes(self.grown.folder / REJECTED, before + self.new.path(REJECTED).read_bytes())
            files.append(REJECTED)
        columns, lines = joined_columns(
            self.run.files.frame(COLUMNS, self.first, ()) if COLUMNS in self.run.files else None,
            self.first,
            self.new.read_frame(COLUMNS) if COLUMNS in new.files else None,
            self.count,
        )
        if columns is not None:
            self.grown.write_frame(COLUMNS, columns)
            files.append(COLUMNS)
            left_out = {**numbers.get("columns_left_out", {}), **new.found.get("columns_left_out", {})}
            found |= {"columns": described_columns(columns), "columns_left_out": left_out}
        self._put("instructions", files, found)
        self.say(f"new instructions: {copies:,} are exact duplicates of earlier ones or of each other")
        for line in lines:
            self.say(line)
        return copies

    def _write_gradients(self) -> None:
        """Rows and norms in the regimes that the model gives; and representations, where the run keeps them."""
        arrays: tuple[RegimeArray, ...] = ("gradients", "norms")
        files = [array_file(r, array) for r in self.run.regimes if r != WHITENED for array in arrays]
        for name in files:
            self._below(name)
        samples = [self.run.files.frame(SAMPLES, self.first, ()), self.new.read_frame(SAMPLES)]
        self.grown.write_frame(SAMPLES, pd.concat(samples, ignore_index=True))
        before, new = (
            manifest.stages["gradients"].found for manifest in (self.run.manifest, self.new.manifest)
        )
        names = ("valid", "invalid", "prompt_cut", "response_cut")
        found: dict[str, Any] = {name: before.get(name, 0) + new[name] for name in names}
        found["reply_notes"] = dict(Counter(before.get("reply_notes", {})) + Counter(new["reply_notes"]))
        self._put("gradients", [SAMPLES, *files], found)
        if "representations" in self.run.manifest.stages:
            pooled = [representations_file(pooling) for pooling in POOLINGS]
            for name in pooled:
                self._below(name)
            self._put("representations", pooled, {})

    def _below(self, name: str) -> None:
        """Write an array of the extended pool: the bytes that are there, and those of the new rows below them."""
        arrays = [np.load(self.run.files.path(name), mmap_mode="r"), self.new.read_array(name)]
        write_blocks(self.grown.folder / name, _blocks(arrays), sum(map(len, arrays)))


def copies_among(earlier: StoredTable, later: StoredTable) -> NDArray[np.int64]:
    """For each row of the later table the first row of both, one below the other, that is an exact duplicate; -1."""
    digests = [digest for _, block in _conversations(later) for digest in digests_of(block)]
    wanted, first = set(digests), dict[bytes, int]()
    for start, block in _conversations(earlier):
        for row, digest in enumerate(digests_of(block), start):
            if digest in wanted:
                first.setdefault(digest, row)
    return np.array(copies_of(digests, first, len(earlier)), np.int64)


def below(earlier: StoredTable, later: StoredTable, duplicate_of: NDArray[np.int64]) -> Iterator[pa.Table]:
    """The rows of a pool, and below them those that came later, with what these are copies of. Columns are those of the
    later table; what the earlier one lacks is empty."""
    import pyarrow as pa

    (_, block), *_ = later.blocks(later.columns)
    schema = block.schema
    for _, block in earlier.blocks([name for name in later.columns if name in earlier.columns]):
        columns = [
            block.column(field.name) if field.name in block.schema.names else pa.nulls(len(block), field.type)
            for field in schema
        ]
        yield pa.table(
            [column.cast(field.type) for column, field in zip(columns, schema, strict=True)], schema=schema
        )
    place = schema.get_field_index("duplicate_of")
    for start, block in later.blocks(later.columns):
        copies = pa.array(duplicate_of[start : start + len(block)])
        yield pa.Table.from_batches([block]).set_column(place, schema.field(place), copies)


def _conversations(table: StoredTable) -> Iterator[tuple[int, pa.RecordBatch]]:
    return table.blocks([name for name in CONVERSATION if name in table.columns])


def _blocks(arrays: Sequence[np.ndarray]) -> Iterator[np.ndarray]:
    for array in arrays:
        size = block_rows(array) if array.ndim > 1 else 1 << 20
        for start in range(0, len(array), size):
            yield np.asarray(array[start : start + size])

"""A run from gradients that were computed elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from g2is.arrays.unit import lengths, unit
from g2is.config import ImportConfig
from g2is.engine.lock import exclusive
from g2is.errors import InputError, printable
from g2is.graph.neighbors import device_here
from g2is.instructions import Source, find_sources
from g2is.pipeline.checkpoints import (
    GradientFile,
    GradientSet,
    Rows,
    check_checkpoints,
    checkpoint_numbers,
    normalised,
)
from g2is.pipeline.comparing import new_manifest
from g2is.pipeline.gradient_files import IN_FOLDERS, blocks_of, read_neighbors
from g2is.pipeline.inputs import Target, check_pool_size, input_file, input_files
from g2is.pipeline.read_pool import ReadPool
from g2is.pipeline.space import check_space
from g2is.pipeline.stages.graph import GraphStage
from g2is.pipeline.stages.instructions import write_pool
from g2is.pipeline.stages.targets import TargetsStage
from g2is.pipeline.targets import TakenTarget
from g2is.pipeline.views import write_views
from g2is.pipeline.whiten import add_missing
from g2is.pipeline.writer import RunWriter, StageResult
from g2is.run.parts import TargetFacts
from g2is.run.paths import SAMPLES, array_file
from g2is.run.run import Run
from g2is.storage.files import write_array
from g2is.storage.shards import write_blocks


def import_run(
    folder: Path,
    config: ImportConfig,
    train: Sequence[Path],
    train_gradients: Sequence[Path],
    validation_gradients: Sequence[Target],
    *,
    graph: Path | None = None,
    overwrite: bool = False,
    say: Callable[[str], None] = print,
) -> Run:
    """Make a run from ready gradients: one row for every record of `train`, in order; of several files, one
    after the other.

    Rows are kept in float32, so that a walk takes the same samples as the published script on the same files.
    train_gradients: of the data sets of `train` in order, at one checkpoint or at several (`checkpoints`).
    validation_gradients: of each target at the same checkpoints. graph: neighbour lists; None to compute them. Raises
    `InputError` before anything is written where files are not what they should be or do not fit together.
    """
    gradients = GradientSet([GradientFile.of(path) for path in train_gradients])
    targets: dict[str, list[GradientFile]] = {}
    for target in validation_gradients:
        targets.setdefault(target.name, []).append(GradientFile.of(target.path))
    validation = {name: GradientSet(files) for name, files in targets.items()}
    with exclusive(folder):
        work = _Import(
            RunWriter(folder, say),
            config.without_whitened(),
            tuple(find_sources(train)),
            gradients,
            validation,
            graph,
        )
        try:
            work.run(overwrite)
            add_missing(work.writer, config)
            return work.writer.end()
        finally:
            work.writer.close()


@dataclass
class _Import:
    writer: RunWriter
    config: ImportConfig
    train: tuple[Source, ...]
    gradients: GradientSet
    targets: dict[str, GradientSet]
    graph: Path | None

    def run(self, overwrite: bool) -> None:
        gradients = [file.path for file in self.gradients.files] + [path for path in [self.graph] if path]
        requested = new_manifest(
            self.config,
            [*input_files(self.train), *map(input_file, gradients)],
            [input_file(file.path, name) for name, target in self.targets.items() for file in target.files],
            model={},
        )
        self.writer.begin(requested, overwrite=overwrite, check=self._check)
        self.writer.stage("instructions", self._instructions)
        if (read := self.__dict__.pop("reading", None)) is not None:
            read.close()
        self.writer.stage("gradients", self._gradients)
        self.writer.stage(
            "graph",
            lambda: GraphStage(
                self.writer,
                self.config.regimes,
                self.writer.manifest.configuration.graph,
                device_here(),
                self.neighbors,
            ).write(),
        )
        write_views(self.writer, self.config, TargetsStage(self.writer, list(self.targets), self._take))

    @cached_property
    def reading(self) -> ReadPool:
        return ReadPool(self.train, self.config.reading, self.writer.folder.parent)

    @cached_property
    def weights(self) -> list[float]:
        return normalised(self.gradients.checkpoints, self.config.checkpoint_weights)

    @cached_property
    def read(self) -> Rows:
        return self.gradients.read()

    @cached_property
    def rows(self) -> np.ndarray:
        return self.read.combined(self.weights)

    @cached_property
    def validation(self) -> dict[str, np.ndarray]:
        dims, rows = self.read.dims, {}
        for name, target in self.targets.items():
            check_checkpoints(name, target, self.gradients)
            read = target.read()
            for file, dim, expected in zip(target.files, read.dims, dims, strict=True):
                if dim != expected:
                    raise InputError(
                        f"{file}: {dim:,} dimensions, the training gradients have {expected:,}; "
                        "expected the same projection for both"
                    )
            rows[name] = np.ascontiguousarray(read.combined(self.weights), np.float32)
            if len(read) < 2:
                raise InputError(f"{target.files[0]}: 1 validation gradient, expected at least 2")
        return rows

    @cached_property
    def neighbors(self) -> np.ndarray | None:
        return None if self.graph is None else read_neighbors(self.graph, len(self.rows))

    def _check(self) -> None:
        for line in self.reading.summary.report():
            self.writer.say(line)
        _ = self.weights
        check_records(self.gradients, self.read.counts, self.train, self.reading)
        _ = self.validation
        if self.neighbors is None:
            check_pool_size(len(self.rows), self.config.graph)
        check_space(self.writer.folder, len(self.rows), self.rows.shape[1], "float32", self.config.graph)

    def _instructions(self) -> StageResult:
        return write_pool(self.writer, self.reading)

    def _take(self, name: str) -> TakenTarget:
        rows = self.validation[name]
        # Only the gradients of validation samples are known, so that each is named by its file and row.
        examples = pd.DataFrame(
            {
                "source": printable(self._source(name)),
                "line": np.arange(len(rows)) + 1,
                "format": "gradient",
                "task": None,
                "prompt": "",
                "response": "",
                "messages": "[]",
                "tools": None,
                "raw": b"",
            }
        )
        inputs = [file for file in self.writer.manifest.validation if file.target == name]
        return TakenTarget(
            name, examples, rows, TargetFacts(examples=len(rows), origin="build", inputs=inputs)
        )

    def _source(self, target: str) -> str:
        first = self.targets[target].files[0]
        return first.data if first.path.name in IN_FOLDERS else first.path.name

    def _gradients(self) -> StageResult:
        self.writer.say(self._described())
        regime = self.config.regime
        unit_file, norms_file = array_file(regime, "gradients"), array_file(regime, "norms")
        norms = np.empty(len(self.rows), np.float32)
        write_blocks(self.writer.folder / unit_file, self._unit_rows(norms), len(self.rows))
        write_array(self.writer.folder / norms_file, norms)
        valid = norms > 0
        samples = pd.DataFrame(
            {
                "problem": [None if ok else "the gradient is zero" for ok in valid],
                "valid": valid,
                "loss": np.float32("nan"),
                "tokens": np.int32(0),
                "trained_tokens": np.int32(0),
                "cut": np.int8(0),
            }
        )
        self.writer.write_frame(SAMPLES, samples)
        files = [SAMPLES, unit_file, norms_file]
        return files, {
            "valid": int(valid.sum()),
            "invalid": int((~valid).sum()),
            "projection_dim": self.rows.shape[1],
            **checkpoint_numbers(self.gradients.checkpoints, self.weights),
        }

    def _unit_rows(self, norms: np.ndarray) -> Iterator[np.ndarray]:
        """The unit rows, block by block; their lengths are put into `norms` (n,)."""
        for some, block in blocks_of(self.rows):
            rows = block.astype(np.float32, copy=False)
            norms[some] = lengths(rows)
            yield unit(rows)

    def _described(self) -> str:
        """Counts of data sets and checkpoints, in one line."""
        parts = zip(self.gradients.data, self.read.counts, strict=True)
        line = f"training gradients: {len(self.rows):,} rows of {self.rows.shape[1]:,} dimensions"
        if len(self.read.counts) > 1:
            line += f"; {', '.join(f'{name} {count:,}' for name, count in parts)}"
        steps = self.gradients.checkpoints
        if len(steps) > 1:
            shares = zip(steps, self.weights, strict=True)
            line += f"; checkpoints by weight {', '.join(f'{step}: {share:.3f}' for step, share in shares)}"
            if self.config.checkpoint_weights is None:
                rates = " ".join(f"{step}=…" for step in steps)
                line += f" (equal; LESS weighs each by its mean learning rate: --checkpoint-weights {rates})"
        return line


def check_records(
    gradients: GradientSet, counts: Sequence[int], train: Sequence[Source], pool: ReadPool
) -> None:
    """Raise `InputError` where rows of gradients are not those of the records, as far as numbers and names tell."""
    records, total = len(pool), sum(counts)
    names = gradients.data
    where = str(gradients.files[0].path) if len(names) == 1 else ", ".join(names)
    if total != records:
        raise InputError(
            f"{where}: {total:,} gradients for {records:,} instructions; expected one for each record, in the order "
            "of the files"
        )
    sources = pool.summary.by_source
    if not len(names) == len(sources) == len(train) > 1:
        return
    for name, count, (source, expected) in zip(names, counts, sources.items(), strict=True):
        if count != expected:
            raise InputError(
                f"{name}: {count:,} gradients for {expected:,} instructions of {source}; expected --train-gradients "
                "in the order of --train"
            )
    places = [
        [place for place, source in enumerate(train) if name.lower() in source.label.lower()]
        for name in names
    ]
    if all(len(place) == 1 for place in places) and places != sorted(places):
        raise InputError(
            f"--train-gradients are of {', '.join(names)}, --train is {', '.join(source.label for source in train)}; "
            "expected both in the same order"
        )

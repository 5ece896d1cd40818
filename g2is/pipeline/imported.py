"""A run from gradients that were computed elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from g2is.arrays.unit import lengths, unit
from g2is.config import ImportConfig
from g2is.engine.sharing import exclusive
from g2is.errors import InputError, printable
from g2is.instructions import Reading, Source, find_sources, read_instructions
from g2is.pipeline.comparing import new_manifest
from g2is.pipeline.gradient_files import LESS_FILES, read_gradients, read_neighbors
from g2is.pipeline.inputs import Target, check_pool_size, input_file, input_files
from g2is.pipeline.stages.graph import GraphStage
from g2is.pipeline.stages.instructions import write_pool
from g2is.pipeline.views import write_views
from g2is.pipeline.writer import RunWriter, StageResult
from g2is.run.manifest import InputFile
from g2is.run.paths import SAMPLES, VALIDATION, VALIDATION_GRADIENTS, array_file
from g2is.run.run import Run
from g2is.storage.files import write_array


def import_run(
    folder: Path,
    config: ImportConfig,
    train: Sequence[Path],
    train_gradients: Path | Sequence[Path],
    validation_gradients: Sequence[Target],
    *,
    graph: Path | None = None,
    overwrite: bool = False,
    say: Callable[[str], None] = print,
) -> Run:
    """Make a run from ready gradients: one row for every record of `train`, in order; of several files, one
    after the other.

    Rows are kept in float32, so that a walk takes the same samples as the published script on the same files. graph:
    neighbour lists; None to compute them. Raises `InputError` before anything is
    written where files are not what they should be or do not fit together.
    """
    gradients = [train_gradients] if isinstance(train_gradients, Path) else train_gradients
    with exclusive(folder):
        work = _Import(
            RunWriter(folder, say),
            config,
            tuple(find_sources(train)),
            tuple(gradients),
            tuple(validation_gradients),
            graph,
        )
        try:
            return work.run(overwrite)
        finally:
            work.writer.close()


@dataclass
class _Import:
    writer: RunWriter
    config: ImportConfig
    train: tuple[Source, ...]
    train_gradients: tuple[Path, ...]
    validation_gradients: tuple[Target, ...]
    graph: Path | None

    def run(self, overwrite: bool) -> Run:
        gradients = [*self.train_gradients, *([] if self.graph is None else [self.graph])]
        requested = new_manifest(
            self.config,
            [*input_files(self.train), *map(_gradient_file, gradients)],
            [_gradient_file(target.path, target.name) for target in self.validation_gradients],
            model={},
        )
        self.writer.begin(requested, overwrite=overwrite, check=self._check)
        self.writer.stage("instructions", self._instructions)
        self.writer.stage("gradients", self._gradients)
        self.writer.stage(
            "graph",
            lambda: GraphStage(
                self.writer, self.config.regimes, self.config.graph, "cpu", self.neighbors
            ).write(),
        )
        write_views(self.writer, self.config)
        return self.writer.end()

    @cached_property
    def reading(self) -> Reading:
        config = self.config.reading
        return read_instructions(self.train, **dict(config))

    @cached_property
    def rows(self) -> np.ndarray:
        parts = [read_gradients(path) for path in self.train_gradients]
        for path, part in zip(self.train_gradients, parts, strict=True):
            if part.shape[1] != parts[0].shape[1]:
                raise InputError(
                    f"{path}: {part.shape[1]:,} dimensions, {self.train_gradients[0]} has {parts[0].shape[1]:,}; "
                    "expected the same projection for all"
                )
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    @cached_property
    def validation(self) -> list[np.ndarray]:
        return [read_gradients(target.path) for target in self.validation_gradients]

    @cached_property
    def neighbors(self) -> np.ndarray | None:
        return None if self.graph is None else read_neighbors(self.graph, len(self.rows))

    def _check(self) -> None:
        for line in self.reading.report():
            self.writer.say(line)
        count, dim = self.rows.shape
        if count != len(self.reading.instructions):
            raise InputError(
                f"{', '.join(map(str, self.train_gradients))}: {count:,} gradients for "
                f"{len(self.reading.instructions):,} instructions; expected one for each record, in the order "
                "of the files"
            )
        for target, rows in zip(self.validation_gradients, self.validation, strict=True):
            if rows.shape[1] != dim:
                raise InputError(
                    f"{target.path}: {rows.shape[1]:,} dimensions, the training gradients have {dim:,}; "
                    "expected the same projection for both"
                )
            if len(rows) < 2:
                raise InputError(f"{target.path}: 1 validation gradient, expected at least 2")
        if self.neighbors is None:
            check_pool_size(count, self.config.graph)

    def _instructions(self) -> StageResult:
        files, counts = write_pool(self.writer, self.reading)
        # Only the gradients of validation samples are known, so that each is named by its file and row.
        frames = [
            pd.DataFrame(
                {
                    "source": printable(target.path.name),
                    "line": np.arange(len(rows)) + 1,
                    "format": "gradient",
                    "task": None,
                    "prompt": "",
                    "response": "",
                    "messages": "[]",
                    "tools": None,
                    "raw": b"",
                    "target": target.name,
                }
            )
            for target, rows in zip(self.validation_gradients, self.validation, strict=True)
        ]
        validation = pd.concat(frames, ignore_index=True)
        self.writer.write_frame(VALIDATION, validation)
        return [*files, VALIDATION], {**counts, "validation": len(validation), "validation_left_out": []}

    def _gradients(self) -> StageResult:
        norms = lengths(self.rows).astype(np.float32)
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
        write_array(self.writer.folder / VALIDATION_GRADIENTS, np.concatenate(self.validation))
        regime = self.config.regime
        unit_file, norms_file = array_file(regime, "gradients"), array_file(regime, "norms")
        write_array(self.writer.folder / unit_file, unit(self.rows))
        write_array(self.writer.folder / norms_file, norms)
        files = [SAMPLES, VALIDATION_GRADIENTS, unit_file, norms_file]
        return files, {
            "valid": int(valid.sum()),
            "invalid": int((~valid).sum()),
            "projection_dim": self.rows.shape[1],
        }


def _gradient_file(path: Path, target: str | None = None) -> InputFile:
    """The file itself, or the file of LESS in a folder."""
    if path.is_dir():
        path = next((path / name for name in LESS_FILES if (path / name).is_file()), path)
    return input_file(path, target)

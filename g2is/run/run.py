"""One run: the folder under `cache/` that a build writes and everything else reads.

This module only reads; `pipeline` is the only writer. It needs no torch, so a run copied from the machine with the GPU
opens on any laptop.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from g2is.config import REGIMES, RegimeName
from g2is.config.commands import command
from g2is.errors import InputError, shortened
from g2is.run.columns import Columns
from g2is.run.integrity import Integrity
from g2is.run.manifest import (
    CONTENT_STAGES,
    FORMAT_VERSION,
    FileRecord,
    InputFile,
    Manifest,
    Stage,
)
from g2is.run.paths import (
    COLUMNS as COLUMNS_FILE,
)
from g2is.run.paths import (
    ENSEMBLE,
    INSTRUCTIONS,
    INSTRUCTIONS_PARQUET,
    LAYOUTS,
    LEAKS,
    SAMPLES,
    VALIDATION,
    VALIDATION_GRADIENTS,
    WHITENED,
    LayoutKind,
    Pooling,
    RegimeArray,
    array_file,
    labels_file,
    representations_file,
)
from g2is.run.whitening import open_whitening
from g2is.storage.files import inside
from g2is.storage.tables import read_frame

if TYPE_CHECKING:
    import pandas as pd

    from g2is.arrays.whitening import Whitening
    from g2is.graph.communities import Communities

__all__ = [
    "CONTENT_STAGES",
    "FORMAT_VERSION",
    "FileRecord",
    "InputFile",
    "Manifest",
    "Regime",
    "Run",
    "Stage",
]

COLUMNS = ("source", "line", "format", "task", "prompt", "response", "messages", "tools", "raw")
ENSEMBLE_COLUMNS = ("early", "late", "late_variance")
SAMPLE_COLUMNS = ("problem", "valid", "loss", "tokens", "trained_tokens", "cut")
LEAK_COLUMNS = ("sample", "validation", "kind", "similarity")


@dataclass(frozen=True)
class Regime:
    """The gradients of the training samples in one regime, and their graph, as read-only memory maps.

    gradients: (n, d) unit rows, zero where not valid, in the number type of the store; `arrays.rows.read_rows` reads
    rows as float32. norms: (n,) lengths before normalising. neighbors, cosines: (n, k), nearest first. conflicts,
    conflict_cosines: (n, c), most conflicting first. Lists have -1 and cosine 0 for samples that are not valid.
    validation_cosines: (n, m). mean_cosine, conflict_share: over all pairs of valid samples.
    """

    name: RegimeName
    gradients: np.ndarray
    norms: np.ndarray
    neighbors: np.ndarray
    cosines: np.ndarray
    conflicts: np.ndarray
    conflict_cosines: np.ndarray
    validation_cosines: np.ndarray
    mean_cosine: float
    conflict_share: float


@dataclass(frozen=True)
class Layout:
    """Coordinates of the map for the gradients of one regime; NaN where a sample is not valid.

    samples: (n, 2), validation: (m, 2), float32, read-only memory maps.
    """

    samples: np.ndarray
    validation: np.ndarray


@dataclass(frozen=True)
class Representations:
    """Last hidden states of the base model, pooled over the tokens of a text; read-only memory maps.

    samples: (n, h), validation: (m, h), unit rows, zero for samples without tokens.
    """

    samples: np.ndarray
    validation: np.ndarray


@dataclass(frozen=True, eq=False)
class Run:
    """An open run. Each part is read when it is first used."""

    folder: Path
    manifest: Manifest
    _regimes: dict[str, Regime] = field(default_factory=dict, repr=False, compare=False)
    _communities: dict[str, Communities] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def open(cls, folder: str | Path) -> Run:
        """Open the folder of a run; raises `InputError` if this program cannot read it."""
        folder = Path(folder)
        return cls(folder, Manifest.read(folder))

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def complete(self) -> bool:
        """Whether every stage is finished."""
        return self.manifest.complete

    @cached_property
    def hash(self) -> str:
        """Identifies the content of the run (the files of `CONTENT_STAGES`), independent of when and where it was
        built."""
        content = {
            name: record.sha256
            for stage in CONTENT_STAGES
            if stage in self.manifest.stages
            for name, record in self.manifest.stages[stage].files.items()
            if not name.startswith(f"{WHITENED}/")  # made of the others, at any time
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]

    @cached_property
    def instructions(self) -> pd.DataFrame:
        """The pool, one row a sample: source, line, format, task, prompt, response, messages, tools, raw; and, once
        gradients are computed, problem, valid, loss, tokens, trained_tokens, cut."""
        pool = self._number("instructions", "pool")
        name = INSTRUCTIONS_PARQUET if INSTRUCTIONS_PARQUET in self.manifest.files else INSTRUCTIONS
        frame = self._frame(name, pool, (*COLUMNS, "duplicate_of"))
        if "gradients" in self.manifest.stages:
            frame = frame.join(self._frame(SAMPLES, pool, SAMPLE_COLUMNS))
        return frame

    @cached_property
    def validation(self) -> pd.DataFrame:
        """The validation samples that have tokens to train on, one row each: columns of `instructions`, and target."""
        return self._frame(VALIDATION, self._number("instructions", "validation"), (*COLUMNS, "target"))

    @cached_property
    def valid(self) -> np.ndarray:
        """(n,) bool: samples that have a gradient."""
        return self.instructions["valid"].to_numpy()

    @cached_property
    def columns(self) -> Columns:
        """The columns of the pool that conditions are about; runs of earlier versions have file and task alone."""
        pool = self.instructions
        kept = COLUMNS_FILE in self.manifest.files
        return Columns.of(pool, self._frame(COLUMNS_FILE, len(pool), ()) if kept else None)

    def matching(self, where: Sequence[str]) -> np.ndarray:
        """(n,) bool: samples that fit conditions on columns; raises `InputError` where none does."""
        fitting = self.columns.matching(where)
        if not fitting.any():
            raise InputError(f"where: no instruction fits {shortened(' '.join(where), 200)}; widen it")
        return fitting

    @cached_property
    def sources(self) -> list[str]:
        """(n,) the source of each sample; samples of one source share one string."""
        codes, names = self.instructions["source"].factorize()
        return np.asarray(names, dtype=object)[codes].tolist()

    @cached_property
    def source_names(self) -> list[str]:
        """The different sources, in the order of their first samples."""
        return list(dict.fromkeys(self.sources))

    @cached_property
    def validation_gradients(self) -> np.ndarray:
        """(m, d) float32 plain gradients of the validation samples, not normalised."""
        _, dim, validation = self._sizes
        return self._array(VALIDATION_GRADIENTS, "f", (validation, dim))

    def validation_gradients_in(self, regime: RegimeName) -> np.ndarray:
        """(m, d) float32 gradients of the validation samples as they are compared with the rows of a regime, not
        normalised: plain, and whitened as these are."""
        return self._whitened_validation if regime == "whitened" else self.validation_gradients

    @cached_property
    def _whitened_validation(self) -> np.ndarray:
        return self.whitening(self.validation_gradients)

    @cached_property
    def whitening(self) -> Whitening:
        """What makes whitened gradients from plain ones; raises `InputError` if the run keeps none."""
        self._check_regime("whitened")
        return open_whitening(self._integrity.path, self.manifest)

    @property
    def regimes(self) -> tuple[RegimeName, ...]:
        """The regimes this run keeps."""
        return self.manifest.configuration.regimes

    def regime(self, name: RegimeName) -> Regime:
        """Gradients and graph in one regime; raises `InputError` if the run does not keep it."""
        self._check_regime(name)
        if name not in self._regimes:
            self._regimes[name] = self._open_regime(name)
        return self._regimes[name]

    def _open_regime(self, name: RegimeName) -> Regime:
        count, dim, validation = self._sizes
        expected: tuple[tuple[RegimeArray, str, tuple[int | None, ...]], ...] = (
            ("gradients", "fi", (count, dim)),
            ("norms", "f", (count,)),
            ("neighbors", "i", (count, None)),
            ("cosines", "f", (count, None)),
            ("conflicts", "i", (count, None)),
            ("conflict_cosines", "f", (count, None)),
            ("validation_cosines", "f", (count, validation)),
        )
        arrays: dict[RegimeArray, Any] = {
            array: self._array(array_file(name, array), kind, shape) for array, kind, shape in expected
        }
        pairs: tuple[tuple[RegimeArray, RegimeArray], ...] = (
            ("neighbors", "cosines"),
            ("conflicts", "conflict_cosines"),
        )
        for array, cosines in pairs:
            lists, path = arrays[array], self.folder / array_file(name, array)
            if lists.shape != arrays[cosines].shape:
                raise InputError(
                    f"{path}: shape {lists.shape}, expected {arrays[cosines].shape} as of {cosines}; {self.remedy}"
                )
            if lists.size and not (lists.min() >= -1 and lists.max() < count):
                raise InputError(f"{path}: lists rows outside the pool; {self.remedy}")
        numbers = self.manifest.stages["graph"].found[name]
        return Regime(
            name=name,
            **arrays,
            mean_cosine=numbers["mean_cosine"],
            conflict_share=numbers["conflict_share"],
        )

    @property
    def layouts(self) -> tuple[LayoutKind, ...]:
        """The kinds of layout this run has."""
        files = self.manifest.files
        return tuple(
            kind for kind in LAYOUTS if all(array_file(regime, kind) in files for regime in self.regimes)
        )

    def layout(self, kind: LayoutKind, regime: RegimeName) -> Layout:
        """Coordinates of the map; raises `InputError` if the run has none of that kind."""
        if kind not in LAYOUTS:
            raise InputError(f"layout = {kind!r}: expected one of {', '.join(LAYOUTS)}")
        self._check_regime(regime)
        if kind not in self.layouts and "layout" in self.manifest.stages:
            raise InputError(
                f"layout = {kind!r}: run {self.name} was built without it; build again with --{kind} on to add it"
            )
        count, _, validation = self._sizes
        places = self._array(array_file(regime, kind), "f", (count + validation, 2))
        return Layout(places[:count], places[count:])

    def communities(self, regime: RegimeName) -> Communities:
        """The communities of the gradient graph in one regime, with labels from their texts."""
        if regime not in self._communities:
            self._check_regime(regime)
            self._communities[regime] = self._open_communities(regime)
        return self._communities[regime]

    def _open_communities(self, regime: RegimeName) -> Communities:
        from g2is.graph.communities import Communities

        membership = self._array(array_file(regime, "communities"), "i", (self._sizes[0],))
        path = self._integrity.path(labels_file(regime))
        try:
            return Communities.of(membership, tuple(json.loads(path.read_bytes())))
        except (ValueError, TypeError, RecursionError) as error:
            raise InputError(f"{path}: not labels of communities ({error}); {self.remedy}") from None

    def spanning_forest(self, regime: RegimeName) -> tuple[np.ndarray, np.ndarray]:
        """A maximum spanning forest of the aligned edges, strongest first: (t, 2) pairs and (t,) cosines."""
        self._check_regime(regime)
        pairs = self._array(array_file(regime, "forest"), "iu", (None, 2))
        return pairs, self._array(array_file(regime, "forest_cosines"), "f", (len(pairs),))

    def representations(self, pooling: Pooling) -> Representations:
        """Representations of the texts by the base model; raises `InputError` if the run has none."""
        self._check_extra("representations")
        samples = self._array(representations_file(pooling), "f", (len(self.valid), None))
        shape = len(self.validation), samples.shape[1]
        validation = self._array(representations_file(pooling, validation=True), "f", shape)
        return Representations(samples, validation)

    @cached_property
    def ensemble(self) -> pd.DataFrame:
        """Gradient lengths over an ensemble of adapters, one row a sample: early, late (means), late_variance.

        Raises `InputError` if the run has none.
        """
        self._check_extra("ensemble")
        return self._frame(ENSEMBLE, len(self.valid), ENSEMBLE_COLUMNS)

    def _check_extra(self, stage: str) -> None:
        if stage in self.manifest.stages:
            return
        if not self.manifest.model:
            raise InputError(
                f"run {self.name} has no {stage}: its gradients are imported, so there is no model to compute it with"
            )
        raise InputError(
            f"run {self.name} has no {stage}; run its build command again with --extras {stage} to add it"
        )

    @cached_property
    def leaks(self) -> pd.DataFrame:
        """Near-copies of validation samples in the pool: sample, validation, kind, similarity."""
        return self._frame(LEAKS, None, LEAK_COLUMNS)

    def row(self, sample: str) -> int:
        """The row of a sample given as a number or as `source:line`; raises `InputError` for anything else."""
        count = len(self.instructions)
        if _is_number(sample) and int(sample) < count:
            return int(sample)
        source, _, line = sample.rpartition(":")
        if _is_number(line):
            here = (self.instructions["source"] == source) & (self.instructions["line"] == int(line))
            if here.any():
                return int(here.to_numpy().argmax())
        raise InputError(
            f"sample = {shortened(sample)!r}: expected a row from 0 to {count - 1:,}, or source:line"
        )

    def inside(self, *parts: str) -> Path:
        """A path in the run's folder; raises `InputError` if it leads out of the folder through a link."""
        return inside(self.folder, Path(*parts))

    def check(self) -> list[str]:
        """Compare every file with the manifest: one line for each that is missing or has changed."""
        return self._integrity.problems(self.manifest.files, full=True)

    def damage(self) -> list[str]:
        """A quick check for pages: as `check`, but large files only by size, and without the warm-up, which only a
        build reads."""
        stage = self.manifest.stages.get("warmup")
        warmup = set() if stage is None else set(stage.files)
        return self._integrity.problems(name for name in self.manifest.files if name not in warmup)

    @property
    def remedy(self) -> str:
        """For error messages: the command that finishes or repairs the run."""
        return self._integrity.remedy

    @cached_property
    def _integrity(self) -> Integrity:
        return Integrity(self.folder, self.manifest)

    def _check_regime(self, name: str) -> None:
        if name not in REGIMES:
            raise InputError(f"regime = {name!r}: expected one of {', '.join(REGIMES)}")
        if name not in self.regimes:
            remedy = f"build it with --regimes … {name}"
            if name == WHITENED:
                remedy = f"{command('whiten', self.name, cache=self.folder.parent)} adds it"
            raise InputError(f"regime = {name!r}: run {self.name} keeps {', '.join(self.regimes)}; {remedy}")

    def _number(self, stage: str, name: str) -> int:
        """A number that a finished stage recorded in the manifest."""
        if stage not in self.manifest.stages:
            raise InputError(f"run {self.name}: the stage {stage} is not finished; {self.remedy}")
        return self.manifest.stages[stage].found[name]

    @property
    def _sizes(self) -> tuple[int, int, int]:
        """Number of samples, of dimensions and of validation samples."""
        count, validation = (self._number("instructions", name) for name in ("pool", "validation"))
        return count, self._number("gradients", "projection_dim"), validation

    def _frame(self, name: str, rows: int | None, columns: Sequence[str]) -> pd.DataFrame:
        """A table with at least these columns and this many rows (None: any number); raises `InputError` otherwise."""
        path = self._integrity.path(name)
        try:
            frame = read_frame(path)
        except InputError as error:
            raise InputError(f"{error}; {self.remedy}") from None
        missing = [column for column in columns if column not in frame]
        if missing or rows not in (None, len(frame)):
            problem = f"lacks {', '.join(missing)}" if missing else f"{len(frame):,} rows, expected {rows:,}"
            raise InputError(f"{path}: {problem}; {self.remedy}")
        return frame

    def _array(self, name: str, kind: str, shape: tuple[int | None, ...]) -> np.ndarray:
        """A memory map of numbers of this kind and shape (None: any length); raises `InputError` otherwise."""
        path = self._integrity.path(name)
        try:
            array = np.load(path, mmap_mode="r", allow_pickle=False)
        except Exception as error:  # numpy raises many kinds for a damaged file
            reason = str(error) or type(error).__name__
            raise InputError(f"{path}: not a complete array ({reason}); {self.remedy}") from None
        fits = array.ndim == len(shape) and all(
            expected in (None, length) for length, expected in zip(array.shape, shape, strict=False)
        )
        if not fits or array.dtype.kind not in kind:
            lengths = tuple("any" if length is None else length for length in shape)
            raise InputError(
                f"{path}: {array.dtype} of shape {array.shape}, expected {kind} of {lengths}; {self.remedy}"
            )
        return array


def _is_number(text: str) -> bool:
    """Whether this is a row or line number; none has 19 digits."""
    return text.isdecimal() and len(text) < 19

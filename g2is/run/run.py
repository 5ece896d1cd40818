"""One run: the folder under `cache/` that a build writes and everything else reads.

This module only reads; `pipeline` is the only writer. It needs no torch, so a run copied from the machine with the GPU
opens on any laptop.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from g2is.config import REGIMES, RegimeName
from g2is.config.commands import command
from g2is.errors import InputError, shortened
from g2is.run.columns import Columns
from g2is.run.files import RunFiles
from g2is.run.gone import Removal, gone_mask, marked, removals
from g2is.run.manifest import CONTENT_STAGES, FORMAT_VERSION, Manifest
from g2is.run.parts import FileRecord, InputFile, Stage
from g2is.run.paths import COLUMNS as COLUMNS_FILE
from g2is.run.paths import (
    ENSEMBLE,
    INSTRUCTIONS,
    INSTRUCTIONS_PARQUET,
    LAYOUTS,
    SAMPLES,
    WHITENED,
    LayoutKind,
    Pooling,
    array_file,
    representations_file,
)
from g2is.run.reference import RunReference
from g2is.run.regimes import (
    Layout,
    Regime,
    open_communities,
    open_forest,
    open_places,
    open_regime,
)
from g2is.run.sets import Sets
from g2is.run.targets import COLUMNS, Target, TargetReader, reader
from g2is.run.texts import TEXTS, conversations
from g2is.run.whitening import open_whitening
from g2is.storage.files import inside
from g2is.storage.stored_tables import StoredTable

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
    "Target",
]

ENSEMBLE_COLUMNS = ("early", "late", "late_variance")
SAMPLE_COLUMNS = ("problem", "valid", "loss", "tokens", "trained_tokens", "cut")


@dataclass(frozen=True)
class Representations:
    """Last hidden states of the base model, pooled over the tokens of a text; read-only.

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
    _forests: dict[str, tuple[np.ndarray, np.ndarray]] = field(
        default_factory=dict, repr=False, compare=False
    )

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
        """Identifies the instructions and gradients that the run was built with (the files of `CONTENT_STAGES`),
        independent of when and where. It stays the same when targets or instructions come or go, so that selections
        and links, which name rows, stay true."""
        content = {
            name: record.sha256
            for stage in CONTENT_STAGES
            if stage in self.manifest.stages
            for name, record in self.manifest.stages[stage].files.items()
            if not name.startswith(f"{WHITENED}/")  # made of the others, at any time
        }
        return self.manifest.content or _short_hash(content)

    @cached_property
    def state(self) -> str:
        """Identifies all that the run holds now: changes when targets or instructions come or go. For caches."""
        return _short_hash({name: record.sha256 for name, record in self.manifest.files.items()})

    @cached_property
    def instructions(self) -> pd.DataFrame:
        """The pool without its texts, one row a sample: source, line, format, task, duplicate_of; and, once gradients
        are computed, problem, valid, loss, tokens, trained_tokens, cut. Row numbers never change: what was removed is
        among them, not valid, and marked in a column `gone`, which is there where anything was."""
        frame = self.texts.frame([name for name in self.texts.columns if name not in TEXTS])
        if "gradients" in self.manifest.stages:
            frame = frame.join(self.files.frame(SAMPLES, self.files.pool, SAMPLE_COLUMNS))
        return marked(frame, self.gone) if self.removals else frame

    @cached_property
    def texts(self) -> StoredTable:
        """The texts of the pool: prompt, response, messages, tools, template_kwargs, raw. They stay in their file, from
        which rows are read when they are asked for: a large pool has gigabytes of them."""
        name = INSTRUCTIONS_PARQUET if INSTRUCTIONS_PARQUET in self.manifest.files else INSTRUCTIONS
        return self.files.table(name, self.files.pool, (*COLUMNS, "duplicate_of"))

    def records(self, rows: ArrayLike, texts: Sequence[str] = TEXTS) -> pd.DataFrame:
        """These rows of `instructions` with their texts, in this order. texts: which (all that the run has)."""
        frame = self.instructions.iloc[np.asarray(rows, np.int64)]
        read = self.texts.take(frame.index, [name for name in texts if name in self.texts.columns])
        return frame.assign(**{name: values.array for name, values in read.items()})

    def record(self, row: int, texts: Sequence[str] = TEXTS) -> pd.Series:
        """One row of `instructions` with its texts."""
        return self.records([row], texts).iloc[0]

    def prompts(self, rows: ArrayLike) -> list[str]:
        """The prompts of these rows of the pool."""
        return self.texts.values(rows, "prompt")

    def conversations(self) -> Iterator[tuple[str, str]]:
        """Prompt and response of each instruction, in the order of the pool, read as they are asked for."""
        return conversations(self.texts)

    @property
    def present(self) -> pd.DataFrame:
        """The rows of `instructions` that were not removed from the pool, under their row numbers."""
        return self.instructions[~self.gone] if self.removals else self.instructions

    @cached_property
    def size(self) -> int:
        """How many instructions the pool has, without those that were removed."""
        return self.files.pool - int(self.gone.sum())

    @cached_property
    def gone(self) -> np.ndarray:
        """(n,) bool: samples that were removed from the pool. All else is without them, as without what has no
        gradient; rows and arrays stay as long as they were."""
        return gone_mask(self.files)

    @property
    def removals(self) -> list[Removal]:
        """The removals of instructions that were not taken back, in the order in which they came."""
        return removals(self.files)

    @cached_property
    def whole(self) -> Run:
        """The same run as if nothing had been removed from its pool: what is computed later is computed for what is
        gone too, so that it can come back."""
        if not self.removals:
            return self
        parts = {p: part for p, part in self.manifest.parts.items() if p not in self.manifest.removals}
        return Run(self.folder, self.manifest.model_copy(update={"parts": parts}))

    @property
    def targets(self) -> list[Target]:
        """The validation targets, in the order in which they came."""
        return self._targets.targets

    @property
    def usual_targets(self) -> list[str]:
        """The targets that a selection is for where none are named: those of the build, or all if none of these is
        left. They stay what they are when others come, and so does what is selected for them."""
        names = [target.name for target in self.targets]
        return [target.name for target in self.targets if target.origin == "build"] or names

    @cached_property
    def target_versions(self) -> dict[str, str]:
        """A hash of the gradients of each target by its name: two targets of one name may have other examples."""
        names = self.validation["target"].to_numpy()
        return {
            target.name: hashlib.sha256(
                np.ascontiguousarray(self.validation_gradients[names == target.name], np.float32).data
            ).hexdigest()[:16]
            for target in self.targets
        }

    def target_rows(self, targets: Iterable[str] | None) -> np.ndarray:
        """The samples, ascending, that some targets were made of; None for the usual targets."""
        used = set(self.usual_targets if targets is None else targets)
        return np.unique(
            [row for target in self.targets if target.name in used for row in target.rows]
        ).astype(np.int64)

    @cached_property
    def validation(self) -> pd.DataFrame:
        """The validation samples of all targets, those with tokens to train on, one row each: columns of
        `instructions`, and target."""
        return self._targets.examples()

    @cached_property
    def valid(self) -> np.ndarray:
        """(n,) bool: samples that have a gradient and were not removed from the pool."""
        return self.instructions["valid"].to_numpy()

    @cached_property
    def columns(self) -> Columns:
        """The columns of the pool that conditions are about; runs of earlier versions have file and task alone."""
        pool = self.instructions
        kept = COLUMNS_FILE in self.manifest.files
        of_records = self.files.frame(COLUMNS_FILE, len(pool), ()) if kept else None
        return Columns.of(pool, of_records, self.gone if self.removals else None)

    def matching(self, where: Sequence[str]) -> np.ndarray:
        """(n,) bool: samples that fit conditions on columns; raises `InputError` where none does."""
        fitting = self.columns.matching(where) & ~self.gone
        if not fitting.any():
            raise InputError(f"where: no instruction fits {shortened(' '.join(where), 200)}; widen it")
        return fitting

    @cached_property
    def near_duplicates(self) -> np.ndarray:
        """(n,) the first sample of each one's group of near-duplicates, by text and by plain gradients (or the first
        regime that the run keeps); see `graph.duplicates`."""
        from g2is.graph.duplicates import near_duplicates

        graph = self.regime("sgd" if "sgd" in self.regimes else self.regimes[0])
        return near_duplicates(graph.neighbors, graph.cosines, self.instructions["duplicate_of"].to_numpy())

    def one_of_each(self, allowed: np.ndarray, preferred: Sequence[int] = ()) -> np.ndarray:
        """(n,) bool: of samples (n,) bool, one of each group of near-duplicates; see `graph.duplicates`."""
        from g2is.graph.duplicates import one_of_each

        return one_of_each(self.near_duplicates, allowed, preferred)

    @property
    def reference(self) -> RunReference:
        """What files that list rows of the pool say of this run."""
        return RunReference(
            name=self.name, hash=self.hash, pool=self.files.pool if self.manifest.additions else None
        )

    def since(self, reference: RunReference) -> str:
        """What came to the pool since something was made on it, in words; "" for nothing."""
        if not (additions := self.manifest.additions):
            return ""
        then = additions[0].first if reference.pool is None else reference.pool
        came = self.files.pool - then
        if came <= 0:
            return ""
        return f"{came:,} instruction{'s' * (came > 1)} came since; it was made of the first {then:,}"

    @cached_property
    def sets(self) -> Sets:
        """The named sets of instructions by name."""
        return Sets(self.folder, self.reference, self.files.pool, self.gone)

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
        return self._targets.gradients(self.files.number("gradients", "projection_dim"))

    def validation_gradients_in(self, regime: RegimeName) -> np.ndarray:
        """(m, d) float32 gradients of the validation samples as they are compared with the rows of a regime, not
        normalised: plain, and whitened as these are."""
        return self._whitened_validation if regime == WHITENED else self.validation_gradients

    @cached_property
    def _whitened_validation(self) -> np.ndarray:
        return self.compared(WHITENED, self.validation_gradients)

    @cached_property
    def whitening(self) -> Whitening:
        """What makes whitened gradients from plain ones; raises `InputError` if the run keeps none."""
        self._check_regime(WHITENED)
        return open_whitening(self.files.path, self.manifest)

    def compared(self, regime: RegimeName, gradients: np.ndarray) -> np.ndarray:
        """Plain gradients (m, d) of any examples as they are compared with the rows of a regime."""
        return self.whitening(gradients) if regime == WHITENED else gradients

    @property
    def regimes(self) -> tuple[RegimeName, ...]:
        """The regimes this run keeps."""
        return self.manifest.configuration.regimes

    def regime(self, name: RegimeName) -> Regime:
        """Gradients and graph in one regime; raises `InputError` if the run does not keep it."""
        self._check_regime(name)
        if name not in self._regimes:
            regime = open_regime(self.files, name, self._targets.cosines)
            self._regimes[name] = regime.without(self.gone) if self.removals else regime
        return self._regimes[name]

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
        samples = open_places(self.files, kind, regime)
        if self.removals:
            samples = np.where(self.gone[:, None], np.float32(np.nan), samples)
        return Layout(samples, self._targets.places(kind, regime, len(samples)))

    def communities(self, regime: RegimeName) -> Communities:
        """The communities of the gradient graph in one regime, with labels from their texts."""
        if regime not in self._communities:
            self._check_regime(regime)
            communities = open_communities(self.files, regime)
            self._communities[regime] = communities.without(self.gone) if self.removals else communities
        return self._communities[regime]

    def spanning_forest(self, regime: RegimeName) -> tuple[np.ndarray, np.ndarray]:
        """A maximum spanning forest of the aligned edges, strongest first: (t, 2) pairs and (t,) cosines."""
        self._check_regime(regime)
        if not self.removals:
            return open_forest(self.files, regime)
        if regime not in self._forests:  # what is gone may have joined what is left
            from g2is.graph.paths import spanning_forest

            graph = self.regime(regime)
            self._forests[regime] = spanning_forest(graph.neighbors, graph.cosines, self.valid)
        return self._forests[regime]

    def representations(self, pooling: Pooling) -> Representations:
        """Representations of the texts by the base model; raises `InputError` if the run has none."""
        self._check_extra("representations")
        samples = self.files.array(representations_file(pooling), "f", (len(self.valid), None))
        validation = self._targets.representations(pooling)
        if validation.shape != (expected := (len(self.validation), samples.shape[1])):
            raise InputError(
                f"run {self.name}: representations of the validation samples of shape {validation.shape}, expected "
                f"{expected}; {self.remedy}"
            )
        return Representations(samples, validation)

    @cached_property
    def ensemble(self) -> pd.DataFrame:
        """Gradient lengths over an ensemble of adapters, one row a sample: early, late (means), late_variance.

        Raises `InputError` if the run has none.
        """
        self._check_extra("ensemble")
        return self.files.frame(ENSEMBLE, len(self.valid), ENSEMBLE_COLUMNS)

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

    @property
    def searched_for_leaks(self) -> bool:
        """Whether `leaks` is known."""
        return self.manifest.stage_names[-1] in self.manifest.stages

    @cached_property
    def leaks(self) -> pd.DataFrame:
        """Near-copies of validation samples in the pool: sample, validation, kind, similarity."""
        leaks = self._targets.leaks()
        return leaks[~self.gone[leaks["sample"]]].reset_index(drop=True) if self.removals else leaks

    def row(self, sample: str) -> int:
        """The row of a sample given as a number or as `source:line`; raises `InputError` for anything else."""
        count = self.files.pool
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
        return self.files.integrity.problems(self.manifest.files, full=True)

    def damage(self) -> list[str]:
        """A quick check for pages: as `check`, but large files only by size, and without the warm-up, which only a
        build reads."""
        stage = self.manifest.stages.get("warmup")
        warmup = set() if stage is None else set(stage.files)
        return self.files.integrity.problems(name for name in self.manifest.files if name not in warmup)

    @property
    def remedy(self) -> str:
        """For error messages: the command that finishes or repairs the run."""
        return self.files.remedy()

    @cached_property
    def files(self) -> RunFiles:
        """Its files, checked as they are opened."""
        return RunFiles.of(self.folder, self.manifest)

    @cached_property
    def _targets(self) -> TargetReader:
        return reader(self.files)

    def _check_regime(self, name: str) -> None:
        if name not in REGIMES:
            raise InputError(f"regime = {name!r}: expected one of {', '.join(REGIMES)}")
        if name not in self.regimes:
            remedy = f"build it with --regimes … {name}"
            if name == WHITENED:
                remedy = f"{command('whiten', self.name, cache=self.folder.parent)} adds it"
            raise InputError(f"regime = {name!r}: run {self.name} keeps {', '.join(self.regimes)}; {remedy}")


def _short_hash(values: object) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]


def _is_number(text: str) -> bool:
    """Whether this is a row or line number; none has 19 digits."""
    return text.isdecimal() and len(text) < 19

"""One run: the folder under `cache/` that a build writes and everything else reads.

Reading only; `pipeline` is the only writer. Opens without torch, so a run copied from the machine with
the GPU opens on any laptop.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from g2is.config import REGIMES, BuildConfig, ImportConfig, RegimeName, WalkParameters
from g2is.errors import InputError
from g2is.files import sha256

if TYPE_CHECKING:
    import pandas as pd

    from g2is.communities import Communities
    from g2is.knowledge import CoreKnowledge
    from g2is.walk import Explanation, WalkTrace

FORMAT_VERSION = 1
CONTENT_STAGES = ("instructions", "warmup", "gradients", "graph")
"""Stages that decide what a selection of a run means; later ones only add to what is shown or compared."""
MANIFEST = "manifest.json"
INSTRUCTIONS = "instructions.parquet"
VALIDATION = "validation.parquet"
WARMUP = "warmup.safetensors"
SAMPLES = "samples.parquet"
VALIDATION_GRADIENTS = "validation_gradients.npy"
LEAKS = "leaks.parquet"
LABELS = "community_labels.json"


class FileRecord(BaseModel):
    """What a file must be."""

    model_config = ConfigDict(extra="forbid")
    sha256: str
    bytes: int


class InputFile(FileRecord):
    """A file the user gave; `target` names the validation target it belongs to."""

    name: str
    target: str | None = None


class Stage(BaseModel):
    """A finished stage: the files it wrote, how long it took, and what it found."""

    model_config = ConfigDict(extra="forbid")
    seconds: float
    files: dict[str, FileRecord]
    found: dict[str, Any] = {}


class Manifest(BaseModel):
    """What a run is made of and how far it is."""

    model_config = ConfigDict(extra="forbid")
    format_version: int
    created: str
    configuration: BuildConfig | ImportConfig
    train: list[InputFile]
    validation: list[InputFile]
    model: dict[str, Any]
    versions: dict[str, str]
    stages: dict[str, Stage] = {}

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """Read a run's manifest; raises `InputError` for what is not a run, damaged, or newer."""
        path = folder / MANIFEST
        try:
            values = json.loads(path.read_bytes())
        except FileNotFoundError:
            raise InputError(
                f"{folder}: not a run (no {MANIFEST}); python -m g2is build --run {folder.name} … makes one"
            ) from None
        except (OSError, ValueError) as error:
            raise InputError(f"{path}: not readable ({error}); build again with --overwrite") from None
        version = values.get("format_version") if isinstance(values, dict) else None
        if isinstance(version, int) and version > FORMAT_VERSION:
            raise InputError(
                f"{path}: run format {version} is newer than this program knows ({FORMAT_VERSION}); "
                "update G2IS Explorer"
            )
        try:
            return cls.model_validate(values)
        except (ValidationError, InputError) as error:
            first = error.errors()[0] if isinstance(error, ValidationError) else None
            where = ".".join(map(str, first["loc"])) if first else str(error)
            raise InputError(
                f"{path}: not a manifest of a run ({where}); build again with --overwrite"
            ) from None

    @property
    def stage_names(self) -> tuple[str, ...]:
        """The stages a finished run of this kind has; gradients computed elsewhere need no warm-up."""
        imported = isinstance(self.configuration, ImportConfig)
        content = ("instructions", *(() if imported else ("warmup",)), "gradients", "graph")
        return (*content, "layout", "communities", "leaks")

    @property
    def files(self) -> dict[str, FileRecord]:
        """All files of the finished stages."""
        return {name: record for stage in self.stages.values() for name, record in stage.files.items()}


@dataclass(frozen=True)
class Regime:
    """The gradients of the training samples in one regime, and their graph. Arrays are read-only maps.

    gradients: (n, d) unit rows (zero where the sample is not valid). norms: (n,) their lengths before.
    neighbors, cosines: (n, k), nearest first; conflicts, conflict_cosines: (n, c), most conflicting
    first; -1 and 0 for samples that are not valid. validation_cosines: (n, m).
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


LayoutKind = Literal["umap", "pca"]
LAYOUTS: tuple[LayoutKind, ...] = ("umap", "pca")


@dataclass(frozen=True)
class Layout:
    """Where a map draws the gradients of one regime; not a number where a sample is not valid.

    samples: (n, 2), validation: (m, 2) float32, read-only maps.
    """

    samples: np.ndarray
    validation: np.ndarray


@dataclass(frozen=True)
class Run:
    """An open run. Everything is read when first asked for."""

    folder: Path
    manifest: Manifest
    _cache: dict[str, tuple[CoreKnowledge, np.ndarray]] = field(
        default_factory=dict, repr=False, compare=False
    )

    @classmethod
    def open(cls, folder: str | Path) -> Run:
        """Open a run's folder; raises `InputError` where it is not one this program can read."""
        folder = Path(folder)
        return cls(folder, Manifest.read(folder))

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def complete(self) -> bool:
        """Whether every stage is finished."""
        return all(stage in self.manifest.stages for stage in self.manifest.stage_names)

    @cached_property
    def hash(self) -> str:
        """Identifies the content, every file of `CONTENT_STAGES`, but not when or where it was built."""
        content = {
            name: record.sha256
            for stage in CONTENT_STAGES
            if stage in self.manifest.stages
            for name, record in self.manifest.stages[stage].files.items()
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]

    @cached_property
    def instructions(self) -> pd.DataFrame:
        """The pool, one row a sample: source, line, format, task, prompt, response, messages, tools, raw;
        and, once gradients are taken, problem, valid, loss, tokens, trained_tokens, cut."""
        import pandas as pd

        frame = pd.read_parquet(self._path(INSTRUCTIONS))
        if "gradients" in self.manifest.stages:
            frame = frame.join(pd.read_parquet(self._path(SAMPLES)))
        return frame

    @cached_property
    def validation(self) -> pd.DataFrame:
        """The validation samples with something to train on, one row each, as `instructions`, and target."""
        import pandas as pd

        return pd.read_parquet(self._path(VALIDATION))

    @cached_property
    def valid(self) -> np.ndarray:
        """(n,) bool: samples that have a gradient."""
        return self.instructions["valid"].to_numpy()

    @cached_property
    def validation_gradients(self) -> np.ndarray:
        """(m, d) float32: plain gradients of the validation samples, as they are, not normalised."""
        return self._array(VALIDATION_GRADIENTS)

    @property
    def regimes(self) -> tuple[RegimeName, ...]:
        """The regimes this run keeps."""
        return self.manifest.configuration.regimes

    def regime(self, name: RegimeName) -> Regime:
        """Gradients and graph in one regime; raises `InputError` where the run does not keep it."""
        self._check_regime(name)
        arrays: dict[str, Any] = {
            part: self._array(f"{name}/{part}.npy")
            for part in (
                "gradients",
                "norms",
                "neighbors",
                "cosines",
                "conflicts",
                "conflict_cosines",
                "validation_cosines",
            )
        }
        return Regime(name=name, **arrays, **self.manifest.stages["graph"].found[name])

    @property
    def layouts(self) -> tuple[LayoutKind, ...]:
        """The kinds of layout this run has."""
        files = self.manifest.files
        return tuple(
            kind for kind in LAYOUTS if all(f"{regime}/{kind}.npy" in files for regime in self.regimes)
        )

    def layout(self, kind: LayoutKind, regime: RegimeName) -> Layout:
        """Coordinates of the map; raises `InputError` where the run has none of that kind."""
        if kind not in LAYOUTS:
            raise InputError(f"layout = {kind!r}: expected one of {', '.join(LAYOUTS)}")
        self._check_regime(regime)
        if kind not in self.layouts and "layout" in self.manifest.stages:
            raise InputError(f"layout = {kind!r}: run {self.name} was built without; --{kind} on adds it")
        places = self._array(f"{regime}/{kind}.npy")
        count = len(places) - len(self.validation_gradients)
        return Layout(places[:count], places[count:])

    def communities(self, regime: RegimeName) -> Communities:
        """The communities of the gradient graph in one regime, with labels from their texts."""
        from g2is.communities import Communities

        self._check_regime(regime)
        membership = self._array(f"{regime}/communities.npy")
        labels = json.loads(self._path(f"{regime}/{LABELS}").read_bytes())
        return Communities.of(membership, tuple(labels))

    def spanning_forest(self, regime: RegimeName) -> tuple[np.ndarray, np.ndarray]:
        """A maximum spanning forest of the aligned edges, strongest first: (t, 2) pairs and (t,) cosines."""
        self._check_regime(regime)
        return self._array(f"{regime}/forest.npy"), self._array(f"{regime}/forest_cosines.npy")

    @cached_property
    def leaks(self) -> pd.DataFrame:
        """Near-copies of validation samples in the pool: sample, validation, kind, similarity; see `g2is.leaks`."""
        import pandas as pd

        return pd.read_parquet(self._path(LEAKS))

    def core_knowledge(self, parameters: WalkParameters) -> CoreKnowledge:
        """Core knowledge of the validation gradients as the parameters ask for it."""
        return self._prepared(parameters)[0]

    def affinities(self, parameters: WalkParameters) -> np.ndarray:
        """(n, k) float32: cosine of every sample to every component of that core knowledge."""
        return self._prepared(parameters)[1]

    def _prepared(self, parameters: WalkParameters) -> tuple[CoreKnowledge, np.ndarray]:
        """Kept for the last few kinds of core knowledge: most walks change only their rules or budget."""
        from g2is.knowledge import core_knowledge
        from g2is.walk import component_affinities

        key = parameters.knowledge_key
        found = self._cache.get(key)
        if found is None:
            targets = self.validation["target"].tolist()
            knowledge = core_knowledge(self.validation_gradients, parameters, targets)
            gradients = self.regime(parameters.regime).gradients
            found = knowledge, component_affinities(gradients, knowledge)
            # Several sessions share an open run: whatever they drop meanwhile, this one has what it found.
            if len(self._cache) >= 4:
                self._cache.pop(next(iter(self._cache)), None)
            self._cache[key] = found
        return found

    def walk(self, parameters: WalkParameters, *, resume: WalkTrace | None = None) -> WalkTrace:
        """The gradient walk over this run; `resume` takes over what still stands of an earlier one."""
        from g2is.walk import gradient_walk

        regime = self.regime(parameters.regime)
        return gradient_walk(
            regime.gradients,
            regime.neighbors,
            regime.cosines,
            self.core_knowledge(parameters),
            parameters,
            sources=self.instructions["source"].tolist(),
            valid=self.valid,
            affinities=self.affinities(parameters),
            resume=resume,
        )

    def explain(self, trace: WalkTrace, sample: int) -> Explanation:
        """Why a walk over this run took a sample, or for each component why not."""
        from g2is.walk import explain

        regime = self.regime(trace.parameters.regime)
        return explain(
            trace,
            sample,
            regime.gradients,
            regime.neighbors,
            self.core_knowledge(trace.parameters),
            sources=self.instructions["source"].tolist(),
            valid=self.valid,
        )

    def row(self, sample: str) -> int:
        """A sample's row from its number or its place, `source:line`; raises `InputError` for neither."""
        count = len(self.instructions)
        if sample.isdecimal() and int(sample) < count:
            return int(sample)
        source, _, line = sample.rpartition(":")
        if line.isdecimal():
            here = (self.instructions["source"] == source) & (self.instructions["line"] == int(line))
            if here.any():
                return int(here.to_numpy().argmax())
        raise InputError(f"sample = {sample!r}: expected a row from 0 to {count - 1:,}, or source:line")

    def check(self) -> list[str]:
        """Compare every file with the manifest: one line for each that is missing or has changed."""
        problems = []
        for name, record in self.manifest.files.items():
            path = self.folder / name
            if not path.is_file():
                problems.append(f"{path}: missing")
            elif path.stat().st_size != record.bytes:
                problems.append(f"{path}: {path.stat().st_size:,} bytes, expected {record.bytes:,}")
            elif sha256(path) != record.sha256:
                problems.append(f"{path}: its content is not what was written")
        return problems

    def _check_regime(self, name: str) -> None:
        if name not in REGIMES:
            raise InputError(f"regime = {name!r}: expected one of {', '.join(REGIMES)}")
        if name not in self.regimes:
            raise InputError(
                f"regime = {name!r}: run {self.name} keeps {', '.join(self.regimes)}; "
                f"build it with --regimes … {name}"
            )

    def _path(self, name: str) -> Path:
        """A file of a finished stage; raises `InputError` where the stage or the file is missing."""
        if name not in self.manifest.files:
            raise InputError(f"run {self.name}: {name} is not built yet; {self._mend}")
        path = self.folder / name
        if not path.is_file():
            raise InputError(f"{path}: missing; {self._mend}")
        return path

    def _array(self, name: str) -> np.ndarray:
        path = self._path(name)
        try:
            return np.load(path, mmap_mode="r", allow_pickle=False)
        except (ValueError, OSError, EOFError) as error:
            raise InputError(f"{path}: not a whole array ({error}); {self._mend}") from None

    @property
    def _mend(self) -> str:
        return f"run the same build command for --run {self.name} again to finish or mend it"

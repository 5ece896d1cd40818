"""The manifest of a run: its inputs and settings, its finished stages, and the checksum of each file.

It contains its own checksum (`seal` in the file) and has a copy beside it, so that damage to one small file does not
make a whole build unusable.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from g2is.config import BuildConfig, ImportConfig
from g2is.config.commands import BLANK, command
from g2is.errors import InputError, shortened
from g2is.run.parts import (
    GONE,
    POOL,
    TARGET,
    Count,
    FileRecord,
    InputFile,
    Part,
    PoolFacts,
    Real,
    Stage,
    check_facts,
    check_inside,
    first_problem,
)
from g2is.run.paths import MANIFEST, MANIFEST_COPY, WHITENED
from g2is.storage.files import inside, read_small, write_bytes

FORMAT_VERSION = 2
CONTENT_STAGES = ("instructions", "warmup", "gradients", "graph")
"""Stages that selections depend on; later ones only add what is shown or compared."""
OF_ALL = ("instructions", "warmup", "gradients")
"""Stages that a build does with its own files alone, so that it cannot repeat them for a pool that was extended."""
LONGEST = 64 * 2**20
"""Bytes of a manifest, at most; that of a run of a thousand files has a few hundred thousand."""


class _PoolNumbers(BaseModel):
    """Numbers of the stage `instructions` that readers rely on."""

    pool: Count
    validation: Count = 0
    duplicates: Count
    rejected: Count
    repeats: Count = 0
    reading: list[str] = []


class _GradientNumbers(BaseModel):
    """Numbers of the stage `gradients` that readers rely on."""

    valid: Count
    invalid: Count
    prompt_cut: Count = 0
    response_cut: Count = 0
    projection_dim: Count
    reply_notes: dict[str, Count] = {}


class _RegimeNumbers(BaseModel):
    """Numbers of the stage `graph` for one regime; recall only where lists are approximate."""

    model_config = ConfigDict(extra="forbid")
    mean_cosine: Real
    conflict_share: Real
    neighbor_recall: Real | None = None
    conflict_recall: Real | None = None


class _ModelFacts(BaseModel):
    """The model that the gradients were computed with."""

    fingerprint: str
    device: str
    dtype: str
    hidden_size: Count


class _Damage(Exception):
    """What is wrong with a manifest, without its path and the remedy."""


class Manifest(BaseModel):
    """Inputs, settings, finished stages and parts of a run.

    parts: by folder. removed: the parts that were taken away and can come back. content: what identifies the
    instructions and gradients of a run that was upgraded or extended, see `Run.hash`; "" where its stages tell.
    """

    model_config = ConfigDict(extra="forbid")
    format_version: int
    created: str
    configuration: BuildConfig | ImportConfig
    train: list[InputFile]
    validation: list[InputFile]
    model: dict[str, Any]
    versions: dict[str, str]
    stages: dict[str, Stage] = {}
    parts: dict[str, Part] = {}
    removed: dict[str, Part] = {}
    content: str = ""

    @classmethod
    def read(cls, folder: Path, name: str = MANIFEST) -> Manifest:
        """Read a run's manifest; raises `InputError` if it is missing, damaged or of a newer format."""
        path = inside(folder, name)
        if not path.exists() and not (folder / MANIFEST_COPY).exists():
            raise InputError(
                f"{folder}: not a run (no {MANIFEST}); {command('build', '--run', folder.name, BLANK)} builds one"
            )
        try:
            return cls._of(path)
        except _Damage as damage:
            remedy = "build again with --overwrite"
            if name != MANIFEST_COPY:
                with suppress(InputError):
                    remedy = f"its copy is intact, {cls.read(folder, MANIFEST_COPY).remedy(folder)}"
            raise InputError(f"{path}: {damage}; {remedy}") from None

    @classmethod
    def _of(cls, path: Path) -> Manifest:
        """The manifest in a file; raises `_Damage` if it is not one or was changed."""
        try:
            values = json.loads(read_small(path, LONGEST))
        except FileNotFoundError:
            raise _Damage("missing") from None
        except InputError as error:
            raise _Damage(str(error).removeprefix(f"{path}: ").removesuffix("; remove it")) from None
        except (OSError, ValueError, RecursionError) as error:
            raise _Damage(f"not readable ({str(error) or type(error).__name__})") from None
        version = values.get("format_version") if isinstance(values, dict) else None
        if isinstance(version, int) and version > FORMAT_VERSION:
            raise InputError(
                f"{path}: run format {version} is newer than the newest that this version reads ({FORMAT_VERSION}); "
                "update G2IS Explorer"
            )
        checksum = values.pop("seal", None) if isinstance(values, dict) else None
        try:
            manifest = cls.model_validate(values)
        except (ValidationError, InputError) as error:
            raise _Damage(f"not a manifest of a run ({first_problem(error)})") from None
        if checksum is not None and checksum != _checksum(values):
            raise _Damage("was changed after it was written, or is damaged")
        return manifest

    def write(self, folder: Path) -> None:
        """Write the manifest with its checksum, then its copy."""
        later = {"parts", "removed", "content"} if self.format_version == 1 else None
        values = json.loads(self.model_dump_json(exclude=later))
        text = json.dumps({**values, "seal": _checksum(values)}, indent=1, ensure_ascii=False).encode()
        write_bytes(folder / MANIFEST, text)
        write_bytes(folder / MANIFEST_COPY, text)

    @property
    def stage_names(self) -> tuple[str, ...]:
        """The stages of a finished run of this kind; imported gradients need no warm-up."""
        imported = isinstance(self.configuration, ImportConfig)
        content = ("instructions", *(() if imported else ("warmup",)), "gradients", "graph")
        return (*content, "layout", "communities", "leaks" if self.format_version == 1 else "targets")

    @property
    def complete(self) -> bool:
        """Whether every stage is finished."""
        return all(stage in self.stages for stage in self.stage_names)

    @property
    def files(self) -> dict[str, FileRecord]:
        """All files of the finished stages and of the parts."""
        everything = [*self.stages.values(), *self.parts.values()]
        return {name: record for stage in everything for name, record in stage.files.items()}

    def at(self, name: str) -> str:
        """Where a file lies, relative to the run."""
        known = self.files.get(name)
        return name if known is None or known.at is None else known.at

    @property
    def additions(self) -> list[PoolFacts]:
        """The instructions that were added to the pool since the build, in the order in which they came."""
        facts = [PoolFacts(**part.found) for part in self.parts.values() if part.kind == POOL]
        return sorted(facts, key=lambda added: added.first)

    @property
    def removals(self) -> dict[str, Part]:
        """The parts that are instructions removed from the pool, by folder, in the order in which they went."""
        return {folder: part for folder, part in self.parts.items() if part.kind == GONE}

    @property
    def targets(self) -> dict[str, Part]:
        """The parts that are validation targets, by folder, in the order in which they came."""
        return {folder: part for folder, part in self.parts.items() if part.kind == TARGET}

    def came(self, part: Part) -> tuple[str, int]:
        """When a part came, to order parts by."""
        # Those of a build may have come in the same second; the manifest lists them in their order.
        built = [file.target for file in self.validation]
        return part.added, built.index(part.name) if part.name in built else len(built)

    @property
    def is_demo(self) -> bool:
        """Whether the run was built on the embedded model."""
        config = self.configuration
        return isinstance(config, BuildConfig) and Path(config.model.model).parts[-3:] == (
            *("g2is", "demo", "model"),
        )

    def remedy(self, folder: Path, file: str | None = None) -> str:
        """For error messages: the command that finishes or repairs the run in `folder`, or a file of it."""
        part = next((part for place, part in self.parts.items() if f"{file}".startswith(f"{place}/")), None)
        if part is not None and part.kind == TARGET and part.found["origin"] != "build":
            remove = command("target", "remove", folder.name, part.name, cache=folder.parent)
            return f"remove the target and add it again: {remove}"
        if part is not None and part.kind == GONE:
            number = PurePosixPath(next(place for place, of in self.parts.items() if of is part)).name
            restore = command("pool", "restore", folder.name, number, cache=folder.parent)
            return f"bring back what this removal took away, then remove it again: {restore}"
        if self.additions and (
            file is None or any(file in self.stages[s].files for s in OF_ALL if s in self.stages)
        ):
            return (
                "take the file from a copy of the run: it was extended, and no build repeats that; without one, "
                "build it again with --overwrite and extend it again"
            )
        name = (
            "demo" if self.is_demo else "import" if isinstance(self.configuration, ImportConfig) else "build"
        )
        more = "" if self.is_demo else f" {BLANK} (with the same files and settings)"
        return f"repair it with: {command(name, '--run', folder.name, cache=folder.parent)}{more}"

    @model_validator(mode="after")
    def _check_numbers(self) -> Manifest:
        for stage, kind in (("instructions", _PoolNumbers), ("gradients", _GradientNumbers)):
            if stage in self.stages:
                check_facts(kind, f"stages.{stage}.found", self.stages[stage].found)
        if "graph" in self.stages:
            for regime in self.configuration.regimes:
                numbers = self.stages["graph"].found.get(regime)
                check_facts(_RegimeNumbers, f"stages.graph.found.{regime}", numbers)
        if isinstance(self.configuration, BuildConfig):
            check_facts(_ModelFacts, "model", self.model)
        for folder, part in (*self.parts.items(), *self.removed.items()):
            check_inside(folder)
            if outside := [name for name in part.files if not name.startswith(f"{folder}/")]:
                raise ValueError(
                    f"parts.{shortened(folder)}: file {shortened(outside[0])!r}, expected one in its folder"
                )
        return self


def without_whitened(manifest: Manifest) -> Manifest:
    """The manifest of the same run without whitened gradients, which are made from others at any time."""
    manifest = manifest.model_copy(deep=True)
    for stage in (*manifest.stages.values(), *manifest.parts.values(), *manifest.removed.values()):
        stage.files = {
            name: kept for name, kept in stage.files.items() if WHITENED not in name.split("/")[:-1]
        }
        stage.found.pop(WHITENED, None)
    manifest.configuration = manifest.configuration.without_whitened()
    return manifest


def _checksum(values: dict[str, Any]) -> str:
    """Checksum of a manifest's values, independent of spacing and order in the file."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()

"""The validation targets of a run: their examples, gradients, cosines, places on the map and leaks.

Format 2 has a folder a target, so that targets come and go; format 1 has one file each for all of them together.
Readers see the same either way: the examples of all targets, one after the other, in the order in which they came.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from g2is.config import RegimeName
from g2is.errors import InputError
from g2is.run.files import RunFiles
from g2is.run.parts import Part, TargetFacts
from g2is.run.paths import (
    EXAMPLE_GRADIENTS,
    EXAMPLES,
    LEAKS,
    VALIDATION,
    VALIDATION_GRADIENTS,
    LayoutKind,
    Pooling,
    array_file,
    representations_file,
    target_array,
    target_file,
    target_representations,
)

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("source", "line", "format", "task", "prompt", "response", "messages", "tools", "raw")
LEAK_COLUMNS = ("sample", "validation", "kind", "similarity")


@dataclass(frozen=True)
class Target:
    """A validation target of a run.

    size: number of its examples. origin: see `TargetFacts`. note: where it is from, in words. rows: the instructions
    that are its examples, where it was made of some. added: when.
    """

    name: str
    size: int
    origin: str = "build"
    note: str = ""
    rows: tuple[int, ...] = ()
    added: str = ""

    @classmethod
    def of(cls, part: Part) -> Target:
        """The target that a part of the manifest describes."""
        facts = TargetFacts(**part.found)
        return cls(part.name, facts.examples, facts.origin, facts.note, tuple(facts.rows), part.added)


class TargetReader(Protocol):
    """Reads what a run keeps of its targets, m examples in all."""

    @property
    def targets(self) -> list[Target]: ...

    def examples(self) -> pd.DataFrame:
        """One row an example: columns of the pool's table, and target."""

    def gradients(self, dim: int) -> np.ndarray:
        """(m, dim) float32 plain gradients, not normalised."""

    def cosines(self, regime: RegimeName, count: int) -> np.ndarray:
        """(count, m) of the samples of the pool to the examples."""

    def places(self, kind: LayoutKind, regime: RegimeName, count: int) -> np.ndarray:
        """(m, 2) coordinates on a map of `count` samples."""

    def leaks(self) -> pd.DataFrame:
        """LEAK_COLUMNS, one row a leaking sample: a copy of an example from elsewhere, not of an instruction that is an
        example."""

    def representations(self, pooling: Pooling) -> np.ndarray:
        """(m, h) representations by the base model."""


def reader(files: RunFiles) -> TargetReader:
    """The reader for the format of a run."""
    return Together(files) if files.manifest.format_version == 1 else InFolders(files)


@dataclass(frozen=True)
class InFolders:
    """Format 2: a folder a target."""

    files: RunFiles

    @property
    def parts(self) -> dict[str, Part]:
        """The targets in the manifest, by folder; raises `InputError` where the build has not come to them."""
        if not (parts := self.files.manifest.targets):
            raise InputError(
                f"run {self.files.folder.name}: its targets are not built yet; {self.files.remedy()}"
            )
        return parts

    @property
    def targets(self) -> list[Target]:
        return [Target.of(part) for part in self.files.manifest.targets.values()]

    def examples(self) -> pd.DataFrame:
        import pandas as pd

        tables = [
            self.files.frame(target_file(folder, EXAMPLES), part.found["examples"], COLUMNS).assign(
                target=part.name
            )
            for folder, part in self.parts.items()
        ]
        return tables[0] if len(tables) == 1 else pd.concat(tables, ignore_index=True)

    def gradients(self, dim: int) -> np.ndarray:
        return _one_below_other(
            self.files.array(target_file(folder, EXAMPLE_GRADIENTS), "f", (part.found["examples"], dim))
            for folder, part in self.parts.items()
        )

    def cosines(self, regime: RegimeName, count: int) -> np.ndarray:
        arrays = []
        for folder, part in self.parts.items():
            shape = count, part.found["examples"]
            if folder in self.files.manifest.removed:  # put back to explain a selection, see `run.earlier`
                arrays.append(np.broadcast_to(np.float32("nan"), shape))
            else:
                arrays.append(self.files.array(target_array(folder, regime, "cosines"), "f", shape))
        return arrays[0] if len(arrays) == 1 else np.concatenate(arrays, axis=1)

    def places(self, kind: LayoutKind, regime: RegimeName, count: int) -> np.ndarray:
        return _one_below_other(
            self.files.array(target_array(folder, regime, kind), "f", (part.found["examples"], 2))
            for folder, part in self.parts.items()
        )

    def leaks(self) -> pd.DataFrame:
        from g2is.instructions.copies import closest_leaks

        tables, first = [], 0
        for folder, part in self.parts.items():
            table = self.files.frame(target_file(folder, LEAKS), None, LEAK_COLUMNS)
            # Earlier versions kept instructions that are alike to examples which are instructions themselves.
            table = table[table["validation"] < TargetFacts(**part.found).given]
            tables.append(table.assign(validation=table["validation"] + first))
            first += part.found["examples"]
        return closest_leaks(tables)

    def representations(self, pooling: Pooling) -> np.ndarray:
        names = {target_representations(folder, pooling): part for folder, part in self.parts.items()}
        if missing := [part.name for name, part in names.items() if name not in self.files]:
            raise InputError(
                f"target {missing[0]} of run {self.files.folder.name} has no representations; run the build command "
                "again with --extras representations to add them"
            )
        return _one_below_other(
            self.files.array(name, "f", (part.found["examples"], None)) for name, part in names.items()
        )


@dataclass(frozen=True)
class Together:
    """Format 1: all targets together."""

    files: RunFiles

    @property
    def targets(self) -> list[Target]:
        sizes = self.examples()["target"].value_counts(sort=False)
        return [Target(str(name), int(size)) for name, size in sizes.items()]

    def examples(self) -> pd.DataFrame:
        return self.files.frame(VALIDATION, self._size, (*COLUMNS, "target"))

    def gradients(self, dim: int) -> np.ndarray:
        return self.files.array(VALIDATION_GRADIENTS, "f", (self._size, dim))

    def cosines(self, regime: RegimeName, count: int) -> np.ndarray:
        return self.files.array(array_file(regime, "validation_cosines"), "f", (count, self._size))

    def places(self, kind: LayoutKind, regime: RegimeName, count: int) -> np.ndarray:
        return self.files.array(array_file(regime, kind), "f", (count + self._size, 2))[count:]

    def leaks(self) -> pd.DataFrame:
        return self.files.frame(LEAKS, None, LEAK_COLUMNS)

    def representations(self, pooling: Pooling) -> np.ndarray:
        return self.files.array(representations_file(pooling, validation=True), "f", (self._size, None))

    @property
    def _size(self) -> int:
        return self.files.number("instructions", "validation")


def _one_below_other(arrays: Iterable[np.ndarray]) -> np.ndarray:
    """The rows of all arrays; of a single one as it is."""
    some = list(arrays)
    return some[0] if len(some) == 1 else np.concatenate(some)

"""Opening the files of a run: checked against the manifest, then for kind, shape and columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from g2is.errors import InputError
from g2is.run.integrity import Integrity
from g2is.run.manifest import Manifest
from g2is.storage.rows import StoredRows, open_array
from g2is.storage.stored_tables import StoredTable, open_table
from g2is.storage.tables import read_frame

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class RunFiles:
    """The files of one run and its manifest."""

    folder: Path
    manifest: Manifest
    integrity: Integrity
    _stored: WeakSet[StoredRows | StoredTable] = field(default_factory=WeakSet, repr=False, compare=False)

    @classmethod
    def of(cls, folder: Path, manifest: Manifest) -> RunFiles:
        """The files of the run in a folder."""
        return cls(folder, manifest, Integrity(folder, manifest))

    def __contains__(self, name: str) -> bool:
        return name in self.manifest.files

    def path(self, name: str) -> Path:
        """The path of a file; raises `InputError` if it is not listed, missing or has changed."""
        return self.integrity.path(name)

    def remedy(self, name: str | None = None) -> str:
        """For error messages: what finishes or repairs the run, or a file of it."""
        return self.integrity.remedy(name)

    @property
    def pool(self) -> int:
        """Number of instructions; raises `InputError` if they are not read yet."""
        return self.number("instructions", "pool")

    def number(self, stage: str, name: str) -> int:
        """A number that a finished stage recorded in the manifest."""
        return int(self.found(stage)[name])

    def found(self, stage: str) -> dict[str, Any]:
        """The numbers of a finished stage; raises `InputError` if it is not finished."""
        if stage not in self.manifest.stages:
            raise InputError(
                f"run {self.folder.name}: the stage {stage} is not finished; {self.integrity.remedy()}"
            )
        return self.manifest.stages[stage].found

    def frame(self, name: str, rows: int | None, columns: Sequence[str]) -> pd.DataFrame:
        """A table with at least these columns and this many rows (None: any number); raises `InputError` otherwise."""
        path = self.path(name)
        try:
            frame = read_frame(path)
        except InputError as error:
            raise InputError(f"{error}; {self.remedy(name)}") from None
        self._check_table(name, list(frame), len(frame), rows, columns)
        return frame

    def table(self, name: str, rows: int, columns: Sequence[str]) -> StoredTable:
        """A table as of `frame`, of which rows are read when they are asked for."""
        table = open_table(self.path(name), self.remedy(name))
        self._check_table(name, table.columns, len(table), rows, columns)
        self._stored.add(table)
        return table

    def _check_table(
        self, name: str, known: Sequence[str], count: int, rows: int | None, columns: Sequence[str]
    ) -> None:
        missing = [column for column in columns if column not in known]
        if missing or rows not in (None, count):
            problem = f"lacks {', '.join(missing)}" if missing else f"{count:,} rows, expected {rows:,}"
            raise InputError(
                f"{self.integrity.folder / self.manifest.at(name)}: {problem}; {self.remedy(name)}"
            )

    @property
    def overwritten(self) -> bool:
        """Whether something else was written to a file while rows of it can be read: then the run is opened again."""
        return any(stored.overwritten for stored in self._stored)

    def array(self, name: str, kind: str, shape: tuple[int | None, ...]) -> Any:
        """Numbers of this kind and shape (None: any length), see `open_array`; raises `InputError` otherwise."""
        path = self.path(name)
        try:
            array = open_array(path)
        except Exception as error:  # numpy raises many kinds for a damaged file
            reason = str(error) or type(error).__name__
            raise InputError(f"{path}: not a complete array ({reason}); {self.remedy(name)}") from None
        fits = array.ndim == len(shape) and all(
            expected in (None, length) for length, expected in zip(array.shape, shape, strict=False)
        )
        if not fits or array.dtype.kind not in kind:
            lengths = tuple("any" if length is None else length for length in shape)
            raise InputError(
                f"{path}: {array.dtype} of shape {array.shape}, expected {kind} of {lengths}; {self.remedy(name)}"
            )
        if isinstance(array, StoredRows):
            self._stored.add(array)
        return array

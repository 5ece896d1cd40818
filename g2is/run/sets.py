"""Named sets: instructions put aside by hand, by a lasso or by a search, and kept with the run.

A set is one small file, `sets/NAME.json`: its rows as single numbers and ranges, a note, when it was made and where
from. An instruction's tags are the names of the sets that it is in. Two people may work on one run: whoever replaces a
set says which state of it they have seen, and is refused where it has changed since.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from g2is.config.names import check_name, is_name, split_reference
from g2is.config.walk import WalkParameters
from g2is.errors import InputError, shortened
from g2is.run.gone import gone_since
from g2is.run.paths import SETS, set_file
from g2is.run.reference import RunReference
from g2is.run.saving import saving
from g2is.storage.files import inside, read_small, write_bytes, written

MOST_BYTES = 64 * 2**20
"""Of a file; a million single rows of a large pool take 10 MB."""
MOST_NOTE = 4000
"""Characters of a note."""
SUFFIX = ".json"
KEPT_OPEN = 256
"""Sets of a run that stay in memory."""
LOOKED_AT = 200
"""Sets in which a page looks for an instruction, the newest first: each has to be read."""

Rows = NDArray[np.int64]


class _File(BaseModel):
    """The file of a set. rows: ascending; a number, or the first and last of a range."""

    model_config = ConfigDict(extra="forbid", strict=True)
    format: int = Field(1, ge=1, le=1)
    run: RunReference
    note: str = Field("", max_length=MOST_NOTE)
    origin: str = Field("", max_length=MOST_NOTE)
    made: str = Field(max_length=40)
    rows: list[Any]


@dataclass(frozen=True, eq=False)
class NamedSet:
    """A set of instructions.

    rows: (k,) ascending, of what is in the pool. recorded: (r,) all that its file lists, r > 0, what was removed from
    the pool since included. note: what its maker wrote on it. origin: where it came from, in words. made: when, as
    ISO 8601 in UTC. checksum: of its file; a write that replaces it names it.
    """

    name: str
    rows: Rows
    recorded: Rows
    note: str
    origin: str
    made: str
    checksum: str

    @property
    def version(self) -> str:
        """Identifies the rows in its file, whatever the note says."""
        return hashlib.sha256(self.recorded.astype("<i8").tobytes()).hexdigest()[:12]

    @property
    def gone(self) -> str:
        """What was removed from the pool since it was made, in words; "" for nothing."""
        return gone_since(len(self.recorded) - len(self.rows), len(self.recorded))

    @property
    def reference(self) -> str:
        """Its name with its version, as the settings of a finished walk have it."""
        return f"{self.name}@{self.version}"

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True, eq=False)
class Sets:
    """The sets of a run by name. Names are listed without reading a file; a set is read again when it has changed.

    folder: of the run. count: rows of its pool. removed: (n,) those that were removed from it.
    """

    folder: Path
    run: RunReference
    count: int
    removed: NDArray[np.bool_] | None = None
    _open: dict[str, tuple[tuple[int, ...], NamedSet]] = field(default_factory=dict, repr=False)

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def __len__(self) -> int:
        return len(self.names())

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name in self.names()

    def names(self) -> list[str]:
        """In alphabetical order; files whose name no set can have are not among them, see `ignored`."""
        return sorted(stem for stem in self._files() if is_name(stem))

    def newest(self, most: int) -> list[str]:
        """The names of the sets that were written last, in alphabetical order."""
        known = {stem: entry for stem, entry in self._files().items() if is_name(stem)}
        if len(known) > most:
            known = dict(sorted(known.items(), key=lambda item: (-written(item[1]), item[0]))[:most])
        return sorted(known)

    def ignored(self) -> list[str]:
        """Files among the sets that are none, by their names."""
        return sorted(entry.name for stem, entry in self._files().items() if not is_name(stem))

    def _files(self) -> dict[str, os.DirEntry[str]]:
        """Files that may be sets, by what they are called without the suffix."""
        with suppress(OSError, InputError), os.scandir(inside(self.folder, SETS)) as entries:
            return {
                entry.name.removesuffix(SUFFIX): entry
                for entry in entries
                if entry.name.endswith(SUFFIX) and not entry.name.startswith(".")
            }
        return {}

    def __getitem__(self, name: str) -> NamedSet:
        """Read a set; raises `InputError` where there is none of that name, or its file is none of this run."""
        path = self._path(name)
        try:
            state = path.stat()
            stamp = (state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns)
            if (kept := self._open.get(name)) is None or kept[0] != stamp:
                kept = stamp, self._read(name, path)
                while len(self._open) >= KEPT_OPEN:
                    with suppress(KeyError, StopIteration, RuntimeError):  # another thread was first
                        del self._open[next(iter(self._open))]
                self._open[name] = kept
            return kept[1]
        except FileNotFoundError:
            raise self.none(name) from None
        except OSError as error:
            raise InputError(
                f"{path}: not readable ({error.strerror or error}); make the set again"
            ) from None

    def none(self, name: str) -> InputError:
        """That there is no set of this name."""
        names = self.names()
        known = ", ".join(names[:20]) + (", …" if len(names) > 20 else "")
        return InputError(f"set = {shortened(name)!r}: run {self.run.name} has {known or 'no sets'}")

    def _path(self, name: str) -> Path:
        try:
            check_name(name)
        except ValueError as error:
            raise InputError(f"set: {error}") from None
        return inside(self.folder, set_file(name))

    def _read(self, name: str, path: Path) -> NamedSet:
        data = read_small(path, MOST_BYTES)
        try:
            file = _File.model_validate_json(data)
        except ValidationError as error:
            first = error.errors()[0]
            where = shortened(".".join(map(str, first["loc"]))) or shortened(first["msg"])
            raise InputError(f"{path}: not a set of instructions ({where}); make it again") from None
        file.run.check(self.run, path)
        recorded = _expanded(file.rows, self.count, path)
        rows = recorded if self.removed is None else recorded[~self.removed[recorded]]
        return NamedSet(
            name, rows, recorded, file.note, file.origin, file.made, hashlib.sha256(data).hexdigest()
        )

    def write(
        self,
        name: str,
        rows: ArrayLike,
        *,
        note: str = "",
        origin: str = "",
        replaces: str | None = None,
    ) -> NamedSet:
        """Write a set and return it.

        rows: of the pool, in any order. replaces: the checksum of the set that this one takes the place of; None for a
        new name. Raises `InputError` for no rows, rows outside the pool, a name that cannot be used, and where the file
        is not what `replaces` says: then nothing has changed.
        """
        path = self._path(name)
        content = _File(
            run=self.run,
            note=_fitting("note", note),
            origin=_fitting("origin", origin),
            made=datetime.now(UTC).isoformat(timespec="seconds"),
            rows=ranges(self._checked(name, rows)),
        )
        data = json.dumps(content.model_dump(), ensure_ascii=False).encode()
        if len(data) > MOST_BYTES:
            raise InputError(f"set = {name!r}: {len(data):,} bytes, expected at most {MOST_BYTES:,}")
        with saving(self.folder):
            self._check_replaced(name, path, replaces)
            write_bytes(path, data)
            return self[name]

    def annotate(self, name: str, note: str, *, replaces: str | None = None) -> NamedSet:
        """Change the note on a set. replaces: the checksum of the set that was seen (the present one)."""
        now = self[name]
        return self.write(name, now.recorded, note=note, origin=now.origin, replaces=replaces or now.checksum)

    def _checked(self, name: str, rows: ArrayLike) -> Rows:
        array = np.asarray(rows)
        if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
            raise InputError(f"set = {name!r}: expected a list of row numbers")
        if not array.size:
            raise InputError(f"set = {name!r}: would hold no instruction, expected at least one")
        unique = np.unique(array.astype(np.int64))
        for row in (int(unique[0]), int(unique[-1])):
            if not 0 <= row < self.count:
                raise InputError(
                    f"set = {name!r}: row {row}: expected a row of the pool, 0 to {self.count - 1:,}"
                )
        return unique

    def _check_replaced(self, name: str, path: Path, replaces: str | None) -> None:
        try:
            now = hashlib.sha256(read_small(path, MOST_BYTES)).hexdigest()
        except FileNotFoundError:
            now = None
        except OSError as error:
            raise InputError(f"{path}: not readable ({error.strerror or error}); remove it") from None
        if now == replaces:
            return
        if replaces is None:
            raise InputError(f"set = {name!r}: there is one of that name; replace it, or choose another name")
        what = "has been renamed or deleted" if now is None else "has been changed by someone else"
        raise InputError(
            f"set = {name!r}: {what} since it was opened; open it again, or save yours under another name"
        )

    def union(self, references: Iterable[str]) -> Rows:
        """(k,) the rows of several sets, ascending. references: names, or names with the version that is meant.

        Raises `InputError` where a set is missing, or has changed since a version that is asked for.
        """
        parts = [self._referred(reference).rows for reference in references]
        return np.unique(np.concatenate(parts)) if parts else np.zeros(0, np.int64)

    def stamped(self, references: Sequence[str]) -> tuple[str, ...]:
        """The same sets with the versions that they have now. Raises `InputError` as `union` does."""
        return tuple(self._referred(reference).reference for reference in references)

    def _referred(self, reference: str) -> NamedSet:
        try:
            name, version = split_reference(reference)
        except ValueError as error:
            raise InputError(str(error)) from None
        found = self[name]
        if version and version != found.version:
            raise InputError(
                f"set = {reference!r}: has changed since, to {len(found):,} instructions (version {found.version}); "
                f"leave out @{version} to use it as it is now"
            )
        return found

    def changed(self, parameters: WalkParameters) -> list[str]:
        """One line for each set of a walk that can no longer be used as it was."""
        problems = []
        for reference in dict.fromkeys(parameters.sets):
            try:
                self._referred(reference)
            except InputError as error:
                problems.append(str(error))
        return problems

    def tags(self, rows: NDArray[np.integer], most: int | None = None) -> list[list[str]]:
        """For each of these rows, the names of the sets that it is in. Sets that cannot be read are left out.

        most: how many sets are read, the newest; all where None.
        """
        tags: list[list[str]] = [[] for _ in rows]
        for name in self.names() if most is None else self.newest(most):
            with suppress(InputError):
                for place in np.flatnonzero(np.isin(rows, self[name].rows)).tolist():
                    tags[place].append(name)
        return tags


def ranges(rows: Rows) -> list[int | list[int]]:
    """Ascending rows as single numbers and ranges [first, last]."""
    breaks = np.flatnonzero(np.diff(rows) != 1)
    firsts, lasts = rows[np.r_[0, breaks + 1]].tolist(), rows[np.r_[breaks, len(rows) - 1]].tolist()
    return [first if first == last else [first, last] for first, last in zip(firsts, lasts, strict=True)]


def _expanded(items: Sequence[Any], count: int, path: Path) -> Rows:
    """The rows of `ranges`; raises `InputError` where they are not ascending rows of a pool of `count`."""
    firsts, lasts, before = [], [], -1
    for item in items:
        pair = [item, item] if type(item) is int else item
        if not (isinstance(pair, list) and len(pair) == 2 and all(type(row) is int for row in pair)):
            raise InputError(
                f"{path}: {shortened(repr(item))}: expected a row or the first and last of a range; make it again"
            )
        first, last = pair
        if not before < first <= last < count:
            raise InputError(
                f"{path}: {shortened(repr(item))}: expected ascending rows of the pool, 0 to {count - 1:,}; "
                "make it again"
            )
        firsts.append(first)
        lasts.append(last)
        before = last
    if not firsts:
        raise InputError(f"{path}: holds no instruction, expected at least one; make it again")
    lengths = np.array(lasts) - np.array(firsts) + 1
    starts = np.cumsum(lengths) - lengths
    rows = np.repeat(np.array(firsts) - starts, lengths) + np.arange(int(lengths.sum()))
    rows.flags.writeable = False
    return rows


def _fitting(what: str, text: str) -> str:
    if len(text) > MOST_NOTE:
        raise InputError(f"{what}: {len(text):,} characters, expected at most {MOST_NOTE:,}")
    # Bytes of a command line that are no text would not be readable as JSON.
    return text.encode("utf-8", "replace").decode()

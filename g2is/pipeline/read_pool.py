"""The pool of a run as it is read from its files: never as a whole, but record by record into a table."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from tempfile import gettempdir
from typing import TYPE_CHECKING, Any

from numpy.typing import ArrayLike

from g2is.config import ReadingConfig
from g2is.instructions import (
    Instruction,
    Source,
    Summary,
    digest_of,
    each_instruction,
    to_arrow,
)
from g2is.instructions.kept import PoolColumns
from g2is.run.texts import CONVERSATION, each_of, instructions_of
from g2is.storage.files import not_written, scratch_file, write_file
from g2is.storage.groups import InFile, write_groups
from g2is.storage.stored_tables import StoredTable

if TYPE_CHECKING:
    import pyarrow as pa

AT_ONCE = 256
"""Instructions that are in memory at once."""


class ReadPool:
    """The instructions of some files, in a table without a name until `write` gives it one.

    summary: how the files were read. duplicates: how many are exact copies of an earlier one. `len` is the number of
    instructions.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        reading: ReadingConfig,
        near: Path | None,
        *,
        dedupe: bool = False,
        known: Iterable[Instruction] = (),
        columns: PoolColumns | None = None,
    ) -> None:
        """Read files; arguments and errors as of `each_instruction`. near: a folder where the table may lie
        (that of the system for temporary files). columns: of the pool that they come to."""
        self.summary, self.duplicates = Summary(), 0
        place = near or Path(gettempdir())
        options: dict[str, Any] = {**dict(reading), "dedupe": dedupe, "known": known, "pool_columns": columns}
        instructions = each_instruction(sources, self.summary, **options)
        try:
            self._file = scratch_file(place)
            write_groups(self._file, self._tables(instructions))
            self._file.flush()
        except OSError as error:
            raise not_written(place, error) from error
        self._table = StoredTable(place, InFile(self._file))

    def __len__(self) -> int:
        return len(self._table)

    def __iter__(self) -> Iterator[Instruction]:
        return each_of(self._table)

    def take(self, rows: ArrayLike) -> list[Instruction]:
        """These instructions, in this order."""
        return instructions_of(self._table, rows)

    def write(self, path: Path) -> None:
        """Write the table of a run's pool: the columns of `to_frame`, and duplicate_of."""
        self._file.seek(0)
        write_file(
            path,
            lambda file: shutil.copyfileobj(self._file, file, 2**24),
            os.fstat(self._file.fileno()).st_size,
        )

    def close(self) -> None:
        """Give back the space of the table."""
        self._file.close()

    def _tables(self, instructions: Iterator[Instruction]) -> Iterator[pa.Table]:
        import pyarrow as pa

        first: dict[bytes, int] = {}
        start = 0
        while some := list(islice(instructions, AT_ONCE)):
            table = to_arrow(some)
            copies = copies_of(digests_of(table), first, start)
            self.duplicates += sum(of >= 0 for of in copies)
            yield table.append_column("duplicate_of", pa.array(copies, pa.int64()))
            start += len(some)


def copies_of(digests: Iterable[bytes], first: dict[bytes, int], start: int) -> list[int]:
    """Of each row, the first of these rows `start`, `start` + 1, … and of earlier ones that has the same digest; -1 for
    itself. first: that row by digest, for earlier rows; gets those that lack."""
    originals = [(row, first.setdefault(digest, row)) for row, digest in enumerate(digests, start)]
    return [-1 if of == row else of for row, of in originals]


def digests_of(table: pa.Table | pa.RecordBatch) -> Iterator[bytes]:
    """What is the same of exact duplicates, for each row; tables of earlier versions lack some columns."""
    names = table.schema.names
    texts = (
        table.column(name).to_pylist() if name in names else [None] * table.num_rows for name in CONVERSATION
    )
    return map(digest_of, *texts)

"""Instructions of a finished run go and come back: they are marked as gone, and nothing is computed or rewritten.

A removal is one small file that lists its rows, and then the manifest, which makes it part of the run. So a process
that is killed leaves the run as it was or as it should be.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import ArrayLike, NDArray

from g2is.errors import InputError, shortened
from g2is.pipeline.changing import changing
from g2is.pipeline.writer import RunWriter
from g2is.run.gone import removed_rows
from g2is.run.parts import GONE as GONE_PART
from g2is.run.parts import GoneFacts, Part, record
from g2is.run.paths import GONE, gone_file
from g2is.run.run import Run
from g2is.storage.files import remove_folder, write_array

LONGEST_NOTE = 400
"""Characters of what a removal says of its instructions."""


def remove_instructions(
    folder: Path, rows: ArrayLike, *, note: str = "", say: Callable[[str], None] = lambda line: None
) -> Run:
    """Remove instructions from the pool of a finished run; `restore_instructions` brings them back.

    Nothing selects, finds, shows or counts them any more; other instructions keep their row numbers, and all files stay
    as they are. rows: in any order; those that are gone already stay so. note: what they are, in words. Returns the run
    without them. Raises `InputError` for rows outside the pool, where all are gone already, and where no instruction
    with a gradient would be left.
    """
    start = time.monotonic()
    with changing(folder, say) as writer:
        run = Run(folder, writer.manifest)
        asked = _checked(rows, run.files.pool)
        going = asked[~run.gone[asked]]
        if not len(going):
            raise InputError(
                "rows: no instruction of the pool is among them, so that there is nothing to remove"
            )
        left = run.valid.copy()
        left[going] = False
        if not left.any():
            raise InputError(
                f"rows: without these {len(going):,} no instruction with a gradient would be left; remove fewer"
            )
        numbers = [int(PurePosixPath(place).name) for place in writer.manifest.removals]
        part = Part(
            kind=GONE_PART,
            name=shortened(note, LONGEST_NOTE),
            added=datetime.now(UTC).isoformat(timespec="seconds"),
            seconds=0,
            files={},
            found={"count": len(going)},
        )
        _put(writer, f"{GONE}/{max(numbers, default=0) + 1}", part, going, start)
        writer.manifest.write(folder)
    return Run.open(folder)


def restore_instructions(
    folder: Path,
    rows: ArrayLike | None = None,
    *,
    numbers: Sequence[str] = (),
    say: Callable[[str], None] = lambda line: None,
) -> tuple[Run, int]:
    """Bring back instructions that were removed from the pool of a run; returns the run, and how many came back.

    rows: in any order, what is in the pool among them stays so. numbers: of whole removals, as `Run.removals` has them;
    their files need not be intact. Raises `InputError` for an unknown number, and where nothing would come back.
    """
    start = time.monotonic()
    with changing(folder, say) as writer:
        manifest = writer.manifest
        run, back = Run(folder, manifest.model_copy(deep=True)), 0
        for number in dict.fromkeys(numbers):
            if (part := manifest.parts.get(f"{GONE}/{number}")) is None:
                known = ", ".join(removal.number for removal in run.removals) or "none"
                raise InputError(f"removal = {shortened(number)!r}: expected one of {known}")
            back += part.found["count"]
            del manifest.parts[f"{GONE}/{number}"]
        if rows is not None:
            back += _bring_back(writer, run, _checked(rows, run.files.pool), start)
        if not back:
            raise InputError(
                "rows: none of these was removed from the pool, so that there is nothing to restore"
            )
        manifest.write(folder)
        for place in run.manifest.removals.keys() - manifest.removals.keys():
            remove_folder(folder / place)
    return Run.open(folder), back


def _bring_back(writer: RunWriter, run: Run, rows: NDArray[np.int64], start: float) -> int:
    """Take rows out of the removals that they are in, each of which is written anew; returns how many came back."""
    back = 0
    next_number = 1 + max((int(removal.number) for removal in run.removals), default=0)
    for place, part in writer.manifest.removals.items():
        before = removed_rows(run.files, place)
        after = np.setdiff1d(before, rows, assume_unique=True)
        if len(after) == len(before):
            continue
        back += len(before) - len(after)
        del writer.manifest.parts[place]
        if len(after):
            _put(writer, f"{GONE}/{next_number}", part, after, start)
            next_number += 1
    return back


def _put(writer: RunWriter, place: str, part: Part, rows: NDArray[np.int64], start: float) -> None:
    """Write the rows of a removal in a folder that no other has, and list it in the manifest, which is not written."""
    name = gone_file(place)
    write_array(writer.folder / name, rows)
    writer.manifest.parts[place] = part.model_copy(
        update={
            "files": {name: record(writer.folder / name)},
            "found": GoneFacts(count=len(rows)).model_dump(),
            "seconds": round(part.seconds + time.monotonic() - start, 2),
        }
    )


def _checked(rows: ArrayLike, count: int) -> NDArray[np.int64]:
    chosen = np.unique(np.asarray(rows, np.int64))
    if len(chosen) and not 0 <= chosen[0] <= chosen[-1] < count:
        raise InputError(
            f"rows: {chosen[0]:,} to {chosen[-1]:,}, expected rows of the pool, 0 to {count - 1:,}"
        )
    return chosen

"""The files a person gives, and the pool as a run keeps it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from g2is.config import GraphConfig
from g2is.errors import InputError, printable
from g2is.instructions import Reading, Rejected, to_frame, write_rejects
from g2is.pipeline.writer import RunWriter, record
from g2is.run.run import INSTRUCTIONS, InputFile

REJECTED = "rejected.jsonl"


@dataclass(frozen=True)
class Target:
    """A validation target: its name and the file of its examples or gradients."""

    name: str
    path: Path


def input_file(path: Path, target: str | None = None) -> InputFile:
    """Name and checksum of an input; raises `InputError` where it cannot be read."""
    try:
        return InputFile(name=printable(path.name), target=target, **record(path).model_dump())
    except OSError as error:
        raise InputError(f"{path}: not readable ({error.strerror}); expected a file") from None


def check_pool_size(count: int, config: GraphConfig) -> None:
    """Raise `InputError` where a pool of `count` is too small for its lists of neighbours."""
    if count <= config.neighbors:
        raise InputError(
            f"neighbors = {config.neighbors}: a pool of {count:,} has at most {max(0, count - 1):,} "
            "neighbours each; give fewer --neighbors or a larger pool"
        )


def write_pool(
    writer: RunWriter, reading: Reading, also_rejected: Sequence[Rejected] = ()
) -> tuple[list[str], dict[str, Any]]:
    """Write the pool and all rejected records, those of validation files too; gives files and counts."""
    rejected = [*reading.rejected, *also_rejected]
    pool = to_frame(reading.instructions)
    duplicate_of = np.full(len(pool), -1)
    for first, *copies in reading.duplicates:
        duplicate_of[copies] = first
    pool["duplicate_of"] = duplicate_of
    files = [INSTRUCTIONS]
    writer.write_frame(INSTRUCTIONS, pool)
    if rejected:
        write_rejects(writer.folder / REJECTED, rejected)
        files.append(REJECTED)
    found = {
        "pool": len(pool),
        "duplicates": int((duplicate_of >= 0).sum()),
        "rejected": len(rejected),
    }
    writer.say(
        f"pool: {found['pool']:,} instructions from {pool['source'].nunique()} file(s), "
        f"{found['duplicates']:,} exact duplicates, {found['rejected']:,} rejected"
        + (f" (see {writer.folder / REJECTED})" if rejected else "")
    )
    return files, found

"""The input files of a build: names, checksums, counts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from g2is.config import GraphConfig
from g2is.errors import InputError, printable
from g2is.run.manifest import InputFile, record


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

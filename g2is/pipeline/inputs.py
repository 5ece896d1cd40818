"""The input files of a build: names, checksums, counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from g2is.config import GraphConfig
from g2is.errors import InputError, printable
from g2is.instructions import Source, find_sources
from g2is.run.parts import InputFile, record


@dataclass(frozen=True)
class Target:
    """A validation target: its name, and the file, folder or data set of its examples or gradients.

    more: further files of its examples.
    """

    name: str
    path: Path
    more: tuple[Path, ...] = ()

    @property
    def place(self) -> str:
        """The files as they were given."""
        return ", ".join(map(str, (self.path, *self.more)))

    def with_file(self, path: Path) -> Target:
        """The same target with the examples of one more file."""
        return Target(self.name, self.path, (*self.more, path))

    @cached_property
    def sources(self) -> list[Source]:
        """The files of its examples; raises `InputError` for what cannot be read."""
        return find_sources([self.path, *self.more])


def input_files(sources: Sequence[Source], target: str | None = None) -> list[InputFile]:
    """Names and checksums of the files of instructions."""
    return [input_file(source.path, target, source.label) for source in sources]


def input_file(path: Path, target: str | None = None, name: str | None = None) -> InputFile:
    """Name and checksum of an input; raises `InputError` where it cannot be read."""
    try:
        return InputFile(
            name=printable(path.name) if name is None else name, target=target, **record(path).model_dump()
        )
    except OSError as error:
        raise InputError(f"{path}: not readable ({error.strerror}); expected a file") from None


def check_pool_size(count: int, config: GraphConfig) -> None:
    """Raise `InputError` where a pool of `count` is too small for its lists of neighbours."""
    if count <= config.neighbors:
        raise InputError(
            f"neighbors = {config.neighbors}: a pool of {count:,} has at most {max(0, count - 1):,} "
            "neighbours each; give fewer --neighbors or a larger pool"
        )

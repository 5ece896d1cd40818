"""Stage `instructions`: the pool and the validation samples, checked, as tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from g2is.config import GraphConfig, ReadingConfig
from g2is.errors import InputError, printable
from g2is.instructions import (
    Instruction,
    Rejected,
    Source,
    read_instructions,
    write_rejects,
)
from g2is.instructions.kept import PoolColumns
from g2is.lm.text import Encoder
from g2is.pipeline.inputs import Target, check_pool_size
from g2is.pipeline.read_pool import ReadPool
from g2is.pipeline.writer import RunWriter, StageResult
from g2is.run.paths import COLUMNS, INSTRUCTIONS, REJECTED


@dataclass(frozen=True)
class ReadTarget:
    """A validation target as read from its files.

    samples: those with trained tokens. left_out: the problem of each of the others. rejected: records
    that are no instructions. report: how its files were read.
    """

    target: Target
    samples: list[Instruction]
    left_out: list[str]
    rejected: list[Rejected]
    report: list[str]


@dataclass
class InstructionsStage:
    """Reads the files of a build once, for the check before anything is written and for the stage itself.

    encoder: returns the encoder of the model, which determines which samples have trained tokens. near: a folder where
    the pool may lie meanwhile. dedupe: whether the pool gets one of each conversation. known: instructions that it has
    already. columns: what it has of their fields.
    """

    train: Sequence[Source]
    validation: Sequence[Target]
    config: ReadingConfig
    encoder: Callable[[], Encoder]
    near: Path = field(default_factory=Path)
    dedupe: bool = False
    known: Callable[[], Iterable[Instruction]] = tuple
    columns: PoolColumns | None = None

    @cached_property
    def pool(self) -> ReadPool:
        """The pool; raises `InputError` for files that cannot be read."""
        known = self.known() if self.dedupe else ()
        return ReadPool(
            self.train, self.config, self.near, dedupe=self.dedupe, known=known, columns=self.columns
        )

    @cached_property
    def targets(self) -> list[ReadTarget]:
        """The validation targets; raises `InputError` for files that cannot be read."""
        return [self._read_target(target) for target in self.validation]

    def check(self, graph: GraphConfig, say: Callable[[str], None]) -> None:
        """Raise `InputError` where the pool is too small for the graph, or a target has fewer than two samples.

        What a person should know of how the files were read is reported here, before the model is loaded.
        """
        for line in self.report:
            say(line)
        check_pool_size(len(self.pool), graph)
        self.check_targets()

    def check_targets(self) -> None:
        """Raise `InputError` where a target has fewer than two samples."""
        for read in self.targets:
            if len(read.samples) < 2:
                raise InputError(
                    f"validation {read.target.name}={read.target.place}: {len(read.samples)} sample(s) with something "
                    "to train on, expected at least 2 (20 to 500 describe a target well)"
                )

    @property
    def report(self) -> list[str]:
        """How the files were read; see `Reading.report`."""
        return [*self.pool.summary.report(), *(line for read in self.targets for line in read.report)]

    def write(self, writer: RunWriter) -> StageResult:
        """Write the pool's tables and the rejected records, those of validation files too."""
        rejected = [record for read in self.targets for record in read.rejected]
        files, counts = write_pool(writer, self.pool, rejected)
        left_out = sum(len(read.left_out) for read in self.targets)
        count = sum(len(read.samples) for read in self.targets)
        writer.say(f"validation: {count:,} samples" + (f", {left_out:,} left out" if left_out else ""))
        return files, {**counts, "reading": self.report}

    def forget_pool(self) -> None:
        """Give back the space of the pool once its tables are written."""
        if (pool := self.__dict__.pop("pool", None)) is not None:
            pool.close()

    def target(self, name: str) -> ReadTarget:
        """A validation target as read from its files."""
        return next(read for read in self.targets if read.target.name == name)

    def _read_target(self, target: Target) -> ReadTarget:
        read = read_instructions(target.sources, **dict(self.config))
        pairs = list(zip(read.instructions, self.encoder()(read.instructions), strict=True))
        return ReadTarget(
            target,
            samples=[sample for sample, tokens in pairs if tokens.problem is None],
            left_out=[f"{s.source}:{s.line}: {tokens.problem}" for s, tokens in pairs if tokens.problem],
            rejected=read.rejected,
            report=read.report(),
        )


def write_pool(
    writer: RunWriter, pool: ReadPool, also_rejected: Sequence[Rejected] = ()
) -> tuple[list[str], dict[str, Any]]:
    """Write the pool with its columns and all rejected records, those of validation files too.

    Returns files, and counts with what is kept in columns and what not.
    """
    reading = pool.summary
    rejected = [*reading.rejected, *also_rejected]
    files = [INSTRUCTIONS]
    pool.write(writer.folder / INSTRUCTIONS)
    if rejected:
        write_rejects(writer.folder / REJECTED, rejected)
        files.append(REJECTED)
    counts: dict[str, Any] = {
        "pool": len(pool),
        "duplicates": pool.duplicates,
        "rejected": len(rejected) - reading.repeats,
    }
    if reading.repeats:
        counts["repeats"] = reading.repeats
    writer.say(
        f"pool: {counts['pool']:,} instructions from {len(reading.by_source)} file(s), "
        f"{counts['duplicates']:,} exact duplicates, {counts['rejected']:,} rejected"
        + (f", {reading.repeats:,} left out as the same as an earlier one" if reading.repeats else "")
        + (f" (see {writer.folder / REJECTED})" if rejected else "")
    )
    if (columns := reading.columns) is not None:
        if columns.described:
            writer.write_frame(COLUMNS, columns.frame())
            files.append(COLUMNS)
        counts |= {"columns": columns.described, "columns_left_out": columns.left_out}
        for line in columns.report():
            writer.say(printable(line))
    return files, counts

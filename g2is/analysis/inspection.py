"""How instruction files will be read and which tokens of them will be trained, before anything is built.

The command line and the app show what this module finds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from g2is.config import ModelConfig, ReadingConfig
from g2is.instructions import FileReading, Instruction, Reading, Rejected, Source, read_instructions
from g2is.instructions.containers import records
from g2is.instructions.fields import BadRecord
from g2is.instructions.record import parse
from g2is.lm.notes import count_notes, note_lines
from g2is.lm.preview import Piece, text_pieces, token_pieces

if TYPE_CHECKING:
    from g2is.lm.text import Encoded

COUNTED = 2_000
"""Records of each call that are tokenized for the counts of what a template leaves out."""
LOOKED_AT = 20
"""Records of a file whose fields are listed."""
STOPS = "warning: a build stops at such a record; leave them out with --skip-bad"


@dataclass(frozen=True)
class FileInspection:
    """One file: how it was read, its instructions and its rejected records, both in order.

    stops: whether a build with these settings would stop at a rejected record.
    """

    file: FileReading
    instructions: Sequence[Instruction]
    rejected: Sequence[Rejected]
    stops: bool

    @property
    def container(self) -> str:
        """The kind of file."""
        return self.file.notes[0] if self.file.notes else ""

    @property
    def shapes(self) -> list[str]:
        """The shapes of its records and the fields they were read from, with counts, the most frequent first."""
        return [f"{times:,} x {shape}" for shape, times in self.file.shapes.most_common(5)]

    @property
    def remarks(self) -> list[str]:
        """What a person should know of how it was read; lines that begin with "warning: " before a build."""
        return [*self.file.report(named=False), *([STOPS] if self.stops else [])]


@dataclass(frozen=True)
class Inspection:
    """Some files. duplicates: how many instructions are exact copies of an earlier one. columns: lines on what a run
    would keep of the records beside their conversations."""

    files: list[FileInspection]
    instructions: Sequence[Instruction]
    duplicates: int
    columns: list[str]


def inspect_files(sources: Sequence[str | Source], config: ReadingConfig) -> Inspection:
    """Read files as a build would, but for records that it would stop at, which are listed.

    Raises InputError as `read_instructions` does.
    """
    reading = read_instructions(sources, **{**dict(config), "skip_bad": True})
    return Inspection(
        list(_by_file(reading, config.skip_bad)),
        reading.instructions,
        sum(len(group) - 1 for group in reading.duplicates),
        [] if reading.columns is None else reading.columns.report(),
    )


def _by_file(reading: Reading, skip_bad: bool) -> Iterator[FileInspection]:
    instructions, rejected = iter(reading.instructions), iter(reading.rejected)
    for file in reading.files:
        own = list(islice(rejected, file.rejected))
        stops = not skip_bad and any(not record.meant for record in own)
        yield FileInspection(file, list(islice(instructions, file.kept)), own, stops)


def field_names(source: Source) -> list[str]:
    """The fields of a file's first records, in the order in which they are met. Raises InputError."""
    names: dict[str, None] = {}
    for record in islice(records(source.path, source.name, source.split), LOOKED_AT):
        try:
            names.update(dict.fromkeys(parse(record.raw)))
        except BadRecord:
            continue
    return list(names)


class TextPreview:
    """Instructions in LESS's format, which needs no model."""

    def __call__(self, instruction: Instruction) -> list[Piece]:
        """The pieces of an instruction as it will be trained."""
        return text_pieces(instruction)

    def notes(self, instructions: Sequence[Instruction]) -> list[str]:
        """What becomes of replies on the way to tokens, a line each."""
        return []


class TokenPreview:
    """Instructions as tokens of a model, by its chat template where it has one, cut at `max_length` tokens."""

    def __init__(self, tokenizer: Any, max_length: int) -> None:
        from g2is.lm.text import Encoder

        self.encoder = Encoder(tokenizer, max_length)

    def encode(self, instruction: Instruction) -> Encoded:
        return self.encoder([instruction])[0]

    def __call__(self, instruction: Instruction) -> list[Piece]:
        """The pieces of an instruction as it will be trained."""
        sample = self.encode(instruction)
        if sample.problem:
            return [(f"nothing to train on: {sample.problem}", False)]
        return token_pieces(self.encoder.tokenizer, sample)

    def notes(self, instructions: Sequence[Instruction]) -> list[str]:
        """What becomes of replies on the way to tokens, a line each; of the first `COUNTED` instructions."""
        encoded = self.encoder(instructions[:COUNTED])
        lines = note_lines(count_notes(sample.notes for sample in encoded))
        if problems := [sample.problem for sample in encoded if sample.problem]:
            count = len(problems)
            has = "instructions have" if count > 1 else "instruction has"
            lines.append(f"warning: {count:,} {has} nothing to train on: {problems[0]}")
        if len(encoded) < len(instructions):
            lines = [f"of the first {len(encoded):,}: {line}" for line in lines]
        return lines


Preview = TextPreview | TokenPreview


def load_preview(model: str | None, max_length: int) -> Preview:
    """How the instructions look to a model; None stands for LESS's format.

    Loads transformers, which takes seconds. Raises InputError for a model whose tokenizer cannot be used.
    """
    if model is None:
        return TextPreview()
    from g2is.lm.tokenizer import load_tokenizer

    return TokenPreview(load_tokenizer(ModelConfig(model=model, max_length=max_length)), max_length)

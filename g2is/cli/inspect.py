"""The command that shows how files will be read and what will be trained, before anything is built: inspect."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from g2is.config import ModelConfig, ReadingConfig
from g2is.config.grammar import AddCommand, add_settings, read_settings
from g2is.errors import InputError, printable

if TYPE_CHECKING:
    from g2is.instructions import FileReading, Instruction, Reading

    Pieces = Callable[[Instruction], list[tuple[str, bool]]]

COUNTED = 2_000
"""Records of each call that are tokenized for the counts of what a template leaves out."""
REJECTED = 3
"""Rejected records of a file that are named."""
TRAINED, HEADING, WARNING, PLAIN = "\033[32m", "\033[1m", "\033[33m", "\033[0m"


def register(command: AddCommand) -> None:
    """Add the command to the parser."""
    parser = command(
        "inspect", inspect, "how files will be read and which tokens will be trained: nothing is built"
    )
    parser.add_argument(
        "files",
        nargs="+",
        metavar="FILE",
        help="files, folders, - for the standard input, or hf:owner/name[:split]",
    )
    parser.add_argument(
        "--model", help="base model whose tokenizer and chat template are shown (LESS's format)"
    )
    parser.add_argument("--max-length", type=int, default=2048, metavar="N", help="tokens to cut at [2048]")
    parser.add_argument("--records", type=int, default=3, metavar="N", help="to show of each file [3]")
    add_settings(parser, ReadingConfig)


def inspect(arguments: argparse.Namespace) -> None:
    if arguments.records < 0:
        raise InputError(f"records = {arguments.records}: expected 0 or more")
    config = read_settings(ReadingConfig, arguments)
    from g2is.instructions import read_instructions

    reading = read_instructions(arguments.files, **{**dict(config), "skip_bad": True})
    pieces, notes = _as_trained(arguments, reading)
    style = _Style(sys.stdout.isatty() and "NO_COLOR" not in os.environ)
    for file in reading.files:
        print("\n".join(_summary(file, reading, config.skip_bad, style)))
        shown = [i for i in reading.instructions if i.source == file.source][: arguments.records]
        for instruction in shown:
            print(style.heading(f"\n{instruction.source}:{instruction.line}"))
            print(style.pieces(pieces(instruction)))
        print()
    copies = sum(len(group) - 1 for group in reading.duplicates)
    print(f"{len(reading.instructions):,} instructions, {copies:,} exact duplicates; trained: {style.legend}")
    for line in reading.columns.report() if reading.columns is not None else []:
        print(printable(line))
    for note in notes:
        print(note)


def _as_trained(arguments: argparse.Namespace, reading: Reading) -> tuple[Pieces, list[str]]:
    """How a record is shown, and what the template leaves out, with counts."""
    from g2is.lm.preview import text_pieces, token_pieces

    if arguments.model is None:
        return text_pieces, ["shown in LESS's format; for that of a model: --model"]
    from g2is.lm.model import load_tokenizer
    from g2is.lm.notes import count_notes, note_lines
    from g2is.lm.text import Encoder

    config = ModelConfig(model=arguments.model, max_length=arguments.max_length)
    encoder = Encoder(load_tokenizer(config), arguments.max_length)
    counted = reading.instructions[:COUNTED]
    encoded = encoder(counted)
    notes = note_lines(count_notes(sample.notes for sample in encoded))
    problems = [sample.problem for sample in encoded if sample.problem]
    if problems:
        notes.append(f"warning: {len(problems):,} instructions have nothing to train on: {problems[0]}")
    if len(counted) < len(reading.instructions):
        notes = [f"of the first {len(counted):,}: {note}" for note in notes]

    def pieces(instruction: Instruction) -> list[tuple[str, bool]]:
        sample = encoder([instruction])[0]
        if sample.problem:
            return [(f"nothing to train on: {sample.problem}", False)]
        return token_pieces(encoder.tokenizer, sample)

    return pieces, notes


def _summary(file: FileReading, reading: Reading, skip_bad: bool, style: _Style) -> list[str]:
    """What a person should know of how one file was read."""
    lines = [
        style.heading(file.source) + f"  {file.notes[0] if file.notes else ''}, {file.kept:,} instructions"
    ]
    lines += [f"  {times:,} x {shape}" for shape, times in file.shapes.most_common(5)]
    lines += [f"  {style.warning(line)}" for line in file.report(named=False)]
    rejected = [record for record in reading.rejected if record.source == file.source]
    lines += [f"  {record.source}:{record.line}: {record.reason}" for record in rejected[:REJECTED]]
    if any(not record.meant for record in rejected) and not skip_bad:
        lines.append(
            f"  {style.warning('warning: a build stops at such a record; leave them out with --skip-bad')}"
        )
    return [printable(line) if not style.colours else line for line in lines]


class _Style:
    """Colours in a terminal, marks elsewhere."""

    def __init__(self, colours: bool) -> None:
        self.colours = colours

    @property
    def legend(self) -> str:
        return self.pieces([("like this", True)])

    def heading(self, text: str) -> str:
        return f"{HEADING}{text}{PLAIN}" if self.colours else text

    def warning(self, line: str) -> str:
        return f"{WARNING}{line}{PLAIN}" if self.colours and line.startswith("warning") else line

    def pieces(self, pieces: Sequence[tuple[str, bool]]) -> str:
        before, after = (TRAINED, PLAIN) if self.colours else ("⟦", "⟧")
        return "".join(
            f"{before}{_safe(text)}{after}" if trained else _safe(text) for text, trained in pieces
        )


def _safe(text: str) -> str:
    """Text without anything that steers a terminal but line breaks and tabs."""
    return "".join(char if char in "\n\t" else printable(char) for char in text)

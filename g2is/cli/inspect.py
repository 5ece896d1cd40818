"""The command that shows how files will be read and what will be trained, before anything is built: inspect."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from g2is.cli.runs import counted
from g2is.config import ReadingConfig
from g2is.config.commands import LENGTH
from g2is.config.grammar import AddCommand, add_settings, read_settings
from g2is.errors import InputError, printable

if TYPE_CHECKING:
    from g2is.analysis.inspection import FileInspection

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
    parser.add_argument(
        "--max-length", type=int, default=LENGTH, metavar="N", help=f"tokens to cut at [{LENGTH}]"
    )
    parser.add_argument("--records", type=int, default=3, metavar="N", help="to show of each file [3]")
    parser.add_argument(
        "--rejected", type=int, default=3, metavar="N", help="rejected records to name of each file [3]"
    )
    add_settings(parser, ReadingConfig)


def inspect(arguments: argparse.Namespace) -> None:
    for name in ("records", "rejected"):
        if (value := getattr(arguments, name)) < 0:
            raise InputError(f"{name} = {value}: expected 0 or more")
    config = read_settings(ReadingConfig, arguments)
    from g2is.analysis.inspection import inspect_files, load_preview

    found = inspect_files(arguments.files, config)
    preview = load_preview(arguments.model, arguments.max_length)
    notes = preview.notes(found.instructions)
    style = _Style(sys.stdout.isatty() and "NO_COLOR" not in os.environ)
    for file in found.files:
        print("\n".join(_summary(file, style, arguments.rejected)))
        for instruction in file.instructions[: arguments.records]:
            print(style.heading(f"\n{instruction.source}:{instruction.line}"))
            print(style.pieces(preview(instruction)))
        print()
    print(
        f"{counted(len(found.instructions))}, {counted(found.duplicates, 'exact duplicate')}; trained: {style.legend}"
    )
    if arguments.model is None:
        print("shown in LESS's format; for that of a model: --model")
    for line in found.columns:
        print(printable(line))
    for note in notes:
        print(note)


def _summary(found: FileInspection, style: _Style, rejected: int) -> list[str]:
    """What a person should know of how one file was read. rejected: records to name."""
    more, all_of_them = len(found.rejected) - rejected, f"--rejected {len(found.rejected)}"
    lines = [
        style.heading(found.file.source) + f"  {found.container}, {counted(found.file.kept)}",
        *(f"  {shape}" for shape in found.shapes),
        *(f"  {style.warning(line)}" for line in found.remarks),
        *(f"  {record.source}:{record.line}: {record.reason}" for record in found.rejected[:rejected]),
        *([f"  … {more:,} more rejected; {all_of_them} names all"] if more > 0 else []),
    ]
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

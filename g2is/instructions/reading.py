"""Instruction files -> instructions, rejects and exact duplicates."""

from __future__ import annotations

import gc
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from g2is.errors import InputError
from g2is.instructions.containers import records
from g2is.instructions.fields import BadRecord
from g2is.instructions.formats import FORMATS, read_record
from g2is.instructions.sources import Source, find_sources
from g2is.instructions.turns import Message
from g2is.storage.files import write_file


@dataclass(frozen=True, slots=True)
class Instruction:
    """One training or validation example, and where it stands in its file.

    messages: at least one user turn, and an assistant turn at the end.
    source: the file's name, with as much of its path as tells it from the other files read.
    line: 1-based line where the record starts; for Parquet its row.
    format: the one of `FORMATS` it was read as.
    raw: the record's very bytes in its file, without byte order mark and line ending; for Parquet, which
        has no such bytes, the row as JSON.
    task: the record's `task`, where it is text.
    tools: JSON text of the tools the assistant may call.
    template_kwargs: JSON text of an object, what the record gives to the chat template beside its turns.
    """

    messages: tuple[Message, ...]
    source: str
    line: int
    format: str
    raw: bytes
    task: str | None = None
    tools: str | None = None
    template_kwargs: str | None = None

    @property
    def response(self) -> str:
        """The last assistant turn, its reasoning and tool calls as text."""
        return self.messages[-1].text

    @property
    def prompt(self) -> str:
        """All before the response, for reading; turns are marked with their role where there are several."""
        before = self.messages[:-1]
        if len(before) == 1:
            return before[0].text
        return "\n\n".join(f"[{message.role}]\n{message.text}" for message in before)


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record that is no instruction: its place, one line that says why, its very bytes (of a line longer than
    `formats.LONGEST` those at its start)."""

    source: str
    line: int
    reason: str
    raw: bytes


@dataclass(frozen=True)
class Reading:
    """What some files hold.

    instructions: in the order of the files and of their lines; the position is the sample's row index.
    rejected: empty unless bad records were to be skipped.
    duplicates: row indices that share one conversation, ascending; only groups of two and more.
    """

    instructions: list[Instruction]
    rejected: list[Rejected]
    duplicates: list[list[int]]

    @property
    def formats(self) -> Counter[tuple[str, str]]:
        """How many instructions each (source, format) gave."""
        return Counter((instruction.source, instruction.format) for instruction in self.instructions)


def read_instructions(
    paths: Sequence[Path | str | Source], *, format: str = "auto", skip_bad: bool = False
) -> Reading:
    """Read JSON Lines, JSON arrays and Parquet files, in the order given.

    format: one of `FORMATS` for all records, or "auto": each by its own fields. skip_bad: collect broken
    records in `rejected` instead of stopping at the first. Raises InputError, one line, for a file that
    cannot be read and, unless skip_bad, for the first broken record as `source:line: …`.
    """
    if format not in ("auto", *FORMATS):
        raise InputError(f"format {format!r} is not known, expected auto or one of {', '.join(FORMATS)}")
    if not paths:
        raise InputError("no instruction files given, expected at least one")
    sources = find_sources(paths)
    instructions: list[Instruction] = []
    rejected: list[Rejected] = []
    with _collector_paused():
        for file in sources:
            source = file.name
            for line, raw, problem in records(file.path, source, file.split):
                try:
                    if problem is not None:
                        raise BadRecord(problem)
                    found = read_record(raw, format)
                except BadRecord as fault:
                    if not skip_bad:
                        raise InputError(
                            f"{source}:{line}: {fault}; repair it, or leave such records out with --skip-bad"
                        ) from None
                    rejected.append(Rejected(source, line, str(fault), raw))
                else:
                    instructions.append(
                        Instruction(
                            found.messages,
                            source,
                            line,
                            found.format,
                            raw,
                            found.task,
                            found.tools,
                            found.template_kwargs,
                        )
                    )
        return Reading(instructions, rejected, find_duplicates(instructions))


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Reading makes millions of objects and no cycles: looking for some takes a third of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def find_duplicates(instructions: Iterable[Instruction]) -> list[list[int]]:
    """Groups of row indices whose messages, tools and template arguments are the same, ordered by their first index."""
    first: dict[tuple[object, ...], int] = {}
    groups: dict[int, list[int]] = {}
    for row, instruction in enumerate(instructions):
        conversation = (instruction.messages, instruction.tools, instruction.template_kwargs)
        original = first.setdefault(conversation, row)
        if original != row:
            groups.setdefault(original, [original]).append(row)
    return [groups[original] for original in sorted(groups)]


def write_rejects(path: Path | str, rejected: Iterable[Rejected]) -> None:
    """Write JSON Lines with `source`, `line`, `reason` and `raw`.

    Bytes of `raw` that are not UTF-8 stand as the escapes \\udc80 to \\udcff (Python's surrogateescape):
    `json.loads(line)["raw"].encode("utf-8", "surrogateescape")` gives the record's bytes back. Raises
    InputError where the file cannot be written; nothing half-written is left.
    """
    lines = []
    for reject in rejected:
        fields = {
            "source": reject.source,
            "line": reject.line,
            "reason": reject.reason,
            "raw": reject.raw.decode("utf-8", "surrogateescape"),
        }
        # A lone surrogate with a backslash before it is its JSON escape; all else stays readable.
        text = json.dumps(fields, ensure_ascii=False)
        lines.append(text.encode("utf-8", "backslashreplace") + b"\n")
    write_file(Path(path), lambda file: file.writelines(lines))

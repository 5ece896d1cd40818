"""Instruction files -> instructions, rejects and exact duplicates."""

from __future__ import annotations

import gc
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any

from g2is.errors import InputError
from g2is.instructions.columns import columns_of, parse_columns
from g2is.instructions.containers import records
from g2is.instructions.fields import BadRecord
from g2is.instructions.kept import ColumnCollector, KeptColumns, PoolColumns, Value
from g2is.instructions.record import Record
from g2is.instructions.shapes import ASKED, Conversation, LeftOut, carries_task, read_record
from g2is.instructions.sources import Source, find_sources
from g2is.instructions.turns import Message, messages_as_json
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
    columns: its values in the columns of its run, where they were asked for; None where it has none.
    """

    messages: tuple[Message, ...]
    source: str
    line: int
    format: str
    raw: bytes
    task: str | None = None
    tools: str | None = None
    template_kwargs: str | None = None
    columns: Mapping[str, Value | None] = field(default_factory=dict, compare=False)

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
    """A record that is no instruction.

    source, line: its place. reason: one line. raw: its bytes, of a line longer than `LONGEST` those at its start.
    meant: whether the file means it not to be trained, so that it is no fault.
    """

    source: str
    line: int
    reason: str
    raw: bytes
    meant: bool = False


@dataclass
class FileReading:
    """How one file was read.

    source: its name. notes: its kind, and what else a person should know. shapes: the instructions of each shape, with
    the fields read. repairs: what was changed in records, with counts. unused: filled fields that nothing was read
    from, with counts. rejected: records that are no instructions. repeats: instructions that were left out because an
    earlier one has the same conversation.
    """

    source: str
    notes: list[str] = field(default_factory=list)
    shapes: Counter[str] = field(default_factory=Counter)
    repairs: Counter[str] = field(default_factory=Counter)
    unused: Counter[str] = field(default_factory=Counter)
    rejected: int = 0
    repeats: int = 0

    @property
    def kept(self) -> int:
        """How many instructions the file gave."""
        return self.shapes.total()

    def report(self, *, named: bool = True) -> list[str]:
        """Repairs, fields that are not trained and what was left out, a line each.

        Fields that usually carry the task begin with "warning: ". named: whether lines name the file.
        """
        file = f"{self.source}: " if named else ""
        lines = [f"{file}{note}" for note in self.notes[1:]]
        lines += [
            f"{file}{what} in {times:,} of {self.kept:,} instructions"
            for what, times in self.repairs.most_common()
        ]
        others = []
        for name, times in self.unused.most_common():
            if carries_task(name):
                lines.append(
                    f'warning: {file}{times:,} of {self.kept:,} records have a field "{name}" that is not trained; '
                    "if it belongs to the task, name it with --columns"
                )
            else:
                others.append(f"{name} ({times:,})")
        if others:
            lines.append(
                f"{file}fields not trained: {', '.join(others[:20])}{', …' if len(others) > 20 else ''}"
            )
        if self.rejected:
            lines.append(f"{file}rejected records: {self.rejected:,}")
        if self.repeats:
            lines.append(f"{file}instructions left out, the same as an earlier one: {self.repeats:,}")
        return lines


@dataclass
class Summary:
    """How some files were read, but for their instructions.

    rejected: records left out: broken ones, where those were to be skipped, ones not meant to be trained, and repeats
        where one of each was asked for.
    files: how each file was read. columns: values of the records beside their conversations, once all are read.
    """

    rejected: list[Rejected] = field(default_factory=list)
    files: list[FileReading] = field(default_factory=list)
    columns: KeptColumns | None = None

    @property
    def by_source(self) -> dict[str, int]:
        """How many instructions each file gave, those that gave some."""
        return {file.source: file.kept for file in self.files if file.kept}

    @property
    def repairs(self) -> Counter[str]:
        """What was changed in records of any file, with counts."""
        return sum((file.repairs for file in self.files), Counter())

    @property
    def repeats(self) -> int:
        """How many of `rejected` repeat an earlier instruction."""
        return sum(file.repeats for file in self.files)

    def report(self) -> list[str]:
        """What a person should know before anything is computed, a line each; see `FileReading.report`."""
        return [line for file in self.files for line in file.report()]


@dataclass
class Reading(Summary):
    """What some files hold, all of it in memory.

    instructions: in the order of the files and of their lines; the position is the sample's row index.
    duplicates: row indices that share one conversation, ascending; only groups of two and more.
    """

    instructions: list[Instruction] = field(default_factory=list)
    duplicates: list[list[int]] = field(default_factory=list)

    @property
    def formats(self) -> Counter[tuple[str, str]]:
        """How many instructions each (source, format) gave."""
        return Counter((instruction.source, instruction.format) for instruction in self.instructions)


def read_instructions(
    paths: Sequence[Path | str | Source],
    *,
    format: str = "auto",
    skip_bad: bool = False,
    columns: Sequence[str] = (),
    dedupe: bool = False,
) -> Reading:
    """Read files into memory; arguments and errors as of `each_instruction`."""
    reading = Reading()
    options: dict[str, Any] = {"format": format, "skip_bad": skip_bad, "columns": columns}
    reading.instructions.extend(each_instruction(paths, reading, **options, dedupe=dedupe))
    reading.duplicates = find_duplicates(reading.instructions)
    return reading


def each_instruction(
    paths: Sequence[Path | str | Source],
    summary: Summary,
    *,
    format: str = "auto",
    skip_bad: bool = False,
    columns: Sequence[str] = (),
    dedupe: bool = False,
    known: Iterable[Instruction] = (),
    pool_columns: PoolColumns | None = None,
) -> Iterator[Instruction]:
    """The instructions of files, folders, globs, pipes and data sets of the Hub, one after the other, in the order
    given; see `find_sources`.

    summary: empty; filled as they are read. format: one of `ASKED` for all records, or "auto": each by its own fields.
    skip_bad: collect broken records in `rejected` instead of stopping at the first. columns: which columns are read,
    see `parse_columns`. dedupe: leave out an instruction whose conversation an earlier one has, or one of those that
    are `known` already. pool_columns: of the pool that they come to. Raises InputError, one line, for a file that
    cannot be read, unless skip_bad for the first broken record as `source:line: …`, and where no record is an
    instruction.
    """
    if format not in ("auto", *ASKED):
        raise InputError(f"format {format!r} is not known, expected auto or one of {', '.join(ASKED)}")
    if not paths:
        raise InputError("no instruction files given, expected at least one")
    mappings = parse_columns(columns)
    sources = find_sources(paths)
    collector = ColumnCollector(pool_columns)
    seen = {conversation_digest(one): f"{one.source}:{one.line}" for one in known} if dedupe else {}
    with _collector_paused():
        for source in sources:
            file = FileReading(source.name)
            summary.files.append(file)
            named = columns_of(mappings, source.name, source.path)
            for record in records(source.path, source.name, source.split, file.notes):
                try:
                    if record.problem is not None:
                        raise BadRecord(record.problem)
                    read = read_record(record.raw, format, named)
                except BadRecord as fault:
                    if not skip_bad and not isinstance(fault, LeftOut):
                        raise InputError(
                            f"{source.name}:{record.line}: {fault}; repair it, or leave such records out with "
                            "--skip-bad"
                        ) from None
                    meant = isinstance(fault, LeftOut)
                    summary.rejected.append(Rejected(source.name, record.line, str(fault), record.raw, meant))
                    file.rejected += 1
                    continue
                instruction = _instruction(source.name, record, read)
                if dedupe:
                    digest = conversation_digest(instruction)
                    if digest in seen:
                        reason = f"the same conversation as {seen[digest]}"
                        summary.rejected.append(
                            Rejected(source.name, record.line, reason, record.raw, meant=True)
                        )
                        file.repeats += 1
                        continue
                    seen[digest] = f"{source.name}:{record.line}"
                collector.add(read.beside, read.used, read.task)
                file.shapes[f"{read.format}: {', '.join(read.used)}"] += 1
                file.repairs.update(read.repairs)
                file.unused.update(read.unused)
                yield instruction
            if source.note:
                file.notes.append(source.note)
    if not summary.by_source:
        raise _nothing_left(summary.rejected)
    summary.columns = collector.columns()


def _instruction(source: str, record: Record, read: Conversation) -> Instruction:
    return Instruction(
        messages=read.messages,
        source=source,
        line=record.line,
        format=read.format,
        raw=record.raw,
        task=read.task,
        tools=read.tools,
        template_kwargs=read.template_kwargs,
    )


def _nothing_left(rejected: Sequence[Rejected]) -> InputError:
    first, times = Counter(reject.reason for reject in rejected).most_common(1)[0]
    example = next(reject for reject in rejected if reject.reason == first)
    return InputError(
        f"all {len(rejected):,} records were rejected, {times:,} of them because: {first} (such as "
        f"{example.source}:{example.line}); expected at least one instruction"
    )


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
    for row, one in enumerate(instructions):
        original = first.setdefault((one.messages, one.tools, one.template_kwargs), row)
        if original != row:
            groups.setdefault(original, [original]).append(row)
    return [groups[original] for original in sorted(groups)]


def conversation_digest(instruction: Instruction) -> bytes:
    """The same for instructions that teach the same, whose messages, tools and template arguments are."""
    return digest_of(messages_as_json(instruction.messages), instruction.tools, instruction.template_kwargs)


def digest_of(*texts: str | None) -> bytes:
    """16 bytes that differ, for all practical purposes, where any of some texts does."""
    digest = blake2b(digest_size=16)
    for text in texts:
        data = b"" if text is None else text.encode("utf-8", "surrogatepass")
        digest.update(b"%d " % (-1 if text is None else len(data)) + data)
    return digest.digest()


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

"""What a format is, and what several formats share: optional fields, JSON Lines, turns as OpenAI has them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from g2is.instructions import Instruction, Message


@dataclass(frozen=True)
class ExportFormat:
    """One way to write a selection.

    name: as the command line has it. title: as pages show it. purpose: one line on what it is for.
    records: instructions -> records, each as text as it will be in the file (Parquet, which is binary: as JSON).
    notes: instructions -> a sentence for everything that is lost or changed. pack: records -> files by name. The
    data file is called train, so that `datasets.load_dataset(folder)` finds it beside the manifest.
    """

    name: str
    title: str
    purpose: str
    records: Callable[[Sequence[Instruction]], list[str]]
    notes: Callable[[Sequence[Instruction]], list[str]]
    pack: Callable[[Sequence[str]], dict[str, bytes]]


# A field is in all records of a file or in none: `datasets` infers the columns from the first megabytes.
# "[]" and not null, because trainers parse `tools` as JSON.
OPTIONAL: dict[str, Any] = {"system": "", "history": [], "tools": "[]"}
# Allowed in JSON strings, but a program that splits a file with `str.splitlines` would split the record.
_LINE_SEPARATORS = {ord(mark): f"\\u{ord(mark):04x}" for mark in "\x85\u2028\u2029"}


def as_json(records: Sequence[dict[str, Any]]) -> list[str]:
    """The records without the optional fields that none of them needs."""
    unused = {
        field
        for field, empty in OPTIONAL.items()
        if all(record.get(field, empty) == empty for record in records)
    }
    kept = [{field: value for field, value in record.items() if field not in unused} for record in records]
    return [json.dumps(record, ensure_ascii=False).translate(_LINE_SEPARATORS) for record in kept]


def json_lines(records: Sequence[str]) -> dict[str, bytes]:
    """One record a line."""
    return {"train.jsonl": "".join(f"{record}\n" for record in records).encode()}


def openai_turns(turns: Sequence[Message]) -> list[dict[str, str]]:
    """Turns as OpenAI's messages."""
    return [{"role": turn.role, "content": turn.content} for turn in turns]


def tools_of(sample: Instruction) -> str:
    """The tools of a conversation as JSON text."""
    return sample.tools or "[]"

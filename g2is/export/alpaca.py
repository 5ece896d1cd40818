"""Alpaca, as in LLaMA-Factory's data/README.md."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from g2is.export.format import ExportFormat, as_json, tools_of
from g2is.export.notes import (
    alternates,
    note,
    note_calls_as_text,
    note_excluded,
    note_fields,
    note_reasoning_inside,
    system_and_turns,
)
from g2is.instructions import Instruction
from g2is.instructions.record import parse


def alpaca(samples: Sequence[Instruction]) -> list[str]:
    return as_json([_alpaca_record(sample) for sample in samples])


def alpaca_notes(samples: Sequence[Instruction]) -> list[str]:
    flattened = note(
        "Alpaca holds no tool turns and no turns out of order; there all turns before the response are in "
        "the instruction, marked with their roles",
        samples,
        lambda sample: not alternates(sample, "user"),
    )
    return [
        *flattened,
        *note_reasoning_inside(samples),
        *note_calls_as_text(samples),
        *note_excluded(samples, "Replies that are not to be trained lose their mark"),
        *note_fields(samples),
    ]


def _alpaca_record(sample: Instruction) -> dict[str, Any]:
    system, instruction, given, history = "", sample.prompt, "", []
    if alternates(sample, "user"):
        system, (*earlier, question, _) = system_and_turns(sample)
        instruction = question.content
        history = [
            [asked.text, answered.text] for asked, answered in zip(earlier[::2], earlier[1::2], strict=True)
        ]
    if sample.format == "alpaca":  # as the source divides them; in other formats all is instruction
        record = parse(sample.raw)
        parts = (record.get("instruction") or "", record.get("input") or "")
        if all(isinstance(part, str) for part in parts):  # a number as input is part of the instruction
            instruction, given = parts
    return {
        "instruction": instruction,
        "input": given,
        "output": sample.response,
        "system": system,
        "history": history,
        "tools": tools_of(sample),
    }


def json_array(records: Sequence[str]) -> dict[str, bytes]:
    """Alpaca files are arrays. `datasets` reads them whole: a first `history` far down still has its type."""
    return {"train.json": ("[\n" + ",\n".join(records) + "\n]\n").encode()}


ALPACA = ExportFormat(
    name="alpaca",
    title="Alpaca",
    purpose="instruction, input and output, with system and history where a record has them",
    records=alpaca,
    notes=alpaca_notes,
    pack=json_array,
)

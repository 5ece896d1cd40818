"""ShareGPT, as in LLaMA-Factory's data/README.md."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from g2is.export.format import ExportFormat, as_json, json_lines, tools_of
from g2is.export.notes import (
    has_plain_call,
    is_call,
    note,
    note_excluded,
    note_fields,
    note_labels,
    note_reasoning_inside,
    system_and_turns,
    uses_tools,
)
from g2is.instructions import Instruction, Message

_SHAREGPT_NAMES = {"system": "system", "user": "human", "assistant": "gpt", "tool": "observation"}


def sharegpt(samples: Sequence[Instruction]) -> list[str]:
    records = [_sharegpt_record(sample) for sample in samples]
    if any(not turn.trained for sample in samples for turn in sample.messages):
        for record, sample in zip(records, samples, strict=True):
            _, turns = system_and_turns(sample)
            for fields, turn in zip(record["conversations"], turns, strict=True):
                fields["train"] = turn.role == "assistant" and turn.trained
    return as_json(records)


def sharegpt_notes(samples: Sequence[Instruction]) -> list[str]:
    plain_calls = note(
        "Tool calls that are not JSON with a name and an object of arguments are ordinary replies",
        samples,
        has_plain_call,
    )
    return [
        *plain_calls,
        *note_reasoning_inside(samples),
        *note_labels(samples),
        *note_excluded(
            samples,
            "Replies that are not to be trained have train: false, which axolotl reads with message_field_training: "
            "train and other trainers ignore",
        ),
        *note_fields(samples),
    ]


def _sharegpt_record(sample: Instruction) -> dict[str, Any]:
    system, turns = system_and_turns(sample)
    conversation = [{"from": _sharegpt_name(turn, sample), "value": turn.text} for turn in turns]
    return {"conversations": conversation, "system": system, "tools": tools_of(sample)}


def _sharegpt_name(turn: Message, sample: Instruction) -> str:
    if turn.role == "assistant" and uses_tools(sample) and is_call(turn.text):
        return "function_call"
    return _SHAREGPT_NAMES[turn.role]


SHAREGPT = ExportFormat(
    name="sharegpt",
    title="ShareGPT",
    purpose="conversations of from and value, with system and tools, for Axolotl and many others",
    records=sharegpt,
    notes=sharegpt_notes,
    pack=json_lines,
)

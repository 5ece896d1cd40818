"""What a format is, and what several formats share: optional fields, JSON Lines, turns as OpenAI has them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from g2is.instructions import Instruction, Message, ToolCall


@dataclass(frozen=True)
class ExportFormat:
    """One way to write a selection.

    name: as the command line has it. title: as pages show it. purpose: one line on what it is for.
    records: instructions -> records, each as text as it will be in the file (Parquet, which is binary: as JSON).
    notes: instructions -> a sentence for everything that is lost or changed. pack: records -> files by name. The
    data file is called train, so that `datasets.load_dataset(folder)` finds it beside the manifest. header: what the
    file begins with, before the records. columns: whether it holds those of the records.
    """

    name: str
    title: str
    purpose: str
    records: Callable[[Sequence[Instruction]], list[str]]
    notes: Callable[[Sequence[Instruction]], list[str]]
    pack: Callable[[Sequence[str]], dict[str, bytes]]
    header: Callable[[Sequence[Instruction]], list[str]] = lambda samples: []
    columns: bool = False

    def files(self, samples: Sequence[Instruction]) -> dict[str, bytes]:
        """The files of these instructions by name."""
        return self.pack([*self.header(samples), *self.records(samples)])


# A field is in all records of a file or in none: `datasets` infers the columns from the first megabytes.
# "[]" and not null, because trainers parse `tools` as JSON.
OPTIONAL: dict[str, Any] = {"system": "", "history": [], "tools": "[]", "chat_template_kwargs": {}}
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


def openai_turns(turns: Sequence[Message], *, objects: bool = False) -> list[dict[str, Any]]:
    """Turns as OpenAI's messages, with fields beyond role and content only where a turn has them.

    objects: arguments of tool calls as objects (chat templates of transformers), not as JSON text (OpenAI).
    """
    return [_openai_turn(turn, objects) for turn in turns]


def _openai_turn(turn: Message, objects: bool) -> dict[str, Any]:
    optional = {
        "reasoning_content": turn.reasoning,
        "tool_calls": [_openai_call(call, objects) for call in turn.tool_calls] or None,
        "tool_call_id": turn.tool_call_id,
        "name": turn.name,
        "weight": None if turn.trained else 0,
    }
    fields = {"role": turn.role, "content": turn.content}
    return {**fields, **{name: value for name, value in optional.items() if value is not None}}


def _openai_call(call: ToolCall, objects: bool) -> dict[str, Any]:
    arguments = call.parsed_arguments if objects else call.arguments
    return {
        **({} if call.id is None else {"id": call.id}),
        "type": "function",
        "function": {"name": call.name, "arguments": arguments},
    }


def types_of(records: Sequence[str], *columns: str) -> dict[str, bytes]:
    """A README.md with the types of the columns, where turns have fields beyond role and content.

    `datasets` infers types from the first megabytes of a file, and cannot read a first tool call after them; of a
    folder it reads the types from here. columns: those that hold turns.
    """
    parsed = [json.loads(record) for record in records]
    used = {field for record in parsed for column in columns for turn in record[column] for field in turn}
    if used <= {"role", "content"}:
        return {}
    objects = any(
        not isinstance(call["function"]["arguments"], str)
        for record in parsed
        for column in columns
        for turn in record[column]
        for call in turn.get("tool_calls", ())
    )
    text = {"role", "content", "reasoning_content", "tool_call_id", "name"}
    lines = ["---", "dataset_info:", "  features:"]
    for column in parsed[0]:
        lines.append(f"  - name: {column}")
        if column not in columns:
            lines.append(f"    dtype: {'json' if column == 'chat_template_kwargs' else 'string'}")
            continue
        lines.append("    list:")
        for field in sorted(used & text) + sorted(used & {"weight"}):
            lines += [f"    - name: {field}", f"      dtype: {'int64' if field == 'weight' else 'string'}"]
        if "tool_calls" in used:
            lines += ["    - name: tool_calls", "      list:"]
            lines += [
                line for name in ("id", "type") for line in (f"      - name: {name}", "        dtype: string")
            ]
            lines += [
                "      - name: function",
                "        struct:",
                "        - name: name",
                "          dtype: string",
            ]
            lines += ["        - name: arguments", f"          dtype: {'json' if objects else 'string'}"]
    return {"README.md": "\n".join([*lines, "---", ""]).encode()}


def tools_of(sample: Instruction) -> str:
    """The tools of a conversation as JSON text."""
    return sample.tools or "[]"


def template_kwargs_of(sample: Instruction) -> dict[str, Any]:
    """What a conversation gives to the chat template."""
    return json.loads(sample.template_kwargs) if sample.template_kwargs else {}

"""Instructions -> the JSON records that trainers document, and their files.

Alpaca, ShareGPT and dataset_info.json as in LLaMA-Factory's data/README.md, prompt and completion as in TRL's
"Dataset formats".
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from g2is.export.notes import (
    alternates,
    has_plain_call,
    is_call,
    note,
    note_fields,
    note_tools_as_text,
    note_unreadable_tools,
    system_and_turns,
    uses_tools,
)
from g2is.instructions import Instruction, Message

# A field stands in all records of a file or in none: `datasets` takes the columns from the first megabytes.
# "[]" and not null, because trainers parse `tools` as JSON.
_OPTIONAL: dict[str, Any] = {"system": "", "history": [], "tools": "[]"}
# Allowed in JSON strings, but whoever cuts a file with `str.splitlines` would cut the record.
_LINE_SEPARATORS = {ord(mark): f"\\u{ord(mark):04x}" for mark in "\x85\u2028\u2029"}


def json_lines(records: Sequence[str]) -> dict[str, bytes]:
    return {"train.jsonl": "".join(f"{record}\n" for record in records).encode()}


def json_array(records: Sequence[str]) -> dict[str, bytes]:
    """Alpaca files are arrays. `datasets` reads them whole: a first `history` far down still has its type."""
    return {"train.json": ("[\n" + ",\n".join(records) + "\n]\n").encode()}


def alpaca(samples: Sequence[Instruction]) -> list[str]:
    return _as_json([_alpaca_record(sample) for sample in samples])


def alpaca_notes(samples: Sequence[Instruction]) -> list[str]:
    flattened = note(
        "Alpaca holds no tool turns and no turns out of order; there all turns before the response stand in "
        "the instruction, marked with their roles",
        samples,
        lambda sample: not alternates(sample, "user"),
    )
    return [*flattened, *note_fields(samples)]


def _alpaca_record(sample: Instruction) -> dict[str, Any]:
    system, instruction, given, history = "", sample.prompt, "", []
    if alternates(sample, "user"):
        system, (*earlier, question, _) = system_and_turns(sample)
        instruction = question.content
        history = [
            [asked.text, answered.text] for asked, answered in zip(earlier[::2], earlier[1::2], strict=True)
        ]
    if sample.format == "alpaca":  # as the source divides them; elsewhere all is instruction
        record = json.loads(sample.raw)
        instruction, given = record["instruction"], record.get("input") or ""
    return {
        "instruction": instruction,
        "input": given,
        "output": sample.response,
        "system": system,
        "history": history,
        "tools": _tools(sample),
    }


_SHAREGPT_NAMES = {"system": "system", "user": "human", "assistant": "gpt", "tool": "observation"}


def sharegpt(samples: Sequence[Instruction]) -> list[str]:
    return _as_json([_sharegpt_record(sample) for sample in samples])


def sharegpt_notes(samples: Sequence[Instruction]) -> list[str]:
    plain_calls = note(
        "Tool calls that are not JSON with a name and an object of arguments stand as ordinary replies",
        samples,
        has_plain_call,
    )
    return [*plain_calls, *note_fields(samples)]


def _sharegpt_record(sample: Instruction) -> dict[str, Any]:
    system, turns = system_and_turns(sample)
    conversation = [{"from": _sharegpt_name(turn, sample), "value": turn.text} for turn in turns]
    return {"conversations": conversation, "system": system, "tools": _tools(sample)}


def _sharegpt_name(turn: Message, sample: Instruction) -> str:
    if turn.role == "assistant" and uses_tools(sample) and is_call(turn.text):
        return "function_call"
    return _SHAREGPT_NAMES[turn.role]


# The name to give LLaMA-Factory as `dataset`, beside the folder as `dataset_dir`.
LLAMA_FACTORY_DATASET = "g2is"
# Where there are tags, LLaMA-Factory takes one that is missing for none, not for its default: all are given.
_TAGS = {
    "role_tag": "from",
    "content_tag": "value",
    "user_tag": "human",
    "assistant_tag": "gpt",
    "observation_tag": "observation",
    "function_tag": "function_call",
    "system_tag": "system",
}


def llama_factory_notes(samples: Sequence[Instruction]) -> list[str]:
    skipped = note(
        "LLaMA-Factory skips conversations where the assistant does not speak at every second turn",
        samples,
        lambda sample: not alternates(sample, "user", "tool"),
    )
    return [*skipped, *note_unreadable_tools(samples), *sharegpt_notes(samples)]


def llama_factory_folder(records: Sequence[str]) -> dict[str, bytes]:
    optional = [field for field in json.loads(records[0]) if field in _OPTIONAL]
    info = {
        LLAMA_FACTORY_DATASET: {
            "file_name": "train.jsonl",
            "formatting": "sharegpt",
            "columns": {"messages": "conversations", **{field: field for field in optional}},
            "tags": _TAGS,
        }
    }
    return {**json_lines(records), "dataset_info.json": (json.dumps(info, indent=2) + "\n").encode()}


def messages(samples: Sequence[Instruction]) -> list[str]:
    records = [{"messages": openai_turns(sample.messages), "tools": _tools(sample)} for sample in samples]
    return _as_json(with_same_fields(records, "messages"))


def messages_notes(samples: Sequence[Instruction]) -> list[str]:
    return [*note_tools_as_text(samples), *note_fields(samples)]


def trl(samples: Sequence[Instruction]) -> list[str]:
    """Prompt and completion, because there TRL trains on the completion alone without being told."""
    records = [_trl_record(sample) for sample in samples]
    return _as_json(with_same_fields(records, "prompt", "completion"))


def trl_notes(samples: Sequence[Instruction]) -> list[str]:
    return [
        *note(
            "Earlier replies stand in the prompt and are not trained on; for that choose messages and set "
            "assistant_only_loss",
            samples,
            lambda sample: any(turn.role == "assistant" for turn in sample.messages[: _completion(sample)]),
        ),
        *note_unreadable_tools(samples),
        *note_tools_as_text(samples),
        *note_fields(samples),
    ]


def _trl_record(sample: Instruction) -> dict[str, Any]:
    start = _completion(sample)
    return {
        "prompt": openai_turns(sample.messages[:start], objects=True),
        "completion": openai_turns(sample.messages[start:], objects=True),
        "tools": _tools(sample),
    }


def _completion(sample: Instruction) -> int:
    """Where the last run of assistant turns begins: TRL asks for a reply after the prompt."""
    return max(place for place, turn in enumerate(sample.messages) if turn.role != "assistant") + 1


def openai_turns(turns: Sequence[Message], *, objects: bool = False) -> list[dict[str, Any]]:
    """Turns as OpenAI writes them, with fields beyond role and content only where a turn has them.

    objects: arguments of tool calls as objects (transformers' chat templates), not as JSON text (OpenAI).
    """
    return [_openai_turn(turn, objects) for turn in turns]


def _openai_turn(turn: Message, objects: bool) -> dict[str, Any]:
    calls = [
        {
            "id": call.id,
            "type": "function",
            "function": {
                "name": call.name,
                "arguments": call.parsed_arguments if objects else call.arguments,
            },
        }
        for call in turn.tool_calls
    ]
    optional = {
        "reasoning_content": turn.reasoning,
        "tool_calls": calls or None,
        "tool_call_id": turn.tool_call_id,
        "name": turn.name,
        "weight": None if turn.trained else 0,
    }
    fields = {"role": turn.role, "content": turn.content}
    return {**fields, **{name: value for name, value in optional.items() if value is not None}}


def with_same_fields(records: list[dict[str, Any]], *columns: str) -> list[dict[str, Any]]:
    """Gives every turn of a file the fields that any of them has, null where it has none: `datasets` wants that."""
    turns = [turn for record in records for column in columns for turn in record[column]]
    fields = dict.fromkeys(field for turn in turns for field in turn)
    for turn in turns:
        for field in fields:
            turn.setdefault(field, None)
    return records


def _tools(sample: Instruction) -> str:
    return sample.tools or "[]"


def _as_json(records: Sequence[dict[str, Any]]) -> list[str]:
    """The records without the optional fields that none of them needs."""
    unused = {
        field
        for field, empty in _OPTIONAL.items()
        if all(record.get(field, empty) == empty for record in records)
    }
    kept = [{field: value for field, value in record.items() if field not in unused} for record in records]
    return [json.dumps(record, ensure_ascii=False).translate(_LINE_SEPARATORS) for record in kept]

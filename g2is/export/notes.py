"""Sentences about what a conversion loses or changes, and what they are about."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

from g2is.instructions import Instruction, Message

# The fields of a record that its reading takes in.
_FIELDS_READ = {
    "messages": {"messages"},
    "sharegpt": {"conversations"},
    "alpaca": {"instruction", "input", "output", "history"},
    "prompt_completion": {"prompt", "completion"},
    "question_answer": {"question", "answer"},
}


def note(text: str, samples: Sequence[Instruction], concerns: Callable[[Instruction], bool]) -> list[str]:
    """The sentence with how many samples it concerns and where the first stands; none where it concerns none."""
    found = [sample for sample in samples if concerns(sample)]
    if not found:
        return []
    return [f"{text}: {len(found):,} of {len(samples):,} records, first {found[0].source}:{found[0].line}."]


def note_fields(samples: Sequence[Instruction], *kept: str) -> list[str]:
    """Names the fields of the source's records that have no place in the format."""

    def left_out(sample: Instruction) -> list[str]:
        known = {*_FIELDS_READ[sample.format], "system", "tools", *kept}
        return [field for field in json.loads(sample.raw) if field not in known]

    names = list(dict.fromkeys(field for sample in samples for field in left_out(sample)))
    shown = ", ".join(names[:8]) + (", …" if len(names) > 8 else "")
    text = f"Fields beside the conversation are left out ({shown}); jsonl keeps them"
    return note(text, samples, lambda sample: bool(left_out(sample)))


def note_tools_as_text(samples: Sequence[Instruction]) -> list[str]:
    return note(
        "Tool calls stand as text in the assistant's content, not as tool_calls, and tools as JSON text",
        samples,
        uses_tools,
    )


def note_unreadable_tools(samples: Sequence[Instruction]) -> list[str]:
    return note(
        "Tools that are no JSON list, which the trainer cannot read",
        samples,
        lambda sample: sample.tools is not None and not isinstance(_parsed(sample.tools), list),
    )


def uses_tools(sample: Instruction) -> bool:
    return sample.tools is not None or any(turn.role == "tool" for turn in sample.messages)


def is_call(content: str) -> bool:
    """Whether LLaMA-Factory reads it as tool calls: JSON, each with a name and an object of arguments."""
    calls = _parsed(content)
    calls = calls if isinstance(calls, list) else [calls]
    return bool(calls) and all(
        isinstance(call, dict)
        and isinstance(call.get("name"), str)
        and isinstance(call.get("arguments"), dict)
        for call in calls
    )


def has_plain_call(sample: Instruction) -> bool:
    """Whether a tool answers something that is not a call by the rule of `is_call`."""
    return any(
        turn.role == "assistant" and answer.role == "tool" and not is_call(turn.text)
        for turn, answer in pairwise(sample.messages)
    )


def system_and_turns(sample: Instruction) -> tuple[str, tuple[Message, ...]]:
    """The system prompt apart where one, and only one, opens the conversation."""
    first, second = sample.messages[:2]
    if first.role == "system" and second.role != "system":
        return first.content, sample.messages[1:]
    return "", sample.messages


def alternates(sample: Instruction, *asking: str) -> bool:
    """Whether, after the system prompt, turns that ask and assistant turns follow each other by turns."""
    _, turns = system_and_turns(sample)
    return all(turn.role in (("assistant",) if place % 2 else asking) for place, turn in enumerate(turns))


def _parsed(text: str) -> Any:
    """JSON text, or None where it is something else."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None

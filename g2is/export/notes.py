"""Sentences about what a conversion loses or changes, and the properties of instructions they depend on."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

from g2is.instructions import Instruction, Message

# The fields of a record that become turns when it is read.
_FIELDS_READ = {
    "messages": {"messages"},
    "sharegpt": {"conversations"},
    "alpaca": {"instruction", "input", "output", "history"},
    "prompt_completion": {"prompt", "completion"},
    "question_answer": {"question", "answer"},
}


def note(text: str, samples: Sequence[Instruction], concerns: Callable[[Instruction], bool]) -> list[str]:
    """The sentence with the number of samples it concerns and the place of the first; none where it concerns none."""
    concerned = [sample for sample in samples if concerns(sample)]
    if not concerned:
        return []
    place = f"{concerned[0].source}:{concerned[0].line}"
    return [f"{text}: {len(concerned):,} of {len(samples):,} records, first {place}."]


def note_fields(samples: Sequence[Instruction], *kept: str) -> list[str]:
    """A sentence with the fields of the source's records that the format cannot hold."""

    def left_out(sample: Instruction) -> list[str]:
        known = {*_FIELDS_READ[sample.format], "system", "tools", *kept}
        return [field for field in json.loads(sample.raw) if field not in known]

    names = list(dict.fromkeys(field for sample in samples for field in left_out(sample)))
    shown = ", ".join(names[:8]) + (", …" if len(names) > 8 else "")
    text = f"Fields beside the conversation are left out ({shown}); jsonl keeps them"
    return note(text, samples, lambda sample: bool(left_out(sample)))


def note_tools_as_text(samples: Sequence[Instruction]) -> list[str]:
    return note(
        "Tool calls are text in the assistant's content, not tool_calls, and tools as JSON text",
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
        turn.role == "assistant" and answer.role == "tool" and not is_call(turn.content)
        for turn, answer in pairwise(sample.messages)
    )


def system_and_turns(sample: Instruction) -> tuple[str, tuple[Message, ...]]:
    """The system prompt and the other turns, where exactly one system turn opens the conversation; else "" and all."""
    first, second = sample.messages[:2]
    if first.role == "system" and second.role != "system":
        return first.content, sample.messages[1:]
    return "", sample.messages


def alternates(sample: Instruction, *asking: str) -> bool:
    """Whether, after the system prompt, asking turns and assistant turns alternate."""
    _, turns = system_and_turns(sample)
    return all(turn.role in (("assistant",) if place % 2 else asking) for place, turn in enumerate(turns))


def _parsed(text: str) -> Any:
    """JSON text, or None where it is something else."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None

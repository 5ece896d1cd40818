"""Sentences about what a conversion loses or changes, and the properties of instructions they depend on."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from g2is.instructions import Instruction, Message
from g2is.instructions.fields import as_json, parsed

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
        known = {*_FIELDS_READ[sample.format], "system", "tools", "functions", *kept}
        return [field for field in json.loads(sample.raw) if field not in known]

    names = list(dict.fromkeys(field for sample in samples for field in left_out(sample)))
    shown = ", ".join(names[:8]) + (", …" if len(names) > 8 else "")
    text = f"Fields beside the conversation are left out ({shown}); jsonl keeps them"
    return note(text, samples, lambda sample: bool(left_out(sample)))


def note_tools_as_text(samples: Sequence[Instruction]) -> list[str]:
    return note("Tools are JSON text, not a list", samples, lambda sample: sample.tools is not None)


def note_arguments_as_text(samples: Sequence[Instruction]) -> list[str]:
    return note(
        "Arguments of tool calls are JSON text, as OpenAI has them, which chat templates would quote in TRL; for TRL "
        "choose trl",
        samples,
        lambda sample: any(turn.tool_calls for turn in sample.messages),
    )


def note_reasoning_inside(samples: Sequence[Instruction]) -> list[str]:
    return note(
        "Reasoning is inside the reply, between <think> and </think>",
        samples,
        lambda sample: any(turn.reasoning is not None for turn in sample.messages),
    )


def note_calls_as_text(samples: Sequence[Instruction]) -> list[str]:
    return note(
        "Tool calls are JSON in the text of the reply",
        samples,
        lambda sample: any(turn.tool_calls for turn in sample.messages),
    )


def note_labels(samples: Sequence[Instruction]) -> list[str]:
    return note(
        "Names of turns and ids of tool calls are left out",
        samples,
        lambda sample: any(
            turn.name is not None or turn.tool_call_id is not None or any(call.id for call in turn.tool_calls)
            for turn in sample.messages
        ),
    )


def note_excluded(samples: Sequence[Instruction], text: str) -> list[str]:
    """For formats and trainers that train every reply. text: what becomes of those that are not to be trained."""
    return note(text, samples, lambda sample: any(not turn.trained for turn in sample.messages))


def note_argument_spelling(samples: Sequence[Instruction]) -> list[str]:
    return note(
        "Arguments of tool calls are objects, without the spacing that the source has them in",
        samples,
        lambda sample: any(
            isinstance(call.parsed_arguments, dict) and as_json(call.parsed_arguments) != call.arguments
            for turn in sample.messages
            for call in turn.tool_calls
        ),
    )


def note_unreadable_tools(samples: Sequence[Instruction]) -> list[str]:
    return note(
        "Tools that are no JSON list, which the trainer cannot read",
        samples,
        lambda sample: sample.tools is not None and not isinstance(parsed(sample.tools), list),
    )


def uses_tools(sample: Instruction) -> bool:
    return sample.tools is not None or any(turn.role == "tool" for turn in sample.messages)


def is_call(content: str) -> bool:
    """Whether LLaMA-Factory reads it as tool calls: JSON, each with a name and an object of arguments."""
    calls = parsed(content)
    calls = calls if isinstance(calls, list) else [calls]
    return bool(calls) and all(
        isinstance(call, dict)
        and isinstance(call.get("name"), str)
        and isinstance(call.get("arguments"), dict)
        for call in calls
    )


def has_plain_call(sample: Instruction) -> bool:
    """Whether something is called, or answered by a tool, in a turn that is not a call by the rule of `is_call`."""
    following = (*sample.messages[1:], None)
    return any(
        (turn.tool_calls or (answer and answer.role == "tool")) and not is_call(turn.text)
        for turn, answer in zip(sample.messages, following, strict=True)
        if turn.role == "assistant"
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

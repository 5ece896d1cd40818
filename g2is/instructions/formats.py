"""One record's bytes -> a conversation. Where the bytes come from is not known here.

The readings are those that LLaMA-Factory documents for Alpaca and ShareGPT, and OpenAI's for messages. A
record is recognised by its own fields; where several formats fit, the first in this order is taken:

    messages           messages: turns with role and content
    sharegpt           conversations: turns with from and value
    alpaca             instruction, input, history, output
    prompt_completion  prompt, completion
    question_answer    question, answer

In each, `system`, `tools` (or `functions`), `chat_template_kwargs` and `task` are read too, and a field that is
null counts as absent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from g2is.instructions.fields import BadRecord, filled, names, optional_text, required, shown, text
from g2is.instructions.record import parse
from g2is.instructions.turns import Message, read_template_kwargs, read_tools, read_turn


@dataclass(frozen=True, slots=True)
class Conversation:
    """What a record holds; see `Instruction` for the fields."""

    messages: tuple[Message, ...]
    format: str
    task: str | None
    tools: str | None
    template_kwargs: str | None


def read_record(raw: bytes, format: str = "auto") -> Conversation:
    """The conversation of one record. format: one of `FORMATS`, or "auto". Raises BadRecord."""
    try:
        record = parse(raw)
        name = _recognised(record) if format == "auto" else format
        messages = _READERS[name][1](record)
        system = optional_text(record, "system")
        # LLaMA-Factory: a system turn of the conversation itself comes before the field.
        if system.strip() and messages and messages[0].role != "system":
            messages.insert(0, Message("system", system))
        _check_turns(messages)
        task = record.get("task")
        return Conversation(
            messages=tuple(messages),
            format=name,
            task=text(task, '"task"') if isinstance(task, str) and task.strip() else None,
            tools=read_tools(record.get("tools"), record.get("functions")),
            template_kwargs=read_template_kwargs(record.get("chat_template_kwargs")),
        )
    except RecursionError:
        raise BadRecord("nested too deeply to read, expected a flat record") from None


def _recognised(record: dict[str, Any]) -> str:
    present = {field for field, value in record.items() if value is not None}
    for name, (fields, _) in _READERS.items():
        if present.issuperset(fields):
            return name
    # A record that lacks a field is told so by the format that it comes close to.
    for name, (fields, _) in _READERS.items():
        if not present.isdisjoint(fields):
            return name
    wanted = ", ".join("/".join(fields) for fields, _ in _READERS.values())
    raise BadRecord(f"no format known for {names(record)}, expected one of {wanted}")


def _messages(record: dict[str, Any]) -> list[Message]:
    return _turns(record, "messages")


def _sharegpt(record: dict[str, Any]) -> list[Message]:
    return _turns(record, "conversations")


def _alpaca(record: dict[str, Any]) -> list[Message]:
    messages = []
    history = record.get("history")
    if not isinstance(history, list | None):
        raise BadRecord(f'"history" is {shown(history)}, expected a list of [prompt, response] pairs')
    for number, pair in enumerate(history or [], 1):
        if not isinstance(pair, list) or len(pair) != 2:
            raise BadRecord(f'item {number} of "history" is {shown(pair)}, expected [prompt, response]')
        messages.append(Message("user", filled(pair[0], f'the prompt of item {number} of "history"')))
        messages.append(Message("assistant", filled(pair[1], f'the response of item {number} of "history"')))
    parts = [text(required(record, "instruction"), '"instruction"'), optional_text(record, "input")]
    prompt = filled("\n".join(part for part in parts if part), '"instruction" with "input"')
    return [*messages, Message("user", prompt), _reply(record, "output")]


def _prompt_completion(record: dict[str, Any]) -> list[Message]:
    prompt = filled(required(record, "prompt"), '"prompt"')
    return [Message("user", prompt), _reply(record, "completion")]


def _question_answer(record: dict[str, Any]) -> list[Message]:
    question = filled(required(record, "question"), '"question"')
    return [Message("user", question), _reply(record, "answer")]


_READERS: dict[str, tuple[tuple[str, ...], Callable[[dict[str, Any]], list[Message]]]] = {
    "messages": (("messages",), _messages),
    "sharegpt": (("conversations",), _sharegpt),
    "alpaca": (("instruction", "output"), _alpaca),
    "prompt_completion": (("prompt", "completion"), _prompt_completion),
    "question_answer": (("question", "answer"), _question_answer),
}
FORMATS = tuple(_READERS)


def _turns(record: dict[str, Any], field: str) -> list[Message]:
    turns = required(record, field)
    if not isinstance(turns, list):
        raise BadRecord(f'"{field}" is {shown(turns)}, expected a list of turns')
    messages = [read_turn(turn, f"turn {number}") for number, turn in enumerate(turns, 1)]
    # Written by many tools where there is no system prompt.
    return [message for message in messages if message.role != "system" or message.content.strip()]


def _check_turns(messages: list[Message]) -> None:
    roles = [message.role for message in messages]
    if "user" not in roles:
        raise BadRecord("no user turn, expected a question and an assistant's reply")
    if "assistant" not in roles:
        raise BadRecord("no assistant turn, expected a reply to train on")
    if roles[-1] != "assistant":
        raise BadRecord(f"ends with a {roles[-1]} turn, expected an assistant's reply")


def _reply(record: dict[str, Any], field: str) -> Message:
    return Message("assistant", filled(required(record, field), f'"{field}"'))

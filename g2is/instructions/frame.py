"""Instructions as a table, the way a run keeps them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from g2is.instructions.reading import Instruction
from g2is.instructions.turns import Message, ToolCall

if TYPE_CHECKING:
    import pandas as pd

_OPTIONAL = ("reasoning", "tool_call_id", "name")


def to_frame(instructions: Sequence[Instruction]) -> pd.DataFrame:
    """One row an instruction, in order.

    Columns: source, line (int64), format, task, prompt, response, messages (JSON text: a list of role and
    content, with the other fields of `Message` where a turn has them), tools, template_kwargs, raw (bytes).
    Survives Parquet; `from_frame` is the inverse.
    """
    import pandas as pd

    return pd.DataFrame(
        {
            "source": pd.Series([i.source for i in instructions], dtype="str"),
            "line": pd.Series([i.line for i in instructions], dtype="int64"),
            "format": pd.Series([i.format for i in instructions], dtype="str"),
            "task": pd.Series([i.task for i in instructions], dtype="str"),
            "prompt": pd.Series([i.prompt for i in instructions], dtype="str"),
            "response": pd.Series([i.response for i in instructions], dtype="str"),
            "messages": pd.Series([_messages_as_json(i.messages) for i in instructions], dtype="str"),
            "tools": pd.Series([i.tools for i in instructions], dtype="str"),
            "template_kwargs": pd.Series([i.template_kwargs for i in instructions], dtype="str"),
            "raw": pd.Series([i.raw for i in instructions], dtype="object"),
        }
    )


def from_frame(frame: pd.DataFrame) -> list[Instruction]:
    """The instructions that `to_frame` made the table from, exactly. Tables of earlier runs lack template_kwargs."""
    columns = ["messages", "source", "line", "format", "raw", "task", "tools", "template_kwargs"]
    values = (frame[name].tolist() if name in frame else [None] * len(frame) for name in columns)
    return [
        Instruction(
            messages=tuple(_message(turn) for turn in json.loads(messages)),
            source=source,
            line=line,
            format=format_,
            raw=raw,
            task=_text_or_none(task),
            tools=_text_or_none(tools),
            template_kwargs=_text_or_none(kwargs),
        )
        for messages, source, line, format_, raw, task, tools, kwargs in zip(*values, strict=True)
    ]


def _messages_as_json(messages: Sequence[Message]) -> str:
    return json.dumps([_turn(message) for message in messages], ensure_ascii=False)


def _turn(message: Message) -> dict[str, Any]:
    turn: dict[str, Any] = {"role": message.role, "content": message.content}
    for name in _OPTIONAL:
        if (value := getattr(message, name)) is not None:
            turn[name] = value
    if message.tool_calls:
        turn["tool_calls"] = [
            {"name": call.name, "arguments": call.arguments, "id": call.id} for call in message.tool_calls
        ]
    if not message.trained:
        turn["trained"] = False
    return turn


def _message(turn: dict[str, Any]) -> Message:
    optional: dict[str, Any] = {name: turn.get(name) for name in _OPTIONAL}
    return Message(
        turn["role"],
        turn["content"],
        tool_calls=tuple(ToolCall(**call) for call in turn.get("tool_calls", ())),
        trained=turn.get("trained", True),
        **optional,
    )


def _text_or_none(value: object) -> str | None:
    return value if isinstance(value, str) else None  # pandas turns None into NaN

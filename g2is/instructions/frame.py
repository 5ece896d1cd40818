"""Instructions as a table, the way a run keeps them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from g2is.instructions.reading import Instruction
from g2is.instructions.turns import OPTIONAL, Message, ToolCall, messages_as_json

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

KEPT = ("messages", "source", "line", "format", "raw", "task", "tools", "template_kwargs")
"""Columns that an instruction is made of again."""


def to_frame(instructions: Sequence[Instruction]) -> pd.DataFrame:
    """One row an instruction, in order.

    Columns: source, line (int64), format, task, prompt, response, messages (JSON text: a list of role and
    content, with the other fields of `Message` where a turn has them), tools, template_kwargs, raw (bytes).
    Survives Parquet; `from_frame` is the inverse.
    """
    import pandas as pd

    kinds = {"line": "int64", "raw": "object"}
    return pd.DataFrame(
        {
            name: pd.Series(values, dtype=kinds.get(name, "str"))
            for name, values in _columns(instructions).items()
        }
    )


def to_arrow(instructions: Sequence[Instruction]) -> pa.Table:
    """The same table as Arrow has it."""
    import pyarrow as pa

    kinds = {"line": pa.int64(), "raw": pa.large_binary()}
    return pa.table(
        {
            name: pa.array(values, kinds.get(name, pa.large_string()))
            for name, values in _columns(instructions).items()
        }
    )


def _columns(instructions: Sequence[Instruction]) -> dict[str, list[Any]]:
    return {
        "source": [i.source for i in instructions],
        "line": [i.line for i in instructions],
        "format": [i.format for i in instructions],
        "task": [i.task for i in instructions],
        "prompt": [i.prompt for i in instructions],
        "response": [i.response for i in instructions],
        "messages": [messages_as_json(i.messages) for i in instructions],
        "tools": [i.tools for i in instructions],
        "template_kwargs": [i.template_kwargs for i in instructions],
        "raw": [i.raw for i in instructions],
    }


def from_frame(frame: pd.DataFrame) -> list[Instruction]:
    """The instructions that `to_frame` made the table from, exactly. Tables of earlier runs lack template_kwargs."""
    values = (frame[name].tolist() if name in frame else [None] * len(frame) for name in KEPT)
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


def _message(turn: dict[str, Any]) -> Message:
    optional: dict[str, Any] = {name: turn.get(name) for name in OPTIONAL}
    return Message(
        turn["role"],
        turn["content"],
        tool_calls=tuple(ToolCall(**call) for call in turn.get("tool_calls", ())),
        trained=turn.get("trained", True),
        **optional,
    )


def _text_or_none(value: object) -> str | None:
    return value if isinstance(value, str) else None  # pandas turns None into NaN

"""Instructions as a table, the way a run keeps them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from g2is.instructions.formats import Message
from g2is.instructions.reading import Instruction

if TYPE_CHECKING:
    import pandas as pd


def to_frame(instructions: Sequence[Instruction]) -> pd.DataFrame:
    """One row an instruction, in order.

    Columns: source, line (int64), format, task, prompt, response, messages (JSON text: a list of role and
    content), tools, raw (bytes). Survives Parquet; `from_frame` is the inverse.
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
            "raw": pd.Series([i.raw for i in instructions], dtype="object"),
        }
    )


def from_frame(frame: pd.DataFrame) -> list[Instruction]:
    """The instructions that `to_frame` made the table from, exactly."""
    columns = ("messages", "source", "line", "format", "raw", "task", "tools")
    return [
        Instruction(
            messages=tuple(Message(turn["role"], turn["content"]) for turn in json.loads(messages)),
            source=source,
            line=line,
            format=format_,
            raw=raw,
            task=_text_or_none(task),
            tools=_text_or_none(tools),
        )
        for messages, source, line, format_, raw, task, tools in zip(
            *(frame[column].tolist() for column in columns), strict=True
        )
    ]


def _messages_as_json(messages: Sequence[Message]) -> str:
    turns = [{"role": message.role, "content": message.content} for message in messages]
    return json.dumps(turns, ensure_ascii=False)


def _text_or_none(value: object) -> str | None:
    return value if isinstance(value, str) else None  # pandas turns None into NaN

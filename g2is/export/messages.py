"""Messages as OpenAI's fine-tuning and chat templates read them."""

from __future__ import annotations

from collections.abc import Sequence

from g2is.export.format import (
    ExportFormat,
    as_json,
    json_lines,
    openai_turns,
    template_kwargs_of,
    tools_of,
    types_of,
)
from g2is.export.notes import note_arguments_as_text, note_fields, note_tools_as_text
from g2is.instructions import Instruction


def messages(samples: Sequence[Instruction]) -> list[str]:
    return as_json(
        [
            {
                "messages": openai_turns(sample.messages),
                "tools": tools_of(sample),
                "chat_template_kwargs": template_kwargs_of(sample),
            }
            for sample in samples
        ]
    )


def messages_notes(samples: Sequence[Instruction]) -> list[str]:
    return [
        *note_tools_as_text(samples),
        *note_arguments_as_text(samples),
        *note_fields(samples, "chat_template_kwargs"),
    ]


def messages_folder(records: Sequence[str]) -> dict[str, bytes]:
    return {**json_lines(records), **types_of(records, "messages")}


MESSAGES = ExportFormat(
    name="messages",
    title="OpenAI messages",
    purpose="messages of role and content, with reasoning, tool calls and weights, for OpenAI's fine-tuning and for "
    "chat templates",
    records=messages,
    notes=messages_notes,
    pack=messages_folder,
)

"""Prompt and completion, as in TRL's "Dataset formats"."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from g2is.export.format import (
    ExportFormat,
    as_json,
    json_lines,
    openai_turns,
    template_kwargs_of,
    tools_of,
    types_of,
)
from g2is.export.notes import (
    note,
    note_argument_spelling,
    note_fields,
    note_tools_as_text,
    note_unreadable_tools,
)
from g2is.instructions import Instruction


def trl(samples: Sequence[Instruction]) -> list[str]:
    """Prompt and completion, because with these TRL trains on the completion alone by default."""
    return as_json([_trl_record(sample) for sample in samples])


def trl_notes(samples: Sequence[Instruction]) -> list[str]:
    return [
        *note(
            "Earlier replies are in the prompt and are not trained on; for that choose messages and set "
            "assistant_only_loss",
            samples,
            lambda sample: any(turn.role == "assistant" for turn in sample.messages[: _completion(sample)]),
        ),
        *note(
            "Replies that are not to be trained are in the completion, which TRL trains",
            samples,
            lambda sample: any(not turn.trained for turn in sample.messages[_completion(sample) :]),
        ),
        *note_argument_spelling(samples),
        *note_unreadable_tools(samples),
        *note_tools_as_text(samples),
        *note_fields(samples, "chat_template_kwargs"),
    ]


def _trl_record(sample: Instruction) -> dict[str, Any]:
    start = _completion(sample)
    return {
        "prompt": openai_turns(sample.messages[:start], objects=True),
        "completion": openai_turns(sample.messages[start:], objects=True),
        "tools": tools_of(sample),
        "chat_template_kwargs": template_kwargs_of(sample),
    }


def _completion(sample: Instruction) -> int:
    """Where the last run of assistant turns begins: TRL asks for a reply after the prompt."""
    return max(place for place, turn in enumerate(sample.messages) if turn.role != "assistant") + 1


def trl_folder(records: Sequence[str]) -> dict[str, bytes]:
    return {**json_lines(records), **types_of(records, "prompt", "completion")}


TRL = ExportFormat(
    name="trl",
    title="TRL folder",
    purpose="prompt and completion, for SFTTrainer with load_dataset(folder, split='train')",
    records=trl,
    notes=trl_notes,
    pack=trl_folder,
)

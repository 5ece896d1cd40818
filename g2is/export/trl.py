"""Prompt and completion, as in TRL's "Dataset formats"."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from g2is.export.format import ExportFormat, as_json, json_lines, openai_turns, tools_of
from g2is.export.notes import note, note_fields, note_tools_as_text, note_unreadable_tools
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
        *note_unreadable_tools(samples),
        *note_tools_as_text(samples),
        *note_fields(samples),
    ]


def _trl_record(sample: Instruction) -> dict[str, Any]:
    start = _completion(sample)
    return {
        "prompt": openai_turns(sample.messages[:start]),
        "completion": openai_turns(sample.messages[start:]),
        "tools": tools_of(sample),
    }


def _completion(sample: Instruction) -> int:
    """Where the last run of assistant turns begins: TRL asks for a reply after the prompt."""
    return max(place for place, turn in enumerate(sample.messages) if turn.role != "assistant") + 1


TRL = ExportFormat(
    name="trl",
    title="TRL folder",
    purpose="prompt and completion, for SFTTrainer with load_dataset(folder, split='train')",
    records=trl,
    notes=trl_notes,
    pack=json_lines,
)

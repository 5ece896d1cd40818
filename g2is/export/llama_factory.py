"""A folder for LLaMA-Factory: ShareGPT with a dataset_info.json, as in its data/README.md."""

from __future__ import annotations

import json
from collections.abc import Sequence

from g2is.export.format import OPTIONAL, ExportFormat, json_lines
from g2is.export.notes import alternates, note, note_unreadable_tools
from g2is.export.sharegpt import sharegpt, sharegpt_notes
from g2is.instructions import Instruction

# The name to give LLaMA-Factory as `dataset`, beside the folder as `dataset_dir`.
DATASET = "g2is"
# Where there are tags, LLaMA-Factory reads a missing one as none, not as its default: all are given.
_TAGS = {
    "role_tag": "from",
    "content_tag": "value",
    "user_tag": "human",
    "assistant_tag": "gpt",
    "observation_tag": "observation",
    "function_tag": "function_call",
    "system_tag": "system",
}


def llama_factory_notes(samples: Sequence[Instruction]) -> list[str]:
    skipped = note(
        "LLaMA-Factory skips conversations where the assistant does not speak at every second turn",
        samples,
        lambda sample: not alternates(sample, "user", "tool"),
    )
    return [*skipped, *note_unreadable_tools(samples), *sharegpt_notes(samples)]


def llama_factory_folder(records: Sequence[str]) -> dict[str, bytes]:
    optional = [field for field in json.loads(records[0]) if field in OPTIONAL]
    info = {
        DATASET: {
            "file_name": "train.jsonl",
            "formatting": "sharegpt",
            "columns": {"messages": "conversations", **{field: field for field in optional}},
            "tags": _TAGS,
        }
    }
    return {**json_lines(records), "dataset_info.json": (json.dumps(info, indent=2) + "\n").encode()}


LLAMA_FACTORY = ExportFormat(
    name="llama_factory",
    title="LLaMA-Factory folder",
    purpose=f"for LLaMA-Factory, with the folder as dataset_dir and {DATASET} as dataset",
    records=sharegpt,
    notes=llama_factory_notes,
    pack=llama_factory_folder,
)

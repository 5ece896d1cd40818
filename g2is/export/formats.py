"""The formats by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from g2is.export.conversations import (
    LLAMA_FACTORY_DATASET,
    alpaca,
    alpaca_notes,
    json_array,
    json_lines,
    llama_factory_folder,
    llama_factory_notes,
    messages,
    messages_notes,
    sharegpt,
    sharegpt_notes,
    trl,
    trl_notes,
)
from g2is.export.source import source_notes, source_records
from g2is.export.tables import csv_file, csv_notes, csv_rows, parquet_file, parquet_notes, parquet_rows
from g2is.instructions import Instruction


@dataclass(frozen=True)
class ExportFormat:
    """One way to write a selection.

    purpose: one line on what it is for. records: instructions -> records, each as it will stand in the file
    (Parquet, which is binary: as JSON). notes: instructions -> a sentence for everything that is lost or
    changed. pack: records -> files by name. The data file is called train, so that
    `datasets.load_dataset(folder)` finds it beside the manifest.
    """

    name: str
    title: str
    purpose: str
    records: Callable[[Sequence[Instruction]], list[str]]
    notes: Callable[[Sequence[Instruction]], list[str]]
    pack: Callable[[Sequence[str]], dict[str, bytes]]


FORMATS = {
    format.name: format
    for format in (
        ExportFormat(
            "jsonl",
            "JSON Lines, as in the source",
            "the source's own records, byte for byte (Parquet rows as JSON), one a line",
            source_records,
            source_notes,
            json_lines,
        ),
        ExportFormat(
            "alpaca",
            "Alpaca",
            "instruction, input and output, with system and history where a record has them",
            alpaca,
            alpaca_notes,
            json_array,
        ),
        ExportFormat(
            "sharegpt",
            "ShareGPT",
            "conversations of from and value, with system and tools, for Axolotl and many others",
            sharegpt,
            sharegpt_notes,
            json_lines,
        ),
        ExportFormat(
            "messages",
            "OpenAI messages",
            "messages of role and content, for OpenAI's fine-tuning and for chat templates",
            messages,
            messages_notes,
            json_lines,
        ),
        ExportFormat(
            "parquet",
            "Parquet",
            "messages with prompt, response, source, line, task and tools as typed columns",
            parquet_rows,
            parquet_notes,
            parquet_file,
        ),
        ExportFormat(
            "csv",
            "CSV",
            "prompt, response, source, line, task and tools, to look through in a spreadsheet",
            csv_rows,
            csv_notes,
            csv_file,
        ),
        ExportFormat(
            "llama_factory",
            "LLaMA-Factory folder",
            f"for LLaMA-Factory, with the folder as dataset_dir and {LLAMA_FACTORY_DATASET} as dataset",
            sharegpt,
            llama_factory_notes,
            llama_factory_folder,
        ),
        ExportFormat(
            "trl",
            "TRL folder",
            "prompt and completion, for SFTTrainer with load_dataset(folder, split='train')",
            trl,
            trl_notes,
            json_lines,
        ),
    )
}

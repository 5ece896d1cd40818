"""Parquet: conversations and their fields as typed columns."""

from __future__ import annotations

import json
from collections.abc import Sequence
from io import BytesIO

from g2is.export.format import ExportFormat, openai_turns
from g2is.export.notes import note_fields, note_tools_as_text
from g2is.instructions import Instruction

COLUMNS = ("prompt", "response", "source", "line", "task", "tools")


def parquet_rows(samples: Sequence[Instruction]) -> list[str]:
    """The rows as JSON, which `parquet_file` makes into columns."""
    records = []
    for sample in samples:
        row = {column: getattr(sample, column) for column in COLUMNS}
        records.append(json.dumps({"messages": openai_turns(sample.messages), **row}, ensure_ascii=False))
    return records


def parquet_notes(samples: Sequence[Instruction]) -> list[str]:
    return [*note_tools_as_text(samples), *note_fields(samples, "task")]


def parquet_file(records: Sequence[str]) -> dict[str, bytes]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    turn = pa.struct({"role": pa.string(), "content": pa.string()})
    columns = {"messages": pa.list_(turn), **dict.fromkeys(COLUMNS, pa.string()), "line": pa.int64()}
    table = pa.Table.from_pylist([json.loads(record) for record in records], pa.schema(columns))
    buffer = BytesIO()
    pq.write_table(table, buffer)
    return {"train.parquet": buffer.getvalue()}


PARQUET = ExportFormat(
    name="parquet",
    title="Parquet",
    purpose="messages with prompt, response, source, line, task and tools as typed columns",
    records=parquet_rows,
    notes=parquet_notes,
    pack=parquet_file,
)

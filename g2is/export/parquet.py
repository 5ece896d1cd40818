"""Parquet: conversations and their fields as typed columns."""

from __future__ import annotations

import json
from collections.abc import Sequence
from io import BytesIO

from g2is.export.format import ExportFormat, openai_turns
from g2is.export.notes import note_arguments_as_text, note_fields, note_tools_as_text
from g2is.instructions import Instruction
from g2is.instructions.kept import Value

COLUMNS = ("prompt", "response", "source", "line", "task", "tools")
_TURN_TEXTS = ("role", "content", "reasoning_content", "tool_call_id", "name")


def parquet_rows(samples: Sequence[Instruction]) -> list[str]:
    """The rows as JSON, which `parquet_file` makes into columns."""
    records = []
    for sample in samples:
        row = {column: getattr(sample, column) for column in COLUMNS}
        if sample.template_kwargs is not None:
            row["chat_template_kwargs"] = sample.template_kwargs
        row |= of_records(sample)
        records.append(json.dumps({"messages": openai_turns(sample.messages), **row}, ensure_ascii=False))
    return records


def parquet_notes(samples: Sequence[Instruction]) -> list[str]:
    return [
        *note_tools_as_text(samples),
        *note_arguments_as_text(samples),
        *note_fields(samples, "chat_template_kwargs", columns=True),
    ]


def of_records(sample: Instruction) -> dict[str, Value | None]:
    """The columns of the record itself; one that is called like a column of the export is told from it."""
    own = {*COLUMNS, "messages", "chat_template_kwargs"}
    return {
        f"{name} (column)" if name in own else name: value
        for name, value in sample.columns.items()
        if name != "task"
    }


def parquet_file(records: Sequence[str]) -> dict[str, bytes]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [json.loads(record) for record in records]
    function = pa.struct({"name": pa.string(), "arguments": pa.string()})
    call = pa.struct({"id": pa.string(), "type": pa.string(), "function": function})
    fields = {**dict.fromkeys(_TURN_TEXTS, pa.string()), "tool_calls": pa.list_(call), "weight": pa.int64()}
    used = {"role", "content"}.union(*(turn for row in rows for turn in row["messages"]))
    turn = pa.struct({name: type_ for name, type_ in fields.items() if name in used})
    columns = {"messages": pa.list_(turn), **dict.fromkeys(COLUMNS, pa.string()), "line": pa.int64()}
    if any("chat_template_kwargs" in row for row in rows):
        columns["chat_template_kwargs"] = pa.string()
    for name in rows[0]:
        if name not in columns:
            texts = any(isinstance(row[name], str) for row in rows)
            columns[name] = pa.string() if texts else pa.float64()
    table = pa.Table.from_pylist(rows, pa.schema(columns))
    buffer = BytesIO()
    pq.write_table(table, buffer)
    return {"train.parquet": buffer.getvalue()}


PARQUET = ExportFormat(
    name="parquet",
    title="Parquet",
    purpose="messages with all that turns hold, prompt, response, source, line, task, tools and the records' columns, "
    "typed",
    records=parquet_rows,
    notes=parquet_notes,
    pack=parquet_file,
    columns=True,
)

"""Instructions -> tables: Parquet for programs, CSV for spreadsheets."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from io import BytesIO, StringIO

from g2is.export.conversations import openai_turns, with_same_fields
from g2is.export.notes import note, note_fields, note_tools_as_text
from g2is.instructions import Instruction
from g2is.storage.csv import FORMULA_STARTS, without_formula

COLUMNS = ("prompt", "response", "source", "line", "task", "tools")


def parquet_rows(samples: Sequence[Instruction]) -> list[str]:
    """The rows as JSON, which `parquet_file` makes into columns."""
    records = []
    for sample in samples:
        row = {column: getattr(sample, column) for column in COLUMNS}
        records.append({"messages": openai_turns(sample.messages), **row})
    return [json.dumps(record, ensure_ascii=False) for record in with_same_fields(records, "messages")]


def parquet_notes(samples: Sequence[Instruction]) -> list[str]:
    return [*note_tools_as_text(samples), *note_fields(samples, "task")]


def parquet_file(records: Sequence[str]) -> dict[str, bytes]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [json.loads(record) for record in records]
    function = pa.struct({"name": pa.string(), "arguments": pa.string()})
    call = pa.struct({"id": pa.string(), "type": pa.string(), "function": function})
    fields = {
        **dict.fromkeys(("role", "content", "reasoning_content", "tool_call_id", "name"), pa.string()),
        "tool_calls": pa.list_(call),
        "weight": pa.int64(),
    }
    used = {"role", "content"}.union(*(turn for row in rows for turn in row["messages"]))
    turn = pa.struct({name: type_ for name, type_ in fields.items() if name in used})
    columns = {"messages": pa.list_(turn), **dict.fromkeys(COLUMNS, pa.string()), "line": pa.int64()}
    table = pa.Table.from_pylist(rows, pa.schema(columns))
    buffer = BytesIO()
    pq.write_table(table, buffer)
    return {"train.parquet": buffer.getvalue()}


def csv_rows(samples: Sequence[Instruction]) -> list[str]:
    return [_csv_line([without_formula(cell) for cell in _cells(sample)]) for sample in samples]


def csv_notes(samples: Sequence[Instruction]) -> list[str]:
    return [
        *note(
            "A ' stands before cells that begin like a formula, so that no spreadsheet runs them",
            samples,
            lambda sample: any(cell.startswith(FORMULA_STARTS) for cell in _cells(sample)),
        ),
        *note(
            "Turns before the response stand in one cell, marked with their roles",
            samples,
            lambda sample: len(sample.messages) > 2,
        ),
        *note_fields(samples, "task"),
        "CSV has no types: pandas and datasets read NA as missing and 007 as 7 unless told otherwise "
        "(keep_default_na=False, dtype=str).",
    ]


def csv_file(records: Sequence[str]) -> dict[str, bytes]:
    return {"train.csv": "".join(f"{record}\n" for record in [_csv_line(COLUMNS), *records]).encode()}


def _cells(sample: Instruction) -> list[str]:
    return ["" if (value := getattr(sample, column)) is None else str(value) for column in COLUMNS]


def _csv_line(cells: Sequence[str]) -> str:
    line = StringIO()
    csv.writer(line, quoting=csv.QUOTE_ALL, lineterminator="").writerow(cells)
    return line.getvalue()

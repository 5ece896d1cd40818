"""CSV, for spreadsheets."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from io import StringIO

from g2is.export.format import ExportFormat
from g2is.export.notes import note, note_calls_as_text, note_excluded, note_fields, note_reasoning_inside
from g2is.export.parquet import COLUMNS, of_records
from g2is.instructions import Instruction
from g2is.storage.csv import FORMULA_STARTS, without_formula


def csv_rows(samples: Sequence[Instruction]) -> list[str]:
    return [_csv_line([without_formula(cell) for cell in _cells(sample)]) for sample in samples]


def csv_notes(samples: Sequence[Instruction]) -> list[str]:
    return [
        *note(
            "Cells that begin like a formula have a ' before them, so that no spreadsheet runs them",
            samples,
            lambda sample: any(cell.startswith(FORMULA_STARTS) for cell in _cells(sample)),
        ),
        *note(
            "Turns before the response are in one cell, marked with their roles",
            samples,
            lambda sample: len(sample.messages) > 2,
        ),
        *note_reasoning_inside(samples),
        *note_calls_as_text(samples),
        *note_excluded(samples, "Replies that are not to be trained lose their mark"),
        *note_fields(samples, columns=True),
        "CSV has no types: pandas and datasets read NA as missing and 007 as 7 unless told otherwise "
        "(keep_default_na=False, dtype=str).",
    ]


def csv_file(records: Sequence[str]) -> dict[str, bytes]:
    return {"train.csv": "".join(f"{record}\n" for record in records).encode()}


def csv_header(samples: Sequence[Instruction]) -> list[str]:
    """The names of the columns; those of the records come last."""
    names = [without_formula(name) for name in of_records(samples[0])]
    return [_csv_line([*COLUMNS, *names])]


def _cells(sample: Instruction) -> list[str]:
    values = [*(getattr(sample, column) for column in COLUMNS), *of_records(sample).values()]
    return ["" if value is None else str(value) for value in values]


def _csv_line(cells: Sequence[str]) -> str:
    line = StringIO()
    csv.writer(line, quoting=csv.QUOTE_ALL, lineterminator="").writerow(cells)
    return line.getvalue()


CSV = ExportFormat(
    name="csv",
    title="CSV",
    purpose="prompt, response, source, line, task, tools and the records' columns, to look through in a spreadsheet",
    records=csv_rows,
    notes=csv_notes,
    pack=csv_file,
    header=csv_header,
    columns=True,
)

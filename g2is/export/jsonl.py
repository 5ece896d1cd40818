"""JSON Lines of the records of the source files, byte for byte."""

from __future__ import annotations

import re
from collections.abc import Sequence

from g2is.export.format import ExportFormat, json_lines
from g2is.export.notes import note
from g2is.instructions import Instruction

# A raw line break cannot be inside a JSON string, so this removes nothing but white space between tokens.
_LINE_BREAK = re.compile(r"[\r\n][ \t\r\n]*")


def source_records(samples: Sequence[Instruction]) -> list[str]:
    """The bytes of each record; one that spans several lines, as in an indented array, becomes one line."""
    return [_LINE_BREAK.sub("", sample.raw.decode()) for sample in samples]


def source_notes(samples: Sequence[Instruction]) -> list[str]:
    notes = note(
        "Line breaks between JSON tokens, with the indentation after them, are removed so that a record fits "
        "one line; all other bytes are the source's",
        samples,
        lambda sample: b"\n" in sample.raw or b"\r" in sample.raw,
    )
    shapes = sorted({sample.format for sample in samples})
    if len(shapes) > 1:
        notes.append(
            f"Records keep the shape of their source, here {', '.join(shapes)}; for a trainer that expects one "
            "shape choose another format."
        )
    return notes


JSONL = ExportFormat(
    name="jsonl",
    title="JSON Lines, as in the source",
    purpose="the source's own records, byte for byte (Parquet rows as JSON), one a line",
    records=source_records,
    notes=source_notes,
    pack=json_lines,
)

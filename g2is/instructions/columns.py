"""Which columns of a record play which part, as a person says it: `--columns prompt=question,response=solution`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import Any

from g2is.errors import InputError, shortened
from g2is.instructions.fields import BadRecord, as_json, names

PARTS = ("prompt", "response", "system", "messages", "reasoning", "tools", "task")
"""What a column can be."""
_START = re.compile(rf"(?:^|(?<=:))(?:{'|'.join(PARTS)})=")
_NEXT = re.compile(rf",(?=(?:{'|'.join(PARTS)})=)")
_FIELD = re.compile(r"\{([^{}]+)\}")
_ESCAPES = {"\\n": "\n", "\\t": "\t"}

SYNTAX = "[FILE:]PART=COLUMN[,PART=COLUMN…]"
Columns = dict[str, str]
"""The column, or the template of columns, of each part."""


@dataclass(frozen=True)
class Mapping:
    """Columns that were named, for all files or for those of one name. file: a name or a glob, None for all."""

    file: str | None
    parts: Columns = field(default_factory=dict)

    def covers(self, source: str, path: Path) -> bool:
        """Whether it is for the file of that name and path; a folder stands for all files below it."""
        if self.file is None:
            return True
        folders = path.absolute().parents
        places = (source, path.name, str(path), *map(str, folders), *(folder.name for folder in folders))
        return any(place == self.file.rstrip("/") or fnmatchcase(place, self.file) for place in places)


def parse_columns(values: Sequence[str]) -> list[Mapping]:
    """The mappings that `[FILE:]PART=COLUMN[,PART=COLUMN…]` describe.

    A column is a name, a path such as `answers.text.0`, or a template such as `{question}\\n{options}`. Raises
    InputError for what is not of that form.
    """
    return [_parse(value) for value in values]


def _parse(value: str) -> Mapping:
    start = _START.search(value)
    if start is None:
        raise InputError(
            f"--columns: {shortened(value)!r} names no part of an instruction, expected {SYNTAX} with the parts "
            f"{', '.join(PARTS)}"
        )
    file, parts = value[: start.start()].removesuffix(":") or None, {}
    for piece in _NEXT.split(value[start.start() :]):
        part, _, column = piece.partition("=")
        if not column or part in parts:
            problem = "has no column" if not column else "is given twice"
            raise InputError(f"--columns: {part} {problem}, expected {SYNTAX} with each part once")
        parts[part] = column
    if "messages" in parts and {"prompt", "response"} & set(parts):
        raise InputError("--columns: messages stands beside prompt or response, expected either")
    return Mapping(file, parts)


def columns_of(mappings: Sequence[Mapping], source: str, path: Path) -> Columns:
    """The columns of one file; those named for it win over those named for all."""
    fitting = [mapping for mapping in mappings if mapping.covers(source, path)]
    fitting.sort(key=lambda mapping: mapping.file is not None)
    return {part: column for mapping in fitting for part, column in mapping.parts.items()}


def column_value(record: dict[str, Any], column: str) -> tuple[Any, tuple[str, ...]]:
    """The value of a column or template in a record, and the fields it was taken from. Raises BadRecord."""
    pieces = _template(column)
    if pieces is None:
        return _value(record, column), (_top(record, column),)
    text = ""
    for literal, name in pieces:
        text += literal
        if name:
            value = _value(record, name)
            text += "" if value is None else value if isinstance(value, str) else as_json(value)
    return text, tuple(_top(record, name) for _, name in pieces if name)


@lru_cache
def _template(column: str) -> tuple[tuple[str, str], ...] | None:
    """The text before each field of a template, and the field; None where it is the name of one column."""
    if not _FIELD.search(column):
        return None
    for escape, char in _ESCAPES.items():
        column = column.replace(escape, char)
    *pieces, last = re.split(r"(\{[^{}]+\})", column)
    pairs = [(pieces[i], pieces[i + 1][1:-1]) for i in range(0, len(pieces), 2)]
    return (*pairs, (last, ""))


def _top(record: dict[str, Any], column: str) -> str:
    return column if column in record else column.split(".")[0]


def _value(record: dict[str, Any], column: str) -> Any:
    if column in record:
        return record[column]
    value: Any = record
    for step in column.split("."):
        if isinstance(value, dict) and step in value:
            value = value[step]
        elif isinstance(value, list) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        else:
            raise BadRecord(
                f'"{column}" is missing, which --columns names, expected it among {names(record)}; if only some files '
                "have it, name them: --columns FILE:prompt=…"
            )
    return value

"""JSON: Lines, arrays, and the other ways in which programs lay records out in objects."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import chain
from typing import Any

from g2is.errors import InputError
from g2is.instructions import record
from g2is.instructions.containers.json_text import JsonText
from g2is.instructions.containers.opened import Opened, opened
from g2is.instructions.fields import as_json
from g2is.instructions.names import CONVERSATIONS, PROMPTS, RESPONSES, plain
from g2is.instructions.record import Record
from g2is.instructions.splits import choose_split, split_name

WRAPPERS = ("data", "records", "rows", "examples", "instances", "samples", "items", "dataset", "entries")
"""Fields under which files keep all their records, beside the names of splits."""
TURN_FIELDS = frozenset({"role", "from", "speaker"})


def is_json_array(file: Opened) -> bool:
    return file.head.startswith(b"[")


def array_records(file: Opened) -> Iterator[Record]:
    """The elements of the array: [{…}, …]."""
    file.refuse_split()
    text = JsonText(file.source, file.line, file.head, file.rest)
    text.take("[")
    yield from text.elements(",", "]")
    end = text.line
    if text.peek():
        raise InputError(
            f"{file.source}:{end}: the array ends here, but {text.excerpt()} follows, expected nothing; "
            "files are given one by one, not joined"
        )


def is_json_objects(file: Opened) -> bool:
    # A line of more blanks than are read is a record of JSON Lines that is too long.
    return file.head.startswith(b"{") or bool(file.line and not file.head)


def object_records(file: Opened) -> Iterator[Record]:
    """An object a line (JSON Lines), objects over several lines each, or one object that holds all records.

    Lines are taken as they are, one that is broken takes no other along. Only where the first line is not an object
    of its own, or the only one, is the file looked at as a whole.
    """
    if file.head and not _is_object(file.head):
        yield from _over_lines(file)
        return
    first, second = next(file.lines), next(file.lines, None)
    if file.head and second is None:
        yield from _one_object(file, file.head.decode(), _line(*first))
        return
    file.refuse_split()
    file.call("JSON Lines")
    for number, line in chain([first], [second] if second else [], file.lines):
        yield _line(number, line)


def _is_object(data: bytes) -> bool:
    try:
        return isinstance(json.loads(data), dict)
    except (ValueError, RecursionError):
        return False


def _line(number: int, line: bytes) -> Record:
    return Record(number, line.removesuffix(b"\n").removesuffix(b"\r"))


def _over_lines(file: Opened) -> Iterator[Record]:
    """The records of a file whose first line is not one."""
    with opened(file.path, file.source) as again:
        text = JsonText(file.source, file.line, again.head, again.rest, most=record.LONGEST)
        first = text.value()
        whole = first is not None and _is_object(first.encode("utf-8", "surrogateescape"))
        alone = not text.peek()
    if first is not None and whole and alone:
        yield from _one_object(file, first, Record(file.line, first.encode()))
    elif whole:  # objects one after the other
        file.refuse_split()
        text = JsonText(file.source, file.line, file.head, file.rest)
        if b"\n" not in file.head:  # as the first Macintoshes ended lines
            text.line_end = "\r"
        yield from text.elements("", "")
    elif (key := _wrapper(file)) is not None:  # longer than one record may be, or broken somewhere in it
        yield from _wrapped(file, key)
    else:
        file.refuse_split()
        file.call("JSON Lines")
        for number, line in file.lines:
            yield _line(number, line)


def _one_object(file: Opened, text: str, itself: Record) -> Iterator[Record]:
    """The records that the only object of a file holds, or the one that it is itself."""
    value = json.loads(text)
    if (rows := _rows(value)) is not None:
        file.refuse_split()
        file.call("JSON object of columns")
        yield from (Record(number, as_json(row).encode()) for number, row in enumerate(rows, 1))
    elif lists := [key for key, items in value.items() if _holds_records(key, items, value)]:
        split, note = choose_split(file.source, lists, file.split)
        file.call(f"JSON list under {split!r}")
        file.notes.extend([note] if note else [])
        yield from _wrapped(file, split)
    else:
        file.refuse_split()
        file.call("JSON object")
        yield itself


def _rows(value: dict[str, Any]) -> list[dict[str, Any]] | None:
    """The records of an object of columns, as pandas writes it, or of an object of records by name; else None."""
    columns = list(value.values())
    if columns and all(isinstance(column, list) for column in columns):
        lengths = {len(column) for column in columns}
        firsts = [column[0] for column in columns if column]
        if len(lengths) > 1 or not firsts or any(isinstance(first, dict) for first in firsts):
            return None
        if len(columns) == 1 and not (
            isinstance(firsts[0], list) and isinstance(next(iter(firsts[0]), None), dict)
        ):
            return None  # one list of texts or of pairs may well be one conversation
        return [dict(zip(value, row, strict=True)) for row in zip(*columns, strict=True)]
    if len(columns) < 2 or not all(isinstance(column, dict) and column for column in columns):
        return None
    if all(key.isdigit() for column in columns for key in column):  # {"prompt": {"0": …, "1": …}, …}
        return [{name: value[name].get(row) for name in value} for row in columns[0]]
    return None if any(_is_turn(column) for column in columns) else columns


def _holds_records(key: str, items: Any, value: dict[str, Any]) -> bool:
    """Whether a field of the file's only object is the list of its records, not a part of one record."""
    if not isinstance(items, list) or not items or not isinstance(items[0], dict) or _is_turn(items[0]):
        return False
    if plain(key) in WRAPPERS or split_name(key):
        return True
    fields = {plain(name) for name, item in value.items() if item is not None}
    return fields.isdisjoint((*CONVERSATIONS, *PROMPTS, *RESPONSES))


def _is_turn(value: dict[str, Any]) -> bool:
    return not TURN_FIELDS.isdisjoint(value)


def _wrapper(file: Opened) -> str | None:
    """The first field of the file's first object that can only be the list of its records."""
    with opened(file.path, file.source) as again:
        text = JsonText(file.source, file.line, again.head, again.rest, most=record.LONGEST)
        text.take("{")
        while (name := text.value()) is not None and text.take(":"):
            key = _key(name)
            listed = (plain(key) in WRAPPERS or split_name(key)) and text.take("[")
            if listed and text.peek() == "{":
                return key
            if listed or text.value() is None or text.take(",") is None:
                return None
    return None


def _wrapped(file: Opened, wanted: str) -> Iterator[Record]:
    """The records of the list that stands under a field of the file's first object."""
    with opened(file.path, file.source) as again:
        text = JsonText(file.source, file.line, again.head, again.rest)
        text.take("{")
        while (name := text.value()) is not None and _key(name) != wanted:
            text.take(":")
            text.value()
            text.take(",")
        text.take(":")
        text.take("[")
        yield from text.elements(",", "]")


def _key(text: str) -> str:
    try:
        return str(json.loads(text))
    except ValueError:
        return ""

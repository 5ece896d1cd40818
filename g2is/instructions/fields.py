"""Checked access to the fields of a record, with the complaint in one line."""

from __future__ import annotations

import json
import reprlib
from typing import Any

_JSON_TYPES = {
    type(None): "null",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    str: "text",
    list: "a list",
    dict: "an object",
}
SHORT = reprlib.Repr()
SHORT.maxlevel, SHORT.maxlist, SHORT.maxdict, SHORT.maxstring, SHORT.maxlong = 2, 3, 3, 56, 56


class BadRecord(Exception):
    """What is wrong with one record and what was expected, in one line without its place."""


def required(record: dict[str, Any], name: str) -> Any:
    if name not in record:
        raise BadRecord(f'"{name}" is missing, expected it beside {names(record)}')
    return record[name]


def filled(value: Any, where: str) -> str:
    """Text that is more than white space."""
    checked = text(value, where)
    if not checked or checked.isspace():
        raise BadRecord(f"{where} is empty, expected text")
    return checked


def text(value: Any, where: str) -> str:
    """Text that can be written as UTF-8."""
    if not isinstance(value, str):
        raise BadRecord(f"{where} is {shown(value)}, expected text")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as fault:
            half = value[fault.start]
            raise BadRecord(f"{where} holds {half!r}, half a surrogate pair, expected Unicode text") from None
    return value


def as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def parsed(value: str) -> Any:
    """JSON text, or None where it is something else."""
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return None


def without_nulls(value: Any) -> Any:
    """JSON without the object fields that are null.

    Columnar files give every object all fields that any object of the column has and fill them with null: the call
    of one function gets the arguments of all others.
    """
    if isinstance(value, dict):
        return {name: without_nulls(item) for name, item in value.items() if item is not None}
    return [without_nulls(item) for item in value] if isinstance(value, list) else value


def names(record: dict[str, Any]) -> str:
    return f"the fields {SHORT.repr(list(record))[:60]}"


def shown(value: Any) -> str:
    kind = _JSON_TYPES[type(value)]
    return kind if value is None else f"{kind} ({SHORT.repr(value)[:60]})"

"""The bytes of one record, and its fields."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any, NamedTuple

from g2is.instructions.fields import SHORT, BadRecord, shown

LONGEST = 2**26
"""Bytes that a record may have: no instruction is that long, and parsing takes several times as much memory."""


class Record(NamedTuple):
    """One record of a file.

    line: 1-based line where it starts, or its row in a table. raw: its bytes; a row of a table as JSON.
    problem: what the container found wrong with it, or None.
    """

    line: int
    raw: bytes
    problem: str | None = None


def parse(raw: bytes) -> dict[str, Any]:
    """The fields of a record. NaN and infinity, which JSON has no word for, become null. Raises BadRecord."""
    if len(raw) > LONGEST:
        raise BadRecord(f"is longer than {LONGEST >> 20} MiB, expected an instruction")
    try:
        record = _decode(raw.decode())
    except UnicodeDecodeError as fault:
        byte = raw[fault.start]
        raise BadRecord(f"invalid UTF-8 at byte {fault.start + 1} (0x{byte:02x}), expected UTF-8") from None
    except json.JSONDecodeError as fault:
        # Counted from the record's start: only arrays can spread a record over lines.
        place = f"column {fault.colno}" if fault.lineno == 1 else f"line {fault.lineno} of the record"
        near = fault.doc[max(0, fault.pos - 15) : fault.pos + 15]
        raise BadRecord(
            f"bad JSON at {place} near {near!r} ({fault.msg}), expected one whole JSON object "
            "(in JSON Lines: on one line)"
        ) from None
    except RecursionError:
        raise BadRecord("nested too deeply to read, expected a flat record") from None
    except ValueError:  # of int(), for more than 4,300 digits
        raise BadRecord("a number of thousands of digits, expected an ordinary one") from None
    if not isinstance(record, dict):
        raise BadRecord(f"the record is {shown(record)}, expected an object {{…}}")
    return record


def _decode(text: str) -> Any:
    try:
        return _STRICT.decode(text)
    except json.JSONDecodeError as fault:
        # Tabs inside strings, which many hand-made files have, are all that is forgiven.
        if text[fault.pos : fault.pos + 1] != "\t" or any(c < " " and c not in "\t\r\n" for c in text):
            raise
        return _LENIENT.decode(text)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """JSON parsers disagree about which of two equal keys counts, and one of them would be lost."""
    fields = dict(pairs)
    if len(fields) < len(pairs):
        twice = next(key for key, times in Counter(key for key, _ in pairs).items() if times > 1)
        raise BadRecord(f"the key {SHORT.repr(twice)} stands twice in one object, expected once")
    return fields


_STRICT = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=lambda _: None)
_LENIENT = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=lambda _: None, strict=False)

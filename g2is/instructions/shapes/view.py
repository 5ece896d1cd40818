"""A record as the shapes look at it: fields by what they are, whatever they are called, and which of them were used."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from g2is.instructions.columns import Columns, column_value
from g2is.instructions.fields import BadRecord, as_json, parsed, shown, text
from g2is.instructions.names import plain

_plain = lru_cache(maxsize=4096)(plain)


class View:
    """The fields of one record.

    record: as it stands in the file. parts: values of the parts whose columns were named by hand.
    used: names of the fields that went into the conversation. repairs: what had to be put right, with counts.
    """

    def __init__(self, record: dict[str, Any], columns: Columns | None = None) -> None:
        self.record = record
        # Where two names are one in plain spelling, the one that is spelt plainly counts.
        self._names = {_plain(name): name for name, value in record.items() if value is not None}
        self._names.update(
            {name: name for name in record if name in self._names and record[name] is not None}
        )
        self.used: dict[str, None] = {}
        self.repairs: Counter[str] = Counter()
        self.parts: dict[str, Any] = {}
        for part, column in (columns or {}).items():
            self.parts[part], fields = column_value(record, column)
            self.use(*fields)

    def use(self, *names: str) -> None:
        """Note that fields, by their names in the file, went into the conversation."""
        self.used.update(dict.fromkeys(names))

    def has(self, name: str) -> bool:
        """Whether there is such a field and it is not null."""
        return name in self._names

    def filled(self, name: str) -> bool:
        """Whether there is such a field and it is neither null nor empty."""
        return name in self._names and self.record[self._names[name]] not in ("", [], {})

    def of(self, names: Iterable[str]) -> list[str]:
        """Those of the names, in their order, whose fields are filled."""
        return [name for name in names if self.filled(name)]

    def spelt(self, name: str) -> str:
        """The name as the file spells it."""
        return self._names.get(name, name)

    def look(self, name: str) -> Any:
        """The value of a field, or None, without using it."""
        return self.record[self._names[name]] if name in self._names else None

    def take(self, name: str) -> Any:
        """The value of a field, or None; it counts as used."""
        if name not in self._names:
            return None
        self.use(self._names[name])
        return self.record[self._names[name]]

    def unused(self, spoken: Iterable[str]) -> list[str]:
        """The filled fields that were not used and do not merely repeat what the turns hold."""
        left = [
            name for name, value in self.record.items()
            if name not in self.used and value is not None and value not in ("", [], {})
        ]  # fmt: skip
        if not left:
            return left
        texts = [text for text in spoken if text]
        return [name for name in left if not _repeats(self.record[name], texts)]


def _repeats(value: Any, texts: list[str]) -> bool:
    """Whether a field is one of the turns, or all of them written out."""
    return isinstance(value, str) and (value in texts or all(text in value for text in texts))


def as_text(value: Any, where: str) -> str:
    """Text, or a number or truth value as JSON writes it. Raises BadRecord for all else."""
    if isinstance(value, bool | int | float):
        return as_json(value)
    return text(value, where)


def filled_text(value: Any, where: str) -> str:
    """`as_text`, which must be more than white space."""
    checked = as_text(value, where)
    if not checked.strip():
        raise BadRecord(f"{where} is empty, expected text")
    return checked


def as_list(value: Any, where: str) -> list[Any]:
    """A list, or its JSON or Python text, or an object of lists as `datasets` stores a list of objects."""
    if isinstance(value, str):
        value = from_text(value) or value
    if isinstance(value, dict) and value and all(isinstance(column, list) for column in value.values()):
        lengths = {len(column) for column in value.values()}
        if len(lengths) == 1:
            return [dict(zip(value, row, strict=True)) for row in zip(*value.values(), strict=True)]
    if not isinstance(value, list):
        raise BadRecord(f"{where} is {shown(value)}, expected a list of turns")
    return value


def from_text(value: str) -> list[Any] | dict[str, Any] | None:
    """What a cell of a table holds as JSON, or as Python's text where pandas wrote it; None for other text."""
    if not value.lstrip().startswith(("[", "{")):
        return None
    found = parsed(value)
    if found is None:
        import ast

        try:
            found = ast.literal_eval(value.strip())
        except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
            return None
    return found if isinstance(found, list | dict) else None

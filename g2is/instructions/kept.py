"""Fields beside the conversation that are worth filtering and colouring by: which become columns of a run.

The rules, in this order; they depend on nothing but the records:

- A field that went into a conversation in any record is no column.
- Values are text, numbers and booleans, at the top or inside objects (`meta.level`), at most two objects deep. Lists
  are no values; null, empty text, NaN and infinity mean that a record has none.
- A field whose values are all numbers, or text that writes numbers (a CSV file has no others), is a column of numbers.
- Any other field is a column of categories: texts of at most `LONGEST` characters, at most `MOST_VALUES` of them.
- Ids are no columns: a field called like one (`ID_NAMES`) that differs in more than half of its records, or categories
  of which there are more than `FEW` and more than half as many as records.
- The first `MOST_COLUMNS` fields that fit are kept, in order of appearance.
- Of records that come to a pool, a field is what it is there: a few records alone do not tell an id from a kind.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from math import isfinite, nan
from typing import TYPE_CHECKING, Any

from g2is.instructions.fields import as_json
from g2is.instructions.names import plain

if TYPE_CHECKING:
    import pandas as pd

Value = str | int | float
"""What a column holds of one record; a boolean is the text true or false."""

LONGEST, LONGEST_NAME = 64, 64
"""Characters of a category, and of the name of a column."""
MOST_VALUES = 1000
MOST_COLUMNS = 64
FEW = 12
DEEPEST = 2
FILE = "source (file)"
"""What the file of an instruction is called among the columns; no field of a record has this name."""
ID_NAMES = re.compile(r"(^|[_.])(id|ids|idx|index|uuid|guid|hash|sha|row|rowid|line)$")
_MOST_FIELDS = 1000
_EXACT = 2**53
_NUMBER = re.compile(r"-?(0|[1-9]\d{0,14})(\.\d{1,20})?([eE][+-]?\d{1,2})?")


def beside(record: dict[str, Any], used: Iterable[str]) -> dict[str, Value]:
    """The values of a record that could go into columns, by field; those used in the conversation are left out."""
    return dict(
        _values({name: value for name, value in record.items() if name not in set(used)}, "", DEEPEST)
    )


def _values(fields: dict[str, Any], before: str, deeper: int) -> Iterator[tuple[str, Value]]:
    for name, value in fields.items():
        if isinstance(value, dict) and deeper:
            yield from _values(value, f"{before}{name}.", deeper - 1)
        elif (known := _value(value)) is not None:
            yield writable(before + name), known


def _value(value: Any) -> Value | None:
    if isinstance(value, bool):
        return as_json(value)
    if isinstance(value, int):
        return value if abs(value) <= _EXACT else str(value)
    if isinstance(value, float):
        return value if isfinite(value) else None
    return writable(value) or None if isinstance(value, str) else None


def writable(text: str) -> str:
    """Text that UTF-8 can write: half a surrogate pair, which JSON allows, is written as its escape."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


@dataclass
class _Field:
    """The values of one field so far. problem: why it is no column."""

    rows: list[int] = field(default_factory=list)
    values: list[Value] = field(default_factory=list)
    distinct: dict[Value, Value] = field(default_factory=dict)
    numbers: bool = True
    problem: str = ""

    def add(self, row: int, value: Value) -> None:
        if self.problem:
            return
        if self.numbers and isinstance(value, str) and not _NUMBER.fullmatch(value):
            self.numbers = False
        if isinstance(value, str) and len(value) > LONGEST:
            self.drop(f"text of more than {LONGEST} characters")
            return
        self.rows.append(row)
        self.values.append(self.distinct.setdefault(value, value))
        if not self.numbers and len(self.distinct) > MOST_VALUES:
            self.drop(f"more than {MOST_VALUES:,} values")

    def drop(self, problem: str) -> None:
        self.problem = problem
        self.rows, self.values, self.distinct = [], [], {}

    def is_id(self, name: str) -> bool:
        """Whether its values name records rather than tell kinds of them."""
        differing, count = len(self.distinct), len(self.rows)
        if ID_NAMES.search(plain(name)):
            return 2 * differing > count
        return not self.numbers and differing > FEW and 2 * differing > count

    def words(self, count: int) -> str:
        """What it holds of `count` records, in a few words."""
        if self.numbers:
            numbers = [float(value) for value in self.distinct]
            what = f"numbers from {min(numbers):g} to {max(numbers):g}"
        else:
            what = f"{len(self.distinct):,} value{'s' * (len(self.distinct) != 1)}"
        return what + ("" if len(self.rows) == count else f", in {len(self.rows):,} of {count:,}")

    def column(self, count: int) -> Any:
        """(count,) float64 with NaN, or a categorical of sorted texts."""
        import numpy as np
        import pandas as pd

        if self.numbers:
            numbers = np.full(count, nan)
            numbers[self.rows] = [float(value) for value in self.values]
            return numbers
        texts = [value if isinstance(value, str) else as_json(value) for value in self.values]
        names = sorted(set(texts))
        code_of = {name: code for code, name in enumerate(names)}
        codes = np.full(count, -1)
        codes[self.rows] = [code_of[text] for text in texts]
        return pd.Categorical.from_codes(codes, categories=names)


@dataclass(frozen=True, eq=False)
class KeptColumns:
    """The columns of `count` records that were read. left_out: why each other field is no column."""

    count: int
    left_out: dict[str, str]
    _fields: dict[str, _Field]

    @property
    def described(self) -> dict[str, str]:
        """What each column holds, in a few words."""
        return {name: values.words(self.count) for name, values in self._fields.items()}

    def frame(self) -> pd.DataFrame:
        """A row an instruction; numbers as float64, NaN for none, all else as categories."""
        import pandas as pd

        columns = {name: values.column(self.count) for name, values in self._fields.items()}
        return pd.DataFrame(columns, index=pd.RangeIndex(self.count))

    def report(self) -> list[str]:
        """What is kept and what not, a line each."""
        lines = []
        for title, words in (("columns kept", self.described), ("no columns", self.left_out)):
            if words:
                some = [f"{name} ({what})" for name, what in list(words.items())[:20]]
                lines.append(f"{title}: {', '.join(some)}{', …' if len(words) > 20 else ''}")
        return lines


@dataclass(frozen=True)
class PoolColumns:
    """The columns of a pool to which records come. kept: their names. left_out: why another field is none."""

    kept: frozenset[str] = frozenset()
    left_out: Mapping[str, str] = field(default_factory=dict)


class ColumnCollector:
    """Collects the values of records one after the other; see the module for the rules."""

    def __init__(self, pool: PoolColumns | None = None) -> None:
        self._pool = pool or PoolColumns()
        self._fields: dict[str, _Field] = {}
        self._used: set[str] = set()
        self._count = 0

    def add(self, values: dict[str, Value], used: Iterable[str], task: str | None = None) -> None:
        """The next record: its values from `beside`, the fields that its conversation used, its task."""
        if task is not None:
            values = {**values, "task": writable(task)}
        self._used.update(name for name in used if name != "task")
        for name, value in values.items():
            known = self._fields.get(name)
            if known is None:
                if len(self._fields) >= _MOST_FIELDS:
                    continue
                known = self._fields[name] = _Field()
            known.add(self._count, value)
        self._count += 1

    def columns(self) -> KeptColumns:
        """The columns of all records so far."""
        kept: dict[str, _Field] = {}
        left_out: dict[str, str] = {}
        for name, values in self._fields.items():
            if name in self._used or name.split(".")[0] in self._used:
                continue
            problem = values.problem or self._problem(name, values)
            if not problem and len(kept) == MOST_COLUMNS:
                problem = f"beyond the first {MOST_COLUMNS} columns"
            if problem:
                left_out[name] = problem
            else:
                kept[name] = values
        return KeptColumns(self._count, left_out, kept)

    def _problem(self, name: str, values: _Field) -> str:
        if name in self._pool.kept:
            return ""
        if name in self._pool.left_out:
            return self._pool.left_out[name]
        if not name.strip() or len(name) > LONGEST_NAME:
            return f"a name of none or more than {LONGEST_NAME} characters"
        if name == FILE:
            return "the name of a column of our own"
        return "an id" if values.is_id(name) else ""


def joined_columns(
    old: pd.DataFrame | None, old_count: int, new: pd.DataFrame | None, new_count: int
) -> tuple[pd.DataFrame | None, list[str]]:
    """The columns of a pool that was extended: those of the old rows, and below them those of the new.

    A column that only one of both has is empty for the other; numbers that meet text become text. Returns None where
    neither has any, and what a person should know, a line each.
    """
    import pandas as pd

    old = pd.DataFrame(index=pd.RangeIndex(old_count)) if old is None else old
    new = pd.DataFrame(index=pd.RangeIndex(new_count)) if new is None else new
    others = [name for name in new if name not in old]
    room = max(0, MOST_COLUMNS - len(old.columns))
    lines = []
    for words, names in (
        ("new columns, empty for earlier instructions", others[:room]),
        (f"no columns, beyond the first {MOST_COLUMNS}", others[room:]),
        ("columns empty for the new instructions", [name for name in old if name not in new]),
        (
            "numbers and text in one column, now text",
            [name for name in old if name in new and _numeric(old[name]) != _numeric(new[name])],
        ),
    ):
        if names:
            lines.append(f"{words}: {', '.join(map(str, names[:20]))}{', …' if len(names) > 20 else ''}")
    columns = {name: _below(name, old, new) for name in [*old, *others[:room]]}
    if not columns:
        return None, lines
    return pd.DataFrame(columns, index=pd.RangeIndex(old_count + new_count)), lines


def described_columns(frame: pd.DataFrame) -> dict[str, str]:
    """What each column of a table holds, in a few words."""
    words = {}
    for name, values in frame.items():
        known = int(values.notna().sum())
        if _numeric(values):
            what = f"numbers from {values.min():g} to {values.max():g}" if known else "numbers"
        else:
            distinct = values.nunique()
            what = f"{distinct:,} value{'s' * (distinct != 1)}"
        words[str(name)] = what + ("" if known == len(frame) else f", in {known:,} of {len(frame):,}")
    return words


def _numeric(values: pd.Series) -> bool:
    return bool(values.dtype.kind == "f")


def _below(name: str, old: pd.DataFrame, new: pd.DataFrame) -> Any:
    """The values of a column in both tables, one below the other."""
    import pandas as pd

    present = [table[name] for table in (old, new) if name in table]
    if all(map(_numeric, present)):
        empty = [pd.Series(nan, index=table.index) for table in (old, new)]
        return pd.concat(
            [table.get(name, none) for table, none in zip((old, new), empty, strict=True)]
        ).to_numpy()
    texts: list[str | None] = []
    for table in (old, new):
        if name not in table:
            texts += [None] * len(table)
        elif _numeric(table[name]):
            texts += [None if v != v else f"{v:.15g}" for v in table[name].tolist()]
        else:
            texts += [v if isinstance(v, str) else None for v in table[name].tolist()]
    return pd.Categorical(texts, categories=sorted({text for text in texts if text is not None}))

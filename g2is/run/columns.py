"""The columns of a run's pool: values of the records beside their conversations, and what fits a condition on them.

Beside those that the records have there is always the file of each instruction, called `source (file)`, and its task.
A condition on `source` is about the field of the records where they have one that is kept, and else about the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import inf
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from g2is.config.conditions import split_share
from g2is.errors import InputError, shortened
from g2is.instructions.kept import FILE, Value
from g2is.walk.budget import Quotas

if TYPE_CHECKING:
    import pandas as pd

_RANGE = re.compile(r"(-?[\d.]*(?:[eE][+-]?\d+)?)\.\.(-?[\d.]*(?:[eE][+-]?\d+)?)")
_SHOWN = 10


@dataclass(frozen=True, eq=False)
class Categories:
    """A column of texts. numbers: (n,) index into names, -1 for none."""

    name: str
    numbers: NDArray[np.integer]
    names: Sequence[str]

    def texts(self, rows: NDArray[np.integer]) -> list[str | None]:
        """The values of some rows."""
        return [None if code < 0 else self.names[code] for code in self.numbers[rows].tolist()]

    def values_of(self, rows: NDArray[np.integer]) -> Sequence[Value | None]:
        """The values of some rows, texts."""
        return self.texts(rows)

    def known(self) -> NDArray[np.bool_]:
        """(n,) the rows that have a value."""
        return self.numbers >= 0

    def without(self, rows: NDArray[np.bool_]) -> Categories:
        """The column in which some rows (n,) have no value, and only values that others have are named."""
        numbers = np.where(rows, -1, self.numbers)
        left = np.unique(numbers[numbers >= 0])
        places = np.full(len(self.names) + 1, -1)
        places[left] = np.arange(len(left))
        return Categories(self.name, places[numbers], [self.names[code] for code in left.tolist()])

    def fits(self, value: str) -> NDArray[np.bool_]:
        """(n,) the rows with this value; raises `InputError` where there are none."""
        if value not in self.names:
            some = ", ".join(shortened(name, 40) for name in self.names[:_SHOWN])
            more = ", …" if len(self.names) > _SHOWN else ""
            raise InputError(f"no instruction has {self.name}={shortened(value)}; there are {some}{more}")
        return self.numbers == list(self.names).index(value)

    def kinds(self) -> list[tuple[str, int]]:
        """The values with how many rows have each, the commonest first."""
        counts = np.bincount(self.numbers[self.numbers >= 0], minlength=len(self.names))
        return [(self.names[code], int(counts[code])) for code in np.argsort(-counts, kind="stable")]


@dataclass(frozen=True, eq=False)
class Numbers:
    """A column of numbers. values: (n,) float64, NaN for none."""

    name: str
    values: NDArray[np.float64]

    def texts(self, rows: NDArray[np.integer]) -> list[str | None]:
        """The values of some rows."""
        return [None if value != value else f"{value:.15g}" for value in self.values[rows].tolist()]

    def values_of(self, rows: NDArray[np.integer]) -> Sequence[Value | None]:
        """The values of some rows, whole numbers as such."""
        values = self.values[rows].tolist()
        return [None if v != v else int(v) if v.is_integer() and abs(v) < 2**53 else v for v in values]

    def known(self) -> NDArray[np.bool_]:
        """(n,) the rows that have a value."""
        return ~np.isnan(self.values)

    def without(self, rows: NDArray[np.bool_]) -> Numbers:
        """The column in which some rows (n,) have no value."""
        return Numbers(self.name, np.where(rows, np.nan, self.values))

    def fits(self, value: str) -> NDArray[np.bool_]:
        """(n,) the rows with this number, or in this range, bounds included; raises `InputError` for none."""
        low, high = self._bounds(value)
        fitting = (self.values >= low) & (self.values <= high)
        if not fitting.any():
            least, most = np.nanmin(self.values), np.nanmax(self.values)
            raise InputError(
                f"no instruction has {self.name}={shortened(value)}; there are {least:g} to {most:g}"
            )
        return fitting

    def _bounds(self, value: str) -> tuple[float, float]:
        try:
            if found := _RANGE.fullmatch(value):
                low, high = found.groups()
                if low or high:
                    return float(low) if low else -inf, float(high) if high else inf
            number = float(value)
            if abs(number) < inf:
                return number, number
        except ValueError:
            pass
        raise InputError(
            f"{self.name}={shortened(value)}: expected a number, or a range such as 3..5, 3.. or ..5"
        ) from None

    def kinds(self) -> list[tuple[str, int]]:
        """The numbers with how many rows have each, the commonest first, where they are few."""
        numbers, counts = np.unique(self.values[self.known()], return_counts=True)
        if len(numbers) > 100:
            return []
        return [(f"{numbers[at]:.15g}", int(counts[at])) for at in np.argsort(-counts, kind="stable")]


Column = Categories | Numbers


class Columns(Mapping[str, Column]):
    """The columns of a pool by name.

    has_tasks: whether the column `task` says the task of each instruction, and not something else.
    """

    def __init__(self, columns: Sequence[Column], *, has_tasks: bool = False) -> None:
        self._columns = {column.name: column for column in columns}
        self.has_tasks = has_tasks

    @classmethod
    def of(
        cls, pool: pd.DataFrame, kept: pd.DataFrame | None, gone: NDArray[np.bool_] | None = None
    ) -> Columns:
        """Those of a run: the file and the task of each instruction, and the columns that were kept of the records.

        gone: (n,) rows that have no value, whatever their records say."""
        columns: list[Column] = [_categories(FILE, pool["source"])]
        has_tasks = bool(pool["task"].notna().any())
        if kept is not None and "task" in kept:
            has_tasks = has_tasks and bool(
                (kept["task"].astype(object) == pool["task"])[pool["task"].notna()].all()
            )
        elif has_tasks:
            columns.append(_categories("task", pool["task"]))
        for name, values in kept.items() if kept is not None else ():
            if values.dtype.kind == "f":
                columns.append(Numbers(str(name), values.to_numpy(np.float64)))
            else:
                columns.append(_categories(str(name), values))
        left = columns if gone is None else [column.without(gone) for column in columns]
        return cls(left, has_tasks=has_tasks)

    def __getitem__(self, name: str) -> Column:
        return self._columns[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)

    @property
    def of_records(self) -> list[Column]:
        """Those that the records have themselves."""
        return [column for name, column in self._columns.items() if name != FILE]

    def matching(self, conditions: Sequence[str]) -> NDArray[np.bool_]:
        """(n,) the rows that fit conditions: of each column named, one of its values and none of those excluded.

        `COLUMN=` are the rows without a value. Raises `InputError` for a column or value that no row has.
        """
        included: dict[str, NDArray[np.bool_]] = {}
        fitting = np.ones(len(self._columns[FILE].known()), dtype=bool)
        for condition in conditions:
            column, excluded, value = self._read(condition, "where")
            rows = column.fits(value) if value else ~column.known()
            if excluded:
                fitting &= ~rows
            else:
                included[column.name] = included.get(column.name, False) | rows
        for rows in included.values():
            fitting &= rows
        return fitting

    def quotas(self, shares: Sequence[str]) -> Quotas | None:
        """The groups of rows that have a share of the budget; None without shares.

        All other rows are one group, which has the rest. Raises `InputError` where the groups are of several columns
        or overlap.
        """
        if not shares:
            return None
        groups = np.full(len(self._columns[FILE].known()), len(shares))
        names: list[str] = []
        parts: list[Fraction] = []
        column: Column | None = None
        for group, text in enumerate(shares):
            condition, share = split_share(text)
            this, excluded, value = self._read(condition, "share")
            if excluded:
                raise InputError(f"share = {shortened(text)!r}: expected one value, such as source=flan:0.3")
            if column is not None and column is not this:
                raise InputError(f"share: of the columns {column.name} and {this.name}, expected one")
            column = this
            rows = this.fits(value) if value else ~this.known()
            if (twice := rows & (groups < len(shares))).any():
                raise InputError(f"share: {names[groups[twice][0]]} and {condition} overlap, expected apart")
            groups[rows] = group
            names.append(condition)
            parts.append(share)
        return Quotas(groups, (*parts, 1 - sum(parts, Fraction(0))), (*names, "all others"))

    def _read(self, condition: str, setting: str) -> tuple[Column, bool, str]:
        """The column, whether its value is excluded, and the value. A name may hold = itself."""
        places = [at for at, char in enumerate(condition) if char == "="]
        for at in places:
            name, value = condition[:at], condition[at + 1 :]
            if name.endswith("!") and (column := self._named(name[:-1])):
                return column, True, value
            if column := self._named(name):
                return column, False, value
        known = ", ".join(shortened(name, 40) for name in [*self][:30])
        raise InputError(
            f"{setting} = {shortened(condition)!r}: no column {shortened(condition[: places[0]])!r}; there are {known}"
        )

    def _named(self, name: str) -> Column | None:
        return self._columns.get(name) or (self._columns[FILE] if name == "source" else None)


def _categories(name: str, values: pd.Series) -> Categories:
    if hasattr(values, "cat"):
        return Categories(name, values.cat.codes.to_numpy(), values.cat.categories.tolist())
    numbers, names = values.factorize()
    return Categories(name, numbers, [str(text) for text in names])

"""CSV that no spreadsheet runs: a cell that begins like a formula gets a ' before it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

# What spreadsheets take for the start of a formula (OWASP, CSV injection), full-width forms included.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def without_formula(cell: str) -> str:
    """The text of a cell, as text in every spreadsheet."""
    return f"'{cell}" if cell.startswith(FORMULA_STARTS) else cell


def safe_csv(frame: pd.DataFrame) -> bytes:
    """A table as CSV without its index, its texts and column names as text in every spreadsheet."""

    def safe(value: object) -> object:
        return without_formula(value) if isinstance(value, str) else value

    return frame.map(safe).rename(columns=safe).to_csv(index=False).encode()

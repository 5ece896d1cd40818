"""CSV without formulas: cells that a spreadsheet would evaluate get a leading '."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""Characters that spreadsheets take for the start of a formula (OWASP, CSV injection), full-width forms included."""


def without_formula(cell: str) -> str:
    """A cell that every spreadsheet shows as text."""
    return f"'{cell}" if cell.startswith(FORMULA_STARTS) else cell


def safe_csv(frame: pd.DataFrame) -> bytes:
    """A table as CSV without its index; no spreadsheet evaluates its texts or column names."""

    def safe(value: object) -> object:
        return without_formula(value) if isinstance(value, str) else value

    return frame.map(safe).rename(columns=safe).to_csv(index=False).encode()

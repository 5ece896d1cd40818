"""The composition of the pool of a run."""

from __future__ import annotations

import pandas as pd


def source_files(pool: pd.DataFrame) -> pd.DataFrame:
    """One row for each source file: source, format, instructions, duplicates and, where known, mean tokens."""
    by_source = pool.groupby("source", sort=False)
    table = by_source.agg(
        format=("format", lambda formats: ", ".join(sorted(formats.unique()))),
        instructions=("line", "size"),
        duplicates=("duplicate_of", lambda first: int((first >= 0).sum())),
    )
    if "tokens" in pool and pool["tokens"].any():
        table["tokens"] = by_source["tokens"].mean()
    return table.reset_index()

"""Leaks of an evaluation: near-copies of test samples in the pool or among the validation samples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pandas as pd

from g2is.evaluation.testing import TestSet
from g2is.instructions.copies import find_leaks
from g2is.run.run import Run

COLUMNS = ["of", "example", "copy_in", "row", "kind", "similarity"]


def evaluation_leaks(run: Run, tests: Sequence[TestSet]) -> pd.DataFrame:
    """One row for each near-copy: what it is a copy `of` (`validation`, `test NAME`) and which example, where it is
    (`copy_in`: pool, validation) and its row there, kind and similarity."""
    pool, validation = (
        list(zip(frame["prompt"], frame["response"], strict=True)) for frame in (run.present, run.validation)
    )
    rows_of = {"pool": run.present.index.to_numpy(), "validation": run.validation.index.to_numpy()}
    checks = [("validation", validation, "pool", pool)]
    for test in tests:
        checks += [(f"test {test.name}", test.texts, "pool", pool)]
        checks += [(f"test {test.name}", test.texts, "validation", validation)]
    tables = []
    for name, texts, place, rows in checks:
        table = find_leaks(rows, texts).rename(columns={"sample": "row", "validation": "example"})
        table["row"] = rows_of[place][table["row"]]
        tables.append(table.assign(copy_in=place, of=name)[COLUMNS])
    return pd.concat(tables, ignore_index=True)


def count_leaks(leaks: pd.DataFrame) -> dict[str, int]:
    """Number of samples with a near-copy, by their set and that of the copy, such as `test gsm8k in pool`."""
    pairs = leaks[["of", "copy_in", "example"]].drop_duplicates()
    return Counter(f"{of} in {place}" for of, place in zip(pairs["of"], pairs["copy_in"], strict=True))

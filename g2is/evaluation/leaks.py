"""Leaks of an evaluation: near-copies of test samples in the pool or among the validation samples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
import pandas as pd

from g2is.evaluation.testing import TestSet
from g2is.instructions.copies import find_leaks
from g2is.run.run import Run
from g2is.run.texts import spoken

COLUMNS = ["of", "example", "copy_in", "row", "kind", "similarity"]


def evaluation_leaks(run: Run, tests: Sequence[TestSet]) -> pd.DataFrame:
    """One row for each near-copy: what it is a copy `of` (`validation`, `test NAME`) and which example, where it is
    (`copy_in`: pool, validation) and its row there, kind and similarity."""
    validation = spoken(run.validation)
    rows_of = {"pool": np.flatnonzero(~run.gone), "validation": np.arange(len(validation))}

    def pool() -> Iterator[tuple[str, str]]:
        return (texts for texts, gone in zip(run.conversations(), run.gone, strict=True) if not gone)

    texts_of: dict[str, Callable[[], Iterable[tuple[str, str]]]] = {
        "pool": pool,
        "validation": lambda: validation,
    }
    checks = [("validation", validation, "pool")]
    for test in tests:
        checks += [(f"test {test.name}", test.texts, "pool")]
        checks += [(f"test {test.name}", test.texts, "validation")]
    tables = []
    for name, texts, place in checks:
        table = find_leaks(texts_of[place](), texts).rename(
            columns={"sample": "row", "validation": "example"}
        )
        table["row"] = rows_of[place][table["row"]]
        tables.append(table.assign(copy_in=place, of=name)[COLUMNS])
    return pd.concat(tables, ignore_index=True)


def count_leaks(leaks: pd.DataFrame) -> dict[str, int]:
    """Number of samples with a near-copy, by their set and that of the copy, such as `test gsm8k in pool`."""
    pairs = leaks[["of", "copy_in", "example"]].drop_duplicates()
    return Counter(f"{of} in {place}" for of, place in zip(pairs["of"], pairs["copy_in"], strict=True))

"""The orders in which instructions are listed: by number, by the walk, by length, by loss."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class WalkColumns:
    """What a walk says of every instruction.

    step: (n,) the step that took it, from 1; NaN for those not taken. alignment: (n,) cosine of its gradient to the
    closest target direction; NaN without a gradient.
    """

    step: NDArray[np.float64]
    alignment: NDArray[np.float64]


ORDERS = {
    "row": "row of the pool",
    "step": "step of the walk",
    "alignment": "most aligned first",
    "longest": "longest first",
    "shortest": "shortest first",
    "loss": "highest loss first",
}
"""Orders, and their names on screen."""

DESCENDING = {"alignment", "longest", "loss"}


def orders_of(pool: pd.DataFrame, walk: WalkColumns | None) -> list[str]:
    """Those of ORDERS for which there are values."""
    known = {"step": walk is not None, "alignment": walk is not None}
    known["longest"] = known["shortest"] = "tokens" in pool and bool(pool["tokens"].any())
    known["loss"] = "loss" in pool and bool(pool["loss"].notna().any())
    return [name for name in ORDERS if known.get(name, True)]


def in_order(
    rows: NDArray[np.int64], order: str, pool: pd.DataFrame, walk: WalkColumns | None
) -> NDArray[np.int64]:
    """Rows of the pool in one of `orders_of`. rows: ascending. Those without a value come last; ties by row."""
    if order == "row":
        return rows
    if order in ("step", "alignment"):
        assert walk is not None
        values = getattr(walk, order)[rows]
    else:
        values = pool["loss" if order == "loss" else "tokens"].to_numpy(np.float64)[rows]
    if order in DESCENDING:
        values = -values
    return rows[np.argsort(values, kind="stable")]  # NaN goes last

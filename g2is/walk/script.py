"""How the authors' published script orders rows that are equal up to rounding.

Pools contain duplicates. Which of two comes first then depends on the last bit of a product, or on an unstable sort.
To get the script's answer (on the same machine), its calls are repeated for ties.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SHORTLIST = 1000
"""Rows that the script ranks for each component to find its anchor."""


def script_anchor(cosines: NDArray[np.float32], free: NDArray[np.bool_]) -> int | None:
    """The first free row of the script's shortlist for a component, if there is one.

    cosines: (n,) of every row to the component. free: (n,).
    """
    count = min(SHORTLIST, len(cosines))
    shortlist = np.argpartition(cosines, -count)[-count:]
    shortlist = shortlist[np.argsort(cosines[shortlist])[::-1]]
    shortlist = shortlist[free[shortlist]]
    return int(shortlist[0]) if shortlist.size else None


def script_order(
    affinity: NDArray[np.float32], free: NDArray[np.bool_], rows: NDArray[np.intp]
) -> NDArray[np.intp]:
    """rows (b,) of equal affinity in the order of the script's sort of the whole pool.

    affinity, free: (n,).
    """
    place = np.empty(len(affinity), dtype=np.intp)
    place[np.argsort(np.where(free, affinity, -np.inf))[::-1]] = np.arange(len(affinity))
    return rows[np.argsort(place[rows])]

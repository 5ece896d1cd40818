"""Order among rows that are equal to rounding: what the published script's own calls make of them.

Pools hold duplicates, and which of two comes first is then up to the last bit of a product or to an unstable
sort. To give the script's answer, as far as the machine is the same, its calls are repeated, on ties only.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SHORTLIST = 1000
"""Rows per component that the script ranks for an anchor."""


def script_anchor(cosines: NDArray[np.float32], free: NDArray[np.bool_]) -> int | None:
    """The first free row of the script's shortlist for a component, if any. cosines: (n,) to the component."""
    count = min(SHORTLIST, len(cosines))
    shortlist = np.argpartition(cosines, -count)[-count:]
    shortlist = shortlist[np.argsort(cosines[shortlist])[::-1]]
    shortlist = shortlist[free[shortlist]]
    return int(shortlist[0]) if shortlist.size else None


def script_order(
    affinity: NDArray[np.float32], free: NDArray[np.bool_], rows: NDArray[np.intp]
) -> NDArray[np.intp]:
    """rows (b,) of equal affinity as the script's sort of the whole pool (n,) has them."""
    place = np.empty(len(affinity), dtype=np.intp)
    place[np.argsort(np.where(free, affinity, -np.inf))[::-1]] = np.arange(len(affinity))
    return rows[np.argsort(place[rows])]

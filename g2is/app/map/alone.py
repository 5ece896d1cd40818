"""What of the map is seen alone: what a gesture in it is about, as what is hidden cannot be meant."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from g2is.app import shared as ui
from g2is.app.instructions.filters import filtered
from g2is.app.map.view import MapView, legend_in_url
from g2is.errors import InputError


def seen_alone(view: MapView) -> NDArray[np.bool_] | None:
    """(n,) the instructions that are seen while all others are hidden; None where none are.

    The same as `statesOf` in `states.js` draws: what is found, of the categories picked in the legend; without either,
    the basket.
    """
    only, alone = legend_in_url(view.categories)
    if not alone:
        return None
    try:
        found = filtered(view.run)
    except InputError:  # which the page shows
        found = np.zeros(0, np.int64)
    if found is None and not only:
        found = np.array(ui.basket(view.run), np.int64)
    seen = np.full(len(view.colouring.codes), found is None)
    if found is not None:
        seen[found] = True
    return seen & np.isin(view.colouring.codes, only) if only else seen

"""Values of samples -> colours of a map: one byte a sample, and what a legend says of it. Knows arrays only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from g2is.figures.colours import MARKERS, OKABE_ITO, OKABE_ITO_DARK

NONE = 255
"""The code of a sample without a value."""
LEVELS = 254
"""The highest code of a continuous scale."""
MOST = len(OKABE_ITO)
"""Colours that can be told apart; with more categories the last entry stands for all the smaller ones."""
REST = "#A08D7D"
"""Of all the smaller ones: a brown, since what is not chosen is grey."""
CLIPPED = 0.01
"""The share at each end of a scale that is drawn in the colour of that end, so that a few do not flatten the rest."""


@dataclass(frozen=True)
class Category:
    """An entry of the legend. shape: of `plots.MARKERS`. members: the numbers of the categories it stands for."""

    name: str
    count: int
    shape: str
    members: tuple[int, ...]


@dataclass(frozen=True)
class Scale:
    """Codes 0 to LEVELS as values from low to high. whole: of numbers that have no parts.

    clipped: whether some lie below, above.
    """

    low: float
    high: float
    log: bool
    whole: bool
    clipped: tuple[bool, bool]

    def value(self, share: float) -> float:
        """The value at a share of the scale."""
        value = self.low + (self.high - self.low) * share
        if self.log:
            value = self.low * (self.high / self.low) ** share
        return float(round(value)) if self.whole else value


@dataclass(frozen=True, eq=False)
class Colouring:
    """A colour for every sample. Categories or scale, never both.

    codes: (n,) uint8: number of the category, or level of the scale; NONE without a value. light, dark: (256, 3)
    uint8, red, green and blue of each code on a page of that kind. none: what it means to have no value.
    """

    scheme: str
    title: str
    codes: NDArray[np.uint8]
    light: NDArray[np.uint8]
    dark: NDArray[np.uint8]
    unit: str = ""
    categories: tuple[Category, ...] = ()
    scale: Scale | None = None
    none: str = ""


def by_category(
    scheme: str, title: str, numbers: NDArray[np.integer], names: Sequence[str], *, none: str = ""
) -> Colouring:
    """Colours for categories, the largest first. numbers: (n,) index into names, -1 for none.

    With more categories than colours, the smaller ones share REST, and are said to.
    """
    counts = np.bincount(numbers[numbers >= 0], minlength=len(names))
    order = np.argsort(-counts, kind="stable")
    order = order[counts[order] > 0]
    alone = order if len(order) <= MOST else order[: MOST - 1]
    rest = order[len(alone) :]
    entries = [
        Category(names[number], int(counts[number]), MARKERS[place], (int(number),))
        for place, number in enumerate(alone)
    ]
    if len(rest):
        entries.append(
            Category(
                f"{len(rest):,} smaller ones", int(counts[rest].sum()), MARKERS[-1], tuple(rest.tolist())
            )
        )
    code_of = np.full(len(names) + 1, NONE, np.uint8)
    for code, entry in enumerate(entries):
        code_of[list(entry.members)] = code
    light, dark = (_palette(colours, bool(len(rest))) for colours in (OKABE_ITO, OKABE_ITO_DARK))
    codes = code_of[numbers]  # -1 is the last entry
    none = none if (codes == NONE).any() else ""
    return Colouring(scheme, title, codes, light, dark, categories=tuple(entries), none=none)


def _palette(colours: Sequence[str], rest: bool) -> NDArray[np.uint8]:
    palette = np.zeros((256, 3), np.uint8)
    shown = [*colours[:-1], REST] if rest else colours
    palette[:MOST] = [[int(colour[at : at + 2], 16) for at in (1, 3, 5)] for colour in shown]
    return palette


def by_value(
    scheme: str,
    title: str,
    values: NDArray[np.floating],
    *,
    unit: str,
    log: bool = False,
    whole_range: bool = False,
    none: str = "",
) -> Colouring:
    """Colours along a scale. values: (n,), not a number for none. whole_range: do not cut the ends off.

    log: equal steps of colour are equal ratios; values must be above 0.
    """
    known = np.isfinite(values)
    found = values[known].astype(np.float64)
    if not len(found):
        found = np.array([0.0, 1.0]) + log
    cut = 0.0 if whole_range else CLIPPED
    low, high = (float(value) for value in np.quantile(found, [cut, 1 - cut]))
    if high <= low:
        low, high = float(found.min()), float(found.max())
    if high <= low:
        high = low + (abs(low) or 1.0)
    whole = bool((found == np.rint(found)).all())
    scale = Scale(low, high, log, whole, (bool(found.min() < low), bool(found.max() > high)))
    shares = np.full(len(values), 0.0)
    if log:
        shares[known] = np.log(values[known] / low) / np.log(high / low)
    else:
        shares[known] = (values[known] - low) / (high - low)
    codes = np.rint(np.clip(shares, 0, 1) * LEVELS).astype(np.uint8)
    codes[~known] = NONE
    # High values stand out from either page, and the end that fades into it is left out: yellow on white, violet on
    # black.
    light, dark = _viridis(0.9, 0.0), _viridis(0.3, 1.0)
    return Colouring(
        scheme, title, codes, light, dark, unit=unit, scale=scale, none="" if known.all() else none
    )


@cache
def _viridis(start: float, end: float) -> NDArray[np.uint8]:
    """Viridis (van der Walt and Smith 2015), even to the eye with any kind of colour vision: (256, 3)."""
    from plotly.colors import hex_to_rgb, sequential

    stops = np.array([hex_to_rgb(colour) for colour in sequential.Viridis], float)
    at = np.linspace(start, end, 256) * (len(stops) - 1)
    channels = [np.interp(at, np.arange(len(stops)), stops[:, channel]) for channel in range(3)]
    return np.rint(np.stack(channels, axis=1)).astype(np.uint8)

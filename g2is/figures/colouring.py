"""Colours for the values of samples: one byte a sample, and the legend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from g2is.analysis.map_values import Categories, Quantity
from g2is.figures.colours import OKABE_ITO, OKABE_ITO_DARK, OTHERS, SHAPES

NONE = 255
"""The code of a sample without a value."""
LEVELS = 254
"""The highest code of a continuous scale."""
MOST = LEVELS
"""Entries of a legend, at most; if there are more categories, the last entry is for all smaller ones together."""
COLOURED = len(OKABE_ITO) - 1
"""The largest categories, which have a colour and a shape of their own at once; the others share one of each, and get
a free one when the reader picks them. Without the grey at the end, which means "not selected"."""
NO_VALUE = ("#6B7785", "#98A4B0")
"""On a light and on a dark page: samples without a value that a search found. Others are pale."""
CLIPPED = 0.01
"""Share of values at each end of a scale that are clipped to it, so that a few extremes do not compress the rest."""


@dataclass(frozen=True)
class Category:
    """An entry of the legend. shape: one of SHAPES. members: numbers of the categories it includes."""

    name: str
    count: int
    shape: str
    members: tuple[int, ...]


@dataclass(frozen=True)
class Scale:
    """Codes 0 to LEVELS as values from low to high.

    whole: whether all values are whole numbers. clipped: whether some values lie below low, and above high.
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
    """A colour for every sample, by categories or along a scale.

    codes: (n,) uint8, the index of the legend entry or the level of the scale; NONE without a value. light, dark:
    (256, 3) uint8, red, green and blue of each code on a light and on a dark page. none: what a missing value means;
    empty if every sample has a value.
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


def colouring(values: Categories | Quantity) -> Colouring:
    """Colours for the values of samples."""
    return _by_category(values) if isinstance(values, Categories) else _by_quantity(values)


def _by_category(values: Categories) -> Colouring:
    """The largest categories first; those after the first COLOURED share the colour OTHERS."""
    numbers, names = values.numbers, values.names
    counts = np.bincount(numbers[numbers >= 0], minlength=len(names))
    order = np.argsort(-counts, kind="stable")
    order = order[counts[order] > 0]
    alone = order if len(order) <= MOST else order[: MOST - 1]
    rest = order[len(alone) :]
    entries = [
        Category(names[number], int(counts[number]), SHAPES[min(place, COLOURED)], (int(number),))
        for place, number in enumerate(alone)
    ]
    if len(rest):
        name, count = f"{len(rest):,} smaller ones", int(counts[rest].sum())
        entries.append(Category(name, count, SHAPES[-1], tuple(rest.tolist())))
    code_of = np.full(len(names) + 1, NONE, np.uint8)
    for code, entry in enumerate(entries):
        code_of[list(entry.members)] = code
    codes = code_of[numbers]  # -1 is the last element
    light, dark = (
        _palette(colours, none) for colours, none in zip((OKABE_ITO, OKABE_ITO_DARK), NO_VALUE, strict=True)
    )
    none = values.missing if (codes == NONE).any() else ""
    return Colouring(values.scheme, values.title, codes, light, dark, categories=tuple(entries), none=none)


def _palette(colours: Sequence[str], none: str) -> NDArray[np.uint8]:
    shown = [*colours[:COLOURED], *[OTHERS] * (NONE - COLOURED), none]
    return np.array([[int(colour[at : at + 2], 16) for at in (1, 3, 5)] for colour in shown], np.uint8)


def _by_quantity(quantity: Quantity) -> Colouring:
    """Colours along a scale; on a logarithmic scale equal colour differences are equal ratios."""
    values, log = quantity.values, quantity.log
    known = np.isfinite(values)
    present = values[known].astype(np.float64)
    if not len(present):
        present = np.array([0.0, 1.0]) + log
    cut = 0.0 if quantity.exact else CLIPPED
    low, high = (float(value) for value in np.quantile(present, [cut, 1 - cut]))
    if high <= low:
        low, high = float(present.min()), float(present.max())
    if high <= low:
        high = low + (abs(low) or 1.0)
    clipped = bool(present.min() < low), bool(present.max() > high)
    scale = Scale(low, high, log, bool((present == np.rint(present)).all()), clipped)
    shares = np.zeros(len(values))
    if log:
        shares[known] = np.log(values[known] / low) / np.log(high / low)
    else:
        shares[known] = (values[known] - low) / (high - low)
    codes = np.rint(np.clip(shares, 0, 1) * LEVELS).astype(np.uint8)
    codes[~known] = NONE
    # High values have the most contrast on either page. Left out are yellow on white and violet on black, which would
    # be invisible.
    light, dark = _viridis(0.9, 0.0, NO_VALUE[0]), _viridis(0.3, 1.0, NO_VALUE[1])
    none = "" if known.all() else quantity.missing
    return Colouring(
        quantity.scheme, quantity.title, codes, light, dark, unit=quantity.unit, scale=scale, none=none
    )


@cache
def _viridis(start: float, end: float, none: str) -> NDArray[np.uint8]:
    """A part of viridis (van der Walt and Smith 2015), perceptually uniform with any colour vision: (256, 3)."""
    from plotly.colors import hex_to_rgb, sequential

    stops = np.array([hex_to_rgb(colour) for colour in sequential.Viridis], float)
    at = np.linspace(start, end, 256) * (len(stops) - 1)
    channels = [np.interp(at, np.arange(len(stops)), stops[:, channel]) for channel in range(3)]
    palette = np.rint(np.stack(channels, axis=1)).astype(np.uint8)
    palette[NONE] = hex_to_rgb(none)
    return palette

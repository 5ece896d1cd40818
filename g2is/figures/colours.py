"""Palettes and markers of every figure.

The colours are those of Okabe and Ito (2008), which people with any kind of colour vision can tell apart, without
black, which vanishes on a dark page. A marker shape goes with each, so that colour never carries meaning alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

OKABE_ITO = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#999999")
BLUE, ORANGE, GREEN, PINK, SKY, VERMILION, YELLOW, GREY = OKABE_ITO

OKABE_ITO_DARK = ("#56B4E9", "#E69F00", "#009E73", "#CC79A7", "#F0E442", "#D55E00", "#0072B2", "#999999")
"""The same colours for dark pages, those with the best contrast first; as in .streamlit/config.toml."""

OTHERS = "#7A4522"
"""Brown, for all smaller categories: grey means "not selected". A lighter one is green to deuteranopes."""

SHAPES = ("circle", "square", "wedge", "left", "right", "plus", "bar", "post")
"""Shapes of the dots of categories on a map: none is a symbol with a meaning, see `g2is.figures.symbols`."""

MARKERS = ("circle", "square", "diamond", "triangle-up", "cross", "x", "star", "hexagon")


def community_colours(communities: Sequence[int]) -> list[str]:
    """A colour for each of these communities; grey for none (-1), and for the smallest if there are more than
    colours."""
    counts = Counter(number for number in communities if number >= 0)
    commonest = sorted(counts, key=lambda number: (-counts[number], number))
    colours = dict(zip(commonest, OKABE_ITO[:-1], strict=False))
    return [colours.get(number, GREY) for number in communities]

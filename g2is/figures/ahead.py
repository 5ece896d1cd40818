"""Plotly's first figure, drawn before anyone waits for it."""

from __future__ import annotations

import numpy as np

from g2is.figures.core import affinity_figure, facet_figure


def draw_first() -> None:
    """Draw small figures of the kinds that pages have, and forget them.

    Plotly makes the checks of a property when it is first set, half a second for the figures of one page.
    """
    ones = np.ones(2)
    facet_figure(ones, "", 0, share=True).to_json()
    affinity_figure(np.arange(3.0), ones.astype(int), ones.astype(int), 0.0).to_json()

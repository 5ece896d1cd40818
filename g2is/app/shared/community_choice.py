"""A box over the communities of the gradient graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from g2is.analysis.regimes import regime_in_words
from g2is.app.shared import in_url, number, one_of, visible
from g2is.config import RegimeName
from g2is.run.run import Run


def choose_community(
    run: Run,
    regime: RegimeName,
    *,
    bind: Callable[..., dict[str, Any]] = in_url,
) -> int | None:
    """Ask for a community, `community` in the URL; None for all.

    bind: what ties the box to the URL, `in_url` or something like it.
    """
    communities = run.communities(regime)

    def name(text: str) -> str:
        # The browser sends the label of what is chosen: it must not depend on anything but the run and the regime.
        if not text:
            return "All"
        place = int(text)
        return f"{place}: {visible(communities.labels[place])} · {number(int(communities.sizes[place]))}"

    options = ["", *map(str, range(len(communities)))]
    chosen = st.selectbox(
        "Community",
        options,
        format_func=name,
        help="Communities are groups of instructions with more aligned edges inside than to others, found by the "
        f"Leiden algorithm on {regime_in_words(regime)} and named by the words that "
        "are frequent in them alone. Choose one to see only its instructions.",
        **bind("community", "", one_of(options)),
    )
    return int(chosen) if chosen else None

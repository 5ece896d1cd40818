"""Run or trace -> figures; no Streamlit."""

from __future__ import annotations

# Okabe and Ito's colours can be told apart by people with any kind of colour vision. Black is left out: it
# vanishes on a dark page. A marker shape goes with each, so that nothing is told by colour alone.
OKABE_ITO = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#999999")
OKABE_ITO_DARK = ("#56B4E9", "#E69F00", "#009E73", "#CC79A7", "#F0E442", "#D55E00", "#0072B2", "#999999")
"""The same for dark pages, the colours that stand out best from those first; as in .streamlit/config.toml."""
MARKERS = ("circle", "square", "diamond", "triangle-up", "cross", "x", "star", "hexagon")

"""Scripts of Streamlit's page that later pages need: `ahead.js` loads them while the first one is read."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import streamlit

SCRIPTS = ("PlotlyChart", "DataFrame", "StreamlitSyntaxHighlighter")
"""The large ones, in the order in which they are needed."""


@cache
def scripts() -> list[str]:
    """The files of SCRIPTS in the installed Streamlit, which end in a hash. One that it has not is left out."""
    folder = Path(streamlit.__file__).parent / "static" / "static" / "js"
    return [file.name for name in SCRIPTS for file in folder.glob(f"{name}.*.js")]

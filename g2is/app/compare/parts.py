"""What the views of the Compare page share: results kept in the session, and tables that can be downloaded."""

from __future__ import annotations

import hashlib
from typing import Any

import pandas as pd
import streamlit as st

from g2is.app.shared import THREE_DIGITS
from g2is.app.shared.labels import label
from g2is.storage.csv import safe_csv

PLAIN = {"displayModeBar": False}
"""Charts without the buttons of Plotly."""

INSTRUCTIONS = st.column_config.NumberColumn("instructions", format="localized")
PERCENT = st.column_config.NumberColumn(format="percent")

COLUMNS = {
    "samples": INSTRUCTIONS,
    "budget": st.column_config.NumberColumn("budget", format="localized"),
    "alignment": THREE_DIGITS,
    "mean_cosine": st.column_config.NumberColumn("similarity within the subset", format="%.3g"),
    "conflict_share": st.column_config.NumberColumn("conflicting pairs within", format="percent"),
    "coverage": THREE_DIGITS,
    "coverage_of_pool": st.column_config.ProgressColumn(
        "coverage, of what the pool gives", format="percent", min_value=0.0, max_value=1.0
    ),
    "components": st.column_config.NumberColumn("target directions", format="localized"),
    "overlap": st.column_config.NumberColumn("overlap with your walk", format="percent"),
    "delta": st.column_config.NumberColumn(label("delta"), format="%.3g"),
    "variance": st.column_config.NumberColumn(label("variance"), format="%.3g"),
    "facets": st.column_config.NumberColumn(label("facets"), format="localized"),
}
"""How tables of measures show their columns; downloads keep the names of the columns."""


def fingerprint(*parts: object) -> str:
    """The same for the same parts."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def table(frame: pd.DataFrame, name: str, columns: dict[str, Any] | None = None) -> None:
    """The numbers of a chart, with a button that downloads them as CSV. columns: how some are shown."""
    with st.expander("Table"):
        st.dataframe(frame, hide_index=True, column_config=columns, alt=name, key=f"table {name}")
        download(frame, name)


def download(frame: pd.DataFrame, name: str) -> None:
    """A button that downloads a table as CSV."""
    st.download_button(
        "CSV",
        safe_csv(frame),
        file_name=f"{name}.csv",
        mime="text/csv",
        icon=":material/download:",
        key=f"csv {name}",
        on_click="ignore",
    )

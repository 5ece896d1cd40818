"""The table of the runs under the cache folder."""

from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from g2is.app import shared as ui
from g2is.app.home.stages import missing_stages
from g2is.app.shared.text import said
from g2is.errors import InputError
from g2is.run.paths import MANIFEST
from g2is.run.run import Run

SHOWN = 100
"""Runs that are read and listed, the newest."""


def table_of_runs(folders: dict[str, Path]) -> pd.DataFrame:
    """One row for each run; for a damaged one, what is wrong with it."""
    rows: list[dict[str, Any]] = []
    for name, folder in folders.items():
        try:
            row = _described(str(folder), ui.stamp_of(folder / MANIFEST))
        except InputError as error:
            row = {"state": "cannot be opened", "note": ui.visible(said(error))}
        rows.append({"run": ui.visible(name), **row})
    return pd.DataFrame(rows, columns=["run", "state", "pool", "validation", "model", "built", "note"])


@st.cache_data(max_entries=1000, show_spinner=False)
def _described(folder: str, stamp: tuple[int, ...]) -> dict[str, Any]:
    """What the table says of a run. Fewer runs stay open than there may be. Raises `InputError`."""
    run = ui.read_run(Path(folder))
    missing = missing_stages(run)
    return {
        "state": "complete" if not missing else f"lacks {', '.join(missing)}",
        "pool": _size(run) if "instructions" in run.manifest.stages else None,
        "validation": _examples(run),
        "model": ui.visible(model_name(run)),
        "built": run.manifest.created[:16].replace("T", " "),
    }


def _size(run: Run) -> int | None:
    """Number of instructions that are left in the pool; None where the run cannot tell."""
    try:
        return run.size
    except InputError:
        return None


def _examples(run: Run) -> int | None:
    """Number of validation examples; None where the run has not come to them or cannot tell."""
    try:
        return sum(target.size for target in run.targets) or None
    except InputError:
        return None


def show_runs(runs: pd.DataFrame, known: int) -> None:
    """The table of runs. known: how many there are."""
    st.subheader("Runs", anchor=False)
    st.dataframe(
        runs.dropna(axis="columns", how="all"),
        hide_index=True,
        alt="Runs under the cache folder",
        column_config={
            "run": st.column_config.TextColumn("Run", width="medium"),
            "state": st.column_config.TextColumn("State", width="medium"),
            "pool": st.column_config.NumberColumn("Pool", format="localized"),
            "validation": st.column_config.NumberColumn("Validation", format="localized"),
            "model": st.column_config.TextColumn("Model", width="medium"),
            "built": st.column_config.TextColumn("Begun"),
            "note": st.column_config.TextColumn("What is wrong", width="large"),
        },
    )
    if known > len(runs):
        st.caption(
            f"The {ui.number(len(runs))} newest of {ui.number(known)}; the box in the sidebar has all."
        )


def model_name(run: Run) -> str:
    """What a run was built on, in a few words."""
    if ui.is_demo(run.manifest):
        return "the embedded demo model"
    model = getattr(run.manifest.configuration, "model", None)
    return model.model.rstrip("/").rpartition("/")[2] if model else "gradients computed elsewhere"

"""The table of the runs under the cache folder."""

from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from g2is.app import shared as ui
from g2is.app.home.stages import missing_stages
from g2is.app.shared.text import said
from g2is.errors import InputError
from g2is.run.run import Run


def table_of_runs(folders: dict[str, Path]) -> pd.DataFrame:
    """One row for each run; for a damaged one, what is wrong with it."""
    rows: list[dict[str, Any]] = []
    for name, folder in folders.items():
        row: dict[str, Any] = {"run": ui.visible(name)}
        try:
            run = ui.read_run(folder)
        except InputError as error:
            rows.append({**row, "state": "cannot be opened", "note": ui.visible(said(error))})
            continue
        stages = run.manifest.stages
        missing = missing_stages(run)
        rows.append(
            {
                **row,
                "state": "complete" if not missing else f"lacks {', '.join(missing)}",
                "pool": _size(run) if "instructions" in stages else None,
                "validation": _examples(run),
                "model": ui.visible(model_name(run)),
                "built": run.manifest.created[:16].replace("T", " "),
            }
        )
    return pd.DataFrame(rows, columns=["run", "state", "pool", "validation", "model", "built", "note"])


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


def show_runs(runs: pd.DataFrame) -> None:
    """The table of runs."""
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


def model_name(run: Run) -> str:
    """What a run was built on, in a few words."""
    if ui.is_demo(run.manifest):
        return "the embedded demo model"
    model = getattr(run.manifest.configuration, "model", None)
    return model.model.rstrip("/").rpartition("/")[2] if model else "gradients computed elsewhere"

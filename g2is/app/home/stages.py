"""The stages of a build: what each does, which of them a run has, and how long they took."""

import pandas as pd
import streamlit as st

from g2is.app import shared as ui
from g2is.run.run import Run

STAGES = {
    "instructions": "Reads the files, checks every record, finds exact duplicates.",
    "warmup": "Trains the adapter on a small share of the pool.",
    "gradients": "Computes the gradient of every instruction: how training on it changes the adapter.",
    "graph": "Finds each instruction's nearest and most conflicting ones.",
    "layout": "Computes a map of all instructions; similar ones are close together.",
    "communities": "Groups similar instructions, and names each group by its words.",
    "targets": "Compares the validation examples with the pool, and looks for near-copies of them in it.",
    "leaks": "Looks for near-copies of validation examples in the pool.",
}


def missing_stages(run: Run) -> list[str]:
    """The stages that a run has not finished."""
    return [stage for stage in run.manifest.stage_names if stage not in run.manifest.stages]


def show_stages(run: Run) -> None:
    """Every stage with its time."""
    st.subheader("How it was built", anchor=False)
    stages = run.manifest.stages
    names = run.manifest.stage_names
    st.table(
        pd.DataFrame(
            {
                "Stage": [("✓\u00a0" if name in stages else "–\u00a0") + name for name in names],
                "Time": [
                    ui.duration(stages[name].seconds).replace(" ", "\u00a0") if name in stages else "not yet"
                    for name in names
                ],
                "What it does": [STAGES[name] for name in names],
            }
        ),
        hide_index=True,
        border="horizontal",
        alt="Stages of the build and their time",
    )

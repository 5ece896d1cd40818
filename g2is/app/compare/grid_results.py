"""Results of an evaluation over budgets, numbers of validation examples and targets: what they say, dots, the table."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from g2is.app.compare.parts import INSTRUCTIONS, PERCENT, PLAIN, table
from g2is.app.compare.verdict import literal_words
from g2is.app.shared import THREE_DIGITS, in_url, one_of, visible
from g2is.evaluation.cells import cells, findings, words_of
from g2is.evaluation.results import Evaluation
from g2is.figures.grid import grid_figure

ALL = ""
AGAINST = ("random", "round-robin")
"""Methods that one asks for first, to compare with."""


def is_grid(evaluation: Evaluation) -> bool:
    """Whether its selections have places on a grid."""
    return any(one.label for one in evaluation.fine_tunings)


def show_grid_results(evaluation: Evaluation, results: pd.DataFrame) -> None:
    """What the results say, a line for each comparison; the dots; the table. results: of this evaluation, some done."""
    targets = list(dict.fromkeys(results["target"]))
    names = list(dict.fromkeys(one.label for one in evaluation.fine_tunings if one.label))
    with st.container(horizontal=True):
        target = ALL
        if len(targets) > 1:
            target = st.selectbox(
                "Target",
                [ALL, *targets],
                format_func=lambda name: visible(name) or "all of them",
                width=320,
                **in_url("tested", ALL, one_of([ALL, *targets])),
            )
        usual = next((name for name in AGAINST if name in names), names[0])
        against = st.selectbox(
            "Compared with",
            names,
            format_func=visible,
            width=320,
            **in_url("against", usual, one_of(names)),
        )
    here = results[results["target"] == target] if target else results
    found = cells(evaluation, here, against)
    if found.empty:
        st.info("None of its fine-tunings is done yet.")
        return
    st.markdown("\n".join(f"- {literal_words(line, names)}" for line in findings(found, here)))
    st.plotly_chart(grid_figure(found), key="results grid", config=PLAIN)
    st.caption(
        "A dot is the mean over seeds, its bar the standard deviation; a dashed line is a method that does not look at "
        "the examples. *Level*: the 95 % interval of the difference, over test examples and seeds, holds zero."
    )
    shown = found.drop(columns="selection").dropna(axis=1, how="all")
    if "validation" in shown:
        shown["validation"] = ["" if pd.isna(size) else words_of(int(size)) for size in found["validation"]]
    columns = {
        "validation": "validation examples",
        "budget": INSTRUCTIONS,
        "loss": st.column_config.NumberColumn(format="%.4g"),
        "spread": st.column_config.NumberColumn("spread over seeds", format="%.3g"),
        "examples": "test examples",
        "exact": PERCENT,
        "against": "compared with",
        "difference": THREE_DIGITS,
        "half": st.column_config.NumberColumn("± (95 %)", format="%.3g"),
    }
    table(shown, "evaluation", columns)
